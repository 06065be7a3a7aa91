// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers. MOV DR always exits and works on the values in struct vcpu; DR7 is in the VMCS.
 * The guest's DR0 to DR3 go into the CPU only while its DR7 enables a breakpoint, burst by burst;
 * its DR6 never does: every #DB exits, and says in the exit qualification what DR6 would.
 */
#include <linux/bits.h>
#include <linux/irqflags.h>
#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"

#define DR7_ENABLES	0xffull

/**
 * dr_enter() - before a burst of VM entries: the guest's breakpoints
 * @v: the vCPU
 *
 * What the host had there comes back by hw_breakpoint_restore() after the burst; until then its DR7
 * enables nothing: host_burst_begin().
 *
 * Context: IRQs off.
 */
void dr_enter(struct vcpu *v)
{
	vcpu_assert_burst(v);
	if (likely(!v->dr_loaded))
		return;
	set_debugreg(v->dr[0], 0);
	set_debugreg(v->dr[1], 1);
	set_debugreg(v->dr[2], 2);
	set_debugreg(v->dr[3], 3);
}

/**
 * dr_set7() - change the guest's DR7
 * @v: the vCPU
 * @value: the value
 *
 * Context: vCPU loaded, mutex held.
 */
void dr_set7(struct vcpu *v, u64 value)
{
	vcpu_assert_loaded(v);
	value = dr7_stored(value);
	v->dr_loaded = value & DR7_ENABLES;
	vmcs_writel(GUEST_DR7, value);
}
