/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two vCPUs of guest/pair.S and their host agree on, beside guest.h. */
#ifndef TESTS_GUEST_PAIR_H
#define TESTS_GUEST_PAIR_H

#define PAIR_READY	(DATA_BASE)		/* 32 bits: the receiver takes interrupts */
#define PAIR_SENT	(DATA_BASE + 0x40)	/* 64 bits: the TSC right before an IPI */
#define PAIR_SEEN	(DATA_BASE + 0x80)	/* 64 bits, out: when it was taken */
#define PAIR_COUNT	(DATA_BASE + 0xc0)	/* 32 bits, in: so many IPIs */
#define PAIR_PAUSE	(DATA_BASE + 0xc4)	/* 32 bits, in: ticks before each */
#define PAIR_X2APIC	(DATA_BASE + 0xc8)	/* 32 bits, in: x2APIC mode; no way back */
#define PAIR_TIMES	(DATA_BASE + 0x100)	/* what each took: 64 bits each */

#define PAIR_VECTOR	0x40	/* taken, its time noted, ended */
#define PAIR_END	0x50	/* ends the receiver's case */
#define PAIR_MSI	0xfee01000	/* to APIC 1, fixed */

#endif /* TESTS_GUEST_PAIR_H */
