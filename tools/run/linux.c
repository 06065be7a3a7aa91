// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading Linux, as bzImage or ELF, for its 64-bit entry: kernel, initrd, zero page, e820, command
 * line and page tables. Below 1 MiB it looks like this, if an ELF image is not in the way:
 *
 *	0x00500  GDT			0x09000  page tables, six pages
 *	0x07000  zero page		0x20000  command line
 *	0x08000  stack, one page	0xe0000  ACPI tables, RSDP first
 *					0xffff0  what a CPU does after reset
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <asm/bootparam.h>

#include "boot.h"
#include "file.h"
#include "kernel.h"
#include "machine.h"
#include "output.h"

#define ZERO_PAGE_AT	0x7000
#define STACK_AT	0x8000
#define STACK_SIZE	0x1000
#define PAGE		4096
#define TABLES_AT	0x9000
#define CMDLINE_AT	0x20000
#define ENTRY_64	0x200
#define HEADER_AT	0x1f1
#define LOADER_UNKNOWN	0xff
#define ELF_CMDLINE_MAX	2047		/* what x86 Linux takes */
#define ELF_VERSION	0x020f		/* of the boot protocol */

/* Words are separated by blanks; a quoted one that looks like it is worth a warning, too. */
static bool has_word(const char *line, const char *word)
{
	const size_t length = strlen(word);
	const char *at;

	for (at = strstr(line, word); at; at = strstr(at + 1, word)) {
		if ((at == line || isspace((unsigned char)at[-1])) &&
		    (!at[length] || isspace((unsigned char)at[length])))
			return true;
	}
	return false;
}

/* Without them Linux gets no interrupts from a machine that has no 8259s. */
static void warn(const struct options *options, const char *append)
{
	static const char *const old[] = {
		"nosmp", "maxcpus=0", "acpi=off", "acpi=noirq", "pci=noacpi", "noapic", "nolapic",
		"disableapic", "nolapic_timer", "noapictimer",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(old) && !options->pc; i++) {
		if (has_word(append, old[i]))
			output_say("--append %s: Linux then wants a PC's 8259s or 8254: %s",
				   old[i], "use --machine pc, or output may be lost");
	}
}

static void load_cmdline(struct loader *loader, const struct bzimage *image,
			 struct boot_params *params)
{
	struct machine *machine = loader->machine;
	const char *append = machine->options->append ? machine->options->append : "console=ttyS0";
	const size_t length = strlen(append);
	uint64_t at;

	warn(machine->options, append);

	machine->command_line = append;
	if (length > image->cmdline_max)
		die(STATUS_USAGE, "--append: %zu characters, but this kernel takes %u", length,
		    image->cmdline_max);
	at = load_place(loader, CMDLINE_AT, length + 1, 16, "command line");
	memcpy(memory_at(machine, at, length + 1), append, length + 1);
	params->hdr.cmd_line_ptr = at;
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

/* What both kinds of kernel are handed, and how they start. @params is copied to its place. */
static void load_rest(struct loader *loader, const struct bzimage *image,
		      struct boot_params *params, uint64_t entry)
{
	const uint64_t tables_size = VMXHV_IDENTITY_MAP_PAGES * VMXHV_PAGE_SIZE;
	struct machine *machine = loader->machine;
	const uint64_t zero_page = load_place(loader, ZERO_PAGE_AT, sizeof(*params), PAGE,
					      "zero page");
	const uint64_t stack = load_place(loader, STACK_AT, STACK_SIZE, PAGE, "stack");
	const uint64_t tables = load_place(loader, TABLES_AT, tables_size, PAGE, "page tables");
	const uint64_t gdt = load_gdt(loader);

	load_cmdline(loader, image, params);
	load_initrd(machine, image, params);
	fill_e820(machine, params);
	params->acpi_rsdp_addr = MEM_ACPI;
	vmxhv_identity_map(memory_at(machine, tables, tables_size), tables);
	machine->start = START_LONG;
	machine->start_long = (struct vmxhv_long_start){
		.rip = entry, .rsp = stack + STACK_SIZE - 16, .rsi = zero_page, .cr3 = tables,
		.gdt = gdt, .gdt_limit = BOOT_GDT_LIMIT, .cs = BOOT_CS, .ds = BOOT_DS,
	};
	memcpy(memory_at(machine, zero_page, sizeof(*params)), params, sizeof(*params));
}

/* The protected-mode part is one segment; its size is that which the kernel asks for. */
void load_bzimage(struct machine *machine, const struct file *file)
{
	struct boot_params params = { 0 };
	struct loader loader;
	struct bzimage bzimage;
	struct image image;
	const char *wrong;

	wrong = bzimage_parse(&bzimage, file->data, file->size, memory_low(machine));
	if (wrong)
		die(STATUS_USAGE, "%s: %s", machine->options->kernel, wrong);
	copy_header(&params, &bzimage);
	image = (struct image){
		.count = 1, .entry = bzimage.load + ENTRY_64,
		.segment = { { .gpa = bzimage.load, .size = bzimage.init_size,
			       .data = bzimage.data + bzimage.setup_size,
			       .filled = bzimage.payload_size } },
	};
	load_image(&loader, machine, &image);
	load_rest(&loader, &bzimage, &params, image.entry);
}

void load_elf(struct machine *machine, const struct file *file)
{
	struct bzimage like = { .initrd_max = INT32_MAX, .cmdline_max = ELF_CMDLINE_MAX };
	struct boot_params params = { 0 };
	struct loader loader;
	struct refusal why;
	struct image image;

	if (elf_parse(&image, file->data, file->size, &why))
		die(STATUS_USAGE, "%s: %s", machine->options->kernel, why.text);
	if (!image.is_64bit)
		die(STATUS_USAGE, "%s: is a 32-bit ELF file without a Multiboot header",
		    machine->options->kernel);
	load_image(&loader, machine, &image);
	/* A Linux that was linked as ELF finds in its header who loaded it. */
	params.hdr.boot_flag = BOOT_FLAG;
	params.hdr.header = HEADER_MAGIC;
	params.hdr.version = ELF_VERSION;
	params.hdr.type_of_loader = LOADER_UNKNOWN;
	/* An initrd goes above all of it, and never below 1 MiB. */
	like.load = image_end(&image) > MEM_1M ? image_end(&image) : MEM_1M;
	load_rest(&loader, &like, &params, image.entry);
}
