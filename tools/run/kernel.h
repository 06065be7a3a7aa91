/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading a kernel: what the formats share. */
#ifndef RUN_KERNEL_H
#define RUN_KERNEL_H

#include "file.h"
#include "image.h"
#include "machine.h"
#include "multiboot.h"

#define TAKEN_MAX	8	/* ranges of its own that a loader may name */

/** struct loader - an image in memory, and what the loader has put beside it */
struct loader {
	struct machine *machine;
	const struct image *image;
	struct room_range ram[2], taken[TAKEN_MAX];
	unsigned int taken_count;
};

/* Copy the segments into memory, or end the process with one line if they do not fit there. */
void load_image(struct loader *loader, struct machine *machine, const struct image *image);

/* Nothing of ours goes to [@start, @end). */
void load_keep_off(struct loader *loader, uint64_t start, uint64_t end, const char *what);

/*
 * Room for @size bytes: at @from if the image leaves it there, else the next that it leaves. Or end
 * the process with one line that names @what.
 */
uint64_t load_place(struct loader *loader, uint64_t from, uint64_t size, uint64_t align,
		    const char *what);

/* The GDT with flat segments: at GDT_AT if it can be. Return: where it is. */
uint64_t load_gdt(struct loader *loader);

/* linux.c: for the 64-bit entry, with a zero page */
void load_bzimage(struct machine *machine, const struct file *file);
void load_elf(struct machine *machine, const struct file *file);

/* mbload.c: for the 32-bit entry, with the information structure */
void load_multiboot(struct machine *machine, const struct multiboot *header,
		    const struct file *file);

#endif /* RUN_KERNEL_H */
