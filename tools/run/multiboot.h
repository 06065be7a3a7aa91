/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiboot, version 1: the header in an image, and the information that it is handed. */
#ifndef RUN_MULTIBOOT_H
#define RUN_MULTIBOOT_H

#include "image.h"
#include "memory.h"

#define MULTIBOOT_EAX	0x2badb002u

/** struct multiboot - what the header says beyond the segments */
struct multiboot {
	size_t offset;		/* in the file */
	uint32_t flags;
};

/*
 * Look for the header. Return: 1 found, 0 there is none, -EINVAL: there is one whose checksum is
 * wrong.
 */
int multiboot_find(struct multiboot *header, const uint8_t *data, size_t size, struct refusal *why);

/* Has it addresses of its own, so that it may be in a file of any kind? */
bool multiboot_is_raw(const struct multiboot *header);

/* Fill @image by the header's addresses, or those of the ELF file that it is in. */
int multiboot_parse(struct image *image, const struct multiboot *header, const uint8_t *data,
		    size_t size, struct refusal *why);

struct multiboot_module {
	uint32_t start, end;
	const char *text;
};

/** struct multiboot_facts - what goes into the information structure */
struct multiboot_facts {
	const char *command_line, *loader;
	const struct memory_range *map;
	unsigned int map_count;
	const struct multiboot_module *module;
	unsigned int module_count;
};

/*
 * Write the information, with all that it points to, at @at, which the guest sees at @gpa.
 * Return: the bytes used, or 0 if @size is too small.
 */
size_t multiboot_info(uint8_t *at, size_t size, uint32_t gpa, const struct multiboot_facts *facts);

#endif /* RUN_MULTIBOOT_H */
