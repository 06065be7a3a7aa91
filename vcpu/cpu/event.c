// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what waits, what an exit interrupted, and what fits into the next entry.
 *
 * One event can be in the VM-entry field at a time. In order: an event whose delivery an exit
 * interrupted, an exception, an NMI, an ExtINT, the local APIC's interrupt. What must wait asks
 * for the exit that opens the window.
 */
#include <linux/percpu.h>

#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>
#include <asm/traps.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/vmx.h"

static bool is_exception(u32 info)
{
	u32 type = info & INTR_INFO_TYPE_MASK;

	return (info & INTR_INFO_VALID_MASK) &&
	       (type == INTR_TYPE_HARD_EXCEPTION || type == INTR_TYPE_SOFT_EXCEPTION ||
		type == INTR_TYPE_PRIV_SW_EXCEPTION);
}

static bool is_nmi(u32 info)
{
	return (info & INTR_INFO_VALID_MASK) &&
	       (info & INTR_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR;
}

/**
 * vcpu_triple_fault() - the guest's processor shuts down
 * @v: the vCPU
 */
void vcpu_triple_fault(struct vcpu *v)
{
	v->events.triple_fault = true;
	v->events.exception.pending = false;
	events_forget_injected(&v->events);
	vcpu_request(v, BIT(REQ_EVENT));
}

/**
 * vcpu_raise_exception() - queue an exception for the next entry
 * @v: the vCPU, loaded
 * @e: the exception; pending is implied
 *
 * Composes with the exception that is being delivered or already waits.
 *
 * Context: vCPU thread; interrupts may be off.
 */
void vcpu_raise_exception(struct vcpu *v, const struct exception *e)
{
	struct vcpu_events *events = &v->events;
	int vector = e->vector;

	vcpu_assert_loaded(v);
	if (is_exception(events->injected.info))
		vector = exception_compose((u8)events->injected.info, e->vector);
	else if (events->exception.pending)
		vector = exception_compose(events->exception.vector, e->vector);
	v->recheck = true;
	if (vector < 0) {
		vcpu_triple_fault(v);
		return;
	}

	/* an NMI's delivery had begun: blocked until IRET (SDM: "Handling Multiple NMIs") */
	if (unlikely(is_nmi(events->injected.info)))
		vcpu_set_shadow(v, vcpu_shadow(v) | SHADOW_NMI);
	/* whatever was being delivered gives way: a fault recurs, a lost interrupt is lost */
	events_forget_injected(events);
	events->exception = *e;
	if (vector != e->vector)
		events->exception = (struct exception){ .vector = vector, .has_error = true };
	events->exception.pending = true;
}

/**
 * vcpu_raise() - queue an exception without an error code
 * @v: the vCPU
 * @vector: 0 to 31
 */
void vcpu_raise(struct vcpu *v, u8 vector)
{
	vcpu_raise_exception(v, &(const struct exception){ .vector = vector });
}

/**
 * vcpu_raise_error() - queue an exception with an error code
 * @v: the vCPU
 * @vector: one that has an error code
 * @error: the code
 */
void vcpu_raise_error(struct vcpu *v, u8 vector, u32 error)
{
	vcpu_raise_exception(v, &(const struct exception){
		.vector = vector, .has_error = true, .error_code = error });
}

/**
 * vcpu_raise_page_fault() - queue #PF
 * @v: the vCPU
 * @address: goes to CR2 when the exception is delivered
 * @error: the error code
 */
void vcpu_raise_page_fault(struct vcpu *v, u64 address, u32 error)
{
	vcpu_raise_exception(v, &(const struct exception){
		.vector = X86_TRAP_PF, .has_error = true, .error_code = error,
		.has_payload = true, .payload = address });
}

static bool has_insn_len(u32 info)
{
	u32 type = info & INTR_INFO_TYPE_MASK;

	return type == INTR_TYPE_SOFT_INTR || type == INTR_TYPE_SOFT_EXCEPTION ||
	       type == INTR_TYPE_PRIV_SW_EXCEPTION;
}

/*
 * The emulated CPU says nothing of a virtual interrupt here and leaves what the event before was.
 * An interrupt is in service and interrupts are not masked: its delivery was cut short.
 */
static u32 vectoring_info(struct vcpu *v)
{
	u32 info = vmcs_read32(IDT_VECTORING_INFO_FIELD);
	u32 svi;

	if (likely(!(info & INTR_INFO_VALID_MASK)) || !v->lapic->vid ||
	    !apicv_emulated(&vmx_caps))
		return info;
	svi = vmcs_read16(GUEST_INTR_STATUS) >> 8;
	if (!svi || !(vcpu_rflags(v) & X86_EFLAGS_IF))
		return info;
	return svi | INTR_TYPE_EXT_INTR | INTR_INFO_VALID_MASK;
}

/**
 * vcpu_recover_events() - keep the event whose delivery the exit interrupted
 * @v: the vCPU, after an exit that can come during delivery
 *
 * SDM: "Information for VM Exits That Occur During Event Delivery". An NMI that is injected again
 * must not find itself blocked by its own first attempt.
 *
 * Context: vCPU loaded; interrupts may be off.
 */
void vcpu_recover_events(struct vcpu *v)
{
	struct injected_event *injected = &v->events.injected;
	u32 info = vectoring_info(v);

	vcpu_assert_burst(v);
	v->exit.vectoring_info = info;
	v->exit.valid |= EXIT_HAS_VECTORING;
	if (likely(!(info & INTR_INFO_VALID_MASK)))
		return;

	/* all of it: what an earlier event had must not be this one's */
	*injected = (struct injected_event){ .info = info & ~INTR_INFO_RESERVED_MASK };
	/* real mode pushes none, and the entry would be refused; an emulator may say otherwise */
	if (!(vmcs_readl(GUEST_CR0) & X86_CR0_PE))
		injected->info &= ~INTR_INFO_DELIVER_CODE_MASK;
	if (info & INTR_INFO_DELIVER_CODE_MASK)
		v->exit.vectoring_error = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	if (injected->info & INTR_INFO_DELIVER_CODE_MASK)
		injected->error_code = v->exit.vectoring_error;
	if (has_insn_len(info))
		injected->insn_len = exit_insn_len(v);
	if (is_nmi(info))
		vcpu_set_shadow(v, vcpu_shadow(v) & ~SHADOW_NMI);
	v->recheck = true;
}

/* Is an NMI being served, or on its way into its handler? */
static bool nmi_in_service(struct vcpu *v)
{
	return vcpu_shadow(v) & SHADOW_NMI || is_nmi(v->events.injected.info);
}

/**
 * vcpu_take_nmis() - NMIs that others have sent become this processor's
 * @v: the vCPU, loaded
 *
 * While one is served one waits, and what more is sent is lost (SDM: "Handling Multiple NMIs").
 *
 * Context: vCPU thread; interrupts may be off.
 */
void vcpu_take_nmis(struct vcpu *v)
{
	int queued = atomic_xchg(&v->nmi_queued, 0);
	int most = NMI_DEPTH - nmi_in_service(v);

	vcpu_assert_loaded(v);
	v->events.nmi_pending = min(v->events.nmi_pending + queued, most);
}

/**
 * vcpu_own_nmi_blocking() - the VMCS becomes current where another one was, or has new state
 * @v: the vCPU, loaded
 *
 * NMIs are blocked by an NMI that was injected, and by nothing else (SDM: "Virtual NMIs" in
 * "Pin-Based VM-Execution Controls"): until one is, what the CPU says of it is not this guest's.
 * Bochs 2.7 keeps the blocking across VM entries, until some guest executes IRET.
 *
 * Context: vCPU thread, VMCS current; interrupts may be off.
 */
void vcpu_own_nmi_blocking(struct vcpu *v)
{
	/* not by the cache: this thread may be in the middle of changing it */
	if (!(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & v->shadow_mask & SHADOW_NMI))
		v->shadow_mask = ~(u32)SHADOW_NMI;
}

/* An NMI goes into the VM-entry field: the VMCS must not say that they are blocked. */
static void begin_nmi(struct vcpu *v)
{
	if (!(v->shadow_mask & SHADOW_NMI))
		vcpu_set_shadow(v, vcpu_shadow(v));
	v->shadow_mask = ~0u;
}

/**
 * vcpu_can_take_interrupt() - IF is set and no instruction shadow blocks
 * @v: the vCPU, loaded
 *
 * Return: true if an external interrupt could be delivered at the next instruction boundary.
 */
bool vcpu_can_take_interrupt(struct vcpu *v)
{
	return (vcpu_rflags(v) & X86_EFLAGS_IF) &&
	       !(vcpu_shadow(v) & (SHADOW_STI | SHADOW_MOV_SS));
}

static bool extint_pending(struct vcpu *v)
{
	return READ_ONCE(v->extint_line) && lapic_takes_extint(v);
}

/**
 * vcpu_has_wakeup() - does something end HLT?
 * @v: the vCPU, loaded
 *
 * Return: true if an event that the guest would take is pending.
 */
bool vcpu_has_wakeup(struct vcpu *v)
{
	const struct vcpu_events *events = &v->events;

	if (events->exception.pending || events->injected.info || events->triple_fault)
		return true;
	if ((events->nmi_pending || atomic_read(&v->nmi_queued)) && !(vcpu_shadow(v) & SHADOW_NMI))
		return true;
	return (vcpu_rflags(v) & X86_EFLAGS_IF) &&
	       (events->extint_answered || extint_pending(v) || lapic_pending(v) >= 0);
}

static void write_entry_event(u32 info, u32 error_code, u32 insn_len)
{
	if (info & INTR_INFO_DELIVER_CODE_MASK)
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, error_code);
	if (has_insn_len(info))
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, insn_len);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info);
}

