// SPDX-License-Identifier: GPL-2.0-only
/*
 * Says which CPUs have CR4.VMXE set: /sys/module/vmxe/parameters/cpus reads "", "0", "0-1" ...
 * Nothing in userspace can see it, and vmxhv must not be asked about itself. Writing to .../enter
 * makes every CPU enter VMX operation, as another hypervisor does; there is no way back.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>

static struct cpumask vmxe_cpus;	/* under the lock of the module's parameters */

/* The register itself: the kernel's copy of it is what could be wrong. */
static void look(void *unused)
{
	unsigned long cr4;

	asm volatile("mov %%cr4, %0" : "=r" (cr4));
	if (cr4 & X86_CR4_VMXE)
		cpumask_set_cpu(smp_processor_id(), &vmxe_cpus);
}

static int cpus_get(char *buffer, const struct kernel_param *param)
{
	cpumask_clear(&vmxe_cpus);
	on_each_cpu(look, NULL, 1);
	return sysfs_emit(buffer, "%*pbl\n", cpumask_pr_args(&vmxe_cpus));
}

static const struct kernel_param_ops cpus_ops = {
	.get = cpus_get,
};

module_param_cb(cpus, &cpus_ops, NULL, 0444);
MODULE_PARM_DESC(cpus, "CPUs whose CR4.VMXE is set");

static DEFINE_PER_CPU(u32 *, region);

static void enter(void *unused)
{
	u32 *page = this_cpu_read(region);
	u64 basic, phys = __pa(page);

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	*page = basic & 0x7fffffff;
	cr4_set_bits(X86_CR4_VMXE);
	asm volatile("vmxon %0" : : "m" (phys) : "cc", "memory");
}

static int enter_set(const char *value, const struct kernel_param *param)
{
	int cpu;

	for_each_online_cpu(cpu) {
		per_cpu(region, cpu) = (u32 *)get_zeroed_page(GFP_KERNEL);
		if (!per_cpu(region, cpu))
			return -ENOMEM;
	}
	__module_get(THIS_MODULE);
	on_each_cpu(enter, NULL, 1);
	return 0;
}

static const struct kernel_param_ops enter_ops = {
	.set = enter_set,
};

module_param_cb(enter, &enter_ops, NULL, 0200);
MODULE_PARM_DESC(enter, "written: every CPU enters VMX operation, for ever");

static int __init vmxe_init(void)
{
	return 0;
}

static void __exit vmxe_exit(void)
{
}

module_init(vmxe_init);
module_exit(vmxe_exit);
MODULE_DESCRIPTION("Which CPUs have CR4.VMXE set");
MODULE_LICENSE("GPL");
