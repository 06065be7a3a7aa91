// SPDX-License-Identifier: GPL-2.0-only
/*
 * RUN: complete what the last exit left, then enter the guest until userspace is needed.
 *
 * A burst is a run of entries with interrupts off throughout in the host: exits that need nothing
 * else are handled and the guest is entered again. A burst ends when a handler must sleep, when the
 * host has work, or after BURST_EXITS: then interrupts are opened once.
 */
#include <linux/entry-kvm.h>
#include <linux/sched/signal.h>

#include <asm/msr.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/run.h"
#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/exit_reasons.h"
#include "vmx/l1d.h"
#include "vmx/vmx.h"
#include "entry.h"
#include "guest_context.h"
#include "halt.h"

/* Exits that a burst handles before it opens interrupts once. */
#define BURST_EXITS	64

/* What the host wants of this thread before it enters a guest. */
static inline bool host_work_pending(void)
{
	return read_thread_flags() & (XFER_TO_GUEST_MODE_WORK & ~_TIF_NOTIFY_RESUME);
}

/*
 * Task work, restartable sequences and cgroup limits are done on the way back to userspace, and
 * nowhere else that a module can call. Every time the thread sleeps there is some: it may wait a
 * little, but not for ever, for a guest that never exits.
 */
#define RESUME_WORK_WAITS	msecs_to_jiffies(20)

static inline bool resume_work_is_old(struct vcpu *v)
{
	if (likely(!test_thread_flag(TIF_NOTIFY_RESUME))) {
		v->burst.resume_work_since = 0;
		return false;
	}
	if (!v->burst.resume_work_since)
		v->burst.resume_work_since = jiffies | 1;
	return time_after(jiffies, v->burst.resume_work_since + RESUME_WORK_WAITS);
}

/* Does the vCPU itself have something for userspace? */
static bool wants_outside(const struct vcpu *v)
{
	return v->events.extint_waiting || v->events.triple_fault || v->lapic->eoi_waiting;
}

/* Interrupts off. False: something waits that cannot be done here. */
static bool serve_requests(struct vcpu *v)
{
	vcpu_assert_burst(v);
	if (unlikely(READ_ONCE(v->requests))) {
		if (READ_ONCE(v->requests) & REQS_OUTSIDE)
			return false;
		if (test_and_clear_bit(REQ_TLB_FLUSH, &v->requests))
			vcpu_flush_tlb(v);
		if (test_and_clear_bit(REQ_NMI, &v->requests))
			vcpu_take_nmis(v);
		/* it came early, perhaps: the clock goes on */
		if (test_and_clear_bit(REQ_TIMER, &v->requests))
			v->timer_stale = true;
		clear_bit(REQ_EVENT, &v->requests);
		/* what the bits announce is read after they are cleared */
		smp_mb__after_atomic();
	}
	lapic_timer_check(v);
	/* before anything goes into the VM-entry field, which only an entry empties */
	if (unlikely(wants_outside(v)))
		return false;
	v->recheck = false;
	vcpu_inject_events(v);
	if (v->events.extint_waiting)
		return false;
	if (unlikely(v->debug.on))
		debug_enter(v);
	return true;
}

/*
 * The preemption timer stands in for the APIC timer while the guest runs, and takes the CPU back
 * once a jiffy, also from a guest with interrupts masked. An exit saves what is left of it. Where
 * the CPU has none, or one that counts wrongly, the host's own timer interrupt ends guest mode.
 */
static void load_preemption_timer(struct vcpu *v)
{
	u64 now, end, deadline, ticks;

	vcpu_assert_burst(v);
	if (unlikely(!vmx_caps.has_preemption_timer)) {
		v->timer_stale = false;
		lapic_timer_arm(v);
		return;
	}
	now = rdtsc();
	end = now + (u64)tsc_khz * (1000 / HZ);
	deadline = min(lapic_timer_deadline(v), end);
	ticks = deadline > now ? (deadline - now) >> vmx_caps.preemption_timer_shift : 0;
	v->timer_stale = !vmx_caps.save_preemption_timer;
	vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, min_t(u64, ticks, U32_MAX));
}

static void write_dirty_registers(struct vcpu *v)
{
	if (v->reg_dirty & CACHE_RIP)
		vmcs_writel(GUEST_RIP, v->rip);
	if (v->reg_dirty & CACHE_RSP)
		vmcs_writel(GUEST_RSP, v->gpr[REG_RSP]);
	if (v->reg_dirty & CACHE_RFLAGS)
		vmcs_writel(GUEST_RFLAGS, v->rflags);
	v->reg_dirty = 0;
}

