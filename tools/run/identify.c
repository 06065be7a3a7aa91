// SPDX-License-Identifier: GPL-2.0-only
/* By their signatures: firmware, EFI programs, what is packed, disks. */
#include <stdbool.h>
#include <string.h>

#include "identify.h"
#include "util.h"

#define KIB		1024u

/* PE, "MS-DOS Stub" and "COFF File Header" */
#define PE_OFFSET_AT	0x3c
#define PE_SUBSYSTEM_AT	0x5c	/* from the signature on; the same in PE32 and PE32+ */

static bool has(const uint8_t *data, size_t size, size_t at, const char *bytes, size_t length)
{
	return at <= size && length <= size - at && !memcmp(data + at, bytes, length);
}

static bool is_pe(const uint8_t *data, size_t size)
{
	uint32_t at;

	if (!has(data, size, 0, "MZ", 2) || size < PE_OFFSET_AT + sizeof(at))
		return false;
	memcpy(&at, data + PE_OFFSET_AT, sizeof(at));
	return has(data, size, at, "PE\0\0", 4);
}

/* Application, boot service driver, runtime driver, ROM. */
static bool is_efi(const uint8_t *data, size_t size)
{
	uint16_t subsystem;
	uint32_t at;

	if (!is_pe(data, size))
		return false;
	memcpy(&at, data + PE_OFFSET_AT, sizeof(at));
	if (size - at < PE_SUBSYSTEM_AT + sizeof(subsystem))
		return false;
	memcpy(&subsystem, data + at + PE_SUBSYSTEM_AT, sizeof(subsystem));
	return subsystem >= 10 && subsystem <= 13;
}

/* A BIOS fills whole 64 KiB, and its last 16 bytes begin with a far jump into segment F000H. */
static bool is_bios(const uint8_t *data, size_t size)
{
	return size && size % (64 * KIB) == 0 && data[size - 16] == 0xea &&
	       has(data, size, size - 13, "\x00\xf0", 2);
}

static const struct {
	size_t at;
	const char *bytes;
	size_t length;
	const char *what;
} signatures[] = {
	{ 40, "_FVH", 4, "UEFI firmware: no firmware is run here" },
	{ 0, "\x55\xaa", 2, "an option ROM: no firmware is run here" },
	{ 0, "\xfd\x37zXZ", 5, "packed by xz: unpack it first" },
	{ 0, "BZh", 3, "packed by bzip2: unpack it first" },
	{ 0, "\x28\xb5\x2f\xfd", 4, "packed by zstd: unpack it first" },
	{ 0, "\x04\x22\x4d\x18", 4, "packed by lz4: unpack it first" },
	{ 0, "\x02\x21\x4c\x18", 4, "packed by lz4: unpack it first" },
	{ 0, "\x5d\x00\x00", 3, "packed by lzma: unpack it first" },
	{ 0, "\x89LZO", 4, "packed by lzop: unpack it first" },
	{ 0, "PK\x03\x04", 4, "a zip archive" },
	{ 0, "070701", 6, "an initial RAM disk: that is for --initrd" },
	{ 0, "QFI\xfb", 4, "a disk image: there are no disks here" },
	{ 0x8001, "CD001", 5, "a CD image: there are no disks here" },
	{ 0x1fe, "\x55\xaa", 2, "a boot sector or a disk: no BIOS is here to start it" },
	{ 0, "#!", 2, "a script" },
};

/* Multiboot 2 is another protocol, and what has it alone cannot be started by version 1's. */
static bool is_multiboot2(const uint8_t *data, size_t size)
{
	size_t at;

	for (at = 0; at < 32 * KIB && at + 16 <= size; at += 8) {
		uint32_t header[4];

		memcpy(header, data + at, sizeof(header));
		if (header[0] == 0xe85250d6 && !(header[0] + header[1] + header[2] + header[3]))
			return true;
	}
	return false;
}

const char *identify(const uint8_t *data, size_t size)
{
	unsigned int i;

	if (is_efi(data, size))
		return "an EFI program: no EFI firmware is here to start it";
	if (is_pe(data, size))
		return "a Windows program";
	if (is_bios(data, size))
		return "a PC's firmware (BIOS): no firmware is run here";
	if (is_multiboot2(data, size))
		return "a Multiboot 2 image: only version 1 is known";
	for (i = 0; i < ARRAY_SIZE(signatures); i++) {
		if (has(data, size, signatures[i].at, signatures[i].bytes, signatures[i].length))
			return signatures[i].what;
	}
	return NULL;
}
