// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer. It counts host TSC cycles, whatever the rate of the guest's TSC: a
 * TSC deadline is converted when it is set, and nothing while the guest runs.
 */
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/vm.h"

/*
 * A shorter period would have the guest leave for nothing but its timer, as it would keep a real
 * CPU busy with nothing but interrupts.
 */
#define MIN_PERIOD_US	20

/* The longest that the hrtimer is asked to wait; the deadline is looked at again then. */
#define MAX_WAIT_S	1000

static u32 timer_mode(const struct lapic *apic)
{
	return lapic_get(apic, APIC_LVTT) & LAPIC_LVT_MODE;
}

static bool deadline_mode(const struct lapic *apic)
{
	return timer_mode(apic) == APIC_LVT_TIMER_TSCDEADLINE;
}

/**
 * lapic_timer_hz() - what the timer counts at divide 1
 *
 * Context: Any.
 * Return: Hz: the TSC's own frequency (no VMX processor's reaches 2^32).
 */
u32 lapic_timer_hz(void)
{
	return tsc_khz * 1000;
}

/**
 * lapic_timer_shift() - the divide configuration register as a shift
 * @divide: its value; bits 3, 1 and 0 count
 *
 * SDM: "Divide Configuration Register".
 *
 * Context: Any.
 * Return: 0 (divide by 1) to 7 (by 128).
 */
u32 lapic_timer_shift(u32 divide)
{
	return (((divide & 3) | (divide & 8) >> 1) + 1) & 7;
}

static u32 shift_of(const struct lapic *apic)
{
	return lapic_timer_shift(lapic_get(apic, APIC_TDCR));
}

/**
 * lapic_timer_publish() - tell the run loop when the timer interrupts next
 * @apic: the APIC
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_timer_publish(struct lapic *apic)
{
	bool masked = lapic_get(apic, APIC_LVTT) & APIC_LVT_MASKED;

	apic->deadline = masked ? LAPIC_NO_DEADLINE : apic->timer.deadline;
	apic->vcpu->timer_stale = true;
}

/**
 * lapic_timer_stop() - the timer does not run
 * @apic: the APIC
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_timer_stop(struct lapic *apic)
{
	apic->timer.deadline = LAPIC_NO_DEADLINE;
	apic->timer.period = 0;
	apic->timer.tsc_deadline = 0;
	lapic_timer_publish(apic);
}

static u64 period_of(const struct lapic *apic)
{
	u64 cycles = (u64)lapic_get(apic, APIC_TMICT) << shift_of(apic);

	if (timer_mode(apic) != APIC_LVT_TIMER_PERIODIC)
		return 0;
	return max(cycles, (u64)tsc_khz * MIN_PERIOD_US / 1000 + 1);
}

/**
 * lapic_timer_resume() - let the count go on from a value
 * @apic: the APIC, not in TSC-deadline mode; mode, divisor and initial count are in the registers
 * @left: the current count; 0: it has expired, or never ran
 * @now: host TSC
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_timer_resume(struct lapic *apic, u32 left, u64 now)
{
	apic->timer.deadline = LAPIC_NO_DEADLINE;
	apic->timer.period = 0;
	if (left) {
		apic->timer.deadline = now + ((u64)left << shift_of(apic));
		apic->timer.period = period_of(apic);
	}
	lapic_timer_publish(apic);
}

/**
 * lapic_timer_start() - the guest writes the initial count
 * @apic: the APIC
 * @count: the count; 0 stops the timer
 * @now: host TSC
 *
 * SDM: "APIC Timer". In TSC-deadline mode the write is ignored.
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_timer_start(struct lapic *apic, u32 count, u64 now)
{
	if (deadline_mode(apic))
		return;
	lapic_put(apic, APIC_TMICT, count);
	lapic_timer_remember(apic);
	lapic_timer_resume(apic, count, now);
}

/**
 * lapic_timer_count() - the current count
 * @apic: the APIC; expiries before @now have been dealt with
 * @now: host TSC
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: The count, rounded up: 0 only once it expired; 0 in TSC-deadline mode.
 */
u32 lapic_timer_count(const struct lapic *apic, u64 now)
{
	u64 deadline = apic->timer.deadline;
	u32 shift = shift_of(apic);
	u64 left;

	if (deadline == LAPIC_NO_DEADLINE || deadline <= now || deadline_mode(apic))
		return 0;
	left = (deadline - now + BIT_ULL(shift) - 1) >> shift;
	return min_t(u64, left, lapic_get(apic, APIC_TMICT));
}

