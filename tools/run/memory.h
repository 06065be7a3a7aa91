/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory map that a guest is told: the types are those of the BIOS's call E820. */
#ifndef RUN_MEMORY_H
#define RUN_MEMORY_H

#include <stdint.h>

#define MEMORY_RAM	1
#define MEMORY_RESERVED	2

struct memory_range {
	uint64_t start, end;
	uint32_t type;
};

#define MEMORY_RANGES	5	/* at most */

/* Fill @map: memory up to @low, and @high bytes from 4 GiB on. Return: how many ranges. */
unsigned int memory_ranges(struct memory_range map[MEMORY_RANGES], uint64_t low, uint64_t high);

#endif /* RUN_MEMORY_H */
