// SPDX-License-Identifier: GPL-2.0-only
/* --kernel: which kind of image it is, and what all kinds find in memory: GDT, ACPI tables. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "acpi.h"
#include "boot.h"
#include "identify.h"
#include "kernel.h"

static struct room room_of(const struct loader *loader)
{
	return (struct room){
		.ram = loader->ram, .ram_count = ARRAY_SIZE(loader->ram),
		.taken = loader->taken, .taken_count = loader->taken_count,
	};
}

void load_image(struct loader *loader, struct machine *machine, const struct image *image)
{
	struct refusal why;
	struct room room;
	unsigned int i;

	*loader = (struct loader){
		.machine = machine, .image = image,
		.ram = { { 0, EBDA_AT, NULL }, { MEM_1M, memory_low(machine), NULL } },
	};
	room = room_of(loader);
	if (image_fit(image, &room, &why))
		die(STATUS_USAGE, "%s: %s", machine->options->kernel, why.text);
	for (i = 0; i < image->count; i++) {
		const struct segment *segment = &image->segment[i];

		memcpy(memory_at(machine, segment->gpa, segment->size), segment->data,
		       segment->filled);
	}
}

void load_keep_off(struct loader *loader, uint64_t start, uint64_t end, const char *what)
{
	assert(loader->taken_count < TAKEN_MAX);
	loader->taken[loader->taken_count++] = (struct room_range){ start, end, what };
}

uint64_t load_place(struct loader *loader, uint64_t from, uint64_t size, uint64_t align,
		    const char *what)
{
	const struct room room = room_of(loader);
	const uint64_t at = image_gap(loader->image, &room, from, size, align);

	if (!at)
		die(STATUS_USAGE, "%s: leaves no %" PRIu64 " bytes of memory for the loader's %s",
		    loader->machine->options->kernel, size, what);
	load_keep_off(loader, at, at + size, what);
	return at;
}

uint64_t load_gdt(struct loader *loader)
{
	static const uint64_t gdt[] = {
		0, 0,
		0x00af9b000000ffff,		/* BOOT_CS */
		0x00cf93000000ffff,		/* BOOT_DS */
		0x00cf9b000000ffff,		/* BOOT_CS32 */
	};
	const uint64_t at = load_place(loader, GDT_AT, sizeof(gdt), 8, "GDT");

	_Static_assert(sizeof(gdt) == BOOT_GDT_LIMIT + 1, "the GDT is as long as its limit says");
	memcpy(memory_at(loader->machine, at, sizeof(gdt)), gdt, sizeof(gdt));
	return at;
}

static void load_tables(struct machine *machine)
{
	if (!acpi_build(memory_at(machine, MEM_ACPI, RESET_VECTOR - MEM_ACPI),
			RESET_VECTOR - MEM_ACPI, MEM_ACPI, 1, machine->options->pc))
		die(STATUS_HOST, "the ACPI tables do not fit");
}

/* What is known, but not to be started here. */
static void refuse_foreign(const struct options *options, const struct file *file)
{
	const char *what = identify(file->data, file->size);

	if (what && !bzimage_is(file->data, file->size) && !elf_is(file->data, file->size))
		die(STATUS_USAGE, "%s: is %s", options->kernel, what);
}

/* The signatures of a bzImage count first, as it may hold anything; Multiboot may be ELF. */
static void load_by_kind(struct machine *machine, const struct file *file)
{
	const struct options *options = machine->options;
	struct multiboot header;
	struct refusal why;
	int found = 0;

	if (!bzimage_is(file->data, file->size))
		found = multiboot_find(&header, file->data, file->size, &why);
	if (found <= 0 || !multiboot_is_raw(&header))
		refuse_foreign(options, file);
	if (found < 0)
		die(STATUS_USAGE, "%s: %s", options->kernel, why.text);
	if (found) {
		load_multiboot(machine, &header, file);
		return;
	}
	if (options->module_count)
		die(STATUS_USAGE, "%s: is no Multiboot image: --module is not for it",
		    options->kernel);
	if (elf_is(file->data, file->size))
		load_elf(machine, file);
	else
		load_bzimage(machine, file);
}

void load_kernel(struct machine *machine)
{
	struct file file;

	file_read_kernel(machine->options->kernel, &file, machine->ram_size);
	load_tables(machine);
	load_by_kind(machine, &file);
	file_free(&file);
}
