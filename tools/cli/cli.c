// SPDX-License-Identifier: GPL-2.0-only
/* Options, and how a program says that they are wrong. Output that is lost is no success. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void cli_refuse(const struct cli *cli, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", cli->program);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs(" (try --help)\n", stderr);
	exit(cli->usage_status);
}

static __noreturn void refuse_unknown(const struct cli *cli, const char *given)
{
	char near[160];

	cli_near(cli, given, near, sizeof(near));
	cli_refuse(cli, "%s is no option%s%s", given, *near ? ":" : "", near);
}

/* getopt_long() has said '?', with the option's value in @value if it is one of ours. */
static __noreturn void refuse_option(const struct cli *cli, const char *given, int value)
{
	const struct option *option;

	for (option = cli->known; value && option->name; option++) {
		if (option->val == value && !option->has_arg)
			cli_refuse(cli, "--%s takes no argument", option->name);
	}
	refuse_unknown(cli, given);
}

int cli_next(const struct cli *cli, int argc, char **argv)
{
	const int at = optind;
	int option;

	/* There are no short options: with one dash, too, it is a long one that was meant. */
	if (at < argc && argv[at][0] == '-' && argv[at][1] != '-')
		refuse_unknown(cli, argv[at]);
	opterr = 0;
	option = getopt_long(argc, argv, "+:", cli->known, NULL);
	if (option == ':')
		cli_refuse(cli, "%s needs an argument", argv[at]);
	if (option == '?')
		refuse_option(cli, argv[at], optopt);
	if (option == -1 && optind < argc)
		refuse_unknown(cli, argv[optind]);
	return option;
}

int cli_finish(const struct cli *cli, int status)
{
	const int failed = ferror(stdout);

	errno = 0;
	if (!fclose(stdout) && !failed)
		return status;
	fprintf(stderr, "%s: standard output: %s\n", cli->program, strerror(errno ? errno : EIO));
	return cli->output_status;
}

void cli_print(const struct cli *cli, const char *text)
{
	fputs(text, stdout);
	exit(cli_finish(cli, 0));
}
