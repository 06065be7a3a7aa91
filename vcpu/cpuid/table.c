// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's CPUID. A vCPU's table is built once, with a direct slot for each leaf that software
 * asks for; what depends on the vCPU's own state (struct cpuid_state) is written into the rows when
 * that state changes, so that the exit handler only copies four words. Only SYSCALL, which follows
 * the mode, is left to it.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/processor-flags.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/nospec.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

#define DEFAULT_PHYS_BITS	36	/* where there is no leaf 8000_0008H */
#define LIMITED_LEAVES		2u	/* with IA32_MISC_ENABLE.LIMIT_CPUID */

#define CPUID_APIC		BIT(9)	/* 1: EDX */

static const struct vmxhv_cpuid_entry zero_row;

static int compare_rows(const void *a, const void *b)
{
	const struct vmxhv_cpuid_entry *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return 0;
}

static struct cpuid_slot find_slot(const struct cpuid_table *t, u32 leaf)
{
	struct cpuid_slot slot = { .row = &zero_row };
	u32 i;

	for (i = 0; i < t->count && t->rows[i].function != leaf; i++)
		;
	if (i == t->count)
		return slot;

	slot.row = &t->rows[i];
	if (!(t->rows[i].flags & VMXHV_CPUID_INDEXED))
		return slot;
	while (i < t->count && t->rows[i].function == leaf) {
		slot.subleaves++;
		i++;
	}
	return slot;
}

/* Leaves above a range's highest one give the data of the highest basic leaf, as Intel CPUs do. */
static void fill_slots(const struct cpuid_table *t, struct cpuid_slot *slots, u32 n, u32 first)
{
	u32 max = find_slot(t, first).row->eax;
	u32 i;

	for (i = 0; i < n; i++)
		slots[i] = first + i <= max ? find_slot(t, first + i) : t->highest;
}

static struct vmxhv_cpuid_entry *row_of(struct cpuid_table *t, u32 leaf, u32 index)
{
	u32 i;

	for (i = 0; i < t->count; i++)
		if (t->rows[i].function == leaf && t->rows[i].index == index)
			return &t->rows[i];
	return NULL;
}

/**
 * cpuid_set_apic_id() - write what never changes for a vCPU into the rows
 * @t: the table
 * @id: the vCPU's APIC id
 *
 * Context: Any; the vCPU has not run.
 */
void cpuid_set_apic_id(struct cpuid_table *t, u32 id)
{
	u32 i;

	for (i = 0; i < t->count; i++) {
		struct vmxhv_cpuid_entry *e = &t->rows[i];

		if (e->function == 1)
			e->ebx = (e->ebx & 0x00ffffff) | id << 24;
		else if (e->function == 0xb || e->function == 0x1f)
			e->edx = id;
	}
}

/**
 * cpuid_lookup() - the row of a leaf and index
 * @table: the table
 * @leaf: EAX
 * @index: ECX
 *
 * Context: Any.
 * Return: the row; NULL when the table has none (as for a leaf that reads as zero).
 */
const struct vmxhv_cpuid_entry *cpuid_lookup(const struct cpuid_table *table, u32 leaf, u32 index)
{
	u32 i;

	for (i = 0; i < table->count; i++) {
		const struct vmxhv_cpuid_entry *e = &table->rows[i];

		if (e->function == leaf &&
		    (!(e->flags & VMXHV_CPUID_INDEXED) || e->index == index))
			return e;
	}
	return NULL;
}

VMXHV_EXPORT_FOR_TEST(cpuid_lookup);

/**
 * cpuid_table_has() - is a bit set in a table?
 * @table: the table
 * @leaf: EAX
 * @index: ECX
 * @reg: CPUID_REG_*
 * @bit: 0 to 31
 *
 * Context: Any.
 * Return: true if it is.
 */
bool cpuid_table_has(const struct cpuid_table *table, u32 leaf, u32 index, int reg, u32 bit)
{
	const struct vmxhv_cpuid_entry *e = cpuid_lookup(table, leaf, index);

	return e && (&e->eax)[reg] & BIT(bit);
}

VMXHV_EXPORT_FOR_TEST(cpuid_table_has);

