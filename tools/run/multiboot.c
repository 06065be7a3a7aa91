// SPDX-License-Identifier: GPL-2.0-only
/* Judging a Multiboot image, by the Multiboot Specification, version 0.6.96. */
#include <errno.h>
#include <string.h>

#include "multiboot.h"

#define HEADER_MAGIC	0x1badb002u
#define SEARCH		8192u		/* the header is within the first so many bytes */

#define FLAG_MODULE_ALIGN	BIT(0)	/* what we always do */
#define FLAG_MEMORY_INFO	BIT(1)	/* what we always give */
#define FLAG_ADDRESSES		BIT(16)
#define FLAGS_REQUIRED		0xffffu	/* without knowing these a loader must refuse */
#define FLAGS_KNOWN		(FLAG_MODULE_ALIGN | FLAG_MEMORY_INFO)

struct header {
	uint32_t magic, flags, checksum;
};

struct addresses {
	uint32_t header, load, load_end, bss_end, entry;
};

int multiboot_find(struct multiboot *found, const uint8_t *data, size_t size, struct refusal *why)
{
	const size_t end = size < SEARCH ? size : SEARCH;
	struct header header;
	bool seen = false;
	size_t at;

	for (at = 0; at + sizeof(header) <= end; at += 4) {
		memcpy(&header, data + at, sizeof(header));
		if (header.magic != HEADER_MAGIC)
			continue;
		if (header.magic + header.flags + header.checksum) {
			seen = true;
			refuse(why, "the checksum of its Multiboot header at %#zx is wrong", at);
			continue;
		}
		*found = (struct multiboot){ .offset = at, .flags = header.flags };
		return 1;
	}
	return seen ? -EINVAL : 0;
}

bool multiboot_is_raw(const struct multiboot *header)
{
	return header->flags & FLAG_ADDRESSES;
}

static int check_addresses(const struct addresses *a, struct refusal *why)
{
	if (a->load > a->header)
		return refuse(why, "its Multiboot header is at %#x, below the load address %#x",
			      a->header, a->load);
	if (a->load_end && a->load_end < a->load)
		return refuse(why, "its Multiboot load end %#x is below the load address %#x",
			      a->load_end, a->load);
	if (a->bss_end && a->bss_end < a->load_end)
		return refuse(why, "its Multiboot bss end %#x is below the load end %#x",
			      a->bss_end, a->load_end);
	return 0;
}

/* The address fields: one segment, at a place in the file that follows from the header's own. */
static int parse_addresses(struct image *image, const struct multiboot *found, const uint8_t *data,
			   size_t size, struct refusal *why)
{
	const size_t at = found->offset + sizeof(struct header);
	uint64_t filled, before;
	struct addresses a;

	if (size < sizeof(a) || at > size - sizeof(a))
		return refuse(why, "is cut short in the Multiboot header");
	memcpy(&a, data + at, sizeof(a));
	if (check_addresses(&a, why))
		return -EINVAL;
	before = a.header - a.load;
	if (before > found->offset)
		return refuse(why, "its Multiboot load address %#x lies before the file's start",
			      a.load);
	filled = size - (found->offset - before);
	if (a.load_end && a.load_end - a.load > filled)
		return refuse(why, "is cut short: its Multiboot load end is %#x", a.load_end);
	if (a.load_end)
		filled = a.load_end - a.load;
	*image = (struct image){ .entry = a.entry };
	return image_add(image, &(struct segment){
		.gpa = a.load, .data = data + (found->offset - before), .filled = filled,
		.size = a.bss_end && a.bss_end - a.load > filled ? a.bss_end - a.load : filled },
		why);
}

int multiboot_parse(struct image *image, const struct multiboot *found, const uint8_t *data,
		    size_t size, struct refusal *why)
{
	const uint32_t unknown = found->flags & FLAGS_REQUIRED & ~FLAGS_KNOWN;
	int err;

	if (unknown)
		return refuse(why, "its Multiboot header wants flags %#x: not known (video: 4)",
			      unknown);
	if (found->flags & FLAG_ADDRESSES)
		return parse_addresses(image, found, data, size, why);
	if (!elf_is(data, size))
		return refuse(why, "its Multiboot header has no addresses, and it is no ELF file");
	err = elf_parse(image, data, size, why);
	if (!err && image->entry > UINT32_MAX)
		return refuse(why, "its entry is above 4 GiB, but Multiboot starts in 32-bit mode");
	return err;
}