/* What the hardware does to CR2, DR6, DR7 and DEBUGCTL when it delivers the exception. */
static void apply_payload(struct vcpu *v, const struct exception *e)
{
	if (!e->has_payload)
		return;
	if (e->vector == X86_TRAP_PF) {
		v->cr2 = e->payload;
		native_write_cr2(e->payload);	/* a burst has it in the CPU */
	} else if (e->vector == X86_TRAP_DB) {
		v->dr6 &= ~DR_TRAP_BITS;
		v->dr6 |= e->payload;
		vmcs_writel(GUEST_DR7, vmcs_readl(GUEST_DR7) & ~(u64)DR7_GD);
		if (vcpu_debugctl(v) & DEBUGCTLMSR_BTF)
			vcpu_set_debugctl(v, 0);
	}
}

/**
 * vcpu_keep_trap_pending() - a trap pends in a shadow with TF set
 * @v: the vCPU, loaded
 *
 * The entry wants it so, although an exception that is injected takes the trap along (SDM: "Checks
 * on Guest Non-Register State").
 *
 * Context: vCPU thread; interrupts may be off.
 */
void vcpu_keep_trap_pending(struct vcpu *v)
{
	bool shadow = vcpu_shadow(v) & (SHADOW_STI | SHADOW_MOV_SS);

	if (vcpu_rflags(v) & X86_EFLAGS_TF)
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS,
			    state_pending_debug(shadow, vcpu_rflags(v), vcpu_debugctl(v)));
}

