// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit table: one row for each basic exit reason that our controls let happen. A reason
 * without a row is our own mistake: the VM dies and says which it was.
 */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/traps.h>

#include "vcpu/apicv.h"
#include "vcpu/cpu_state.h"
#include "vcpu/debug.h"
#include "vcpu/exits.h"
#include "vcpu/lapic.h"
#include "vcpu/pml.h"
#include "vcpu/publish.h"
#include "vcpu/regs.h"
#include "vcpu/retire.h"
#include "vcpu/run.h"
#include "vcpu/task.h"
#include "vmx/arch.h"
#include "vmx/exit_reasons.h"

/* Outside 64-bit mode RIP has 32 bits. */
static u64 wrap_rip(u64 rip)
{
	return vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L ? rip : (u32)rip;
}

/* With BTF set only a taken branch traps, and none exits (SDM: "Single-Stepping on Branches"). */
static bool traps(struct vcpu *v)
{
	return (vcpu_rflags(v) & X86_EFLAGS_TF) &&
	       !(vmcs_read64(GUEST_IA32_DEBUGCTL) & DEBUGCTLMSR_BTF);
}

/* Between two instructions, or two iterations: the shadow ends, and with TF set a trap follows. */
static void retire_boundary(struct vcpu *v)
{
	u32 shadow = vcpu_shadow(v);

	if (shadow & (SHADOW_STI | SHADOW_MOV_SS))
		vcpu_set_shadow(v, shadow & ~(SHADOW_STI | SHADOW_MOV_SS));
	if (traps(v))
		vcpu_raise_exception(v, &(const struct exception){
			.vector = X86_TRAP_DB, .has_payload = true, .payload = DR_STEP });
}

/**
 * retire_more() - what else ends with an instruction
 * @v: the vCPU, loaded; RIP is cached, and behind the instruction
 * @old: RIP before
 *
 * Context: Interrupts may be off.
 */
void retire_more(struct vcpu *v, u64 old)
{
	u64 rflags = vcpu_rflags(v);

	if ((old ^ v->rip) >> 32)
		vcpu_set_rip(v, wrap_rip(v->rip));
	if (rflags & X86_EFLAGS_RF)
		vcpu_set_rflags(v, rflags & ~X86_EFLAGS_RF);
	retire_boundary(v);
}

/**
 * retire_iteration() - an iteration of a repeated instruction is done, and more are to come
 * @v: the vCPU, loaded
 *
 * RIP stays, and RF is set: the guest's breakpoint on the instruction was hit before the first one,
 * and an exit by an instruction has saved RF as 0 (SDM: "Saving RIP, RSP, RFLAGS, and SSP").
 *
 * Context: Interrupts may be off.
 */
void retire_iteration(struct vcpu *v)
{
	vcpu_set_rflags(v, vcpu_rflags(v) | X86_EFLAGS_RF);
	retire_boundary(v);
	if (unlikely(v->debug.on))
		debug_iteration(v);
}

/**
 * retire_cached() - end an instruction after some registers have been read
 * @v: the vCPU, loaded
 * @len: its length in bytes
 *
 * RIP may have been read too, and written: then it goes to the VMCS with the rest.
 *
 * Context: Interrupts may be off.
 */
void retire_cached(struct vcpu *v, u32 len)
{
	bool lazy = v->reg_avail & CACHE_RIP;
	u64 old = vcpu_rip(v);

	v->rip = old + len;
	if (lazy)
		v->reg_dirty |= CACHE_RIP;
	else
		vmcs_writel(GUEST_RIP, old + len);
	if (unlikely(retire_needs_more(old, v->rip, vcpu_shadow(v), vcpu_rflags(v))))
		retire_more(v, old);
}

/**
 * exit_internal() - something happened that must not: the VM is dead
 * @v: the vCPU
 * @what: where, in words
 *
 * Return: TO_USER, with INTERNAL in the run area.
 */
