// SPDX-License-Identifier: GPL-2.0-only
/* Judging a bzImage by its setup header (Documentation/x86/boot.rst). */
#include <string.h>

#include <asm/bootparam.h>

#include "boot.h"
#include "machine.h"

#define HEADER_AT	0x1f1
#define SECTOR		512
#define PARAGRAPH	16ull
#define MIN_VERSION	0x020c		/* xloadflags */
#define PAGE		4096ull

bool bzimage_is(const uint8_t *data, size_t size)
{
	struct setup_header hdr;

	if (size < HEADER_AT + sizeof(hdr))
		return false;
	memcpy(&hdr, data + HEADER_AT, sizeof(hdr));
	return hdr.boot_flag == BOOT_FLAG && hdr.header == HEADER_MAGIC;
}

uint32_t bzimage_setup_size(const uint8_t *data)
{
	const uint8_t sectors = data[HEADER_AT];

	return ((sectors ? sectors : 4) + 1) * SECTOR;
}

static const char *check_kind(const struct setup_header *hdr)
{
	if (hdr->version < MIN_VERSION)
		return "its boot protocol is older than 2.12 (Linux 3.8)";
	if (!(hdr->loadflags & LOADED_HIGH))
		return "a zImage, not a bzImage";
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return "it has no 64-bit entry (a 32-bit kernel?)";
	return NULL;
}

/* The preferred address, or for a relocatable kernel the lowest aligned one that has room. */
static const char *place(struct bzimage *image, const struct setup_header *hdr, uint64_t memory_end)
{
	const uint64_t align = hdr->kernel_alignment ? hdr->kernel_alignment : MEM_1M;
	const uint64_t lowest = (MEM_1M + align - 1) / align * align;

	image->load = hdr->pref_address;
	/* A hostile address must not wrap around. */
	if (image->load >= MEM_1M && image->load < memory_end &&
	    image->init_size <= memory_end - image->load)
		return NULL;
	image->load = lowest;
	if (!hdr->relocatable_kernel || lowest + image->init_size > memory_end)
		return "does not fit into the guest's memory: give more with --mem";
	return NULL;
}

const char *bzimage_parse(struct bzimage *image, const uint8_t *data, size_t size,
			  uint64_t memory_end)
{
	struct setup_header hdr;
	const char *wrong;

	if (!bzimage_is(data, size))
		return "not a bzImage, ELF file or Multiboot image";
	memcpy(&hdr, data + HEADER_AT, sizeof(hdr));
	wrong = check_kind(&hdr);
	if (wrong)
		return wrong;
	*image = (struct bzimage){
		.data = data, .size = size,
		.setup_size = bzimage_setup_size(data),
		.init_size = hdr.init_size, .initrd_max = hdr.initrd_addr_max,
		.cmdline_max = hdr.cmdline_size,
	};
	/*
	 * syssize counts what is to be loaded, in paragraphs: of the last one bytes may lack.
	 * Signatures and such may follow it.
	 */
	if (image->setup_size > size || image->setup_size + PARAGRAPH * hdr.syssize >
	    size + PARAGRAPH - 1)
		return "is cut short";
	image->payload_size = size - image->setup_size;
	if (image->init_size < image->payload_size)
		image->init_size = image->payload_size;
	return place(image, &hdr, memory_end);
}

uint64_t initrd_place(const struct bzimage *image, uint64_t size, uint64_t memory_end)
{
	uint64_t top = image->initrd_max + 1ull, at;

	if (top > memory_end)
		top = memory_end;
	if (size > top)
		return 0;
	at = (top - size) & ~(PAGE - 1);
	return at >= image->load + image->init_size ? at : 0;
}
