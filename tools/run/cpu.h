/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's CPUID table. */
#ifndef RUN_CPU_H
#define RUN_CPU_H

#include "libvmxhv.h"
#include "options.h"

#define CPU_SPARE_LEAVES	8	/* what cpu_leaves() may add */

/*
 * Adapt the host's @table (with room for CPU_SPARE_LEAVES more) for a machine with one CPU.
 * Return: the new count.
 */
unsigned int cpu_leaves(struct vmxhv_cpuid_entry *table, unsigned int count,
			enum signature signature, uint32_t tsc_khz, uint32_t apic_timer_hz);

/*
 * The best TSC = crystal * ebx / eax that Linux can multiply in 32 bits: crystal_khz * ebx.
 */
void cpu_tsc_ratio(uint32_t tsc_khz, uint32_t crystal_khz, uint32_t *eax, uint32_t *ebx);

#endif /* RUN_CPU_H */
