// SPDX-License-Identifier: GPL-2.0-only
/* Reads everything that one CPU says of its VMX. */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/special_insns.h>

#include "compat.h"
#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/count.h"

#define PHYS_BITS_DEFAULT	36	/* SDM: MAXPHYADDR where CPUID does not say */

/*
 * The instruction, not the kernel's idea of it: Linux clears X86_FEATURE_VMX on every CPU when
 * firmware locked VMX off on one.
 */
static u32 raw_cpuid(u32 leaf, u32 *ecx)
{
	u32 eax = leaf, ebx, edx;

	*ecx = 0;
	native_cpuid(&eax, &ebx, ecx, &edx);
	return eax;
}

/* EAX[7:0]: physical addresses, EAX[15:8]: linear ones. */
static u32 read_address_bits(void)
{
	u32 ecx;

	if (raw_cpuid(0x80000000, &ecx) < 0x80000008)
		return LINEAR_BITS_LA48 << 8 | PHYS_BITS_DEFAULT;
	return raw_cpuid(0x80000008, &ecx);
}

/**
 * vmx_cpu_read() - read what this CPU says of its VMX
 * @cpu: filled in whole
 *
 * Context: Any; preemption off, since it is about one CPU. An MSR that does not exist is marked so.
 */
void vmx_cpu_read(struct vmx_cpu *cpu)
{
	unsigned int i;
	u32 bits;

	lockdep_assert_preemption_disabled();
	memset(cpu, 0, sizeof(*cpu));
	cpu->cpu = smp_processor_id();
	cpu->cpuid_1_eax = raw_cpuid(1, &cpu->cpuid_1_ecx);
	bits = read_address_bits();
	cpu->cpuid_phys_bits = bits & 0xff;
	cpu->cpuid_linear_bits = bits >> 8 & 0xff;
	cpu->cr0 = read_cr0();
	cpu->cr4 = __read_cr4();
	rdmsrl_safe(MSR_EFER, &cpu->efer);
	cpu->feature_control_valid = !rdmsrl_safe(MSR_IA32_FEAT_CTL, &cpu->feature_control);
	if (!cpu->feature_control_valid)
		cpu->feature_control = 0;
	for (i = 0; i < VMXHV_VMX_MSRS; i++) {
		if (!rdmsrl_safe(VMX_MSR_FIRST + i, &cpu->msr[i]))
			cpu->msr_valid |= BIT(i);
		else
			cpu->msr[i] = 0;
	}
}

VMXHV_EXPORT_FOR_TEST(vmx_cpu_read);
