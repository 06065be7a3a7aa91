/* SPDX-License-Identifier: GPL-2.0-only */
/* Results in the Test Anything Protocol. What explains a failure stands before its line. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(int)(sizeof(a) / sizeof((a)[0]))

__attribute__((format(printf, 2, 3)))
bool tap_ok(bool good, const char *fmt, ...);
bool tap_equal(uint64_t seen, uint64_t wanted, const char *name);
__attribute__((format(printf, 2, 3)))
void tap_skip(const char *name, const char *why, ...);
__attribute__((format(printf, 1, 2)))
void tap_note(const char *fmt, ...);
/* nothing was run, and the test says why */
__attribute__((format(printf, 1, 2), noreturn))
void tap_skip_all(const char *fmt, ...);
/* nothing more can be run: no plan is printed, so the test fails as a whole */
__attribute__((format(printf, 1, 2), noreturn))
void tap_bail(const char *fmt, ...);
int tap_done(void);	/* prints the plan; the exit status */

#endif /* TESTS_TAP_H */
