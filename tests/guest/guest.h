/* SPDX-License-Identifier: GPL-2.0-only */
/* What guest images and their hosts agree on. */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#define PORT_VALUE	0xe0	/* 32 bits, reported */
#define PORT_DONE	0xe4	/* the case has ended */
#define PORT_TEXT	0xe9	/* a character */

/* selectors of the GDT that the host lays down */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_TSS		0x20
#define SEL_CODE16	0x30
#define SEL_USER_DATA	0x3b
#define SEL_USER_CODE64	0x43
#define SEL_USER_CODE32	0x4b

/* guest-physical addresses; identity-mapped in long mode, 1 GiB and the GiB with the APIC */
#define GDT_BASE	0x500
#define TSS_BASE	0x600
#define GUEST_BASE	0x1000	/* the image, up to 28 KiB */
#define STACK_TOP	0x9000
#define DATA_BASE	0xa000	/* 24 KiB for the test */
#define PAGE_TABLES	0x10000	/* 16 KiB */
#define PAGED_BASE	0x100000 /* the test may have pages come and go from here on */

#endif /* TESTS_GUEST_H */