/*
 * Periods that were missed while the vCPU did not run are one interrupt, and the next comes when
 * it would have come anyway: neither a storm nor a drift.
 */
static void next_period(struct lapic_timer *timer, u64 now)
{
	u64 missed = div64_u64(now - timer->deadline, timer->period);

	timer->deadline += (missed + 1) * timer->period;
}

/**
 * lapic_timer_expire() - has the timer expired? then its interrupt is pending
 * @apic: the APIC
 * @now: host TSC
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 * Return: Whether it had; the timer then runs for the next period, or stands.
 */
bool lapic_timer_expire(struct lapic *apic, u64 now)
{
	u32 lvt = lapic_get(apic, APIC_LVTT);

	if (apic->timer.deadline > now || apic->timer.deadline == LAPIC_NO_DEADLINE)
		return false;
	if (apic->timer.period) {
		next_period(&apic->timer, now);
		lapic_timer_publish(apic);
	} else {
		lapic_timer_stop(apic);
	}
	if (!(lvt & APIC_LVT_MASKED))
		lapic_accept(apic, lvt & APIC_VECTOR_MASK, false, true);
	return true;
}

/**
 * lapic_timer_set_lvt() - the guest writes the timer's LVT entry
 * @apic: the APIC
 * @lvt: the value, reserved bits gone
 * @now: host TSC
 *
 * An expiry before @now belongs to the old entry. Going to or from TSC-deadline mode disarms.
 * SDM: "TSC-Deadline Mode".
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 */
void lapic_timer_set_lvt(struct lapic *apic, u32 lvt, u64 now)
{
	bool was_deadline = deadline_mode(apic);

	lapic_timer_expire(apic, now);
	lapic_put(apic, APIC_LVTT, lvt);
	if (was_deadline != deadline_mode(apic)) {
		lapic_put(apic, APIC_TMICT, 0);
		lapic_timer_remember(apic);
		lapic_timer_stop(apic);
		return;
	}
	lapic_timer_remember(apic);
	if (apic->timer.deadline != LAPIC_NO_DEADLINE)
		apic->timer.period = period_of(apic);
	lapic_timer_publish(apic);
}

/**
 * lapic_timer_set_divide() - the guest writes the divide configuration
 * @apic: the APIC
 * @divide: the value, reserved bits gone
 * @now: host TSC
 *
 * A running count goes on from where it is, at the new rate.
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 */
void lapic_timer_set_divide(struct lapic *apic, u32 divide, u64 now)
{
	u32 left;

	lapic_timer_expire(apic, now);
	left = lapic_timer_count(apic, now);
	lapic_put(apic, APIC_TDCR, divide);
	lapic_timer_remember(apic);
	if (!deadline_mode(apic))
		lapic_timer_resume(apic, left, now);
}

/**
 * lapic_timer_set_deadline() - the guest writes IA32_TSC_DEADLINE
 * @apic: the APIC
 * @tsc: a guest TSC value; 0 disarms; one that has passed interrupts at once
 * @now: host TSC
 *
 * SDM: "TSC-Deadline Mode". In other modes the write is ignored.
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 */
void lapic_timer_set_deadline(struct lapic *apic, u64 tsc, u64 now)
{
	struct vcpu *v = apic->vcpu;
	u64 guest_now = tsc_to_guest(v, now);
	u64 deadline = LAPIC_NO_DEADLINE;

	if (!deadline_mode(apic))
		return;
	apic->timer.tsc_deadline = tsc;
	if (tsc > guest_now) {
		/* one so far away that the sum wraps never comes */
		if (check_add_overflow(now, tsc_host_cycles(v, tsc - guest_now), &deadline))
			deadline = LAPIC_NO_DEADLINE;
	} else if (tsc) {
		deadline = now;
	}
	apic->timer.deadline = deadline;
	if (!lapic_timer_expire(apic, now))
		lapic_timer_publish(apic);
}

/**
 * lapic_tsc_changed() - the guest's TSC jumped: IA32_TSC_ADJUST, or a new offset
 * @v: the vCPU; the new values are in place
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_tsc_changed(struct vcpu *v)
{
	if (v->lapic->timer.tsc_deadline)
		lapic_timer_set_deadline(v->lapic, v->lapic->timer.tsc_deadline, rdtsc());
}

/**
 * lapic_timer_check() - past the deadline? then the interrupt is pending
 * @v: the vCPU
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 */
void lapic_timer_check(struct vcpu *v)
{
	if (v->lapic->deadline != LAPIC_NO_DEADLINE)
		lapic_timer_expire(v->lapic, rdtsc());
}

