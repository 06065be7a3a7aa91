// SPDX-License-Identifier: GPL-2.0-only
/* The module's entry and exit, and the misc device that userspace opens. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "ioctl/ioctl.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"
#include "vmx/vmx.h"
#include "vmxhv_version.h"

static struct miscdevice vmxhv_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmxhv",
	.fops = &vmxhv_device_fops,
	.mode = 0600,
};

/* Loads on every x86-64 CPU: GET_INFO says why one cannot be used, CREATE_VM refuses. */
static int __init vmxhv_init(void)
{
	int ret = vmx_init();

	if (ret)
		return ret;
	config_init();
	xstate_init();
	ret = misc_register(&vmxhv_misc);
	if (ret)
		vmx_exit();
	return ret;
}

/* Every open descriptor holds the module, so no VM is left by now. */
static void __exit vmxhv_exit(void)
{
	misc_deregister(&vmxhv_misc);
	cpuid_prototype_exit();
	vmx_exit();
}

module_init(vmxhv_init);
module_exit(vmxhv_exit);

MODULE_DESCRIPTION("A small hypervisor for Intel VMX");
MODULE_AUTHOR("The vmxhv authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VMXHV_VERSION);