/* An exit whose handler needs interrupts on; it may sleep. */
static int exit_pending(struct vcpu *v, const struct exit_row *row)
{
	vcpu_assert_loaded(v);
	lockdep_assert_irqs_enabled();
	if (row->flags & ROW_EVENTS)
		v->recheck = true;
	return likely(row->handle) ? row->handle(v) : handle_unexpected(v);
}

/* Interrupts off. Bring the VMCS up to date. False: the burst cannot go on. */
static noinline bool prepare_entry(struct vcpu *v)
{
	if (v->recheck || READ_ONCE(v->requests)) {
		if (!serve_requests(v)) {
			v->burst.outside = true;
			return false;
		}
	}
	if (v->timer_stale)
		load_preemption_timer(v);
	if (v->reg_dirty)
		write_dirty_registers(v);
	return true;
}

static __always_inline bool ready_to_enter(struct vcpu *v)
{
	if (unlikely(v->entry_work | READ_ONCE(v->requests)))
		return prepare_entry(v);
	return true;
}

/* A machine check makes an entry fail, too, and is nobody's mistake. */
static int entry_failed_by(struct vcpu *v)
{
	if (VMX_EXIT_BASIC_REASON(v->exit.reason) == EXIT_REASON_MCE_DURING_VMENTRY)
		return handle_mce_during_entry(v);
	return exit_failed_entry(v, 0);
}

/* The rare exits. False: the burst ends with this one. */
static noinline bool handle_rare(struct vcpu *v)
{
	const struct exit_row *row = exit_row(v, v->exit.reason);

	debug_exited(v);
	if (unlikely(v->exit.reason & VMX_EXIT_REASON_FAILED_ENTRY)) {
		v->burst.ret = entry_failed_by(v);
		return false;
	}
	if (row->flags & ROW_DELIVERY)
		vcpu_recover_events(v);
	if (!(row->flags & ROW_IRQS_OFF)) {
		v->burst.pending = row;
		return false;
	}
	if (row->flags & ROW_EVENTS)
		v->recheck = true;
	v->burst.ret = row->handle(v);
	/* a handler may leave the rest to another row, with interrupts on */
	return v->burst.ret == HANDLED && !v->burst.pending;
}

/* Interrupts off. True: the exit is handled, enter again. */
static __always_inline bool handle_exit(struct vcpu *v)
{
	const u32 reason = v->exit.reason;
	const struct exit_row *row = &v->burst.rows[nospec_mask(reason, EXIT_ROWS)];
	int ret;

	v->reg_avail = 0;
	v->exit.valid = 0;
	/* a reason and nothing else in the field, and a row that asks for nothing special */
	if (likely(reason < EXIT_ROWS && row->flags == v->burst.plain_row)) {
		ret = row->handle(v);
		if (unlikely(ret != HANDLED)) {
			v->burst.ret = ret;
			return false;
		}
	} else if (reason < EXIT_ROWS && !(row->flags & (ROW_IRQS_OFF | ROW_DELIVERY))) {
		v->burst.pending = row;
		debug_exited(v);
		return false;
	} else if (!handle_rare(v)) {
		return false;
	}
	return likely(--v->burst.left) && ready_to_enter(v);
}

/**
 * vcpu_exited() - a VM exit happened: entry.S asks whether to enter again
 * @v: the vCPU; its general registers are saved
 *
 * Nothing between the exit and the host's NMI handler may take an exception: its IRET would unblock
 * NMIs (SDM: "Handling Multiple NMIs"). Hence noinstr, and hence INT 2 here, which runs the
 * handler on the stack that it expects.
 *
 * Context: Interrupts off, in a burst.
 * Return: true: enter again; false: see burst.ret and burst.pending.
 */
