/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel wants to know around guest mode: lockdep and the irq tracer (the guest runs with
 * interrupts on, as far as the host is concerned), context tracking, RCU, and whose time it is.
 *
 * The same order as the kernel's own helpers for virtual machines, in two parts, because RCU and
 * accounting need to hear of it once a burst and not at every entry.
 */
#ifndef VCPU_RUN_GUEST_CONTEXT_H
#define VCPU_RUN_GUEST_CONTEXT_H

#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/instrumentation.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/vtime.h>

/*
 * A call to what is noinstr in the kernel itself: objtool cannot see that from a module, and the
 * kernel's own annotation (instrumentation_begin) is empty without CONFIG_NOINSTR_VALIDATION.
 */
#define OBJTOOL_EDGE(edge) ({						\
	asm volatile("1:\n\t"						\
		     ".pushsection .discard.instr_" edge "\n\t"	\
		     ".long 1b - .\n\t"				\
		     ".popsection");					\
})

/*
 * Interrupts off, once before a burst: the time from here on is the guest's. Guest mode holds no
 * RCU-protected pointer: a quiescent state, which is worth telling once a jiffy, the measure of
 * RCU's own patience.
 */
static inline void guest_burst_enter(unsigned long *rcu_noted)
{
	const unsigned long now = jiffies;

	vtime_account_guest_enter();
	if (*rcu_noted != now && !context_tracking_enabled_this_cpu()) {
		*rcu_noted = now;
		rcu_note_context_switch(false);
	}
}

/* Interrupts off, after what waited for the host was taken. */
static inline void guest_burst_exit(void)
{
	vtime_account_guest_exit();
}

/* Right before and right after the entry; noinstr code only in between. */
static __always_inline void guest_context_enter(void)
{
	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	if (context_tracking_enabled()) {
		OBJTOOL_EDGE("begin");
		context_tracking_guest_enter();
		OBJTOOL_EDGE("end");
	}
	lockdep_hardirqs_on(CALLER_ADDR0);
}

static __always_inline void guest_context_exit(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	if (context_tracking_enabled()) {
		OBJTOOL_EDGE("begin");
		context_tracking_guest_exit();
		OBJTOOL_EDGE("end");
	}

	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
}

#endif /* VCPU_RUN_GUEST_CONTEXT_H */
