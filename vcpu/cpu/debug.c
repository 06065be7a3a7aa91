// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debugging from userspace. While a debugger is there, each burst has one entry: before it the
 * debug registers are shared, TF, DEBUGCTL and the shadows become what the step needs; after its
 * exit all is the guest's again, so that nobody else ever sees what was lent.
 *
 * A step is one instruction, or the delivery of one event. All exceptions exit meanwhile and are
 * injected with the guest's own TF: the image of RFLAGS on the guest's stack is its own. That an
 * event was delivered tells the preemption timer, which expires before the handler's first
 * instruction when it begins at 0.
 */
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/traps.h>

#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/exit_reasons.h"

/**
 * debug_stepping() - does a debugger go step by step?
 * @v: the vCPU
 *
 * Context: vCPU thread.
 * Return: true if it does.
 */
bool debug_stepping(const struct vcpu *v)
{
	return v->debug.control & VMXHV_DEBUG_STEP;
}

/**
 * debug_has_points() - are there breakpoints or watchpoints?
 * @d: the vCPU's
 *
 * Context: vCPU thread.
 * Return: true if there are.
 */
bool debug_has_points(const struct vcpu_debug *d)
{
	int i;

	for (i = 0; i < DEBUG_POINTS; i++)
		if (d->point[i].kind)
			return true;
	return false;
}

/**
 * debug_linear() - the linear address of an instruction
 * @v: the vCPU, loaded
 * @ip: its instruction pointer
 *
 * Context: vCPU thread.
 * Return: the address.
 */
u64 debug_linear(struct vcpu *v, u64 ip)
{
	enum vmxhv_cpu_mode mode = vcpu_cpu_mode(v);

	if (mode == VMXHV_MODE_64)
		return ip;
	if (mode != VMXHV_MODE_32)
		ip = (u16)ip;
	return (u32)(vmcs_readl(GUEST_CS_BASE) + (u32)ip);
}

/**
 * debug_say() - something that the debugger is to hear of before the next entry
 * @v: the vCPU, loaded
 * @kind: VMXHV_DEBUG_*
 * @dr6: bits for the report's DR6
 *
 * Context: vCPU thread; interrupts may be off.
 */
void debug_say(struct vcpu *v, u32 kind, u64 dr6)
{
	v->debug.report.kind |= kind;
	v->debug.report.dr6 |= dr6;
	set_bit(REQ_DEBUG, &v->requests);
}

/**
 * debug_step_done() - the step is over
 * @v: the vCPU, loaded
 *
 * Context: vCPU thread; interrupts may be off.
 */
void debug_step_done(struct vcpu *v)
{
	v->debug.plan = PLAN_NONE;
	debug_say(v, VMXHV_DEBUG_STEP, DR_STEP);
}

/**
 * debug_iteration() - an iteration of a repeated instruction that exits is done, and not the last
 * @v: the vCPU
 *
 * Context: vCPU loaded.
 */
void debug_iteration(struct vcpu *v)
{
	if (debug_stepping(v))
		debug_step_done(v);
}

/* INT n: its gate and its frame are the CPU's business, its RFLAGS image the guest's own. */
static void inject_int(struct vcpu *v, const struct step *step)
{
	if (v->events.injected.info || v->events.exception.pending)
		return;
	v->events.injected = (struct injected_event){
		.info = step->vector | INTR_TYPE_SOFT_INTR | INTR_INFO_VALID_MASK,
		.insn_len = step->length,
	};
}

/**
 * debug_arm() - see what is at RIP, and decide how to step over it
 * @v: the vCPU, loaded
 *
 * Context: Process; may sleep, since it reads guest memory.
 */
void debug_arm(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;
	enum vmxhv_cpu_mode mode = vcpu_cpu_mode(v);
	u8 insn[15];
	u32 count;

	vcpu_assert_may_sleep(v);
	d->plan = PLAN_NONE;
	if (!debug_stepping(v))
		return;
	d->rip = vcpu_rip(v);
	count = vcpu_fetch_insn(v, insn, mode);
	d->step = debug_decode(insn, count, mode);
	d->plan = PLAN_BREAK;
	switch (d->step.kind) {
	case STEP_NEXT:
		d->stop_at = debug_linear(v, d->rip + d->step.length);
		return;
	case STEP_SYSCALL:
		d->stop_at = v->msrs.lstar;
		return;
	case STEP_SYSRET:
		d->stop_at = d->step.wide ? v->gpr[REG_RCX] : (u32)v->gpr[REG_RCX];
		return;
	case STEP_INT:
		inject_int(v, &d->step);
		break;
	case STEP_TRAP:
		break;
	}
	d->plan = PLAN_TRAP;
}

