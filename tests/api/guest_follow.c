// SPDX-License-Identifier: GPL-2.0-only
/* What follows what: CPUID the state, MSRs CPUID, the TSC its links, PDPTEs CR0. */
#include <string.h>
#include <x86intrin.h>

#include "machine.h"
#include "refusal.h"
#include "state.h"
#include "tap.h"

enum {
	FOLLOW_APIC = 6, FOLLOW_LIMIT, FOLLOW_NX, MISC_ENABLE, SYSCALL_64, TSC_ADJUST, TSC_AUX,
	SYSCALL_32, RDMSR_32, WRMSR_32, TOGGLE_CD,
};

#define TSC_DEADLINE	0x6e0
#define GP	13, 0, 0
#define OK	0xff

static struct machine m;
static struct cpu c;

static struct vmxhv_cpuid_entry entries[256];
static struct vmxhv_cpuid table = {
	.size = sizeof(table), .count = 256, .entries = (uintptr_t)entries,
};

static uint32_t *leaf(uint32_t function, int reg)
{
	for (uint32_t i = 0; i < table.count; i++)
		if (entries[i].function == function && !entries[i].index)
			return &entries[i].eax + reg;
	return NULL;
}

static bool shown(uint32_t function, int reg, int bit)
{
	const uint32_t *value = leaf(function, reg);

	return value && *value >> bit & 1;
}

static void cpuid(void)
{
	uint32_t max = *leaf(0, 0);

	cpu_start(&c, MODE_LONG, FOLLOW_APIC);
	EXPECT(&c, "CPUID: APIC is IA32_APIC_BASE's enable flag", 1, 0, 1);
	cpu_start(&c, MODE_LONG, FOLLOW_LIMIT);
	EXPECT(&c, "CPUID: IA32_MISC_ENABLE limits the leaves", max, 2, 0, max);
	cpu_start(&c, MODE_LONG, FOLLOW_NX);
	EXPECT(&c, "CPUID and EFER: IA32_MISC_ENABLE takes NX away", 1, 1, 0, 0, GP, 1, 1);
	cpu_start(&c, MODE_LONG, MISC_ENABLE);
	EXPECT(&c, "IA32_MISC_ENABLE: no bit of what CPUID hides", GP, GP, GP, GP, GP, OK, OK);
	cpu_start(&c, MODE_LONG, SYSCALL_64);
	EXPECT(&c, "CPUID: SYSCALL in 64-bit mode", 1);
	cpu_start(&c, MODE_PROTECTED, SYSCALL_32);
	EXPECT(&c, "CPUID: no SYSCALL in protected mode", 0);
}

enum { EAX, EBX, ECX, EDX };

/* An MSR, and the features of which it needs one. */
static const struct msr_row {
	const char *name;
	uint32_t msr;
	struct { uint32_t leaf; int reg, bit; } feature[2];
	bool read_only;
} rows[] = {
	{ "TIME_STAMP_COUNTER", 0x10, { { 1, EDX, 4 } }, false },
	{ "TSC_ADJUST", 0x3b, { { 7, EBX, 1 } }, false },
	{ "MTRRCAP", 0xfe, { { 1, EDX, 12 } }, true },
	{ "SYSENTER_CS", 0x174, { { 1, EDX, 11 } }, false },
	{ "SYSENTER_EIP", 0x176, { { 1, EDX, 11 } }, false },
	{ "MCG_CAP", 0x179, { { 1, EDX, 14 } }, true },
	{ "MTRR_PHYSBASE0", 0x200, { { 1, EDX, 12 } }, false },
	{ "MTRR_FIX4K_F8000", 0x26f, { { 1, EDX, 12 } }, false },
	{ "PAT", 0x277, { { 1, EDX, 16 } }, false },
	{ "MTRR_DEF_TYPE", 0x2ff, { { 1, EDX, 12 } }, false },
	{ "TSC_DEADLINE", TSC_DEADLINE, { { 1, ECX, 24 } }, false },
	{ "EFER", 0xc0000080, { { 0x80000001, EDX, 20 }, { 0x80000001, EDX, 29 } }, false },
	{ "STAR", 0xc0000081, { { 0x80000001, EDX, 29 } }, false },
	{ "FMASK", 0xc0000084, { { 0x80000001, EDX, 29 } }, false },
	{ "FS_BASE", 0xc0000100, { { 0x80000001, EDX, 29 } }, false },
	{ "KERNEL_GS_BASE", 0xc0000102, { { 0x80000001, EDX, 29 } }, false },
	{ "TSC_AUX", 0xc0000103, { { 0x80000001, EDX, 27 }, { 7, ECX, 22 } }, false },
};

