// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: one anonymous mapping, shown to the guest in two or three ranges. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "machine.h"

#define LARGE_PAGE	0x200000ull

uint64_t memory_low(const struct machine *machine)
{
	return machine->ram_size < MEM_3G ? machine->ram_size : MEM_3G;
}

uint64_t memory_high(const struct machine *machine)
{
	return machine->ram_size - memory_low(machine);
}

void *memory_at(const struct machine *machine, uint64_t gpa, uint64_t length)
{
	const struct { uint64_t start, end, offset; } ranges[] = {
		{ 0, MEM_LOW_END, 0 },
		{ MEM_ROM, memory_low(machine), MEM_ROM },
		{ MEM_4G, MEM_4G + memory_high(machine), MEM_3G },
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (gpa >= ranges[i].start && gpa < ranges[i].end && length <= ranges[i].end - gpa)
			return machine->ram + ranges[i].offset + (gpa - ranges[i].start);
	}
	return NULL;
}

unsigned int memory_ranges(struct memory_range map[MEMORY_RANGES], uint64_t low, uint64_t high)
{
	const struct memory_range all[MEMORY_RANGES] = {
		{ 0, EBDA_AT, MEMORY_RAM },
		{ EBDA_AT, MEM_LOW_END, MEMORY_RESERVED },
		{ MEM_ACPI, MEM_1M, MEMORY_RESERVED },
		{ MEM_1M, low, MEMORY_RAM },
		{ MEM_4G, MEM_4G + high, MEMORY_RAM },
	};
	unsigned int i, count = 0;

	for (i = 0; i < MEMORY_RANGES; i++) {
		if (all[i].start < all[i].end)
			map[count++] = all[i];
	}
	return count;
}

static struct vmxhv_mem_op map(const struct machine *machine, uint64_t gpa, uint64_t length)
{
	return (struct vmxhv_mem_op){
		.kind = VMXHV_MEM_MAP, .gpa = gpa, .length = length,
		.hva = (uintptr_t)memory_at(machine, gpa, length),
	};
}

/*
 * The guest has large pages only where the host has them and both addresses agree in the bits
 * below 2 MiB. The slack is never touched. The advice is no more than that: a host may refuse it.
 */
static void *reserve(uint64_t size)
{
	void *p;

	if (size > SIZE_MAX - LARGE_PAGE) {
		errno = ENOMEM;
		return NULL;
	}
	p = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	p = (void *)(((uintptr_t)p + (uintptr_t)LARGE_PAGE - 1) & -(uintptr_t)LARGE_PAGE);
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void memory_create(struct machine *machine)
{
	const uint64_t size = machine->options->mem;
	void *ram;

	ram = reserve(size);
	if (!ram)
		die(STATUS_HOST, "no %llu MiB of memory: %s", (unsigned long long)size >> 20,
		    strerror(errno));
	machine->ram = ram;
	machine->ram_size = size;
}

void memory_map(struct machine *machine)
{
	const uint64_t most = 1ull << machine->info.gpa_bits;
	struct vmxhv_mem_op ops[3];
	unsigned int count = 0;

	if (memory_high(machine) && MEM_4G + memory_high(machine) > most)
		die(STATUS_USAGE, "--mem: at most %lluM: a guest's addresses have %u bits here",
		    (unsigned long long)(most - (MEM_4G - MEM_3G)) >> 20, machine->info.gpa_bits);
	ops[count++] = map(machine, 0, MEM_LOW_END);
	ops[count++] = map(machine, MEM_ROM, memory_low(machine) - MEM_ROM);
	if (memory_high(machine))
		ops[count++] = map(machine, MEM_4G, memory_high(machine));
	if (vmxhv_vm_memory(&machine->vm, ops, count))
		die(STATUS_HOST, "%s", vmxhv_message(&machine->vm.fail));
}
