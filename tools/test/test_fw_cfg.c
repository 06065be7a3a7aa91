// SPDX-License-Identifier: GPL-2.0-only
/* fw_cfg as a guest sees it: by number, and by name through the directory. */
#include <errno.h>
#include <string.h>

#include "fw_cfg.h"
#include "tap.h"
#include "util.h"

static struct fw_cfg fw_cfg;

static void select_item(uint16_t key)
{
	fw_cfg_write(&fw_cfg, 0, 2, key);
}

static uint64_t little(unsigned int bytes)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		value |= fw_cfg_read(&fw_cfg, 1, 1) << (8 * i);
	return value;
}

static uint32_t big(unsigned int bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | fw_cfg_read(&fw_cfg, 1, 1);
	return value;
}

/* Read the directory up to @name and select that file. Return: its size, or -1. */
static int open_file(const char *name)
{
	char seen[FW_CFG_NAME];
	uint32_t count;
	unsigned int i;

	select_item(0x19);
	for (count = big(4); count; count--) {
		const uint32_t size = big(4), key = big(2);

		big(2);
		for (i = 0; i < sizeof(seen); i++)
			seen[i] = fw_cfg_read(&fw_cfg, 1, 1);
		if (strcmp(seen, name))
			continue;
		select_item(key);
		return size;
	}
	return -1;
}

static void test_items(struct tap *t)
{
	static const struct {
		const char *name;
		uint16_t key;
		unsigned int bytes;
		uint64_t value;
	} rows[] = {
		{ "signature", 0x00, 4, 0x554d4551 },
		{ "beyond its end: zeros", 0x00, 8, 0x554d4551 },
		{ "ID: ports, no DMA", 0x01, 4, 1 }, { "memory", 0x03, 8, 0x123456000 },
		{ "CPUs", 0x05, 2, 1 }, { "no such item: zeros", 0x7fff, 8, 0 },
		{ "the write bit is no part of the number", 0x4000, 4, 0x554d4551 },
		{ "the bit for an architecture's own is", 0x8000, 4, 0 },
	};
	unsigned int i;

	fw_cfg_init(&fw_cfg);
	fw_cfg_add_number(&fw_cfg, FW_CFG_RAM_SIZE, 0x123456000, 8);
	fw_cfg_add_number(&fw_cfg, FW_CFG_CPUS, 1, 2);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		select_item(rows[i].key);
		tap_eq(t, little(rows[i].bytes), rows[i].value, rows[i].name);
	}
	select_item(0);
	little(2);
	fw_cfg_write(&fw_cfg, 0, 1, 1);
	fw_cfg_write(&fw_cfg, 1, 1, 1);
	tap_eq(t, little(2), 0x554d, "a byte selects nothing");
	tap_eq(t, fw_cfg_read(&fw_cfg, 0, 2), 0, "the selector is not to be read");
	select_item(0);
	tap_eq(t, little(1), 'Q', "selecting starts again");
}

static void test_files(struct tap *t)
{
	char name[FW_CFG_NAME + 1];
	unsigned int i;

	fw_cfg_init(&fw_cfg);
	tap_eq(t, open_file("a"), -1, "no files");
	tap(t, !fw_cfg_add_file(&fw_cfg, "opt/a", "first", 5) &&
	    !fw_cfg_add_file(&fw_cfg, "opt/b", "second", 6) &&
	    !fw_cfg_add_file(&fw_cfg, "opt/none", "", 0), "three files");
	tap(t, open_file("opt/b") == 6 && little(8) == 0x646e6f636573, "one of them");
	tap(t, open_file("opt/none") == 0 && little(1) == 0, "an empty one");
	tap(t, !fw_cfg_add_file(&fw_cfg, "opt/part", "abcdef", 3) && open_file("opt/part") == 3 &&
	    little(8) == 0x636261, "of a longer one no more than its size");
	tap_eq(t, fw_cfg_add_file(&fw_cfg, "opt/a", "", 0), -EEXIST, "the same name again");
	tap_eq(t, fw_cfg_add_file(&fw_cfg, "", "", 0), -EINVAL, "no name");
	memset(name, 'x', FW_CFG_NAME);
	name[FW_CFG_NAME] = '\0';
	tap_eq(t, fw_cfg_add_file(&fw_cfg, name, "", 0), -ENAMETOOLONG, "56 characters");
	name[FW_CFG_NAME - 1] = '\0';
	tap(t, !fw_cfg_add_file(&fw_cfg, name, "long", 4) && open_file(name) == 4, "55 of them");
	for (i = 5; i < FW_CFG_FILES; i++) {
		snprintf(name, sizeof(name), "file %u", i);
		if (fw_cfg_add_file(&fw_cfg, name, name, 1))
			break;
	}
	tap_eq(t, i, FW_CFG_FILES, "as many as there may be");
	tap_eq(t, fw_cfg_add_file(&fw_cfg, "more", "", 0), -ENOSPC, "and one more");
	tap_eq(t, open_file("file 31"), 1, "the last one is there");
}

int main(void)
{
	struct tap t = { 0 };

	test_items(&t);
	test_files(&t);
	return tap_end(&t);
}
