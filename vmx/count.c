// SPDX-License-Identifier: GPL-2.0-only
/* Benchmarks only (VMXHV_COUNT=1): what was counted since the module was loaded, in sysfs. */
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/sysfs.h>

#include "vmx/count.h"

DEFINE_PER_CPU(u64 [VMX_COUNTS], vmx_counts);

static u64 sum(int what)
{
	u64 total = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		total += per_cpu(vmx_counts, cpu)[what];
	return total;
}

static int counts_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%llu %llu %llu %llu\n", sum(VMX_COUNT_VMREAD),
			  sum(VMX_COUNT_VMWRITE), sum(VMX_COUNT_MSR), sum(VMX_COUNT_IBPB));
}

static const struct kernel_param_ops counts_ops = { .get = counts_get };

module_param_cb(counts, &counts_ops, NULL, 0444);
MODULE_PARM_DESC(counts, "VMREADs, VMWRITEs, MSR accesses and branch prediction barriers so far");