int exit_internal(struct vcpu *v, const char *what)
{
	struct vmxhv_exit_internal internal = { .where = VMX_EXIT_BASIC_REASON(v->exit.reason) };

	pr_warn_ratelimited("VM killed: %s (exit reason %s)\n", what,
			    vmx_exit_reason_name(v->exit.reason));
	strscpy(internal.text, what, sizeof(internal.text));
	vm_kill(v->vm);
	exit_to_user(v, VMXHV_EXIT_INTERNAL);
	publish_union(v, &internal, sizeof(internal));
	return TO_USER;
}

/* An exit that no control of ours asks for. */
static int exit_unexpected(struct vcpu *v)
{
	return exit_internal(v, "an exit that no control asks for");
}

/**
 * exit_pending() - handle an exit whose handler needs interrupts on
 * @v: the vCPU, loaded
 * @row: its row
 *
 * Context: Process; may sleep.
 * Return: what the handler returns: HANDLED, TO_USER or a negative errno.
 */
int exit_pending(struct vcpu *v, const struct exit_row *row)
{
	if (row->flags & ROW_EVENTS)
		v->recheck = true;
	return likely(row->handle) ? row->handle(v) : exit_unexpected(v);
}

static int handle_nothing(struct vcpu *v)
{
	return HANDLED;
}

/* The APIC timer's deadline, or a jiffy: it is to be loaded again, whichever it was. */
static int handle_timer(struct vcpu *v)
{
	v->timer_stale = true;
	return HANDLED;
}

static int handle_skip(struct vcpu *v)
{
	return vcpu_skip_insn(v);
}

static int handle_ud(struct vcpu *v)
{
	return raise_ud(v);
}

static int handle_gp(struct vcpu *v)
{
	return raise_gp(v);
}

static int handle_triple_fault(struct vcpu *v)
{
	vcpu_triple_fault(v);
	return HANDLED;
}

static int handle_hlt(struct vcpu *v)
{
	vcpu_skip_insn(v);
	if (v->user_flags & VMXHV_USER_EXIT_HLT) {
		exit_to_user(v, VMXHV_EXIT_HLT);
		return TO_USER;
	}
	v->events.activity = VMXHV_HALTED;
	return HANDLED;
}

/* the guest's privilege level is the DPL of SS (SDM: "Guest Register State") */
static unsigned int guest_cpl(struct vcpu *v)
{
	return VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES));
}

/* the number of ENOSYS: what guests of other hypervisors get for a call that is not there */
#define NO_SUCH_HYPERCALL	((u64)-38)

static int hypercall_to_user(struct vcpu *v)
{
	struct vmxhv_exit_hypercall call = {
		.nr = v->gpr[REG_RAX],
		.args = { v->gpr[REG_RBX], v->gpr[REG_RCX], v->gpr[REG_RDX],
			  v->gpr[REG_RSI], v->gpr[REG_RDI], v->gpr[REG_RBP] },
		.result = NO_SUCH_HYPERCALL,
	};

	exit_insn_len(v);
	v->completion = COMPLETE_HYPERCALL;
	exit_to_user(v, VMXHV_EXIT_HYPERCALL);
	publish_union(v, &call, sizeof(call));
	return TO_USER;
}

static int handle_vmcall(struct vcpu *v)
{
	if (unlikely(v->user_flags & VMXHV_USER_EXIT_HYPERCALL)) {
		if (guest_cpl(v) == 0)
			return hypercall_to_user(v);
		v->gpr[REG_RAX] = -EPERM;
	} else {
		v->gpr[REG_RAX] = NO_SUCH_HYPERCALL;
	}
	return vcpu_skip_insn(v);
}

/**
 * exit_exception() - the exception that an exit reports, as the guest would get it
 * @v: the vCPU, loaded
 * @info: VM-exit interruption information; not an NMI
 *
 * The CPU has not changed DR6 for a #DB that exits, nor CR2 for a #PF; the qualification has what
 * would be in it (SDM: "Exit Qualification for Debug Exceptions").
 *
 * Context: Interrupts may be off.
 * Return: the exception, not pending.
 */
struct exception exit_exception(struct vcpu *v, u32 info)
{
	struct exception e = { .vector = info & INTR_INFO_VECTOR_MASK };

