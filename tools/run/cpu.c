// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest's CPUID says beyond the module's table: the frequencies of TSC and APIC timer in
 * leaves 15H and 16H, so that nothing has to be calibrated, and the hypervisor's signature.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "machine.h"
#include "util.h"

#define LEAF_TSC	0x15
#define LEAF_FREQUENCY	0x16
#define LEAF_HYPERVISOR	0x40000000u
#define LEAF_SIZES	0x80000008u
#define ECX_HYPERVISOR	BIT(31)
#define DEFAULT_PHYS_BITS	36	/* of a CPU that does not say */

/*
 * Continued fractions give the closest ratio for their size. Linux computes crystal_khz * ebx / eax
 * in 32 bits, which limits ebx; the error is then below one in ten million.
 */
void cpu_tsc_ratio(uint32_t tsc_khz, uint32_t crystal_khz, uint32_t *eax, uint32_t *ebx)
{
	const uint64_t max = 0xffffffffu / crystal_khz;
	uint64_t n = tsc_khz, d = crystal_khz;
	uint64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0;

	while (d) {
		const uint64_t a = n / d, r = n % d;
		const uint64_t p2 = a * p1 + p0, q2 = a * q1 + q0;

		if (p2 > max || q2 > 0xffffffffu)
			break;
		p0 = p1;
		q0 = q1;
		p1 = p2;
		q1 = q2;
		n = d;
		d = r;
	}
	/* Nothing fits where the TSC is more than the limit times the crystal: say 1 then. */
	*ebx = q1 ? p1 : 1;
	*eax = q1 ? q1 : 1;
}

static unsigned int put_frequencies(struct vmxhv_cpuid_entry *table, unsigned int count,
				    uint32_t tsc_khz, uint32_t apic_timer_hz)
{
	struct vmxhv_cpuid_entry tsc = { .function = LEAF_TSC, .ecx = apic_timer_hz };
	struct vmxhv_cpuid_entry base = { .function = LEAF_FREQUENCY };
	struct vmxhv_cpuid_entry *max;

	if (!tsc_khz || apic_timer_hz < 1000)
		return count;
	cpu_tsc_ratio(tsc_khz, apic_timer_hz / 1000, &tsc.eax, &tsc.ebx);
	base.eax = tsc_khz / 1000;
	base.ebx = base.eax;
	count = vmxhv_cpuid_put(table, count, &tsc);
	count = vmxhv_cpuid_put(table, count, &base);
	max = vmxhv_cpuid_find(table, count, 0, 0);
	if (max && max->eax < LEAF_FREQUENCY)
		max->eax = LEAF_FREQUENCY;
	return count;
}

static unsigned int drop_hypervisor(struct vmxhv_cpuid_entry *table, unsigned int count)
{
	unsigned int i, kept = 0;

	for (i = 0; i < count; i++) {
		if ((table[i].function & 0xffff0000u) != LEAF_HYPERVISOR)
			table[kept++] = table[i];
	}
	return kept;
}

static unsigned int put_signature(struct vmxhv_cpuid_entry *table, unsigned int count,
				  enum signature signature)
{
	struct vmxhv_cpuid_entry leaf = { .function = LEAF_HYPERVISOR, .eax = LEAF_HYPERVISOR + 1 };
	struct vmxhv_cpuid_entry features = { .function = LEAF_HYPERVISOR + 1 };
	struct vmxhv_cpuid_entry *one;

	if (signature == SIGNATURE_KERNEL)
		return count;
	count = drop_hypervisor(table, count);
	one = vmxhv_cpuid_find(table, count, 1, 0);
	if (signature == SIGNATURE_NONE) {
		if (one)
			one->ecx &= ~ECX_HYPERVISOR;
		return count;
	}
	if (one)
		one->ecx |= ECX_HYPERVISOR;
	memcpy(&leaf.ebx, "KVMK", 4);
	memcpy(&leaf.ecx, "VMKV", 4);
	memcpy(&leaf.edx, "M\0\0\0", 4);
	count = vmxhv_cpuid_put(table, count, &leaf);
	return vmxhv_cpuid_put(table, count, &features);
}

unsigned int cpu_leaves(struct vmxhv_cpuid_entry *table, unsigned int count,
			enum signature signature, uint32_t tsc_khz, uint32_t apic_timer_hz)
{
	count = put_frequencies(table, count, tsc_khz, apic_timer_hz);
	return put_signature(table, count, signature);
}

void cpu_setup(struct machine *machine)
{
	const struct vmxhv_cpuid_entry *sizes;
	struct vmxhv_cpuid_entry *table;
	unsigned int count;

	if (vmxhv_get_cpuid(&machine->dev, &table, &count, CPU_SPARE_LEAVES))
		die(STATUS_HOST, "%s", vmxhv_message(&machine->dev.fail));
	count = cpu_leaves(table, count, machine->options->signature, machine->info.tsc_khz,
			   machine->info.apic_timer_hz);
	if (vmxhv_vcpu_set_cpuid(&machine->vcpu, table, count))
		die(STATUS_HOST, "%s", vmxhv_message(&machine->vcpu.fail));
	sizes = vmxhv_cpuid_find(table, count, LEAF_SIZES, 0);
	mtrr_setup(machine, sizes ? sizes->eax & 0xff : DEFAULT_PHYS_BITS);
	free(table);
}
