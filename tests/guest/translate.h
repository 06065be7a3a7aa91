/* SPDX-License-Identifier: GPL-2.0-only */
/* What guest_translate.c and its guest agree on: an array of accesses, done one after the other. */
#ifndef TESTS_GUEST_TRANSLATE_H
#define TESTS_GUEST_TRANSLATE_H

#define TOUCHES		DATA_BASE	/* the array */
#define TOUCH_SIZE	64
#define MAX_TOUCHES	32

/* offsets in a touch */
#define TOUCH_KIND	0		/* TOUCH_*; 0 ends the array */
#define TOUCH_BY_USER	4		/* 1: at CPL 3 */
#define TOUCH_GVA	8
#define TOUCH_INPUT	16		/* EAX before it */
#define TOUCH_VECTOR	20		/* of the exception that ends it: #UD if all went well */
#define TOUCH_ERROR	24
#define TOUCH_EAX	28
#define TOUCH_RIP	32
#define TOUCH_CR2	40		/* 0 unless the access set it */
#define TOUCH_LDT	48		/* a descriptor of an LDT at the address */

/* kinds */
#define TOUCH_READ	1
#define TOUCH_WRITE	2
#define TOUCH_RMW	3		/* reads and writes */
#define TOUCH_FETCH	4
#define TOUCH_DESCRIPTOR 5		/* LSL reads the LDT: implicit, by the supervisor */
#define TOUCH_KINDS	6

#define SEL_LDT		0x50		/* of the GDT, which the host makes longer for it */
#define SEL_IN_LDT	0x07		/* the first in the LDT, RPL 3 */

#endif /* TESTS_GUEST_TRANSLATE_H */
