/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal: raw while the guest runs in its foreground, as it was when we end or stop, however
 * we end.
 */
#ifndef RUN_TERM_H
#define RUN_TERM_H

#include <stdbool.h>

/* Make standard input raw, if it is a terminal and ours. Return: 0 or a negative errno. */
int term_raw(void);

/* Put it back; safe in a signal handler, and more than once. */
void term_restore(void);

/* After a stop, or when the foreground may have changed: raw again if it is ours, else not ours. */
void term_follow(bool stopped);

/* May standard input be read? Not a terminal that another job has. */
bool term_is_ours(void);

bool term_is_raw(void);

#endif /* RUN_TERM_H */