/* The CPU insists that a trap is pending in a shadow with TF, and only there. */
static void set_pending(struct vcpu *v)
{
	bool shadow = vcpu_shadow(v) & (SHADOW_STI | SHADOW_MOV_SS);
	u64 pending = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS) & ~(u64)GUEST_PENDING_DBG_BS;

	pending |= state_pending_debug(shadow, vcpu_rflags(v), vcpu_debugctl(v));
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, pending);
}

/*
 * TF without BTF. A trap must be pending behind STI when TF is set: the guest's STI has none, and
 * its shadow ends with this instruction, in which nothing can interrupt: see vcpu_inject_events().
 */
static void lend_tf(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;

	d->guest_tf = vcpu_rflags(v) & X86_EFLAGS_TF;
	d->guest_btf = vcpu_debugctl(v) & DEBUGCTLMSR_BTF;
	if (d->guest_btf)
		vcpu_set_debugctl(v, 0);
	vcpu_set_rflags(v, vcpu_rflags(v) | X86_EFLAGS_TF);
	d->sti = vcpu_shadow(v) & SHADOW_STI;
	if (d->sti)
		vcpu_set_shadow(v, vcpu_shadow(v) & ~SHADOW_STI);
}

static void lend_registers(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;

	d->guest_dr7 = vmcs_readl(GUEST_DR7);
	debug_share(v->dr, d->guest_dr7, d->point, d->plan == PLAN_BREAK ? &d->stop_at : NULL,
		    &d->slots);
	vmcs_writel(GUEST_DR7, d->slots.dr7);
	set_debugreg(d->slots.dr[0], 0);
	set_debugreg(d->slots.dr[1], 1);
	set_debugreg(d->slots.dr[2], 2);
	set_debugreg(d->slots.dr[3], 3);
}

/**
 * debug_enter() - lend the CPU what the step needs
 * @v: the vCPU; what is to be injected is in the VM-entry field
 *
 * Context: Interrupts off, the entry follows.
 */
void debug_enter(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;
	bool event = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VALID_MASK;

	vcpu_assert_burst(v);
	d->entered = true;
	d->sti = false;
	if (event && d->plan != PLAN_NONE) {
		d->plan = PLAN_EVENT;
		vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, 0);
		v->timer_stale = false;
	}
	lend_registers(v);
	if (d->plan == PLAN_TRAP)
		lend_tf(v);
	if (d->resume && !event && vcpu_rip(v) == d->resume_rip)
		vcpu_set_rflags(v, vcpu_rflags(v) | X86_EFLAGS_RF);
	set_pending(v);
}

static bool is_db(struct vcpu *v)
{
	const u32 bits = INTR_INFO_VALID_MASK | INTR_INFO_TYPE_MASK | INTR_INFO_VECTOR_MASK;

	return v->exit.reason == EXIT_REASON_EXCEPTION_NMI &&
	       (exit_intr_info(v) & bits) ==
	       (INTR_INFO_VALID_MASK | INTR_TYPE_HARD_EXCEPTION | X86_TRAP_DB);
}

static void return_tf(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;
	bool trapped = is_db(v) && (exit_qualification(v) & DR_STEP);
	u64 pending;

	if (d->guest_btf)
		vcpu_set_debugctl(v, DEBUGCTLMSR_BTF);
	/* IRET brought a TF of its own */
	if (!(trapped && d->step.loads_tf) && !d->guest_tf)
		vcpu_set_rflags(v, vcpu_rflags(v) & ~(u64)X86_EFLAGS_TF);
	if (!trapped && d->sti && vcpu_rip(v) == d->rip)
		vcpu_set_shadow(v, vcpu_shadow(v) | SHADOW_STI);
	if (trapped || d->guest_tf)
		return;
	pending = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS);
	if (pending & GUEST_PENDING_DBG_BS)
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, pending & ~(u64)GUEST_PENDING_DBG_BS);
}

/**
 * debug_leave() - take back what was lent
 * @v: the vCPU, after an entry, also after one that failed; nothing of the exit is handled yet
 *
 * Context: Interrupts off.
 */
void debug_leave(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;

	vcpu_assert_burst(v);
	if (!d->entered)
		return;
	d->entered = false;
	vmcs_writel(GUEST_DR7, d->guest_dr7);
	if (d->plan == PLAN_TRAP)
		return_tf(v);
	if (d->resume && vcpu_rip(v) != d->resume_rip)
		d->resume = false;
	if (d->plan == PLAN_EVENT) {
		v->timer_stale = true;
		if (v->exit.reason != EXIT_REASON_TRIPLE_FAULT &&
		    !(vmcs_read32(IDT_VECTORING_INFO_FIELD) & INTR_INFO_VALID_MASK))
			debug_step_done(v);
	}
	set_bit(REQ_DEBUG, &v->requests);
}
