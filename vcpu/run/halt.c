// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that halts. To put its thread to sleep and to wake it costs more than most waits are long:
 * it looks for events for a while first, for as long as that has paid lately, as KVM does.
 */
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/run.h"
#include "halt.h"

/* Requests that a halted vCPU looks at; a flush can wait for the next entry. */
#define REQS_WAKE	(REQS_OUTSIDE | BIT(REQ_EVENT) | BIT(REQ_TIMER) | BIT(REQ_NMI))

#define POLL_FIRST_US	10

static unsigned int halt_poll_us = 200;
module_param(halt_poll_us, uint, 0644);
MODULE_PARM_DESC(halt_poll_us, "microseconds that a halted vCPU looks for events before it sleeps, at most; 0: it sleeps at once");

static u64 us_to_cycles(u32 us)
{
	return (u64)us * tsc_khz / 1000;
}

/* The VM's own limit, or that of all VMs, which may change at any time. */
static u64 poll_limit(const struct vcpu *v)
{
	const struct vm_config *config = &v->vm->config;
	u32 us = config->flags & VMXHV_CONFIG_HALT_POLL ? config->halt_poll_us :
							  READ_ONCE(halt_poll_us);

	return us_to_cycles(min(us, VMXHV_HALT_POLL_MAX_US));
}

/**
 * halt_poll_next() - how long to look for events in the next halt
 * @poll: how long it was this time, in cycles
 * @waited: how long the halt was
 * @limit: at most so long; 0: never
 * @first: how long to begin with
 *
 * Context: Any.
 * Return: cycles: as before if that was enough; more if a little more would have been; 0 if no
 *	length that is allowed would have been.
 */
u64 halt_poll_next(u64 poll, u64 waited, u64 limit, u64 first)
{
	if (waited > limit)
		return 0;
	if (waited > poll)
		poll = poll ? 2 * poll : first;
	return min(poll, limit);
}

VMXHV_EXPORT_FOR_TEST(halt_poll_next);

/* True: something came. Nobody else wants the CPU meanwhile. */
static bool poll(const struct vcpu *v, unsigned long wake, u64 end)
{
	while (!(READ_ONCE(v->requests) & wake)) {
		if (rdtsc() >= end || !single_task_running() || signal_pending(current) ||
		    read_thread_flags() & COMPAT_TIF_RESCHED)
			return false;
		cpu_relax();
	}
	return true;
}

static bool halt_ends(struct vcpu *v)
{
	if (READ_ONCE(v->requests) & REQS_OUTSIDE)
		return true;
	if (v->events.activity != VMXHV_HALTED)
		return false;
	clear_bit(REQ_EVENT, &v->requests);
	clear_bit(REQ_TIMER, &v->requests);
	/* what the bits announce is read after they are cleared */
	smp_mb__after_atomic();
	if (test_and_clear_bit(REQ_NMI, &v->requests))
		vcpu_take_nmis(v);
	lapic_timer_check(v);
	if (!vcpu_has_wakeup(v))
		return false;
	v->events.activity = VMXHV_ACTIVE;
	return true;
}

/* Sleeps. Returns for a signal, too. Out of line: most halts end before they begin. */
static noinline void sleep_for_event(struct vcpu *v)
{
	const bool halted = v->events.activity == VMXHV_HALTED;
	const unsigned long wake = halted ? REQS_WAKE : REQS_OUTSIDE;
	const u64 begin = rdtsc();
	int ret = 0;

	do {
		lapic_timer_arm(v);
		if (!halted || !poll(v, wake, begin + v->halt_poll))
			ret = rcuwait_wait_event(&v->wait, READ_ONCE(v->requests) & wake,
						 TASK_INTERRUPTIBLE);
		lapic_timer_wake(v);
	} while (!ret && !halt_ends(v));
	if (halted)
		v->halt_poll = halt_poll_next(v->halt_poll, rdtsc() - begin, poll_limit(v),
					      us_to_cycles(POLL_FIRST_US));
}

/**
 * wait_for_event() - HLT, or waiting for a start-up IPI: sleep until something arrives
 * @v: the vCPU, loaded
 *
 * While it waits for that IPI events stay where they are, requests and all: they do not end the
 * sleep.
 *
 * Context: Process; sleeps. Returns for a signal, too.
 */
void wait_for_event(struct vcpu *v)
{
	vcpu_assert_may_sleep(v);
	if (!halt_ends(v))
		sleep_for_event(v);
}
