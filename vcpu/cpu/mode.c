// SPDX-License-Identifier: GPL-2.0-only
/* In which mode the guest's processor is (SDM: "Modes of Operation"). */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu.h"
#include "vmx/arch.h"

/**
 * vcpu_cpu_mode() - how the guest's instructions are to be decoded
 * @v: the vCPU, loaded
 *
 * Return: enum vmxhv_cpu_mode.
 */
enum vmxhv_cpu_mode vcpu_cpu_mode(struct vcpu *v)
{
	u32 cs = vmcs_read32(GUEST_CS_AR_BYTES);

	if (!(vmcs_readl(GUEST_CR0) & X86_CR0_PE))
		return VMXHV_MODE_REAL;
	if (vcpu_rflags(v) & X86_EFLAGS_VM)
		return VMXHV_MODE_VM86;
	if ((v->efer & EFER_LMA) && (cs & VMX_AR_L))
		return VMXHV_MODE_64;
	return cs & VMX_AR_DB ? VMXHV_MODE_32 : VMXHV_MODE_16;
}
