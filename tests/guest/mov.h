/* SPDX-License-Identifier: GPL-2.0-only */
/* What mov.S and its host agree on. */
#ifndef TESTS_MOV_H
#define TESTS_MOV_H

#define MOV_PAGES	0x100000	/* two pages, memory or not */
#define MOV_LOG		0x20000		/* 64 bytes a form: its address, and registers */

#endif /* TESTS_MOV_H */