/* There is no IDT: a fault is a shutdown. */
static int touch(int entry, uint32_t msr)
{
	struct vmxhv_sregs s;
	struct vmxhv_gprs g;

	cpu_start(&c, MODE_PROTECTED, entry);
	if (get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)) ||
	    get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("state");
	s.idtr.limit = 0;
	g.gpr[1] = msr;
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)) ||
	    set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("state");
	return run_guest(&c);
}

static void msr(const struct msr_row *r)
{
	struct vmxhv_cpuid_entry all[256];
	uint64_t value;

	memcpy(all, entries, sizeof(all));
	machine_create(&m, 1 << 20);
	load_guest(&m, "state");
	cpu_create(&m, &c, 0);
	for (int i = 0; i < 2 && r->feature[i].leaf; i++) {
		uint32_t *value = leaf(r->feature[i].leaf, r->feature[i].reg);

		if (value)
			*value &= ~(1u << r->feature[i].bit);
	}
	if (call(c.fd, VMXHV_SET_CPUID, &table))
		tap_bail("SET_CPUID: %.96s", last_error(c.fd).text);
	tap_ok(touch(RDMSR_32, r->msr) == VMXHV_EXIT_SHUTDOWN, "hidden: RDMSR of %s", r->name);
	tap_ok(touch(WRMSR_32, r->msr) == VMXHV_EXIT_SHUTDOWN, "hidden: WRMSR of %s", r->name);
	if (r->msr != TSC_DEADLINE)
		tap_ok(!get_msr(&c, r->msr, &value), "userspace reads %s", r->name);
	cpu_destroy(&c);
	machine_destroy(&m);
	memcpy(entries, all, sizeof(all));
}

static void msrs(void)
{
	for (const struct msr_row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		bool there = shown(r->feature[0].leaf, r->feature[0].reg, r->feature[0].bit) ||
			     (r->feature[1].leaf && shown(r->feature[1].leaf, r->feature[1].reg,
							  r->feature[1].bit));
		int wanted = there ? VMXHV_EXIT_NONE : VMXHV_EXIT_SHUTDOWN;

		tap_ok(touch(RDMSR_32, r->msr) == wanted, "RDMSR of %s", r->name);
		if (!r->read_only)
			tap_ok(touch(WRMSR_32, r->msr) == wanted, "WRMSR of %s", r->name);
	}
}

static void tsc(void)
{
	uint32_t before, after;

	cpu_start(&c, MODE_LONG, TSC_ADJUST);
	EXPECT(&c, "a write of the TSC shows in TSC_ADJUST, and the other way", 0x100, 0x50);
	if (!shown(0x80000001, EDX, 27)) {
		tap_skip("TSC_AUX", "this CPU has no RDTSCP");
		return;
	}
	__rdtscp(&before);
	cpu_start(&c, MODE_LONG, TSC_AUX);
	EXPECT(&c, "the guest has its own TSC_AUX", 0x7abc1234);
	__rdtscp(&after);
	tap_equal(after, before, "and this thread still has the host's");
}

/* SDM "PDPTE Registers" */
static void pdptes(void)
{
	uint64_t *pdpt = (uint64_t *)(m.ram + PAE_TABLES), *pd = pdpt + 512;

	memset(pdpt, 0, 4096);
	pdpt[0] = (PAE_TABLES + 0x1000) | 1;
	pdpt[1] = (PAE_TABLES + 0x1000) | 1;
	for (int i = 0; i < 512; i++)
		pd[i] = 0x87;
	*(uint32_t *)(m.ram + DATA_BASE) = 0x600d;
	cpu_start(&c, MODE_PROTECTED, TOGGLE_CD);
	tap_equal(run_guest(&c), VMXHV_EXIT_SHUTDOWN, "PAE: CR0.CD that changes loads the PDPTEs");
	tap_ok(c.nr_values == 2 && c.values[0] == 0x600d && c.values[1] == 0x600d,
	       "PAE: until then those in registers count");
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "state");
	cpu_create(&m, &c, 0);
	if (call(m.dev, VMXHV_GET_CPUID, &table))
		tap_bail("GET_CPUID");
	cpuid();
	msrs();
	tsc();
	pdptes();
	cpu_destroy(&c);
	machine_destroy(&m);
	for (const struct msr_row *r = rows; r < rows + ARRAY_SIZE(rows); r++)
		msr(r);
	return tap_done();
}
