// SPDX-License-Identifier: GPL-2.0-only
/* What each CPU said of its VMX when it was last asked, and the judgement: all of them alike. */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/processor-flags.h>

#include "vmx/operation.h"
#include "vmx/refuse.h"
#include "own.h"

/* written on its own CPU with interrupts off, read elsewhere after an IPI has been waited for */
static DEFINE_PER_CPU(struct vmx_cpu, said);

/* enable.c's mutex, or hotplug: CPUs that have said something since they came up */
static struct cpumask asked;

/* enable.c's mutex; CPUs that come up while there are users are compared with it, too */
static int reference;

/**
 * vmx_survey_said() - what a CPU said in the last survey
 * @cpu: the CPU
 *
 * Context: After vmx_survey_here() ran on @cpu.
 * Return: What it said.
 */
const struct vmx_cpu *vmx_survey_said(int cpu)
{
	return &per_cpu(said, cpu);
}

/**
 * vmx_survey_here() - read what this CPU says
 * @unused: for on_each_cpu()
 *
 * A CR4.VMXE that we have set ourselves is no other owner's.
 *
 * Context: Interrupts off.
 */
void vmx_survey_here(void *unused)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&said);

	lockdep_assert_irqs_disabled();
	vmx_cpu_read(cpu);
	if (vmx_cpu_enabled())
		cpu->cr4 &= ~(u64)X86_CR4_VMXE;
}

/**
 * vmx_survey_forget() - a CPU goes, or came: what it said is worth nothing
 * @cpu: the CPU
 *
 * Context: CPU hotplug.
 */
void vmx_survey_forget(int cpu)
{
	cpumask_clear_cpu(cpu, &asked);
}

/**
 * vmx_survey_judge() - judge what a CPU said, and compare it with the first CPU
 * @cpu: the CPU, surveyed
 * @caps: out: what it can do
 * @why: out: why not
 *
 * Context: Any.
 * Return: 0 or the negative errno of @why.
 */
int vmx_survey_judge(int cpu, struct vmx_caps *caps, struct vmx_refusal *why)
{
	int ret;

	ret = vmx_caps_check(vmx_survey_said(cpu), caps, why);
	if (ret == -EBUSY)
		vmx_owner_find(why);
	if (!ret && cpu != reference)
		ret = vmx_caps_compare(vmx_survey_said(reference), vmx_survey_said(cpu), why);
	return ret;
}

static int judge_all(struct vmx_caps *caps, struct vmx_refusal *why)
{
	int cpu, ret;

	reference = cpumask_first(cpu_online_mask);
	for_each_online_cpu(cpu) {
		ret = vmx_survey_judge(cpu, caps, why);
		if (ret)
			return ret;
	}
	return 0;
}

static int refuse_shutdown(struct vmx_refusal *why)
{
	return vmx_refuse(why, VMXHV_UNUSABLE_SHUTDOWN, 0, 0, 0, "the host is going down");
}

/**
 * vmx_survey_all() - ask and judge every CPU, also those that will never run a guest
 * @caps: out: what they can do
 * @why: out: why not
 *
 * Context: May sleep; under cpus_read_lock() and enable.c's mutex.
 * Return: 0 or the negative errno of @why.
 */
int vmx_survey_all(struct vmx_caps *caps, struct vmx_refusal *why)
{
	if (READ_ONCE(vmx_shutting_down))
		return refuse_shutdown(why);
	on_each_cpu(vmx_survey_here, NULL, 1);
	cpumask_copy(&asked, cpu_online_mask);
	return judge_all(caps, why);
}

/**
 * vmx_survey_again() - the same for whoever only wants to know: other CPUs are left in peace
 * @why: out: why not
 *
 * What a CPU can do does not change while it is up. Who has VMX does: the calling CPU says, since
 * whoever takes VMX takes it everywhere.
 *
 * Context: May sleep; under cpus_read_lock() and enable.c's mutex.
 * Return: 0 or the negative errno of @why.
 */
int vmx_survey_again(struct vmx_refusal *why)
{
	struct vmx_caps caps;
	int cpu, ret;

	if (READ_ONCE(vmx_shutting_down))
		return refuse_shutdown(why);
	local_irq_disable();
	cpu = smp_processor_id();
	vmx_survey_here(NULL);
	local_irq_enable();
	ret = vmx_caps_check(vmx_survey_said(cpu), &caps, why);
	if (ret == -EBUSY) {
		vmx_owner_find(why);
		return ret;
	}
	ret = -EBUSY;
	if (cpumask_subset(cpu_online_mask, &asked))
		ret = judge_all(&caps, why);
	/* then, or never: somebody had VMX when they were asked */
	return ret == -EBUSY ? vmx_survey_all(&caps, why) : ret;
}
