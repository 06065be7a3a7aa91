// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading Linux for its 64-bit entry: kernel, initrd, zero page, e820, command line, ACPI tables,
 * page tables and a GDT. Below 1 MiB it looks like this:
 *
 *	0x00500  GDT			0x09000  page tables, six pages
 *	0x07000  zero page		0x20000  command line
 *	0x08ff0  stack, downwards	0xe0000  ACPI tables, RSDP first
 *					0xffff0  what a CPU does after reset
 */
#include <inttypes.h>
#include <string.h>

#include <asm/bootparam.h>

#include "acpi.h"
#include "boot.h"
#include "file.h"
#include "machine.h"

#define GDT_AT		0x500
#define ZERO_PAGE_AT	0x7000
#define STACK_AT	0x8ff0
#define TABLES_AT	0x9000
#define CMDLINE_AT	0x20000
#define EBDA_AT		0x9fc00
#define ENTRY_64	0x200
#define BOOT_CS		0x10
#define BOOT_DS		0x18
#define HEADER_AT	0x1f1
#define RESET_VECTOR	0xffff0
#define LOADER_UNKNOWN	0xff
#define E820_RAM	1
#define E820_RESERVED	2

static void load_cmdline(struct machine *machine, const struct bzimage *image,
			 struct boot_params *params)
{
	const char *append = machine->options->append;
	const size_t length = strlen(append);

	if (length > image->cmdline_max)
		die(STATUS_USAGE, "--append: %zu characters, but this kernel takes %u", length,
		    image->cmdline_max);
	memcpy(memory_at(machine, CMDLINE_AT, length + 1), append, length + 1);
	params->hdr.cmd_line_ptr = CMDLINE_AT;
}

static void load_initrd(struct machine *machine, const struct bzimage *image,
			struct boot_params *params)
{
	const char *path = machine->options->initrd;
	const uint64_t end = memory_low(machine);
	struct file file;
	uint64_t at;

	if (!path)
		return;
	file_read(path, &file);
	if (!file.size)
		die(STATUS_USAGE, "%s: is empty", path);
	at = initrd_place(image, file.size, end);
	if (!at)
		die(STATUS_USAGE, "%s: %zu KiB do not fit above the kernel (%" PRIu64
		    " KiB of %" PRIu64 "): give more with --mem", path, file.size >> 10,
		    (image->load + image->init_size) >> 10, end >> 10);
	file_copy(memory_at(machine, at, file.size), &file);
	params->hdr.ramdisk_image = at;
	params->hdr.ramdisk_size = file.size;
	file_free(&file);
}

static void add_e820(struct boot_params *params, uint64_t start, uint64_t end, uint32_t type)
{
	if (start < end)
		params->e820_table[params->e820_entries++] = (struct boot_e820_entry){
			.addr = start, .size = end - start, .type = type,
		};
}

static void fill_e820(const struct machine *machine, struct boot_params *params)
{
	add_e820(params, 0, EBDA_AT, E820_RAM);
	add_e820(params, EBDA_AT, MEM_LOW_END, E820_RESERVED);
	add_e820(params, MEM_ACPI, MEM_1M, E820_RESERVED);
	add_e820(params, MEM_1M, memory_low(machine), E820_RAM);
	add_e820(params, MEM_4G, MEM_4G + memory_high(machine), E820_RAM);
}

static void copy_header(struct boot_params *params, const struct bzimage *image)
{
	/* The header ends where the jump at its start lands. */
	const size_t end = 0x202 + image->data[0x201];
	size_t length = end - HEADER_AT;

	if (length > sizeof(params->hdr))
		length = sizeof(params->hdr);
	memcpy(&params->hdr, image->data + HEADER_AT, length);
	params->hdr.type_of_loader = LOADER_UNKNOWN;
	params->hdr.code32_start = image->load;
}

/*
 * Linux on hardware-reduced ACPI takes the machine for an EFI one; where that is not so, it reboots
 * through real mode and the BIOS's entry, which on a PC starts all over. Ours asks for a reset.
 */
static void load_reset_vector(struct machine *machine)
{
	static const uint8_t code[] = {
		0xba, PORT_RESET & 0xff, PORT_RESET >> 8,	/* mov $PORT_RESET, %dx */
		0xb0, RESET_VALUE,				/* mov $RESET_VALUE, %al */
		0xee,						/* out %al, (%dx) */
		0xf4, 0xeb, 0xfd,				/* 1: hlt; jmp 1b */
	};

	memcpy(memory_at(machine, RESET_VECTOR, sizeof(code)), code, sizeof(code));
}

static void load_tables(struct machine *machine)
{
	static const uint64_t gdt[] = {
		0, 0,
		0x00af9b000000ffff,		/* BOOT_CS: 64-bit code */
		0x00cf93000000ffff,		/* BOOT_DS: flat data */
	};

	memcpy(memory_at(machine, GDT_AT, sizeof(gdt)), gdt, sizeof(gdt));
	vmxhv_identity_map(memory_at(machine, TABLES_AT,
				     VMXHV_IDENTITY_MAP_PAGES * VMXHV_PAGE_SIZE), TABLES_AT);
	if (!acpi_build(memory_at(machine, MEM_ACPI, RESET_VECTOR - MEM_ACPI),
			RESET_VECTOR - MEM_ACPI, MEM_ACPI, 1))
		die(STATUS_HOST, "the ACPI tables do not fit");
	machine->start = (struct vmxhv_long_start){
		.rsp = STACK_AT, .rsi = ZERO_PAGE_AT, .cr3 = TABLES_AT, .gdt = GDT_AT,
		.gdt_limit = sizeof(gdt) - 1, .cs = BOOT_CS, .ds = BOOT_DS,
	};
}

void load_linux(struct machine *machine)
{
	const char *path = machine->options->kernel;
	struct boot_params *params = memory_at(machine, ZERO_PAGE_AT, sizeof(*params));
	struct bzimage image;
	struct file file;
	const char *wrong;

	file_read(path, &file);
	wrong = bzimage_parse(&image, file.data, file.size, memory_low(machine));
	if (wrong)
		die(STATUS_USAGE, "%s: %s", path, wrong);
	memset(params, 0, sizeof(*params));
	copy_header(params, &image);
	memcpy(memory_at(machine, image.load, image.payload_size), image.data + image.setup_size,
	       image.payload_size);
	load_cmdline(machine, &image, params);
	load_initrd(machine, &image, params);
	fill_e820(machine, params);
	params->acpi_rsdp_addr = MEM_ACPI;
	load_tables(machine);
	load_reset_vector(machine);
	machine->start.rip = image.load + ENTRY_64;
	file_free(&file);
}