static void inject_exception(struct vcpu *v)
{
	struct exception *e = &v->events.exception;
	u32 info = e->vector | INTR_TYPE_HARD_EXCEPTION | INTR_INFO_VALID_MASK;

	e->pending = false;
	apply_payload(v, e);
	vcpu_keep_trap_pending(v);
	if (exception_rule(e->vector)->kind == EXCEPTION_FAULT)
		vcpu_set_rflags(v, vcpu_rflags(v) | X86_EFLAGS_RF);

	/* #BP and #OF are software exceptions: INT3 and INTO push what is behind themselves */
	if (e->vector == X86_TRAP_BP || e->vector == X86_TRAP_OF)
		info = e->vector | INTR_TYPE_SOFT_EXCEPTION | INTR_INFO_VALID_MASK;
	/* real mode pushes no error code (SDM: "VM-Entry Controls for Event Injection") */
	if (e->has_error && (vmcs_readl(GUEST_CR0) & X86_CR0_PE))
		info |= INTR_INFO_DELIVER_CODE_MASK;
	write_entry_event(info, e->error_code, e->insn_len ?: 1);
}

static bool inject_nmi(struct vcpu *v)
{
	if (!v->events.nmi_pending)
		return false;
	if (vcpu_shadow(v) & (SHADOW_STI | SHADOW_MOV_SS | SHADOW_NMI))
		return false;

	v->events.nmi_pending--;
	begin_nmi(v);
	write_entry_event(X86_TRAP_NMI | INTR_TYPE_NMI_INTR | INTR_INFO_VALID_MASK, 0, 0);
	return true;
}

