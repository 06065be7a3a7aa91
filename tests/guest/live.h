/* SPDX-License-Identifier: GPL-2.0-only */
/* What live.S and its host agree on, beside guest.h. */
#ifndef TESTS_GUEST_LIVE_H
#define TESTS_GUEST_LIVE_H

#define LIVE_BASE	0x400000	/* 2 MiB of anonymous memory, 2 MiB of a file */
#define LIVE_PAGES	1024
#define LIVE_STOP	(DATA_BASE)	/* 32 bits, in */
#define LIVE_OLD	0x11111111
#define LIVE_NEW	0x22222222
#define LIVE_HIGH	0x40000000	/* linear; above 4 GiB in physical addresses */

#endif /* TESTS_GUEST_LIVE_H */
