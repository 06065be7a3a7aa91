/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading a kernel: what the formats share. */
#ifndef RUN_KERNEL_H
#define RUN_KERNEL_H

#include "file.h"
#include "image.h"
#include "machine.h"
#include "multiboot.h"

#define TAKEN_MAX	4	/* ranges of its own that a loader may name */

/*
 * Copy the segments into memory, or end the process with one line if they do not fit there, or lie
 * on what the loader has @taken.
 */
void load_image(struct machine *machine, const struct image *image,
		const struct room_range *taken, unsigned int count);

/* linux.c: for the 64-bit entry, with a zero page */
void load_bzimage(struct machine *machine, const struct file *file);
void load_elf(struct machine *machine, const struct file *file);

/* mbload.c: for the 32-bit entry, with the information structure */
void load_multiboot(struct machine *machine, const struct multiboot *header,
		    const struct file *file);

#endif /* RUN_KERNEL_H */
