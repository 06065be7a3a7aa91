// SPDX-License-Identifier: GPL-2.0-only
/* --kernel: which kind of image it is, and what all kinds find in memory: GDT, ACPI tables. */
#include <assert.h>
#include <string.h>

#include "acpi.h"
#include "boot.h"
#include "kernel.h"

#define GDT_END		(GDT_AT + BOOT_GDT_LIMIT + 1)
#define RESET_VECTOR	0xffff0ull

void load_image(struct machine *machine, const struct image *image,
		const struct room_range *taken, unsigned int count)
{
	const struct room_range ram[] = {
		{ 0, EBDA_AT, NULL },
		{ MEM_1M, memory_low(machine), NULL },
	};
	struct room_range all[1 + TAKEN_MAX] = { { GDT_AT, GDT_END, "GDT" } };
	const struct room room = {
		.ram = ram, .ram_count = ARRAY_SIZE(ram), .taken = all, .taken_count = count + 1,
	};
	struct refusal why;
	unsigned int i;

	assert(count <= TAKEN_MAX);
	memcpy(all + 1, taken, count * sizeof(*taken));
	if (image_fit(image, &room, &why))
		die(STATUS_USAGE, "%s: %s", machine->options->kernel, why.text);
	for (i = 0; i < image->count; i++) {
		const struct segment *segment = &image->segment[i];

		memcpy(memory_at(machine, segment->gpa, segment->size), segment->data,
		       segment->filled);
	}
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
		0x00af9b000000ffff,		/* BOOT_CS */
		0x00cf93000000ffff,		/* BOOT_DS */
		0x00cf9b000000ffff,		/* BOOT_CS32 */
	};

	_Static_assert(sizeof(gdt) == BOOT_GDT_LIMIT + 1, "the GDT is as long as its limit says");
	memcpy(memory_at(machine, GDT_AT, sizeof(gdt)), gdt, sizeof(gdt));
	if (!acpi_build(memory_at(machine, MEM_ACPI, RESET_VECTOR - MEM_ACPI),
			RESET_VECTOR - MEM_ACPI, MEM_ACPI, 1, machine->options->pc))
		die(STATUS_HOST, "the ACPI tables do not fit");
	load_reset_vector(machine);
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

	file_read(machine->options->kernel, &file);
	load_tables(machine);
	load_by_kind(machine, &file);
	file_free(&file);
}
