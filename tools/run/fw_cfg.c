// SPDX-License-Identifier: GPL-2.0-only
/*
 * By QEMU's description "QEMU Firmware Configuration (fw_cfg) Device", the part that every version
 * has: selector and data port, no DMA, nothing that can be written. Beyond an item's end, and of an
 * item that is not there, zeros are read.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fw_cfg.h"
#include "util.h"

#define KEY_SIGNATURE	0x00
#define KEY_ID		0x01
#define KEY_DIRECTORY	0x19
#define KEY_FIRST_FILE	0x20
#define KEY_WRITE	BIT(14)		/* wants to write the item: is ignored */
#define ID_PORTS	1		/* selector and data port; 2 would be DMA */

static void big_endian(uint8_t *at, uint32_t value, unsigned int bytes)
{
	while (bytes--) {
		at[bytes] = value;
		value >>= 8;
	}
}

static struct fw_cfg_item *add(struct fw_cfg *fw_cfg, uint16_t key, uint32_t size)
{
	struct fw_cfg_item *item = &fw_cfg->item[fw_cfg->count++];

	assert(fw_cfg->count <= FW_CFG_ITEMS);
	*item = (struct fw_cfg_item){ .key = key, .size = size };
	return item;
}

void fw_cfg_add(struct fw_cfg *fw_cfg, uint16_t key, const void *data, uint32_t size)
{
	add(fw_cfg, key, size)->data = data;
}

void fw_cfg_add_number(struct fw_cfg *fw_cfg, uint16_t key, uint64_t value, unsigned int bytes)
{
	memcpy(add(fw_cfg, key, bytes)->number, &value, bytes);
}

int fw_cfg_add_file(struct fw_cfg *fw_cfg, const char *name, const void *data, uint32_t size)
{
	struct fw_cfg_entry *entry = &fw_cfg->directory.file[fw_cfg->files];
	const uint16_t key = KEY_FIRST_FILE + fw_cfg->files;
	unsigned int i;

	if (!*name)
		return -EINVAL;
	if (strlen(name) >= FW_CFG_NAME)
		return -ENAMETOOLONG;
	for (i = 0; i < fw_cfg->files; i++) {
		if (!strcmp(fw_cfg->directory.file[i].name, name))
			return -EEXIST;
	}
	if (fw_cfg->files == FW_CFG_FILES)
		return -ENOSPC;
	big_endian(entry->size, size, 4);
	big_endian(entry->key, key, 2);
	strcpy(entry->name, name);
	fw_cfg->files++;
	big_endian(fw_cfg->directory.count, fw_cfg->files, 4);
	fw_cfg_add(fw_cfg, key, data, size);
	return 0;
}

static uint8_t next_byte(struct fw_cfg *fw_cfg)
{
	unsigned int i;

	for (i = 0; i < fw_cfg->count; i++) {
		const struct fw_cfg_item *item = &fw_cfg->item[i];

		if (item->key != fw_cfg->selected)
			continue;
		if (fw_cfg->offset >= item->size)
			return 0;
		return (item->data ? item->data : item->number)[fw_cfg->offset++];
	}
	return 0;
}

uint64_t fw_cfg_read(void *opaque, uint64_t offset, unsigned int width)
{
	/* The selector cannot be read. */
	return offset == 1 && width == 1 ? next_byte(opaque) : 0;
}

void fw_cfg_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct fw_cfg *fw_cfg = opaque;

	if (offset != 0 || width != 2)
		return;
	fw_cfg->selected = value & ~KEY_WRITE;
	fw_cfg->offset = 0;
}

void fw_cfg_init(struct fw_cfg *fw_cfg)
{
	memset(fw_cfg, 0, sizeof(*fw_cfg));
	fw_cfg_add(fw_cfg, KEY_SIGNATURE, "QEMU", 4);
	fw_cfg_add_number(fw_cfg, KEY_ID, ID_PORTS, 4);
	fw_cfg_add(fw_cfg, KEY_DIRECTORY, &fw_cfg->directory, sizeof(fw_cfg->directory));
}