	if (e.vector == X86_TRAP_DB) {
		e.has_payload = true;
		e.payload = exit_qualification(v) & (DR_TRAP_BITS | DR6_BD | DR_STEP);
	} else if (e.vector == X86_TRAP_PF) {
		e.has_payload = true;
		e.payload = exit_qualification(v);
	}
	if (info & INTR_INFO_DELIVER_CODE_MASK) {
		e.has_error = true;
		e.error_code = v->exit.intr_error;
	}
	return e;
}

/* #DB and #AC may come here only to go back: see EXCEPTIONS in setup.c. */
static int reflect_exception(struct vcpu *v, u32 info)
{
	const struct exception e = exit_exception(v, info);

	return guest_exception(v, &e);
}

/*
 * INT1 comes here as #DB does, but it is an instruction: it goes back as one, and is over when its
 * handler begins. DR6 says nothing of it.
 */
static int reflect_int1(struct vcpu *v, u32 info)
{
	v->events.injected = (struct injected_event){
		.info = info & ~INTR_INFO_RESERVED_MASK, .insn_len = exit_insn_len(v) };
	v->recheck = true;
	return HANDLED;
}

/* The host's own machine check, met while the guest ran. */
static int host_machine_check(struct vcpu *v)
{
#ifdef CONFIG_X86_MCE
	asm volatile("int $18");
	return HANDLED;
#else
	return exit_internal(v, "a machine check, and this kernel has no handler for it");
#endif
}