/* ---- the information ---------------------------------------------------------------------- */

#define INFO_MEMORY	BIT(0)
#define INFO_COMMAND	BIT(2)
#define INFO_MODULES	BIT(3)
#define INFO_MAP	BIT(6)
#define INFO_LOADER	BIT(9)

struct info {
	uint32_t flags, mem_lower, mem_upper, boot_device, command_line;
	uint32_t module_count, modules, symbols[4], map_length, map;
	uint32_t drives_length, drives, config_table, loader, apm_table, vbe[4];
	uint32_t framebuffer[2];
	uint32_t framebuffer_shape[6];
};

/* 64-bit fields in halves: the specification aligns none of them. */
struct map_entry {
	uint32_t size;		/* of what follows */
	uint32_t base[2], length[2];
	uint32_t type;
};

struct module_entry {
	uint32_t start, end, text, reserved;
};

_Static_assert(sizeof(struct info) == 120, "116 bytes, and four that keep what follows aligned");
_Static_assert(offsetof(struct info, framebuffer) == 88, "as the specification has it");
_Static_assert(sizeof(struct map_entry) == 24, "20 bytes and their size");

struct area {
	uint8_t *at;
	size_t size, used;
	uint32_t gpa;
	bool overflow;
};

/* Append, and return where the guest sees it. */
static uint32_t append(struct area *area, const void *data, size_t length)
{
	const size_t offset = area->used;

	if (length > area->size - area->used) {
		area->overflow = true;
		return 0;
	}
	memcpy(area->at + offset, data, length);
	area->used += length;
	return area->gpa + offset;
}

static uint32_t append_text(struct area *area, const char *text)
{
	return append(area, text, strlen(text) + 1);
}

/* The old pair of sizes: memory from 0, and from 1 MiB up to the first hole, in KiB. */
static void put_sizes(struct info *info, const struct multiboot_facts *facts)
{
	unsigned int i;

	for (i = 0; i < facts->map_count; i++) {
		const struct memory_range *range = &facts->map[i];

		if (range->type == MEMORY_RAM && range->start == 0)
			info->mem_lower = range->end >> 10;
		if (range->type == MEMORY_RAM && range->start == 1u << 20)
			info->mem_upper = (range->end - range->start) >> 10;
	}
}

static void put_map(struct info *info, struct area *area, const struct multiboot_facts *facts)
{
	unsigned int i;

	info->map = area->gpa + area->used;
	for (i = 0; i < facts->map_count; i++) {
		const uint64_t base = facts->map[i].start, length = facts->map[i].end - base;
		const struct map_entry entry = {
			.size = sizeof(entry) - sizeof(entry.size),
			.base = { base, base >> 32 }, .length = { length, length >> 32 },
			.type = facts->map[i].type,
		};

		append(area, &entry, sizeof(entry));
	}
	info->map_length = facts->map_count * sizeof(struct map_entry);
}

static void put_modules(struct info *info, struct area *area, const struct multiboot_facts *facts)
{
	const size_t length = facts->module_count * sizeof(struct module_entry);
	struct module_entry entry = { 0 };
	size_t list = area->used;
	unsigned int i;

	if (length > area->size - area->used) {
		area->overflow = true;
		return;
	}
	info->modules = area->gpa + list;
	info->module_count = facts->module_count;
	area->used += length;
	for (i = 0; i < facts->module_count; i++, list += sizeof(entry)) {
		entry.start = facts->module[i].start;
		entry.end = facts->module[i].end;
		entry.text = append_text(area, facts->module[i].text);
		memcpy(area->at + list, &entry, sizeof(entry));
	}
}

size_t multiboot_info(uint8_t *at, size_t size, uint32_t gpa, const struct multiboot_facts *facts)
{
	struct area area = { .at = at, .size = size, .gpa = gpa };
	struct info info = {
		.flags = INFO_MEMORY | INFO_COMMAND | INFO_MODULES | INFO_MAP | INFO_LOADER,
	};

	append(&area, &info, sizeof(info));
	put_sizes(&info, facts);
	put_map(&info, &area, facts);
	put_modules(&info, &area, facts);
	info.command_line = append_text(&area, facts->command_line);
	info.loader = append_text(&area, facts->loader);
	if (area.overflow)
		return 0;
	memcpy(at, &info, sizeof(info));
	return area.used;
}
