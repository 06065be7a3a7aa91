/* SPDX-License-Identifier: GPL-2.0-only */
/* What switch.S and its host agree on: offsets from DATA_BASE. */
#ifndef TESTS_SWITCH_H
#define TESTS_SWITCH_H

#define SW_MASKS	0x800		/* behind the vector registers: eight of eight bytes */
#define SW_DR7		0x840
#define SW_TICKS	0x848		/* how long to go on */
#define SW_WATCHED	0x880
#define SW_OUT		0x1000		/* the registers as they are found */

#endif /* TESTS_SWITCH_H */
