/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command lines of all our programs have in common. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>
#include <stddef.h>

#include "util.h"

/**
 * struct cli - a program's command line
 * @program: its name, in front of what it says
 * @known: its long options; val is never 0
 * @aliases: pairs of what others call an option and what we do, up to a NULL; or NULL
 * @usage_status: the exit status for a bad argument
 * @output_status: the exit status for output that is lost
 */
struct cli {
	const char *program;
	const struct option *known;
	const char *const *aliases;
	int usage_status, output_status;
};

/**
 * cli_next() - the next option, as getopt_long() gives it, or -1 at the end
 *
 * What is none ends the program with a line that names the option that may have been meant.
 */
int cli_next(const struct cli *cli, int argc, char **argv);

/* One line on standard error, and the end. */
__printf(2, 3) __noreturn void cli_refuse(const struct cli *cli, const char *format, ...);

/* Print @text on standard output, and end: with 0, or with a line and a status if it is lost. */
__noreturn void cli_print(const struct cli *cli, const char *text);

/* Standard output of a program that ends with @status. Return: that, or output_status. */
int cli_finish(const struct cli *cli, int status);

/**
 * cli_near() - which options may have been meant
 * @cli: the program's
 * @given: what was given in place of an option, with its dashes and an argument behind "="
 * @text: " did you mean --this or --that?", or nothing
 * @size: of @text
 *
 * Dashes, case, underscores, one or two wrong letters and a beginning do not keep them apart.
 */
void cli_near(const struct cli *cli, const char *given, char *text, size_t size);

#endif /* CLI_CLI_H */
