// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a Multiboot image: 32-bit mode without paging, EAX = 2BADB002H, EBX = the information
 * structure, which goes with all that it points to where the image leaves room. Modules follow the
 * image, from 1 MiB on, each at a page.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "multiboot.h"
#include "vmxhv_version.h"

#define INFO_AT		0x1000ull	/* or above */
#define INFO_MOST	0xf000ull
#define PAGE		4096ull
#define LOADER		"vmxhv-run " VMXHV_VERSION

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

/* As other loaders hand it over: the image's name, then what was appended. To be freed. */
static char *named_line(const struct machine *machine)
{
	const char *append = machine->command_line;
	char *line;

	if (asprintf(&line, "%s%s%s", machine->options->kernel, *append ? " " : "", append) < 0)
		die(STATUS_HOST, "no memory");
	return line;
}

/* Written twice: first to see how long it is, then where that has room. Return: where. */
static uint64_t place_info(struct loader *loader, const struct multiboot_facts *facts)
{
	static uint8_t scratch[INFO_MOST];
	const size_t size = multiboot_info(scratch, sizeof(scratch), 0, facts);
	uint64_t at;

	if (!size)
		die(STATUS_USAGE, "--append and --module have more text than %llu KiB",
		    INFO_MOST >> 10);
	at = load_place(loader, INFO_AT, size, PAGE, "Multiboot information");
	multiboot_info(memory_at(loader->machine, at, size), size, at, facts);
	return at;
}

/* Return: where the information is. */
static uint64_t load_info(struct loader *loader)
{
	struct machine *machine = loader->machine;
	const struct options *options = machine->options;
	const uint64_t end = image_end(loader->image);
	const uint64_t modules_at = page_up(end > MEM_1M ? end : MEM_1M);
	struct multiboot_module modules[MODULES_MAX];
	struct memory_range map[MEMORY_RANGES];
	char *line = named_line(machine);
	const struct multiboot_facts facts = {
		.command_line = line, .loader = LOADER,
		.map = map, .module = modules, .module_count = options->module_count,
		.map_count = memory_ranges(map, memory_low(machine), memory_high(machine)),
	};
	uint64_t next = modules_at, at;
	unsigned int i;

	for (i = 0; i < options->module_count; i++)
		next = load_module(machine, options->module[i], next, &modules[i]);
	load_keep_off(loader, modules_at, next, "modules");
	at = place_info(loader, &facts);
	for (i = 0; i < options->module_count; i++)
		free((char *)modules[i].text);
	free(line);
	return at;
}

void load_multiboot(struct machine *machine, const struct multiboot *header,
		    const struct file *file)
{
	const char *path = machine->options->kernel;
	struct loader loader;
	struct refusal why;
	struct image image;

	if (machine->options->initrd)
		die(STATUS_USAGE, "%s: is a Multiboot image: use --module, not --initrd",
		    path);
	if (multiboot_parse(&image, header, file->data, file->size, &why))
		die(STATUS_USAGE, "%s: %s", path, why.text);
	load_image(&loader, machine, &image);
	machine->command_line = machine->options->append ? machine->options->append : "";
	machine->start = START_PROTECTED;
	machine->start_protected = (struct vmxhv_protected_start){
		.eip = image.entry, .eax = MULTIBOOT_EAX, .ebx = load_info(&loader),
		.gdt = load_gdt(&loader), .gdt_limit = BOOT_GDT_LIMIT,
		.cs = BOOT_CS32, .ds = BOOT_DS,
	};
}
