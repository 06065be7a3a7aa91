// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control words of a vCPU's VMCS: kept in v->ctl as they were written, and changed nowhere but
 * here (SDM: "VM-Execution Control Fields", "VM-Entry Control Fields").
 */
#include <asm/traps.h>

#include "vcpu/core.h"
#include "vcpu/vcpu.h"
#include "vmx/controls.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"

/*
 * Exceptions that always exit. #MC is the host's. #DB and #AC come back as injections, so that a
 * guest whose exception handler faults again in delivery cannot keep the CPU for ever
 * (CVE-2015-8104, CVE-2015-5307).
 */
#define EXCEPTIONS	(BIT(X86_TRAP_MC) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC))

/**
 * controls_init() - write all control words for the first time
 * @v: the vCPU, its VMCS current and cleared
 * @ctl: what they shall be
 * @exit: the VM-exit controls, which never change
 *
 * Context: Preemption off.
 */
void controls_init(struct vcpu *v, const struct control_words *ctl, u32 exit)
{
	v->ctl = *ctl;
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, ctl->pin);
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, ctl->cpu);
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, ctl->cpu2);
	vmcs_write32(VM_ENTRY_CONTROLS, ctl->entry);
	vmcs_write32(VM_EXIT_CONTROLS, exit);
}

static __always_inline void change(u32 *word, unsigned long field, u32 which, u32 to)
{
	u32 wanted = (*word & ~which) | to;

	if (wanted == *word)
		return;
	*word = wanted;
	vmcs_write32(field, wanted);
}

/**
 * controls_set_cpu() - change primary processor-based controls
 * @v: the vCPU, loaded
 * @which: the controls to change
 * @to: those of them that shall be 1
 *
 * Context: Interrupts may be off. A VMWRITE if anything changes.
 */
void controls_set_cpu(struct vcpu *v, u32 which, u32 to)
{
	change(&v->ctl.cpu, CPU_BASED_VM_EXEC_CONTROL, which, to);
}

/**
 * controls_set_cpu2() - change secondary processor-based controls
 * @v: the vCPU, loaded
 * @which: the controls to change
 * @to: those of them that shall be 1
 *
 * Context: Interrupts may be off. A VMWRITE if anything changes.
 */
void controls_set_cpu2(struct vcpu *v, u32 which, u32 to)
{
	change(&v->ctl.cpu2, SECONDARY_VM_EXEC_CONTROL, which, to);
}

/**
 * controls_set_entry() - change VM-entry controls
 * @v: the vCPU, loaded
 * @which: the controls to change
 * @to: those of them that shall be 1
 *
 * Context: Interrupts may be off. A VMWRITE if anything changes.
 */
void controls_set_entry(struct vcpu *v, u32 which, u32 to)
{
	change(&v->ctl.entry, VM_ENTRY_CONTROLS, which, to);
}

/**
 * controls_set_exceptions() - which exceptions exit beside those that always do
 * @v: the vCPU
 * @more: a bit for each vector
 *
 * Context: vCPU loaded, or its VMCS current.
 */
void controls_set_exceptions(const struct vcpu *v, u32 more)
{
	vmcs_write32(EXCEPTION_BITMAP, EXCEPTIONS | v->vm->config.exceptions | more);
}