/**
 * lapic_cycles_to_ns() - TSC cycles as time
 * @cycles: how many
 * @khz: the TSC's frequency
 *
 * Context: Any.
 * Return: Nanoseconds, rounded up; at most 1000 seconds, whatever @cycles is.
 */
u64 lapic_cycles_to_ns(u64 cycles, u32 khz)
{
	u64 most = (u64)khz * 1000 * MAX_WAIT_S;

	if (cycles >= most)
		return (u64)MAX_WAIT_S * NSEC_PER_SEC;
	return div_u64(cycles * 1000000 + khz - 1, khz);
}

/**
 * lapic_timer_go_back() - the host's TSC was set back
 * @apic: the APIC
 * @by: by so many cycles
 *
 * A deadline that had passed already has passed still.
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_timer_go_back(struct lapic *apic, u64 by)
{
	u64 *deadline = &apic->timer.deadline;

	if (*deadline == LAPIC_NO_DEADLINE)
		return;
	*deadline -= min(*deadline, by);
	lapic_timer_publish(apic);
}

VMXHV_EXPORT_FOR_TEST(lapic_timer_go_back);

/* It may be early (the two clocks drift): the vCPU's thread compares the TSC. */
static enum hrtimer_restart timer_fired(struct hrtimer *hrtimer)
{
	struct lapic *apic = container_of(hrtimer, struct lapic, timer.hrtimer);

	WRITE_ONCE(apic->timer.armed, LAPIC_NO_DEADLINE);
	vcpu_request(apic->vcpu, BIT(REQ_TIMER));
	return HRTIMER_NORESTART;
}

/**
 * lapic_timer_init() - prepare the timer
 * @apic: the APIC, not published yet
 *
 * Context: Any.
 */
void lapic_timer_init(struct lapic *apic)
{
	apic->timer.armed = LAPIC_NO_DEADLINE;
	/* what it does takes no lock that sleeps: a real-time kernel need not defer it */
	compat_hrtimer_setup(&apic->timer.hrtimer, timer_fired, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * lapic_timer_arm() - have REQ_TIMER requested at the deadline, if there is one
 * @v: the vCPU
 *
 * It may come before the deadline: who serves it calls lapic_timer_check(), and this
 * again if the deadline is still to come.
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs may be off.
 */
void lapic_timer_arm(struct vcpu *v)
{
	struct lapic *apic = v->lapic;
	u64 now, ns;

	if (apic->deadline == READ_ONCE(apic->timer.armed))
		return;
	/* from here on what it fires for is the new deadline */
	WRITE_ONCE(apic->timer.armed, apic->deadline);
	if (apic->deadline == LAPIC_NO_DEADLINE) {
		/* one that is just firing finds nothing expired */
		hrtimer_try_to_cancel(&apic->timer.hrtimer);
		return;
	}
	now = rdtsc();
	ns = apic->deadline > now ? lapic_cycles_to_ns(apic->deadline - now, tsc_khz) : 0;
	hrtimer_start(&apic->timer.hrtimer, ns_to_ktime(ns), HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * lapic_timer_wake() - no longer asleep: cancel the hrtimer
 * @v: the vCPU
 *
 * One that is just firing may still request REQ_TIMER, which then finds nothing expired.
 *
 * Context: The vCPU's thread, vcpu->mutex held; IRQs on.
 */
void lapic_timer_wake(struct vcpu *v)
{
	if (READ_ONCE(v->lapic->timer.armed) == LAPIC_NO_DEADLINE)
		return;
	hrtimer_cancel(&v->lapic->timer.hrtimer);
	WRITE_ONCE(v->lapic->timer.armed, LAPIC_NO_DEADLINE);
}

VMXHV_EXPORT_FOR_TEST(lapic_timer_shift);
VMXHV_EXPORT_FOR_TEST(lapic_timer_stop);
VMXHV_EXPORT_FOR_TEST(lapic_timer_resume);
VMXHV_EXPORT_FOR_TEST(lapic_timer_start);
VMXHV_EXPORT_FOR_TEST(lapic_timer_count);
VMXHV_EXPORT_FOR_TEST(lapic_timer_expire);
VMXHV_EXPORT_FOR_TEST(lapic_timer_set_lvt);
VMXHV_EXPORT_FOR_TEST(lapic_timer_set_divide);
VMXHV_EXPORT_FOR_TEST(lapic_timer_set_deadline);
VMXHV_EXPORT_FOR_TEST(lapic_cycles_to_ns);
VMXHV_EXPORT_FOR_TEST(lapic_timer_hz);
