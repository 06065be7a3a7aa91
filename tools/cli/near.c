// SPDX-License-Identifier: GPL-2.0-only
/* Which option was meant: by the fewest letters that are wrong, missing, too many or swapped. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define LONGEST		32

/* Without its dashes (those of typesetters, too) and its argument, in our spelling. */
static void normalize(char name[LONGEST], const char *given)
{
	size_t used = 0;

	while (*given == '-' || (unsigned char)*given >= 0x80)
		given++;
	for (; *given && *given != '=' && used < LONGEST - 1; given++)
		name[used++] = *given == '_' ? '-' : tolower((unsigned char)*given);
	name[used] = '\0';
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Letters to change, insert, drop or swap, to make one of the other: a table of all prefixes. */
static unsigned int distance(const char *a, const char *b)
{
	const size_t rows = strlen(a), columns = strlen(b);
	unsigned int d[LONGEST + 1][LONGEST + 1];
	size_t i, k;

	for (i = 0; i <= rows; i++)
		d[i][0] = i;
	for (k = 0; k <= columns; k++)
		d[0][k] = k;
	for (i = 1; i <= rows; i++) {
		for (k = 1; k <= columns; k++) {
			d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1,
					d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	}
	return d[rows][columns];
}

/* 0 for the same; a beginning is as near as one wrong letter; LONGEST for a stranger. */
static unsigned int far(const char *given, const char *known)
{
	const size_t length = strlen(given), most = length < 4 ? 1 : length < 7 ? 2 : 3;
	const unsigned int wrong = distance(given, known);

	if (!wrong)
		return 0;
	if (!strncmp(known, given, length) || !strncmp(known, given, strlen(known)))
		return 1;
	return wrong <= most && wrong < length ? wrong : LONGEST;
}

static const char *alias(const struct cli *cli, const char *name)
{
	const char *const *pair;

	for (pair = cli->aliases; pair && *pair; pair += 2) {
		if (!strcmp(pair[0], name))
			return pair[1];
	}
	return name;
}

void cli_near(const struct cli *cli, const char *given, char *text, size_t size)
{
	unsigned int best = LONGEST;
	const struct option *option;
	char name[LONGEST];
	const char *meant;
	size_t used;

	*text = '\0';
	normalize(name, given);
	meant = alias(cli, name);
	for (option = cli->known; option->name; option++)
		best = least(best, far(meant, option->name));
	if (!*meant || best == LONGEST)
		return;
	used = snprintf(text, size, " did you mean");
	for (option = cli->known; option->name; option++) {
		if (far(meant, option->name) == best && used < size)
			used += snprintf(text + used, size - used, "%s --%s",
					 strchr(text, '-') ? " or" : "", option->name);
	}
	if (used < size)
		snprintf(text + used, size - used, "?");
}