/**
 * cpuid_xsave_size() - bytes of an XSAVE area
 * @table: whose leaf DH says where the components are
 * @xcr0: the components
 * @compacted: in the compacted format
 *
 * Context: Any. SDM: "Enumeration of CPU Support for XSAVE Instructions and XSAVE-Supported
 *	Features", "Compacted Form of an XSAVE Area".
 * Return: at least 576, the legacy region and the header.
 */
u32 cpuid_xsave_size(const struct cpuid_table *table, u64 xcr0, bool compacted)
{
	u32 size = 576;
	u32 i;

	for (i = 0; i < table->count; i++) {
		const struct vmxhv_cpuid_entry *e = &table->rows[i];

		if (e->function != 0xd || e->index < 2 || e->index > 62 ||
		    !(xcr0 & BIT_ULL(e->index)))
			continue;
		if (!compacted)
			size = max(size, e->eax + e->ebx);
		else
			size = (e->ecx & BIT(1) ? ALIGN(size, 64) : size) + e->eax;
	}
	return size;
}

VMXHV_EXPORT_FOR_TEST(cpuid_xsave_size);

static void set_bit_to(u32 *reg, u32 bit, bool value)
{
	*reg = value ? *reg | bit : *reg & ~bit;
}

static void refresh_xsave_sizes(struct cpuid_table *table, u64 xcr0)
{
	struct vmxhv_cpuid_entry *e = row_of(table, 0xd, 0);

	if (!e)
		return;
	e->ebx = cpuid_xsave_size(table, xcr0, false);
	e->ecx = cpuid_xsave_size(table, table->xcr0_valid, false);
	e = row_of(table, 0xd, 1);
	if (e)
		e->ebx = cpuid_xsave_size(table, xcr0, true);
}

/* Leaves above the highest one are gone, but userspace stays to be asked for those it wanted. */
static void limit_leaves(struct cpuid_table *t, u32 max)
{
	struct vmxhv_cpuid_entry *e = row_of(t, 0, 0);
	struct cpuid_slot slots[CPUID_BASIC_SLOTS];
	u32 i;

	if (!e || e->eax == max)
		return;
	e->eax = max;
	t->highest = find_slot(t, max);
	fill_slots(t, slots, CPUID_BASIC_SLOTS, 0);
	for (i = 0; i < CPUID_BASIC_SLOTS; i++) {
		if (t->basic[i].subleaves == CPUID_ASK) {
			slots[i].own_subleaves = slots[i].subleaves;
			slots[i].subleaves = CPUID_ASK;
		}
		t->basic[i] = slots[i];
	}
}

static noinline void follow_misc_enable(struct cpuid_table *t, u64 misc_enable)
{
	const bool limited = misc_enable & MSR_IA32_MISC_ENABLE_LIMIT_CPUID;
	const bool no_xd = misc_enable & MSR_IA32_MISC_ENABLE_XD_DISABLE;
	struct vmxhv_cpuid_entry *e = row_of(t, 0x80000001, 0);

	t->misc_enable = misc_enable;
	if (e)
		set_bit_to(&e->edx, CPUID_NX, t->given.edx_ext & CPUID_NX && !no_xd);
	limit_leaves(t, limited ? min(t->given.max_basic, LIMITED_LEAVES) : t->given.max_basic);
	cr_masks(t, &t->cr4_valid, &t->cr4_owned, &t->efer_valid);
}

/**
 * cpuid_table_refresh() - write what follows from the guest's state into the rows
 * @table: the table
 * @state: the guest's
 *
 * OSXSAVE and OSPKE are bits of CR4, APIC is IA32_APIC_BASE's enable flag; IA32_MISC_ENABLE limits
 * the leaves to 2 and takes NX away; the sizes of leaf DH follow XCR0. (SDM: "CPUID-CPU
 * Identification", "Local APIC Status and Location", "Architectural MSRs".)
 *
 * Context: Any; the vCPU is not in the guest.
 */
