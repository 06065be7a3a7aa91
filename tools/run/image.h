/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images that say themselves where they want to be: ELF and Multiboot. Parsing only judges and
 * copies nothing; what it leaves in struct image is within the file, and image_fit() says whether
 * it is within the guest's memory too. A file is hostile until then.
 */
#ifndef RUN_IMAGE_H
#define RUN_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define IMAGE_SEGMENTS	32

/* Why an image is refused: one line, to be printed after the file's name. */
struct refusal {
	char text[160];
};

/* Return: -EINVAL, always. */
__printf(2, 3) int refuse(struct refusal *why, const char *format, ...);

/**
 * struct segment - bytes of the guest's memory
 * @gpa: where
 * @size: how many; what @filled leaves is zero
 * @data: in the file
 * @filled: how many of them come from @data
 */
struct segment {
	uint64_t gpa, size;
	const uint8_t *data;
	uint64_t filled;
};

struct image {
	unsigned int count;
	struct segment segment[IMAGE_SEGMENTS];
	uint64_t entry;
	bool is_64bit;		/* the file's class, if it is an ELF file */
};

/** struct room - memory that an image may fill, and what the loader needs of it itself */
struct room {
	const struct room_range {
		uint64_t start, end;
		const char *what;	/* only if it is taken */
	} *ram, *taken;
	unsigned int ram_count, taken_count;
};

/* Append a segment, unless it is empty. Return: 0, or -EINVAL: it wraps, or is one too many. */
int image_add(struct image *image, const struct segment *segment, struct refusal *why);

/**
 * image_fit() - may all of it be copied into memory?
 *
 * Return: 0, or -EINVAL: no segments, a segment outside of memory, over another or over what is
 * taken, or an entry that no segment holds.
 */
int image_fit(const struct image *image, const struct room *room, struct refusal *why);

/**
 * image_gap() - where an image leaves room for something of the loader's
 * @from: the lowest address that will do; not 0
 * @size: bytes
 * @align: of the address, a power of two
 *
 * Return: the lowest such address in memory that is in no segment and not taken, or 0.
 */
uint64_t image_gap(const struct image *image, const struct room *room, uint64_t from, uint64_t size,
		   uint64_t align);

/* The address after the last segment. */
uint64_t image_end(const struct image *image);

/* elf.c: a static executable of either class for x86, by its physical addresses */
bool elf_is(const uint8_t *data, size_t size);
int elf_parse(struct image *image, const uint8_t *data, size_t size, struct refusal *why);

#endif /* RUN_IMAGE_H */
