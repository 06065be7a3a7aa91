// SPDX-License-Identifier: GPL-2.0-only
/* CPUID tables. */
#include "internal.h"

struct vmxhv_cpuid_entry *vmxhv_cpuid_find(struct vmxhv_cpuid_entry *table, unsigned int count,
					   uint32_t function, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (table[i].function != function)
			continue;
		if (!(table[i].flags & VMXHV_CPUID_INDEXED) || table[i].index == index)
			return &table[i];
	}
	return NULL;
}

unsigned int vmxhv_cpuid_put(struct vmxhv_cpuid_entry *table, unsigned int count,
			     const struct vmxhv_cpuid_entry *entry)
{
	struct vmxhv_cpuid_entry *old;

	old = vmxhv_cpuid_find(table, count, entry->function, entry->index);
	if (old) {
		*old = *entry;
		return count;
	}
	table[count] = *entry;
	return count + 1;
}
