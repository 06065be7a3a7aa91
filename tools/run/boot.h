/* SPDX-License-Identifier: GPL-2.0-only */
/* The Linux boot protocol: judging a bzImage, and where everything goes. */
#ifndef RUN_BOOT_H
#define RUN_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOT_FLAG	0xaa55
#define HEADER_MAGIC	0x53726448	/* "HdrS" */

struct bzimage {
	const uint8_t *data;
	size_t size;
	size_t setup_size;		/* the real-mode part, which we do not run */
	uint32_t payload_size;
	uint64_t load;			/* where the protected-mode part goes */
	uint32_t init_size;		/* what it needs there */
	uint32_t initrd_max;		/* highest address of an initrd's last byte */
	uint32_t cmdline_max;		/* without the terminating zero */
};

/* Has it the signatures of a bzImage, or of anything that Linux was ever packed in? */
bool bzimage_is(const uint8_t *data, size_t size);

/* How long the real-mode part of what bzimage_is() is. */
uint32_t bzimage_setup_size(const uint8_t *data);

/*
 * Fill @image from a file's bytes, for a guest with memory from 1 MiB to @memory_end.
 * Return: NULL, or what is wrong, to be printed after the file's name.
 */
const char *bzimage_parse(struct bzimage *image, const uint8_t *data, size_t size,
			  uint64_t memory_end);

/* Where an initrd of @size bytes goes, or 0 if it does not fit above the kernel. */
uint64_t initrd_place(const struct bzimage *image, uint64_t size, uint64_t memory_end);

#endif /* RUN_BOOT_H */
