// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: one word a vCPU, set by anyone, served by the thread that runs it.
 *
 * No lost wake-ups: the requester sets the bit, then reads the mode; the vCPU's thread sets the
 * mode, then reads the word, each with a full barrier between. Whoever comes second sees the other.
 */
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <trace/events/ipi.h>

#include "vcpu/core.h"
#include "vcpu/vcpu.h"

static void nothing(void *unused)
{
	/* the interrupt itself took the CPU out of the guest */
}

/* Preemption off, so that the CPU's number stays this thread's. */
static void kick_out_of_guest(struct vcpu *v)
{
	int cpu = READ_ONCE(v->cpu);

	if (READ_ONCE(v->mode) != IN_GUEST || cpu == smp_processor_id())
		return;
	/* asynchronous: the interrupt is all that is wanted; this CPU may have interrupts off */
	smp_send_reschedule(cpu);
}

/* Marks, and wakes the thread if it sleeps; the caller looks at the mode afterwards. */
static void mark_and_wake(struct vcpu *v, unsigned long request_bits)
{
	unsigned long bit;

	for_each_set_bit(bit, &request_bits, BITS_PER_LONG)
		set_bit(bit, &v->requests);
	/* the request before the mode and the waiter: pairs with run_burst() and the wait */
	smp_mb__after_atomic();
	/* takes no lock that would sleep on a real-time kernel */
	rcuwait_wake_up(&v->wait);
}

/**
 * vcpu_request() - ask something of a vCPU, wherever it is
 * @v: the vCPU
 * @request_bits: BIT(REQ_*), one or more
 *
 * Context: Any, without the vCPU's mutex; also its own thread.
 */
void vcpu_request(struct vcpu *v, unsigned long request_bits)
{
	mark_and_wake(v, request_bits);
	preempt_disable();
	kick_out_of_guest(v);
	preempt_enable();
}

/**
 * vcpu_kick() - the KICK call: RUN returns INTR, now or when it is next called
 * @v: the vCPU
 *
 * Context: Any thread.
 */
void vcpu_kick(struct vcpu *v)
{
	vcpu_request(v, BIT(REQ_KICK));
}

/* Pairs with the release in vcpu_publish(). */
static struct vcpu *find_vcpu(struct vm *vm, unsigned int id)
{
	/* what is found is whole */
	return smp_load_acquire(&vm->vcpus[id]);
}

/* The CPUs in guest mode on this VM, the calling one excepted. */
static void collect_cpus(struct vm *vm, unsigned long request_bits, struct cpumask *cpus)
{
	unsigned int i;

	for (i = 0; i < VM_MAX_VCPUS; i++) {
		struct vcpu *v = find_vcpu(vm, i);

		if (!v)
			continue;
		mark_and_wake(v, request_bits);
		if (READ_ONCE(v->mode) == IN_GUEST)
			cpumask_set_cpu(READ_ONCE(v->cpu), cpus);
	}
}

static DEFINE_PER_CPU(struct cpumask, request_cpus);

/**
 * vm_request_all() - ask something of every vCPU of a VM
 * @vm: the VM
 * @request_bits: BIT(REQ_*), one or more
 * @wait: return only when no CPU is in guest mode without having seen the request
 *
 * Context: Does not sleep, but may spin until other CPUs open interrupts: interrupts on.
 */
void vm_request_all(struct vm *vm, unsigned long request_bits, bool wait)
{
	struct cpumask *cpus;

	lockdep_assert_irqs_enabled();
	/* preemption off: the mask is this CPU's, and no interrupt handler asks for a whole VM */
	preempt_disable();
	cpus = this_cpu_ptr(&request_cpus);
	cpumask_clear(cpus);
	collect_cpus(vm, request_bits, cpus);
	smp_call_function_many(cpus, nothing, NULL, wait);
	preempt_enable();
}

/**
 * vm_kill() - no vCPU of this VM enters the guest again
 * @vm: the VM
 *
 * After an internal error, or because its mm ends. Descriptors stay and say -EIO. Nobody is waited
 * for: the error may have been met in a burst, with interrupts off.
 *
 * Context: Any.
 */
void vm_kill(struct vm *vm)
{
	unsigned int i;

	WRITE_ONCE(vm->dead, true);
	for (i = 0; i < VM_MAX_VCPUS; i++) {
		struct vcpu *v = find_vcpu(vm, i);

		if (v)
			vcpu_request(v, BIT(REQ_DEAD));
	}
}