void cpuid_table_refresh(struct cpuid_table *table, const struct cpuid_state *state)
{
	struct vmxhv_cpuid_entry *e;

	e = row_of(table, 1, 0);
	if (e) {
		set_bit_to(&e->ecx, BIT(27), state->cr4 & X86_CR4_OSXSAVE);
		set_bit_to(&e->edx, CPUID_APIC, table->given.edx_1 & CPUID_APIC && state->apic);
	}
	e = row_of(table, 7, 0);
	if (e)
		set_bit_to(&e->ecx, BIT(4), state->cr4 & X86_CR4_PKE);
	refresh_xsave_sizes(table, state->xcr0);
	if ((table->misc_enable ^ state->misc_enable) & CPUID_MISC_ENABLE)
		follow_misc_enable(table, state->misc_enable & CPUID_MISC_ENABLE);
}

VMXHV_EXPORT_FOR_TEST(cpuid_table_refresh);

/* What state can take away, to be given back. */
static void remember_given(struct cpuid_table *t)
{
	const struct vmxhv_cpuid_entry *e = row_of(t, 1, 0);
	u32 i;

	t->given.max_basic = find_slot(t, 0).row->eax;
	t->given.edx_1 = e ? e->edx : 0;
	e = row_of(t, 0x80000001, 0);
	t->given.edx_ext = e ? e->edx : 0;
	for (i = 0; i < CPUID_EXT_SLOTS; i++)
		if (e && t->ext[i].row == e && e->edx & CPUID_SYSCALL)
			t->ext[i].subleaves = CPUID_BY_MODE;
}

/**
 * cpuid_table_build() - a table that can be looked up quickly
 * @entries: the leaves, checked
 * @count: how many
 * @id: the vCPU's APIC id
 *
 * Context: Process context, may sleep. The caller frees it with kvfree().
 * Return: the table, or NULL when there is no memory.
 */
struct cpuid_table *cpuid_table_build(const struct vmxhv_cpuid_entry *entries, u32 count, u32 id)
{
	struct cpuid_table *t = kvzalloc(struct_size(t, rows, count), GFP_KERNEL_ACCOUNT);
	const struct cpuid_state reset = { .xcr0 = 1, .apic = true };
	const struct vmxhv_cpuid_entry *e;

	if (!t)
		return NULL;

	t->count = count;
	memcpy(t->rows, entries, count * sizeof(*entries));
	sort(t->rows, count, sizeof(*entries), compare_rows, NULL);
	cpuid_set_apic_id(t, id);

	t->highest = find_slot(t, find_slot(t, 0).row->eax);
	fill_slots(t, t->basic, CPUID_BASIC_SLOTS, 0);
	fill_slots(t, t->hyper, CPUID_HYPER_SLOTS, 0x40000000);
	fill_slots(t, t->ext, CPUID_EXT_SLOTS, 0x80000000);

	e = cpuid_lookup(t, 0x80000008, 0);
	t->maxphyaddr = e ? e->eax & 0xff : DEFAULT_PHYS_BITS;
	e = cpuid_lookup(t, 0xd, 0);
	if (e && cpuid_table_has(t, 1, 0, CPUID_REG_ECX, 26))
		t->xcr0_valid = e->eax | (u64)e->edx << 32;
	cr_masks(t, &t->cr4_valid, &t->cr4_owned, &t->efer_valid);
	t->unmet = cpuid_unmet_needs(t);
	remember_given(t);
	cpuid_table_refresh(t, &reset);
	return t;
}

VMXHV_EXPORT_FOR_TEST(cpuid_table_build);

/**
 * cpuid_ask() - userspace wants to be asked for leaves
 * @table: the table
 * @first: the first of them
 * @last: the last; all are within one of the table's arrays of slots
 *
 * Context: Any; the vCPU is not in the guest.
 */
void cpuid_ask(struct cpuid_table *table, u32 first, u32 last)
{
	u32 leaf;

	for (leaf = first; leaf <= last; leaf++) {
		struct cpuid_slot *slot = (struct cpuid_slot *)cpuid_slot_of(table, leaf);

		if (slot->subleaves == CPUID_ASK)
			continue;
		slot->own_subleaves = slot->subleaves;
		slot->subleaves = CPUID_ASK;
	}
}

VMXHV_EXPORT_FOR_TEST(cpuid_ask);
