// SPDX-License-Identifier: GPL-2.0-only
/* Does an image fit into the guest's memory? */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "image.h"

int refuse(struct refusal *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why->text, sizeof(why->text), format, ap);
	va_end(ap);
	return -EINVAL;
}

int image_add(struct image *image, const struct segment *segment, struct refusal *why)
{
	if (!segment->size)
		return 0;
	if (segment->gpa + segment->size < segment->gpa)
		return refuse(why, "the segment at %#" PRIx64 " (%#" PRIx64
			      " bytes) wraps around the address space", segment->gpa,
			      segment->size);
	if (image->count == IMAGE_SEGMENTS)
		return refuse(why, "has more than %u segments to load", IMAGE_SEGMENTS);
	image->segment[image->count++] = *segment;
	return 0;
}

/* Segments do not wrap, so that neither does an end. */
static uint64_t end_of(const struct segment *segment)
{
	return segment->gpa + segment->size;
}

static bool overlap(const struct segment *segment, uint64_t start, uint64_t end)
{
	return segment->gpa < end && start < end_of(segment);
}

static int segment_fit(const struct segment *segment, const struct room *room, struct refusal *why)
{
	bool inside = false;
	unsigned int i;

	for (i = 0; i < room->ram_count; i++)
		inside |= segment->gpa >= room->ram[i].start && end_of(segment) <= room->ram[i].end;
	if (!inside)
		return refuse(why, "the segment at %#" PRIx64 " (%#" PRIx64
			      " bytes) is not within the guest's memory: see --mem", segment->gpa,
			      segment->size);
	for (i = 0; i < room->taken_count; i++) {
		if (overlap(segment, room->taken[i].start, room->taken[i].end))
			return refuse(why, "the segment at %#" PRIx64 " (%#" PRIx64
				      " bytes) lies on the loader's %s at %#" PRIx64, segment->gpa,
				      segment->size, room->taken[i].what, room->taken[i].start);
	}
	return 0;
}

int image_fit(const struct image *image, const struct room *room, struct refusal *why)
{
	bool entered = false;
	unsigned int i, k;

	if (!image->count)
		return refuse(why, "has nothing to load");
	for (i = 0; i < image->count; i++) {
		const struct segment *segment = &image->segment[i];

		if (segment_fit(segment, room, why))
			return -EINVAL;
		for (k = 0; k < i; k++) {
			if (overlap(segment, image->segment[k].gpa, end_of(&image->segment[k])))
				return refuse(why, "the segments at %#" PRIx64 " and %#" PRIx64
					      " overlap", image->segment[k].gpa, segment->gpa);
		}
		entered |= overlap(segment, image->entry, image->entry + 1);
	}
	if (!entered)
		return refuse(why, "the entry %#" PRIx64 " is in none of its segments",
			      image->entry);
	return 0;
}

/* The end of something that [@start, @end) overlaps, or 0. */
static uint64_t in_the_way(const struct image *image, const struct room *room, uint64_t start,
			   uint64_t end)
{
	unsigned int i;

	for (i = 0; i < image->count; i++) {
		if (overlap(&image->segment[i], start, end))
			return end_of(&image->segment[i]);
	}
	for (i = 0; i < room->taken_count; i++) {
		if (room->taken[i].start < end && start < room->taken[i].end)
			return room->taken[i].end;
	}
	return 0;
}

uint64_t image_gap(const struct image *image, const struct room *room, uint64_t from, uint64_t size,
		   uint64_t align)
{
	unsigned int i;

	for (i = 0; i < room->ram_count; i++) {
		const uint64_t end = room->ram[i].end;
		uint64_t at = from > room->ram[i].start ? from : room->ram[i].start, next;

		for (;; at = next) {
			at = (at + align - 1) & ~(align - 1);
			if (at >= end || size > end - at)
				break;
			next = in_the_way(image, room, at, at + size);
			if (!next)
				return at;
		}
	}
	return 0;
}

uint64_t image_end(const struct image *image)
{
	uint64_t end = 0;
	unsigned int i;

	for (i = 0; i < image->count; i++) {
		if (end_of(&image->segment[i]) > end)
			end = end_of(&image->segment[i]);
	}
	return end;
}
