/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command lines of all our programs have in common. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/*
 * cli_close_stdout() - the last thing on standard output of a program that prints by stdio
 *
 * Return: 0, or the negative errno of what could not be written.
 */
int cli_close_stdout(void);

#endif /* CLI_CLI_H */