static int handle_exception(struct vcpu *v)
{
	u32 info = exit_intr_info(v);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	/* an NMI was given to the host right after the exit */
	if ((info & INTR_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		return HANDLED;
	/* IRET unblocked NMIs and then faulted: they are blocked still */
	if ((info & INTR_INFO_UNBLOCK_NMI) && !(v->events.injected.info & INTR_INFO_VALID_MASK) &&
	    vector != X86_TRAP_DF)
		vcpu_set_shadow(v, vcpu_shadow(v) | SHADOW_NMI);
	if (vector == X86_TRAP_MC)
		return host_machine_check(v);
	if ((info & INTR_INFO_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION)
		return reflect_int1(v, info);
	if (unlikely(v->debug.on || v->debug.control))
		return debug_exception(v, info);
	if (vector == X86_TRAP_DB || vector == X86_TRAP_AC ||
	    v->vm->config.exceptions & BIT(vector & 31))
		return reflect_exception(v, info);
	return exit_unexpected(v);
}

static int handle_window(struct vcpu *v)
{
	if ((v->user_flags & VMXHV_USER_WANT_WINDOW) && lapic_pending(v) < 0) {
		exit_to_user(v, VMXHV_EXIT_WINDOW);
		return TO_USER;
	}
	return HANDLED;
}

/* A loop at CPL 0 that waits for another vCPU: perhaps it is that one's turn. */
static int handle_pause(struct vcpu *v)
{
	vcpu_skip_insn(v);
	schedule();
	return HANDLED;
}

static int handle_ept_misconfig(struct vcpu *v)
{
	return exit_internal(v, "an EPT entry of ours is malformed");
}

static int handle_mce_during_entry(struct vcpu *v)
{
	return host_machine_check(v);
}

#define FAST	ROW_IRQS_OFF

static_assert(EXIT_REASON_COUNT < EXIT_ROWS);

const struct exit_row exit_rows[EXIT_ROWS] = {
	[EXIT_REASON_EXCEPTION_NMI] = { handle_exception, FAST | ROW_DELIVERY | ROW_EVENTS },
	/* left pending: opening interrupts delivers it through the host's own entry code */
	[EXIT_REASON_EXTERNAL_INTERRUPT] = { handle_nothing, ROW_OPEN },
	[EXIT_REASON_TRIPLE_FAULT] = { handle_triple_fault, FAST },
	[EXIT_REASON_INTERRUPT_WINDOW] = { handle_window, FAST | ROW_EVENTS },
	[EXIT_REASON_NMI_WINDOW] = { handle_nothing, FAST | ROW_EVENTS },
	[EXIT_REASON_TASK_SWITCH] = { handle_task_switch, ROW_DELIVERY | ROW_EVENTS },
	[EXIT_REASON_CPUID] = { handle_cpuid, FAST },
	[EXIT_REASON_GETSEC] = { handle_ud, FAST },
	[EXIT_REASON_HLT] = { handle_hlt, 0 },
	[EXIT_REASON_INVD] = { handle_skip, FAST },
	[EXIT_REASON_RDPMC] = { handle_gp, FAST },
	[EXIT_REASON_RSM] = { handle_ud, FAST },
	[EXIT_REASON_VMCALL] = { handle_vmcall, FAST },
	[EXIT_REASON_VMCLEAR] = { handle_ud, FAST },
	[EXIT_REASON_VMLAUNCH] = { handle_ud, FAST },
	[EXIT_REASON_VMPTRLD] = { handle_ud, FAST },
	[EXIT_REASON_VMPTRST] = { handle_ud, FAST },
	[EXIT_REASON_VMREAD] = { handle_ud, FAST },
	[EXIT_REASON_VMRESUME] = { handle_ud, FAST },
	[EXIT_REASON_VMWRITE] = { handle_ud, FAST },
	[EXIT_REASON_VMOFF] = { handle_ud, FAST },
	[EXIT_REASON_VMON] = { handle_ud, FAST },
	[EXIT_REASON_CR_ACCESS] = { handle_cr_access, ROW_EVENTS },
	[EXIT_REASON_DR_ACCESS] = { handle_dr_access, FAST },
	[EXIT_REASON_IO_INSTRUCTION] = { handle_io, 0 },
	[EXIT_REASON_MSR_READ] = { handle_rdmsr, FAST },
	/* the local APIC says for itself when a write changed what can be injected */
	[EXIT_REASON_MSR_WRITE] = { handle_wrmsr, FAST },
	[EXIT_REASON_MWAIT_INSTRUCTION] = { handle_ud, FAST },
	[EXIT_REASON_MONITOR_INSTRUCTION] = { handle_ud, FAST },
	[EXIT_REASON_PAUSE_INSTRUCTION] = { handle_pause, 0 },
	/* the APIC says for itself when one of these changed what can be injected */
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = { handle_tpr_below_threshold, FAST },
	[EXIT_REASON_APIC_ACCESS] = { handle_apic_access, ROW_DELIVERY | ROW_L1D },
	[EXIT_REASON_EOI_INDUCED] = { handle_virtualized_eoi, FAST },
	[EXIT_REASON_APIC_WRITE] = { handle_apic_write, FAST },
	[EXIT_REASON_MCE_DURING_VMENTRY] = { handle_mce_during_entry, FAST },
	[EXIT_REASON_EPT_VIOLATION] = { handle_ept_violation, ROW_DELIVERY | ROW_L1D },
	[EXIT_REASON_EPT_MISCONFIG] = { handle_ept_misconfig, ROW_DELIVERY },
	[EXIT_REASON_INVEPT] = { handle_ud, FAST },
	[EXIT_REASON_PREEMPTION_TIMER] = { handle_timer, ROW_OPEN | ROW_EVENTS },
	[EXIT_REASON_INVVPID] = { handle_ud, FAST },
	[EXIT_REASON_WBINVD] = { handle_skip, FAST },
	/* hidden by the guest's CPUID: see cpuid_controls.c */
	[EXIT_REASON_RDRAND] = { handle_ud, FAST },
	[EXIT_REASON_RDSEED] = { handle_ud, FAST },
	[EXIT_REASON_XSETBV] = { handle_xsetbv, FAST },
	[EXIT_REASON_VMFUNC] = { handle_ud, FAST },
	[EXIT_REASON_ENCLS] = { handle_ud, FAST },
	[EXIT_REASON_PML_FULL] = { handle_pml_full, ROW_DELIVERY | ROW_EVENTS },
	[EXIT_REASON_PCONFIG] = { handle_ud, FAST },
	[EXIT_REASON_LOADIWKEY] = { handle_ud, FAST },
	[EXIT_REASON_ENCLV] = { handle_ud, FAST },
};
