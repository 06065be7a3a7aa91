/* SPDX-License-Identifier: GPL-2.0-only */
/* The task image's own GDT: what it and its host agree on. */
#ifndef TESTS_TASK_H
#define TESTS_TASK_H

/* 10H and 18H are SEL_DATA and SEL_CODE32 */
#define SEL_USER32	0x23	/* code, ring 3 */
#define SEL_USERDATA	0x2b
#define TASK_MAIN	0x30
#define TASK_OTHER	0x38
#define TASK_NARROW	0x40	/* a 16-bit TSS */
#define TASK_FAULT	0x48	/* for exceptions in the other ones */
#define TASK_ABSENT	0x50
#define TASK_SHORT	0x58	/* its limit is too low by one */
#define SEL_LDT		0x60
#define SEL_LDT_ABSENT	0x68
#define SEL_DATA_ABSENT	0x70
#define SEL_READ_ONLY	0x78
#define SEL_GATE	0x83	/* a task gate to TASK_MAIN, for ring 3 */
#define SEL_CODE_ABSENT	0x88
#define SEL_CONFORMING	0x90	/* DPL 0 */
#define SEL_CODE_LOW	0x98	/* its limit is 0FFFH */
#define SEL_FRESH	0xa0	/* data that was never accessed */
#define SEL_LAST	0xa8
#define SEL_IN_LDT	0x04	/* the LDT's first: data */
#define SEL_BEYOND	0xb0

#define PORT_ASK	0xf0	/* the host does something */

/* page tables, where there is paging */
#define DIRECTORY	0x20000	/* 4 MiB pages, both of them */
#define OTHER_DIRECTORY	0x21000

#endif /* TESTS_TASK_H */
