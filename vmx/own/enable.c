// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX for the first user on every CPU, and off after the last: all CPUs or none.
 *
 * Lock order: cpus_read_lock(), then vmx_mutex. The hotplug callbacks run under cpus_write_lock()
 * and never take vmx_mutex; what they read (vmx_active, vmx_caps) is written under
 * cpus_read_lock().
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/smp.h>

#include "compat.h"
#include "vmx/controls.h"
#include "vmx/l1d.h"
#include "vmx/pmu.h"
#include "vmx/refuse.h"
#include "vmx/vmx.h"
#include "own.h"

static DEFINE_MUTEX(vmx_mutex);
static unsigned int vmx_users;		/* vmx_mutex */
static int vmx_hotplug_state;		/* written by init */

static int refuse_enable(int cpu, int error, struct vmx_refusal *why)
{
	const struct vmx_cpu *said = vmx_survey_said(cpu);

	switch (error) {
	case -ESHUTDOWN:
		vmx_refuse(why, VMXHV_UNUSABLE_SHUTDOWN, 0, 0, 0, "the host is going down");
		break;
	case -EBUSY:
		vmx_refuse(why, VMXHV_UNUSABLE_IN_USE, 0, said->cr4, 0, "VMX is in use");
		vmx_owner_find(why);
		break;
	case -EPERM:
		vmx_refuse(why, VMXHV_UNUSABLE_LOCKED, MSR_IA32_FEAT_CTL, said->feature_control,
			   FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX,
			   "IA32_FEATURE_CONTROL cannot be set");
		break;
	default:
		vmx_refuse(why, VMXHV_UNUSABLE_VMXON_FAILED, 0, 0, 0, "VMXON failed");
		break;
	}
	why->cpu = cpu;
	return why->error;
}

static int enable_all(struct vmx_refusal *why)
	__must_hold(&vmx_mutex)
{
	int cpu, ret;

	lockdep_assert_held(&vmx_mutex);
	ret = vmx_survey_all(&vmx_caps, why);
	if (ret)
		return ret;
	for_each_online_cpu(cpu) {
		ret = vmx_percpu_prepare(cpu);
		if (ret)
			return ret;
	}
	vmx_emergency_hold();
	WRITE_ONCE(vmx_broken, false);
	on_each_cpu(vmx_percpu_enable, NULL, 1);
	for_each_online_cpu(cpu) {
		ret = vmx_percpu_error(cpu);
		if (ret)
			goto undo;
	}
	vmx_active = true;
	vmx_l1d_warn();
	return 0;

undo:
	/* only those that entered VMX operation leave it */
	on_each_cpu(vmx_percpu_disable, NULL, 1);
	return refuse_enable(cpu, ret, why);
}

static void log_refusal(const struct vmx_refusal *why)
{
	pr_warn_ratelimited("CPU %d, MSR %#x: seen %#llx, wanted %#llx: %s\n",
			    why->cpu, why->msr, why->seen, why->wanted, why->text);
}

/**
 * vmx_probe() - what vmx_get() would find now, without enabling anything
 * @why: the refusal; reason VMXHV_USABLE if there is none
 *
 * Context: May sleep.
 * Return: 0 or the negative errno of @why.
 */
int vmx_probe(struct vmx_refusal *why)
{
	int ret = 0;

	vmx_refusal_clear(why);
	cpus_read_lock();
	mutex_lock(&vmx_mutex);
	if (!vmx_users || READ_ONCE(vmx_shutting_down))
		ret = vmx_survey_again(why);
	mutex_unlock(&vmx_mutex);
	cpus_read_unlock();
	return ret;
}

VMXHV_EXPORT_FOR_TEST(vmx_probe);

/**
 * vmx_get() - use VMX; the first user enables it on every CPU
 * @why: the refusal; reason VMXHV_USABLE if there is none
 *
 * A refusal is logged, once, here. After success vmx_caps is valid until the matching vmx_put().
 *
 * Context: May sleep.
 * Return: 0; the negative errno of @why; -ENOMEM, with reason VMXHV_USABLE.
 */
int vmx_get(struct vmx_refusal *why)
{
	int ret = 0;

	vmx_refusal_clear(why);
	cpus_read_lock();
	mutex_lock(&vmx_mutex);
	if (!vmx_users || READ_ONCE(vmx_shutting_down))
		ret = enable_all(why);
	else if (READ_ONCE(vmx_broken))
		ret = vmx_refuse(why, VMXHV_UNUSABLE_VMXON_FAILED, 0, 0, 0,
				 "VMX was lost over suspend: close all virtual machines");
	if (!ret)
		vmx_users++;
	mutex_unlock(&vmx_mutex);
	cpus_read_unlock();
	if (why->reason != VMXHV_USABLE)
		log_refusal(why);
	return ret;
}

VMXHV_EXPORT_FOR_TEST(vmx_get);

/**
 * vmx_put() - no longer use VMX; the last user disables it on every CPU
 *
 * Context: May sleep.
 */
void vmx_put(void)
{
	cpus_read_lock();
	mutex_lock(&vmx_mutex);
	if (!WARN_ON_ONCE(!vmx_users) && !--vmx_users) {
		vmx_active = false;
		on_each_cpu(vmx_percpu_disable, NULL, 1);
	}
	mutex_unlock(&vmx_mutex);
	cpus_read_unlock();
}

VMXHV_EXPORT_FOR_TEST(vmx_put);

/* A CPU comes up while there are users: it gets VMX, or it does not come up. */
static int hotplug_online(unsigned int cpu)
{
	struct vmx_refusal why;
	struct vmx_caps caps;
	unsigned long flags;
	int ret;

	vmx_survey_forget(cpu);
	if (!vmx_active)
		return 0;
	local_irq_save(flags);
	vmx_survey_here(NULL);
	local_irq_restore(flags);
	ret = vmx_survey_judge(cpu, &caps, &why);
	if (ret) {
		log_refusal(&why);
		return ret;
	}
	ret = vmx_percpu_prepare(cpu);
	if (ret)
		return ret;
	local_irq_save(flags);
	vmx_percpu_enable(NULL);
	local_irq_restore(flags);
	ret = vmx_percpu_error(cpu);
	if (ret) {
		refuse_enable(cpu, ret, &why);
		log_refusal(&why);
	}
	return ret;
}

static int hotplug_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	vmx_percpu_disable(NULL);
	local_irq_restore(flags);
	return 0;
}

/**
 * vmx_init() - prepare for users; does not touch VMX
 *
 * Context: Module init.
 * Return: 0 or a negative errno; a CPU without VMX is no error.
 */
int vmx_init(void)
{
	int ret;

	vmx_controls_init();
	vmx_percpu_init();
	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "vmxhv:online",
					hotplug_online, hotplug_offline);
	if (ret < 0)
		goto free_percpu;
	vmx_hotplug_state = ret;
	ret = vmx_power_init();
	if (ret)
		goto remove_hotplug;
	ret = vmx_l1d_init();
	if (ret)
		goto undo_power;
	vmx_pmu_init();
	return 0;

undo_power:
	vmx_power_exit();
remove_hotplug:
	cpuhp_remove_state_nocalls(vmx_hotplug_state);
free_percpu:
	vmx_percpu_exit();
	return ret;
}

/**
 * vmx_exit() - undo vmx_init()
 *
 * Context: Module exit; there are no users.
 */
void vmx_exit(void)
{
	vmx_l1d_exit();
	vmx_power_exit();
	cpuhp_remove_state_nocalls(vmx_hotplug_state);
	vmx_percpu_exit();
}
