// SPDX-License-Identifier: GPL-2.0-only
/* Who else may own VMX: looked up by name among the loaded modules. */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/string.h>

#include "vmx/refuse.h"
#include "own.h"

/* From Linux 6.12 on, KVM holds VMX from load and not only for its VMs. */
#define KVM_REMEDY \
	"stop its VMs, modprobe -r kvm_intel, or (6.12 on) boot with kvm.enable_virt_at_load=0"

static bool module_loaded(const char *name)
{
	/* /sys/module, found through our own entry in it */
	struct kobject *found = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);

	if (!found)
		return false;
	kobject_put(found);
	return true;
}

/**
 * vmx_kvm_loaded() - is KVM for Intel there, as a module or built in?
 *
 * Context: Any that may take a spinlock.
 * Return: true if it is.
 */
bool vmx_kvm_loaded(void)
{
	return module_loaded("kvm_intel");
}

/**
 * vmx_owner_find() - name the likely owner of VMX, and the remedy
 * @why: a refusal with reason VMXHV_UNUSABLE_IN_USE
 *
 * Context: Any that may take a spinlock.
 */
void vmx_owner_find(struct vmx_refusal *why)
{
	static const struct {
		const char *module;
		const char *remedy;
	} owners[] = {
		{ "kvm_intel", KVM_REMEDY },
		{ "vboxdrv", "stop VirtualBox's machines, or modprobe -r vboxdrv" },
		{ "vmmon", "stop VMware's machines, or modprobe -r vmmon" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		if (!module_loaded(owners[i].module))
			continue;
		strscpy(why->owner, owners[i].module, sizeof(why->owner));
		vmx_refusal_add(why, ", probably by %s: %s", owners[i].module, owners[i].remedy);
		return;
	}
	strscpy(why->owner, "unknown", sizeof(why->owner));
	vmx_refusal_add(why, " by no module that we know: unload other hypervisors");
}
