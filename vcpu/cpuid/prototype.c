// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's default CPUID table, made once: filtering, sorting and looking up its leaves takes
 * longer than all else of a new vCPU. Each vCPU gets a copy.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/cpuid.h"

static DEFINE_MUTEX(prototype_lock);
static struct cpuid_table *prototype;	/* prototype_lock */
static u32 prototype_khz;		/* prototype_lock: the TSC's frequency that it tells */

/* The row of zeros belongs to no table. */
static void move_slots(struct cpuid_slot *slots, u32 n, const struct cpuid_table *from,
		       const struct cpuid_table *to)
{
	u32 i;

	for (i = 0; i < n; i++) {
		const struct vmxhv_cpuid_entry *row = slots[i].row;

		if (row >= from->rows && row < from->rows + from->count)
			slots[i].row = to->rows + (row - from->rows);
	}
}

/**
 * cpuid_table_copy() - the same table for another vCPU
 * @table: from cpuid_table_build()
 * @id: the other vCPU's APIC id
 * @gfp: flags of the allocation
 *
 * Context: Process context, may sleep. The caller frees it with kvfree().
 * Return: the table, or NULL when there is no memory.
 */
struct cpuid_table *cpuid_table_copy(const struct cpuid_table *table, u32 id, gfp_t gfp)
{
	const size_t size = struct_size(table, rows, table->count);
	struct cpuid_table *t = kvmalloc(size, gfp);

	if (!t)
		return NULL;

	memcpy(t, table, size);
	move_slots(t->basic, CPUID_BASIC_SLOTS, table, t);
	move_slots(t->hyper, CPUID_HYPER_SLOTS, table, t);
	move_slots(t->ext, CPUID_EXT_SLOTS, table, t);
	move_slots(&t->highest, 1, table, t);
	cpuid_set_apic_id(t, id);
	return t;
}

VMXHV_EXPORT_FOR_TEST(cpuid_table_copy);

/* Charged to nobody: it stays when the cgroup of the first VM is gone. */
static struct cpuid_table *make_prototype(void)
{
	struct cpuid_table *built = NULL, *t = NULL;
	struct vmxhv_cpuid_entry *entries;
	u32 count = 0;

	entries = cpuid_default_entries(&count);
	if (entries)
		built = cpuid_table_build(entries, count, 0);
	if (built)
		t = cpuid_table_copy(built, 0, GFP_KERNEL);
	kvfree(built);
	kvfree(entries);
	return t;
}

/* The kernel may find a better figure for the frequency; nothing else changes on a host. */
static const struct cpuid_table *current_prototype(void)
{
	const u32 khz = tsc_khz;

	lockdep_assert_held(&prototype_lock);
	if (!prototype || prototype_khz != khz) {
		kvfree(prototype);
		prototype = make_prototype();
		prototype_khz = khz;
	}
	return prototype;
}

/**
 * cpuid_prototype_copy() - the host's default table, for a vCPU
 * @id: its APIC id
 *
 * Context: Process context, may sleep. The caller frees it with kvfree().
 * Return: the table, or NULL when there is no memory.
 */
struct cpuid_table *cpuid_prototype_copy(u32 id)
{
	const struct cpuid_table *of;
	struct cpuid_table *t = NULL;

	mutex_lock(&prototype_lock);
	of = current_prototype();
	if (of)
		t = cpuid_table_copy(of, id, GFP_KERNEL_ACCOUNT);
	mutex_unlock(&prototype_lock);
	return t;
}

/**
 * cpuid_prototype_exit() - free the table
 *
 * Context: Module exit; there is no vCPU.
 */
void cpuid_prototype_exit(void)
{
	kvfree(prototype);
}
