// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a Multiboot image: 32-bit mode without paging, EAX = 2BADB002H, EBX = the information
 * structure, which is below 64 KiB with all that it points to. Modules follow the image, from 1 MiB
 * on, each at a page.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "multiboot.h"

#define INFO_AT		0x1000ull
#define INFO_END	0x10000ull
#define PAGE		4096ull
#define LOADER		"vmxhv-run " RUN_VERSION

static uint64_t page_up(uint64_t address)
{
	return (address + PAGE - 1) & ~(PAGE - 1);
}

/* "FILE,ARGUMENTS" is one file and the text "FILE ARGUMENTS". Return: that text, to be freed. */
static char *split(const char *option, struct file *file)
{
	char *text = strdup(option);
	char *comma;

	if (!text)
		die(STATUS_HOST, "no memory");
	comma = strchr(text, ',');
	if (comma)
		*comma = '\0';
	file_read(text, file);
	if (comma)
		*comma = ' ';
	return text;
}

/* Return: where the next one may begin. */
static uint64_t load_module(struct machine *machine, const char *option, uint64_t at,
			    struct multiboot_module *module)
{
	struct file file;
	char *text = split(option, &file);

	if (at > memory_low(machine) || file.size > memory_low(machine) - at)
		die(STATUS_USAGE, "--module %s: %zu KiB do not fit above %#" PRIx64
		    ": give more with --mem", option, file.size >> 10, at);
	if (file.size)
		file_copy(memory_at(machine, at, file.size), &file);
	*module = (struct multiboot_module){ .start = at, .end = at + file.size, .text = text };
	file_free(&file);
	return page_up(module->end);
}

static void load_info(struct machine *machine, uint64_t modules_at)
{
	const struct options *options = machine->options;
	struct multiboot_module modules[MODULES_MAX];
	struct memory_range map[MEMORY_RANGES];
	const struct multiboot_facts facts = {
		.command_line = machine->command_line, .loader = LOADER,
		.map = map, .module = modules, .module_count = options->module_count,
		.map_count = memory_ranges(map, memory_low(machine), memory_high(machine)),
	};
	unsigned int i;

	for (i = 0; i < options->module_count; i++)
		modules_at = load_module(machine, options->module[i], modules_at, &modules[i]);
	if (!multiboot_info(memory_at(machine, INFO_AT, INFO_END - INFO_AT), INFO_END - INFO_AT,
			    INFO_AT, &facts))
		die(STATUS_USAGE, "--append and --module have more text than %llu KiB",
		    (INFO_END - INFO_AT) >> 10);
	for (i = 0; i < options->module_count; i++)
		free((char *)modules[i].text);
}

void load_multiboot(struct machine *machine, const struct multiboot *header,
		    const struct file *file)
{
	const struct room_range info = { INFO_AT, INFO_END, "Multiboot information" };
	const char *path = machine->options->kernel;
	struct refusal why;
	struct image image;
	uint64_t end;

	if (machine->options->initrd)
		die(STATUS_USAGE, "%s: is a Multiboot image: use --module, not --initrd",
		    path);
	if (multiboot_parse(&image, header, file->data, file->size, &why))
		die(STATUS_USAGE, "%s: %s", path, why.text);
	load_image(machine, &image, &info, 1);
	machine->command_line = machine->options->append ? machine->options->append : "";
	end = image_end(&image);
	load_info(machine, page_up(end > MEM_1M ? end : MEM_1M));
	machine->start = START_PROTECTED;
	machine->start_protected = (struct vmxhv_protected_start){
		.eip = image.entry, .eax = MULTIBOOT_EAX, .ebx = INFO_AT,
		.gdt = GDT_AT, .gdt_limit = BOOT_GDT_LIMIT, .cs = BOOT_CS32, .ds = BOOT_DS,
	};
}