static void inject_vector(u8 vector)
{
	write_entry_event(vector | INTR_TYPE_EXT_INTR | INTR_INFO_VALID_MASK, 0, 0);
}

/* ExtINT before the APIC's own: the PIC is the older line. True: something went in. */
static bool inject_interrupt(struct vcpu *v)
{
	int vector;

	if (!vcpu_can_take_interrupt(v))
		return false;
	if (v->events.extint_answered) {
		v->events.extint_answered = false;
		inject_vector(v->events.extint_vector);
		return true;
	}
	if (extint_pending(v)) {
		v->events.extint_waiting = true;
		return false;
	}
	/* the CPU delivers it, unless it is to tell of a window first */
	if (v->lapic->vid && !(v->asked.user_flags & VMXHV_USER_WANT_WINDOW))
		return false;
	vector = lapic_pending(v);
	if (vector < 0)
		return false;
	lapic_take(v, vector);
	inject_vector(vector);
	return true;
}

/* The windows that what is left needs. */
static void request_windows(struct vcpu *v)
{
	bool interrupt = v->events.extint_answered || extint_pending(v) ||
			 (!v->lapic->vid && lapic_pending(v) >= 0) ||
			 (v->asked.user_flags & VMXHV_USER_WANT_WINDOW);

	/* a debugger's trap is to end this instruction, without the shadow: no window before it */
	if (unlikely(v->debug.plan == PLAN_TRAP) && vcpu_shadow(v) & SHADOW_STI) {
		controls_set_cpu(v, CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING,
				 0);
		return;
	}
	controls_set_cpu(v, CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING,
			 window_controls(interrupt, v->events.nmi_pending,
					 v->events.nmi_pending ? vcpu_shadow(v) : 0));
}

/**
 * vcpu_inject_events() - put what fits into the VM-entry field, and ask for windows for the rest
 * @v: the vCPU, loaded
 *
 * Sets events.extint_waiting when userspace must acknowledge an ExtINT first.
 *
 * Context: Interrupts off, right before an entry.
 */
void vcpu_inject_events(struct vcpu *v)
{
	struct vcpu_events *events = &v->events;

	vcpu_assert_burst(v);
	if (unlikely(v->lapic->controls_stale))
		apicv_switch(v);
	if (events->injected.info & INTR_INFO_VALID_MASK) {
		if (is_nmi(events->injected.info))
			begin_nmi(v);
		vcpu_keep_trap_pending(v);
		write_entry_event(events->injected.info, events->injected.error_code,
				  events->injected.insn_len);
		/* the VM-entry field has it now; an exit during delivery brings it back */
		events_forget_injected(events);
	} else if (events->exception.pending) {
		inject_exception(v);
	} else if (!inject_nmi(v)) {
		inject_interrupt(v);
	}
	request_windows(v);
	apicv_follow(v);
}

/**
 * vcpu_reblock_nmis() - IRET unblocked NMIs and then failed: it will be executed again
 * @v: the vCPU, loaded; its exit says that this is what happened
 *
 * Not where an event's delivery was under way: what the exit says then has no meaning (SDM:
 * "Information for VM Exits Due to Vectored Events").
 *
 * Context: Interrupts may be off.
 */
void vcpu_reblock_nmis(struct vcpu *v)
{
	if (!(v->events.injected.info & INTR_INFO_VALID_MASK))
		vcpu_set_shadow(v, vcpu_shadow(v) | SHADOW_NMI);
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

	v->soft.insn_len = 0;
	if ((info & INTR_INFO_TYPE_MASK) == INTR_TYPE_SOFT_EXCEPTION) {
		e.insn_len = exit_insn_len(v);
		v->soft = (struct soft_exception){
			.rip = vcpu_rip(v), .vector = e.vector, .insn_len = e.insn_len };
	}
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
