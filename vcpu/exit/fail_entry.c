// SPDX-License-Identifier: GPL-2.0-only
/* A VM entry that failed: find out why, and say it in words. */
#include <linux/kernel.h>
#include <linux/string.h>

#include "vcpu/exit.h"
#include "vmx/arch.h"
#include "vmx/check.h"
#include "vmx/exit_reasons.h"
#include "vmx/fields.h"
#include "vmx/insn_errors.h"
#include "vmx/vmcs.h"

static void take_violation(struct vmxhv_exit_fail_entry *fail, const struct vmx_violation *broken)
{
	const char *name = vmcs_field_name(broken->field);

	fail->rule = broken->rule;
	fail->field = broken->field;
	fail->value = broken->value;
	fail->wanted = broken->wanted;
	scnprintf(fail->text, sizeof(fail->text), "%s: %s", name ?: "?", broken->text);
}

/* VMLAUNCH or VMRESUME itself failed: controls or the host's state. */
static void explain_insn_error(struct vmxhv_exit_fail_entry *fail)
{
	struct vmx_violation broken;

	fail->insn_error = vmcs_read32(VM_INSTRUCTION_ERROR);
	strscpy(fail->text, vmx_insn_error_text(fail->insn_error), sizeof(fail->text));
	if (vmx_check_controls(&vmx_check_current, &vmx_caps, &broken) ||
	    vmx_check_host(&vmx_check_current, &vmx_caps, &broken))
		take_violation(fail, &broken);
}

/* The entry began and found the guest's state wanting. */
static void explain_guest_state(struct vcpu *v, struct vmxhv_exit_fail_entry *fail)
{
	struct vmx_violation broken;

	fail->reason = v->exit.reason;
	fail->qualification = exit_qualification(v);
	strscpy(fail->text, vmx_exit_reason_name(v->exit.reason), sizeof(fail->text));
	if (vmx_check_guest(&vmx_check_current, &vmx_caps, &broken))
		take_violation(fail, &broken);
}

/**
 * take_back_event() - an entry failed: what was to be injected was not
 * @v: the vCPU, loaded
 *
 * The field still has it: it goes in with the next entry, unless userspace replaces it. (SDM:
 * "VM-Entry Failures During or After Loading Guest State".)
 *
 * Context: Interrupts off.
 */
void take_back_event(struct vcpu *v)
{
	u32 info = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	v->events.injected = (struct injected_event){
		.info = info,
		.error_code = vmcs_read32(VM_ENTRY_EXCEPTION_ERROR_CODE),
		.insn_len = vmcs_read32(VM_ENTRY_INSTRUCTION_LEN),
	};
	v->recheck = true;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

/**
 * exit_failed_entry() - report a failed entry with the first rule found broken
 * @v: the vCPU, its VMCS current
 * @how: what vmx_enter() returned; 0: an exit with the failed-entry bit
 *
 * The VM stays usable: userspace may mend the state and run again.
 *
 * Context: Interrupts off.
 * Return: TO_USER, with FAIL_ENTRY in the run area.
 */
int exit_failed_entry(struct vcpu *v, int how)
{
	struct vmxhv_exit_fail_entry fail = {};

	vcpu_assert_burst(v);
	debug_leave(v);
	if (how == 1)
		explain_insn_error(&fail);
	else if (how)
		strscpy(fail.text, how == 2 ? "no current VMCS" : "this CPU left VMX operation",
			sizeof(fail.text));
	else
		explain_guest_state(v, &fail);

	take_back_event(v);
	pr_warn_ratelimited("VM entry failed: %s (error %u, reason %#x; %#llx, want %#llx)\n",
			    fail.text, fail.insn_error, fail.reason, fail.value, fail.wanted);
	exit_to_user(v, VMXHV_EXIT_FAIL_ENTRY);
	publish_union(v, &fail, sizeof(fail));
	return TO_USER;
}
