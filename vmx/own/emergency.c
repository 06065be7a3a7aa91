// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's one place for whom to call on each CPU when it crashes (kdump, emergency restart).
 *
 * It cannot be queried, taking it while it is taken WARNs, and leaving it waits for RCU. KVM takes
 * it without asking. So it is ours from the first user of VMX until the module goes, but not while
 * kvm_intel is there: notifiers tell us before KVM's init and after its exit, so that neither side
 * ever finds it taken. KVM's callback leaves VMX operation on every CPU that is in it, ours too.
 *
 * What remains open: from Linux 6.12 on, KVM loaded with enable_virt_at_load=0 takes the place only
 * while it has VMs itself. A crash with VMs of ours beside such a KVM finds nobody there. Taking it
 * would make the next KVM_CREATE_VM WARN.
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <asm/reboot.h>

#include "own.h"

/* Taken last: after enable.c's mutex, or under the module notifier chain's lock. */
static DEFINE_MUTEX(emergency_lock);
static bool wanted;			/* emergency_lock: VMX has been used */
static bool held;			/* emergency_lock */

/* emergency_lock. Until it comes or goes before our eyes, /sys/module says. */
static enum { KVM_NOT_SEEN, KVM_HERE, KVM_GONE } kvm;

static bool kvm_has_place(void)
	__must_hold(&emergency_lock)
{
	lockdep_assert_held(&emergency_lock);
	return kvm == KVM_NOT_SEEN ? vmx_kvm_loaded() : kvm == KVM_HERE;
}

static void settle(void)
	__must_hold(&emergency_lock)
{
	bool hold = wanted && !kvm_has_place();

	lockdep_assert_held(&emergency_lock);
	if (hold == held)
		return;
	if (hold)
		cpu_emergency_register_virt_callback(vmx_percpu_emergency);
	else
		cpu_emergency_unregister_virt_callback(vmx_percpu_emergency);
	held = hold;
}

static void set_wanted(bool want)
{
	mutex_lock(&emergency_lock);
	wanted = want;
	settle();
	mutex_unlock(&emergency_lock);
}

/* COMING is said before the module's init, GOING after its exit, or after an init that failed. */
static int module_event(struct notifier_block *block, unsigned long state, void *data)
{
	const struct module *module = data;

	if (strcmp(module->name, "kvm_intel") ||
	    (state != MODULE_STATE_COMING && state != MODULE_STATE_GOING))
		return NOTIFY_DONE;
	mutex_lock(&emergency_lock);
	kvm = state == MODULE_STATE_COMING ? KVM_HERE : KVM_GONE;
	settle();
	mutex_unlock(&emergency_lock);
	return NOTIFY_OK;
}

static struct notifier_block modules = {
	.notifier_call = module_event,
};

/**
 * vmx_emergency_hold() - have the kernel call us when it crashes, from now until module exit
 *
 * Context: May sleep; before the first VMXON.
 */
void vmx_emergency_hold(void)
{
	set_wanted(true);
}

/**
 * vmx_emergency_init() - hear of KVM
 *
 * Context: Module init.
 * Return: 0 or a negative errno.
 */
int vmx_emergency_init(void)
{
	return register_module_notifier(&modules);
}

/**
 * vmx_emergency_exit() - undo vmx_emergency_init() and vmx_emergency_hold()
 *
 * In this order: a KVM that comes in between finds the place free.
 *
 * Context: Module exit; may sleep.
 */
void vmx_emergency_exit(void)
{
	set_wanted(false);
	unregister_module_notifier(&modules);
}
