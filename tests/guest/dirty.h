/* SPDX-License-Identifier: GPL-2.0-only */
/* What dirty.S and its host agree on, beside guest.h. */
#ifndef TESTS_GUEST_DIRTY_H
#define TESTS_GUEST_DIRTY_H

#define DIRTY_BASE	0x400000	/* the pages that are logged */
#define DIRTY_PAGES	1024		/* more than a page-modification log holds */
#define DIRTY_STOP	(DATA_BASE)	/* 32 bits, in */
#define DIRTY_PORT	0x312
#define DIRTY_FAR	0x2000000	/* logged too: more than CLEAR does at once */
#define DIRTY_FAR_STEP	0x1000000
#define DIRTY_FAR_PAGES	4

#endif /* TESTS_GUEST_DIRTY_H */
