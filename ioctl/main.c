// SPDX-License-Identifier: GPL-2.0-only
/* The module's entry and exit, and the misc device that userspace opens. */
#include <linux/miscdevice.h>
#include <linux/module.h>

static const struct file_operations vmxhv_fops = {
	.owner = THIS_MODULE,
	.llseek = noop_llseek,
};

static struct miscdevice vmxhv_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmxhv",
	.fops = &vmxhv_fops,
	.mode = 0600,
};

module_misc_device(vmxhv_misc);

MODULE_DESCRIPTION("A small hypervisor for Intel VMX");
MODULE_AUTHOR("The vmxhv authors");
MODULE_LICENSE("GPL");
