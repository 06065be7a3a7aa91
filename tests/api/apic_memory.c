// SPDX-License-Identifier: GPL-2.0-only
/* Memory may be mapped over the local APIC's page, in every way there is: the APIC answers. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { PAGE, AROUND, MOVE, MOVED, X2APIC };

#define APIC_PAGE	0xfee00000ul
#define VERSION		0x14
#define TPR		0x20
#define OURS		0x5a5a5a5a
#define WRITTEN		0x4321
#define MOVED_TO	(PAGED_BASE + 0x3000)
#define MIB		0x100000ul
#define MOV_LENGTH	3	/* of the instruction that exits */

/**
 * struct row - one way to cover the page
 * @gpa: of the range
 * @length: of the range
 * @flags: VMXHV_MEM_*
 * @huge: by memory that the host has in pages of 2 MiB
 */
struct row {
	const char *name;
	uint64_t gpa, length;
	uint32_t flags;
	bool huge;
};

static const struct row rows[] = {
	{ "a page", APIC_PAGE, 4096, 0, false },
	{ "a page, prefaulted", APIC_PAGE, 4096, VMXHV_MEM_PREFAULT, false },
	{ "a range", APIC_PAGE - 2 * MIB, 4 * MIB, 0, false },
	{ "a range, prefaulted", APIC_PAGE - 2 * MIB, 4 * MIB, VMXHV_MEM_PREFAULT, false },
	{ "huge pages", APIC_PAGE - 2 * MIB, 4 * MIB, 0, true },
	{ "huge pages, prefaulted", APIC_PAGE - 2 * MIB, 4 * MIB, VMXHV_MEM_PREFAULT, true },
};

static struct machine m;
static struct cpu c, other;
static uint8_t *area;		/* 4 MiB, aligned to 2 MiB */

static uint32_t host_sees(const struct row *r, uint64_t gpa)
{
	uint32_t value;

	memcpy(&value, area + (gpa - r->gpa), sizeof(value));
	return value;
}

static void covered(const struct row *r)
{
	tap_note("%s", r->name);
	madvise(area, 4 * MIB, r->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(area, 0x5a, 4 * MIB);
	machine_map(&m, r->gpa, area, r->length, r->flags);
	cpu_start(&c, MODE_LONG, r->length > 4096 ? AROUND : PAGE);
	if (r->length > 4096) {
		EXPECT(&c, "memory, the APIC, memory", OURS, WRITTEN, VERSION, TPR, OURS, WRITTEN);
		tap_equal(host_sees(r, APIC_PAGE - 4096), WRITTEN, "the host sees what is below");
		tap_equal(host_sees(r, APIC_PAGE + 4096), WRITTEN, "the host sees what is above");
	} else {
		EXPECT(&c, "the APIC", VERSION, TPR);
	}
	tap_equal(host_sees(r, APIC_PAGE + 0x80), OURS, "the memory behind the APIC is untouched");
	machine_unmap(&m, r->gpa, r->length);
	madvise(area, 4 * MIB, MADV_DONTNEED);
}

/* An access of @cpu exits as MMIO at @gpa; the destination keeps what it held. */
static void nothing_there(struct cpu *cpu, uint64_t gpa, uint32_t length, const char *name)
{
	int ret = run_guest(cpu);
	bool good = ret == VMXHV_EXIT_MMIO && cpu->run->u.mmio.gpa == gpa;

	if (!good && ret >= 0)
		note_exit(cpu);
	tap_ok(good, "%s", name);
	cpu->run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	cpu->run->u.mmio.retire_len = length;
}

static void relocates(uint32_t flags)
{
	memset(area, 0x5a, 4 * MIB);
	machine_map(&m, PAGED_BASE, area, 2 * MIB, flags);
	machine_map(&m, APIC_PAGE, area + 2 * MIB, 2 * MIB, flags);
	cpu_start(&c, MODE_LONG, MOVE);
	nothing_there(&c, APIC_PAGE + 0x30, MOV_LENGTH, "no memory where the APIC was");
	EXPECT(&c, "the xAPIC page moves over memory and back", OURS, WRITTEN, VERSION, TPR, OURS,
	       WRITTEN, 0x99, VERSION, TPR, WRITTEN);

	memset(area, 0x5a, 4 * MIB);
	cpu_start(&c, MODE_LONG, MOVED);
	EXPECT(&c, "it moves, and stays", OURS, WRITTEN, VERSION, TPR);
	cpu_start(&other, MODE_LONG, MOVED);
	nothing_there(&other, MOVED_TO, 2, "for another vCPU there is nothing");
	/* the destination keeps a value that the test does not know: it is not looked at */
	nothing_there(&other, MOVED_TO, 6, "to write to either");
	machine_unmap(&m, PAGED_BASE, 2 * MIB);
	machine_unmap(&m, APIC_PAGE, 2 * MIB);
}

static void put_back(struct cpu *cpu)
{
	struct vmxhv_sregs sregs;

	get_group(cpu, VMXHV_STATE_SREGS, &sregs, sizeof(sregs));
	sregs.apic_base = (sregs.apic_base & 0x100) | APIC_PAGE | 0x800;
	tap_equal(set_group(cpu, VMXHV_STATE_SREGS, &sregs, sizeof(sregs)), 0,
		  "SET_STATE puts it back");
}

static void in_x2apic_mode(void)
{
	machine_map(&m, APIC_PAGE, area, 4096, VMXHV_MEM_PREFAULT);
	cpu_start(&c, MODE_LONG, X2APIC);
	nothing_there(&c, APIC_PAGE + 0x30, MOV_LENGTH, "in x2APIC mode there is no memory either");
	EXPECT(&c, "and the guest goes on", 0x99);
	machine_unmap(&m, APIC_PAGE, 4096);
}

int main(void)
{
	uint8_t *all = mmap(NULL, 6 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (all == MAP_FAILED)
		tap_bail("mmap");
	area = (uint8_t *)(((uintptr_t)all + 2 * MIB - 1) & ~(2 * MIB - 1));
	machine_create(&m, 1 << 20);
	load_guest(&m, "apic_memory");
	cpu_create(&m, &c, 0);
	cpu_create(&m, &other, 1);
	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		covered(&rows[i]);
	madvise(area, 4 * MIB, MADV_NOHUGEPAGE);
	relocates(0);
	put_back(&c);
	madvise(area, 4 * MIB, MADV_HUGEPAGE);
	relocates(VMXHV_MEM_PREFAULT);
	put_back(&c);
	in_x2apic_mode();
	cpu_destroy(&other);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
