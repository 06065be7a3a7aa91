/* SPDX-License-Identifier: GPL-2.0-only */
/* What state.S and its hosts agree on. */
#ifndef TESTS_STATE_H
#define TESTS_STATE_H

#define PORT_ASK	0xf0	/* the host does something */
#define POINT_PORT	0x48
#define NO_MEMORY	0x180000
#define PAE_TABLES	0x20000	/* PDPT and two page directories */
#define TOP_OF_HALF	0x7ffffffffffe	/* two bytes below the end of the lower half */

#endif /* TESTS_STATE_H */
