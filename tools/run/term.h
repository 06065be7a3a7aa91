/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal: raw while the guest runs, as it was when we end, however we end. */
#ifndef RUN_TERM_H
#define RUN_TERM_H

#include <stddef.h>
#include <stdint.h>

/* Make standard input raw, if it is a terminal. Return: 0 or a negative errno. */
int term_raw(void);

/* Put it back; safe in a signal handler, and more than once. */
void term_restore(void);

/* Write all of it to standard output, or give up for good at an error (a closed pipe). */
void term_write(const uint8_t *data, size_t length);

#endif /* RUN_TERM_H */
