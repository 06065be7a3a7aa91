/* SPDX-License-Identifier: GPL-2.0-only */
/* What pages.S and its hosts agree on, beside guest.h. */
#ifndef TESTS_GUEST_PAGES_H
#define TESTS_GUEST_PAGES_H

#define AREA_BASE	0x400000	/* the pages that are counted up */
#define AREA_PAGES	1024
#define AREA_GATE	(DATA_BASE)	/* 32 bits, in: so many passes may begin */
#define AREA_DONE	(DATA_BASE + 4)	/* 32 bits, out: so many have ended */
#define AREA_END	0xffffffff	/* in AREA_GATE: no more */

#endif /* TESTS_GUEST_PAGES_H */
