/* SPDX-License-Identifier: GPL-2.0-only */
/* The firmware configuration device of QEMU: items by number, and a directory of files by name. */
#ifndef RUN_FW_CFG_H
#define RUN_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

#define FW_CFG_ITEMS	64
#define FW_CFG_FILES	32
#define FW_CFG_NAME	56	/* with its terminating zero */

enum {
	FW_CFG_RAM_SIZE = 0x03, FW_CFG_CPUS = 0x05, FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_INITRD_SIZE = 0x0b, FW_CFG_MAX_CPUS = 0x0f, FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12, FW_CFG_CMDLINE_SIZE = 0x14, FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_SETUP_SIZE = 0x17, FW_CFG_SETUP_DATA = 0x18,
};

/**
 * struct fw_cfg - the device; only to be read by the guest
 * @selected: the item that the guest has selected
 * @offset: of the byte in it that is next
 * @directory: the item that lists the files, as the guest reads it
 */
struct fw_cfg {
	struct fw_cfg_item {
		uint16_t key;
		const uint8_t *data;	/* NULL: in number */
		uint32_t size;
		uint8_t number[8];
	} item[FW_CFG_ITEMS];
	unsigned int count, files;
	uint16_t selected;
	uint32_t offset;
	struct {
		uint8_t count[4];
		struct fw_cfg_entry {
			uint8_t size[4], key[2], reserved[2];
			char name[FW_CFG_NAME];
		} file[FW_CFG_FILES];
	} directory;
};

void fw_cfg_init(struct fw_cfg *fw_cfg);

/* The caller keeps @data as long as the device is there. */
void fw_cfg_add(struct fw_cfg *fw_cfg, uint16_t key, const void *data, uint32_t size);
void fw_cfg_add_number(struct fw_cfg *fw_cfg, uint16_t key, uint64_t value, unsigned int bytes);

/*
 * The same under a name. Return: 0, -ENAMETOOLONG (longer than FW_CFG_NAME - 1), -EEXIST, -ENOSPC
 * (more than FW_CFG_FILES), -EINVAL (no name at all).
 */
int fw_cfg_add_file(struct fw_cfg *fw_cfg, const char *name, const void *data, uint32_t size);

/* Two ports: the selector, of 16 bits, and over its second byte the data, a byte at a time. */
uint64_t fw_cfg_read(void *opaque, uint64_t offset, unsigned int width);
void fw_cfg_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

#endif /* RUN_FW_CFG_H */