asmlinkage noinstr bool vcpu_exited(struct vcpu *v)
{
	bool again;

	v->exit.reason = vmcs_read32(VM_EXIT_REASON);
	if (unlikely(v->exit.reason == EXIT_REASON_EXCEPTION_NMI)) {
		u32 info = vmcs_read32(VM_EXIT_INTR_INFO);

		if ((info & INTR_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR)
			asm volatile("int $2");
	}
	guest_context_exit();

	OBJTOOL_EDGE("begin");
	again = handle_exit(v);
	OBJTOOL_EDGE("end");
	if (again)
		guest_context_enter();
	return again;
}

static noinstr int enter_guest(struct vcpu *v)
{
	int how;

	guest_context_enter();
	how = vmx_enter(v);
	/* after an exit vcpu_exited() did */
	if (unlikely(how))
		guest_context_exit();
	return how;
}

/* Interrupts off. Is there anything for the host to do before a guest may run? */
static bool host_wants_cpu(struct vcpu *v)
{
	return vmcs_lost(v) || host_work_pending();
}

/*
 * entry.S takes note of the launch before it tries: where the first entry of a burst failed, there
 * was none (SDM: "VM Entries", the launch state changes last).
 */
static bool entry_failed(const struct vcpu *v, int how)
{
	return how || v->exit.reason & VMX_EXIT_REASON_FAILED_ENTRY;
}

static void burst_entries(struct vcpu *v)
{
	const u32 exits = vmx_pmu_busy(&v->pmu) || vmx_l1d_each_entry() ? 1 : BURST_EXITS;
	const bool launched = v->vmcs.launched;
	int how;

	v->burst.left = exits;
	/* while the CPU was elsewhere, the deadline came nearer */
	if (lapic_timer_deadline(v) != LAPIC_NO_DEADLINE)
		v->timer_stale = true;
	if (!ready_to_enter(v))
		return;
	how = enter_guest(v);
	if (unlikely(entry_failed(v, how))) {
		if (v->burst.left == exits)
			v->vmcs.launched = launched;
		if (how)
			v->burst.ret = exit_failed_entry(v, how);
	}
}

/* What only the guest and the host's fault handlers use: the latter do not run in a burst. */
static void cr2_enter(struct vcpu *v)
{
	/* writing it serializes: only when it differs */
	if (unlikely(native_read_cr2() != v->cr2))
		native_write_cr2(v->cr2);
}

static void cr2_leave(struct vcpu *v)
{
	v->cr2 = native_read_cr2();
}

/* Enters the guest until something needs interrupts on; what is pending is left to be handled. */
static int run_burst(struct vcpu *v)
{
	v->burst.pending = NULL;
	v->burst.ret = HANDLED;
	local_irq_disable();
	/* the mode before the requests: see request.c */
	smp_store_mb(v->mode, IN_GUEST);
	if (likely(!host_wants_cpu(v))) {
		host_burst_begin(v);
		xstate_enter(v);
		cr2_enter(v);
		if (unlikely(v->dr_loaded))
			dr_enter(v);
		vmx_l1d_before_burst(&v->burst.l1d_stale);
		guest_burst_enter(&v->burst.rcu_noted);
		burst_entries(v);
		cr2_leave(v);
		xstate_leave(v);
		host_burst_end(v);
		/* what waits for the host is taken here, on the guest's account */
		local_irq_enable();
		WRITE_ONCE(v->mode, OUTSIDE_GUEST);
		local_irq_disable();
		guest_burst_exit();
	}
	WRITE_ONCE(v->mode, OUTSIDE_GUEST);
	local_irq_enable();
	return v->burst.ret;
}

/* VMX is off here: move, or give up. */
static int reload(struct vcpu *v)
{
	int ret;

	if (!vmcs_lost(v))
		return HANDLED;
	vcpu_put(v);
	ret = vcpu_load(v);
	return ret ?: HANDLED;
}

static int serve_host(struct vcpu *v)
{
	if (signal_pending(current)) {
		/* the kick, if there is one, stays for the next RUN */
		exit_to_user(v, VMXHV_EXIT_INTR);
		return -EINTR;
	}
	if (read_thread_flags() & COMPAT_TIF_RESCHED)
		schedule();
	if (test_and_clear_bit(REQ_KICK, &v->requests) || resume_work_is_old(v)) {
		exit_to_user(v, VMXHV_EXIT_INTR);
		return TO_USER;
	}
	return HANDLED;
}

/* Requests and states that end or hold up the run; interrupts on, may sleep. */
static int serve_outside(struct vcpu *v)
{
	u8 eoi;

	vcpu_assert_may_sleep(v);
	if (test_bit(REQ_DEAD, &v->requests))
		return -EIO;
	if (v->events.triple_fault) {
		v->events.triple_fault = false;
		v->events.activity = VMXHV_SHUTDOWN;
		exit_to_user(v, VMXHV_EXIT_SHUTDOWN);
		return TO_USER;
	}
	/* it ends a shutdown, too */
	vcpu_take_init(v);
	if (v->events.activity == VMXHV_SHUTDOWN) {
		exit_to_user(v, VMXHV_EXIT_SHUTDOWN);
		return TO_USER;
	}
	if (test_and_clear_bit(REQ_SIPI, &v->requests))
		vcpu_start_up(v);
	if (test_and_clear_bit(REQ_APIC_PAGE, &v->requests))
		memory_place_apic(v->vm, v->id, lapic_place(v->lapic));
	if (lapic_eoi_exit(v, &eoi))
		return eoi_to_user(v, eoi);
	if (v->events.extint_waiting)
		return intack_to_user(v);
	return v->debug.on || test_bit(REQ_DEBUG, &v->requests) ? debug_serve(v) : HANDLED;
}

/* Something must be seen to before the guest may run; interrupts on, may sleep. */
static noinline int serve_slow(struct vcpu *v)
{
	int ret;

	if (v->events.activity == VMXHV_HALTED || v->events.activity == VMXHV_WAIT_SIPI)
		wait_for_event(v);
	if (host_work_pending() || test_bit(REQ_KICK, &v->requests) || resume_work_is_old(v)) {
		ret = serve_host(v);
		if (ret != HANDLED)
			return ret;
	}
	v->burst.outside = false;
	v->recheck = true;
	return serve_outside(v);
}

/* Nothing of what serve_slow() looks at? */
static inline bool may_enter(struct vcpu *v)
{
	return likely(!(v->events.activity | v->burst.outside |
			(READ_ONCE(v->requests) & REQS_OUTSIDE) |
			(read_thread_flags() & XFER_TO_GUEST_MODE_WORK)));
}

static int run_loop(struct vcpu *v)
{
	int ret;

	BUILD_BUG_ON(VMXHV_ACTIVE);
	for (;;) {
		if (!may_enter(v)) {
			ret = serve_slow(v);
			if (ret != HANDLED)
				return ret;
			if (v->events.activity != VMXHV_ACTIVE)
				continue;
		}
		ret = run_burst(v);
		if (v->burst.pending && ret == HANDLED) {
			v->burst.l1d_stale |= !(v->burst.pending->flags & (ROW_OPEN | ROW_L1D));
			ret = exit_pending(v, v->burst.pending);
		}
		if (unlikely(v->vmcs.failed))
			ret = exit_internal(v, "a VMREAD or VMWRITE failed");
		if (ret != HANDLED)
			return ret;
		ret = reload(v);
		if (ret != HANDLED)
			return ret;
	}
}

/* Answers and dirty groups are taken; an EOI that nobody was told of is in no group of state. */
static noinline int complete_only(struct vcpu *v)
{
	u8 eoi;

	if (lapic_eoi_exit(v, &eoi))
		return eoi_to_user(v, eoi);
	exit_to_user(v, VMXHV_EXIT_NONE);
	return TO_USER;
}

/* Steps 1 to 3 of RUN: what userspace answered and changed. */
static int run_begin(struct vcpu *v, u32 flags, struct vmxhv_error *err)
{
	const u32 user_flags = READ_ONCE(v->run->user_flags);
	int ret;

	if (unlikely(v->asked.user_flags != user_flags))
		v->recheck = true;
	v->asked.user_flags = user_flags;
	v->asked.wanted = READ_ONCE(v->run->wanted);
	if (unlikely((v->asked.user_flags & ~VMXHV_USER_FLAGS) ||
		     (v->asked.wanted & ~VMXHV_GROUPS)))
		return refuse_run_flags(v, err);

	if (v->completion != COMPLETE_NONE) {
		ret = complete_exit(v, err);
		if (ret != HANDLED)
			return ret;
	}
	if (unlikely(READ_ONCE(v->run->dirty))) {
		ret = apply_dirty_groups(v, err);
		if (ret)
			return ret;
	}
	if (unlikely(flags & VMXHV_RUN_COMPLETE_ONLY))
		return complete_only(v);
	if (unlikely(READ_ONCE(v->run->kick))) {
		exit_to_user(v, VMXHV_EXIT_INTR);
		return TO_USER;
	}
	return HANDLED;
}

/**
 * vcpu_run() - the RUN call
 * @v: the vCPU; its mutex is held, current->mm is the VM's
 * @flags: VMXHV_RUN_*, already checked
 * @err: detail of a refusal
 *
 * Context: Process; sleeps while the guest halts.
 * Return: 0 with an exit in the run area; -EINTR, likewise (INTR); -EINVAL the run area asks for
 * something that does not exist; -EIO the VM is dead; -ESHUTDOWN.
 */
int vcpu_run(struct vcpu *v, u32 flags, struct vmxhv_error *err)
{
	int ret;

	vcpu_assert_held(v);
	if (unlikely(READ_ONCE(v->vm->dead)))
		return -EIO;
	ret = vcpu_load(v);
	if (unlikely(ret))
		return ret;

	ret = run_begin(v, flags, err);
	if (ret == HANDLED) {
		v->ran = true;
		v->burst.l1d_stale = true;
		v->burst.resume_work_since = 0;
		ret = run_loop(v);
	}
	/* what was read since then was 0: that is no exit to tell userspace of */
	if (unlikely(vmcs_lost(v)) && v->loaded)
		ret = -ESHUTDOWN;
	publish_done(v);
	vcpu_put(v);
	return ret;
}
