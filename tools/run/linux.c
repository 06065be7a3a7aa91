// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading Linux, as bzImage or ELF, for its 64-bit entry: kernel, initrd, zero page, e820, command
 * line and page tables. Below 1 MiB it looks like this:
 *
 *	0x00500  GDT			0x09000  page tables, six pages
 *	0x07000  zero page		0x20000  command line
 *	0x08ff0  stack, downwards	0xe0000  ACPI tables, RSDP first
 *					0xffff0  what a CPU does after reset
 */
#include <inttypes.h>
#include <string.h>

#include <asm/bootparam.h>

#include "boot.h"
#include "file.h"
#include "kernel.h"
#include "machine.h"

#define ZERO_PAGE_AT	0x7000
#define STACK_AT	0x8ff0
#define TABLES_AT	0x9000
#define CMDLINE_AT	0x20000
#define ENTRY_64	0x200
#define HEADER_AT	0x1f1
#define LOADER_UNKNOWN	0xff
#define ELF_CMDLINE_MAX	2047		/* what x86 Linux takes */
#define ELF_VERSION	0x020f		/* of the boot protocol */

static void load_cmdline(struct machine *machine, const struct bzimage *image,
			 struct boot_params *params)
{
	const char *append = machine->options->append ? machine->options->append : "console=ttyS0";
	const size_t length = strlen(append);

	machine->command_line = append;
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

static void fill_e820(const struct machine *machine, struct boot_params *params)
{
	struct memory_range map[MEMORY_RANGES];
	unsigned int i, count;

	count = memory_ranges(map, memory_low(machine), memory_high(machine));
	for (i = 0; i < count; i++)
		params->e820_table[i] = (struct boot_e820_entry){
			.addr = map[i].start, .size = map[i].end - map[i].start,
			.type = map[i].type,
		};
	params->e820_entries = count;
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

/* What both kinds of kernel are handed, and how they start. */
static void load_rest(struct machine *machine, const struct bzimage *image,
		      struct boot_params *params, uint64_t entry)
{
	load_cmdline(machine, image, params);
	load_initrd(machine, image, params);
	fill_e820(machine, params);
	params->acpi_rsdp_addr = MEM_ACPI;
	vmxhv_identity_map(memory_at(machine, TABLES_AT,
				     VMXHV_IDENTITY_MAP_PAGES * VMXHV_PAGE_SIZE), TABLES_AT);
	machine->start = START_LONG;
	machine->start_long = (struct vmxhv_long_start){
		.rip = entry, .rsp = STACK_AT, .rsi = ZERO_PAGE_AT, .cr3 = TABLES_AT,
		.gdt = GDT_AT, .gdt_limit = BOOT_GDT_LIMIT, .cs = BOOT_CS, .ds = BOOT_DS,
	};
}

static struct boot_params *zero_page(struct machine *machine)
{
	struct boot_params *params = memory_at(machine, ZERO_PAGE_AT, sizeof(*params));

	return memset(params, 0, sizeof(*params));
}

void load_bzimage(struct machine *machine, const struct file *file)
{
	struct boot_params *params = zero_page(machine);
	struct bzimage image;
	const char *wrong;

	wrong = bzimage_parse(&image, file->data, file->size, memory_low(machine));
	if (wrong)
		die(STATUS_USAGE, "%s: %s", machine->options->kernel, wrong);
	copy_header(params, &image);
	memcpy(memory_at(machine, image.load, image.payload_size), image.data + image.setup_size,
	       image.payload_size);
	load_rest(machine, &image, params, image.load + ENTRY_64);
}

void load_elf(struct machine *machine, const struct file *file)
{
	const struct room_range taken[] = {
		{ ZERO_PAGE_AT, TABLES_AT + VMXHV_IDENTITY_MAP_PAGES * VMXHV_PAGE_SIZE,
		  "zero page, stack and page tables" },
		{ CMDLINE_AT, CMDLINE_AT + ELF_CMDLINE_MAX + 1, "command line" },
	};
	struct boot_params *params = zero_page(machine);
	struct bzimage like = { .initrd_max = INT32_MAX, .cmdline_max = ELF_CMDLINE_MAX };
	struct refusal why;
	struct image image;

	if (elf_parse(&image, file->data, file->size, &why))
		die(STATUS_USAGE, "%s: %s", machine->options->kernel, why.text);
	if (!image.is_64bit)
		die(STATUS_USAGE, "%s: is a 32-bit ELF file without a Multiboot header",
		    machine->options->kernel);
	load_image(machine, &image, taken, ARRAY_SIZE(taken));
	/* A Linux that was linked as ELF finds in its header who loaded it. */
	params->hdr.boot_flag = BOOT_FLAG;
	params->hdr.header = HEADER_MAGIC;
	params->hdr.version = ELF_VERSION;
	params->hdr.type_of_loader = LOADER_UNKNOWN;
	/* An initrd goes above all of it, and never below 1 MiB. */
	like.load = image_end(&image) > MEM_1M ? image_end(&image) : MEM_1M;
	load_rest(machine, &like, params, image.entry);
}
