// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX and a host that sleeps or goes down; emergency.c has the one that crashes.
 *
 * Suspend and resume are syscore operations: one CPU is left, interrupts are off; the others came
 * and went through CPU hotplug. Reboot, power-off and kexec: a reboot notifier, since 6.1's kexec
 * calls no syscore shutdown, and its control-page code faults in VMX operation.
 */
#include <linux/kernel.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <asm/msr.h>

#include "compat.h"
#include "vmx/operation.h"
#include "own.h"

static u64 suspended_at;

static int power_suspend(VMXHV_SYSCORE_ARGS)
{
	suspended_at = rdtsc();
	vmx_percpu_disable(NULL);
	return 0;
}

/* Firmware may have locked VMX off over the sleep: what it says is read and judged again. */
static void power_resume(VMXHV_SYSCORE_ARGS)
{
	int cpu = smp_processor_id();
	struct vmx_refusal why;
	struct vmx_caps caps;

	/* each vCPU sees it when its VMCS is loaded again: all were put away */
	vmx_tsc_lost += vmx_tsc_went_back(suspended_at, rdtsc());
	if (!vmx_active)
		return;
	vmx_survey_here(NULL);
	if (!vmx_survey_judge(cpu, &caps, &why)) {
		vmx_percpu_enable(NULL);
		if (!vmx_percpu_error(cpu))
			return;
	}
	WRITE_ONCE(vmx_broken, true);
	pr_err("CPU %d lost VMX over suspend: guests cannot go on\n", cpu);
}

static void switch_off(void)
{
	WRITE_ONCE(vmx_shutting_down, true);
	on_each_cpu(vmx_percpu_disable, NULL, 1);
}

static void power_shutdown(VMXHV_SYSCORE_ARGS)
{
	switch_off();
}

static struct vmxhv_syscore vmx_syscore = {
	.ops = {
		.suspend = power_suspend,
		.resume = power_resume,
		.shutdown = power_shutdown,
	},
};

static int power_reboot(struct notifier_block *block, unsigned long action, void *data)
{
	switch_off();
	return NOTIFY_OK;
}

static struct notifier_block vmx_reboot = {
	.notifier_call = power_reboot,
	.priority = 0,
};

/**
 * vmx_power_init() - hear of suspend, resume and the host going down, and of KVM
 *
 * Context: Module init.
 * Return: 0 or a negative errno.
 */
int vmx_power_init(void)
{
	int ret = register_reboot_notifier(&vmx_reboot);

	if (ret)
		return ret;
	ret = vmx_emergency_init();
	if (ret) {
		unregister_reboot_notifier(&vmx_reboot);
		return ret;
	}
	vmxhv_register_syscore(&vmx_syscore);
	return 0;
}

/**
 * vmx_power_exit() - undo vmx_power_init()
 *
 * Context: Module exit; may sleep.
 */
void vmx_power_exit(void)
{
	vmx_emergency_exit();
	vmxhv_unregister_syscore(&vmx_syscore);
	unregister_reboot_notifier(&vmx_reboot);
}
