/* SPDX-License-Identifier: GPL-2.0-only */
/* What clock.S and its host agree on, beside guest.h. */
#ifndef TESTS_GUEST_CLOCK_H
#define TESTS_GUEST_CLOCK_H

#define CLOCK_STAMPS	(DATA_BASE)	/* 64 bits each, out */
#define CLOCK_TICKS	16

#endif /* TESTS_GUEST_CLOCK_H */
