// SPDX-License-Identifier: GPL-2.0-only
/* The descriptor of /dev/vmxhv: what this host can do, and new VMs. */
#include <linux/cpufeature.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/tsc.h>

#include "ioctl/ioctl.h"
#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"
#include "vcpu/run.h"
#include "vcpu/vm.h"
#include "vmx/caps.h"
#include "vmx/vmx.h"

/* Four-level EPT translates this many bits, whatever the CPU's width. */
#define EPT_GPA_BITS	48

static u32 gpa_bits(const struct vmx_cpu *cpu)
{
	return min_t(u32, cpu->cpuid_phys_bits, EPT_GPA_BITS);
}

static u32 tainted_by(void)
{
	u32 by = 0;

	if (boot_cpu_has(X86_FEATURE_HYPERVISOR))
		by |= VMXHV_TAINT_HYPERVISOR;
	if (security_locked_down(LOCKDOWN_INTEGRITY_MAX))
		by |= VMXHV_TAINT_LOCKDOWN;
	return by;
}

static u64 features(const struct vmx_caps *caps)
{
	u64 f = VMXHV_FEATURE_X2APIC | VMXHV_FEATURE_OPERANDS;	/* any CPU has them */

	f |= caps->ept_2m ? VMXHV_FEATURE_EPT_2M : 0;
	f |= caps->ept_1g ? VMXHV_FEATURE_EPT_1G : 0;
	f |= caps->ept_ad ? VMXHV_FEATURE_EPT_AD : 0;
	f |= caps->has_preemption_timer ? VMXHV_FEATURE_PREEMPTION_TIMER : 0;
	f |= caps->tsc_scaling ? VMXHV_FEATURE_TSC_SCALING : 0;
	f |= caps->apic_reg_virt && caps->virt_intr_delivery ? VMXHV_FEATURE_APICV : 0;
	f |= caps->pml ? VMXHV_FEATURE_PML : 0;
	f |= boot_cpu_has(X86_FEATURE_OSXSAVE) ? VMXHV_FEATURE_XSAVE : 0;
	f |= caps->ept_exec_only ? VMXHV_FEATURE_EPT_EXEC_ONLY : 0;
	f |= caps->pause_loop_exiting ? VMXHV_FEATURE_PAUSE_LOOP : 0;
	return f;
}

/* One CPU's own words. All are alike, or the refusal says which is not. */
static void info_capabilities(struct vmxhv_info *info)
{
	struct vmx_refusal ignored = {};
	struct vmx_caps caps = {};
	struct vmx_cpu cpu;

	preempt_disable();
	vmx_cpu_read(&cpu);
	preempt_enable();

	/* who has VMX now, we or another, does not change what the CPU can do */
	cpu.cr4 &= ~(u64)X86_CR4_VMXE;
	if (!vmx_caps_check(&cpu, &caps, &ignored))
		info->features[0] = features(&caps);
	info->gpa_bits = gpa_bits(&cpu);
	info->vmx_msr_valid = cpu.msr_valid;
	info->feature_control = cpu.feature_control;
	memcpy(info->vmx_msr, cpu.msr, sizeof(info->vmx_msr));
}

static void info_usable(struct vmxhv_info *info)
{
	struct vmx_refusal why = { .cpu = -1 };

	info->unusable_cpu = -1;
	if (!vmx_probe(&why))
		return;
	info->unusable_reason = why.reason;
	info->unusable_cpu = why.cpu;
	info->unusable_msr = why.msr;
	info->unusable_seen = why.seen;
	info->unusable_wanted = why.wanted;
	strscpy(info->owner, why.owner, sizeof(info->owner));
	strscpy(info->unusable_text, why.text, sizeof(info->unusable_text));
}

/**
 * device_get_info() - VMXHV_GET_INFO: versions, limits, and whether and why not VMX can be used
 * @r: the call; struct vmxhv_info; all of it is output
 *
 * Context: Process context; asks every CPU. Works where VMX cannot be used.
 * Return: 0.
 */
static int device_get_info(struct request *r)
{
	struct vmxhv_info *info = r->arg;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->abi_major = VMXHV_ABI_MAJOR;
	info->abi_minor = VMXHV_ABI_MINOR;
	info_usable(info);
	info_capabilities(info);
	info->tainted = tainted_by();
	info->max_vcpus = VM_MAX_VCPUS;
	info->max_ranges = MEMORY_MAX_RANGES;
	info->max_cpuid = MAX_CPUID_ENTRIES;
	info->max_msrs = MAX_MSR_ENTRIES;
	info->run_size = VMXHV_RUN_SIZE;
	info->tsc_khz = tsc_khz;
	info->apic_timer_hz = lapic_timer_hz();
	return 0;
}

/**
 * device_create_vm() - VMXHV_CREATE_VM: a VM that belongs to the caller's address space
 * @r: the call; struct vmxhv_create_vm; flags: VMXHV_VM_*, one of them at most
 *
 * Context: Process context; the first VM turns VMX on, on every CPU.
 * Return: A descriptor (close-on-exec), or -ENODEV, -EPERM, -EBUSY, -EOPNOTSUPP, -EXDEV, -EIO,
 * -ESHUTDOWN as enum vmxhv_unusable says; -EINVAL, -ENOMEM, -EMFILE, -ENFILE.
 */
static int device_create_vm(struct request *r)
{
	const struct vmxhv_create_vm *create = r->arg;
	struct vm *vm;
	int fd;

	if (hweight32(create->flags) > 1)
		return refuse_arg(r->err, -EINVAL, vmxhv_create_vm, flags, create->flags,
				  create->flags & -create->flags,
				  "how much of the local APIC is the CPU's: one flag at most");
	vm = vm_create(create->flags, r->err);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = vm_fd_create(vm);
	if (fd < 0)
		vm_put(vm);
	return fd;
}

/**
 * device_get_cpuid() - VMXHV_GET_CPUID: the table that SET_CPUID takes as it is
 * @r: the call; struct vmxhv_cpuid; count is what there is room for, then what there is
 *
 * Context: Process context.
 * Return: 0, -ENOSPC (count says how many are needed), -EINVAL, -EFAULT, -ENOMEM.
 */
static int device_get_cpuid(struct request *r)
{
	struct vmxhv_cpuid *cpuid = r->arg;
	int ret = array_room(r, MAX_CPUID_ENTRIES, sizeof(struct vmxhv_cpuid_entry));
	u32 count = 0;

	if (ret)
		return ret;

	ret = cpuid_default(r->array, min_t(u32, cpuid->count, MAX_CPUID_ENTRIES), &count);
	if (!ret)
		ret = array_out(r, cpuid->entries, count, sizeof(struct vmxhv_cpuid_entry));
	if (ret == -ENOSPC)
		refuse_arg(r->err, -ENOSPC, vmxhv_cpuid, count, cpuid->count, count,
			   "the table has more entries");
	cpuid->count = count;
	return ret;
}

/**
 * device_get_msr_list() - VMXHV_GET_MSR_LIST: the MSRs that GET_MSRS and SET_MSRS know
 * @r: the call; struct vmxhv_msrs; count is what there is room for, then what there is
 *
 * Context: Process context.
 * Return: 0, -ENOSPC (count says how many are needed), -EINVAL, -EFAULT, -ENOMEM.
 */
static int device_get_msr_list(struct request *r)
{
	struct vmxhv_msrs *msrs = r->arg;
	int ret = array_room(r, MAX_MSR_ENTRIES, sizeof(struct vmxhv_msr_entry));
	u32 count = 0;

	if (ret)
		return ret;

	ret = msr_list(r->array, min_t(u32, msrs->count, MAX_MSR_ENTRIES), &count);
	if (!ret)
		ret = array_out(r, msrs->entries, count, sizeof(struct vmxhv_msr_entry));
	if (ret == -ENOSPC)
		refuse_arg(r->err, -ENOSPC, vmxhv_msrs, count, msrs->count, count,
			   "there are more MSRs");
	msrs->count = count;
	return ret;
}

static const struct ioctl_call device_calls[] = {
	IOCTL_CALL(VMXHV_GET_INFO, vmxhv_info, 480, .how = CALL_OUT, .handler = device_get_info),
	IOCTL_CALL(VMXHV_CREATE_VM, vmxhv_create_vm, 8,
		   .known_flags = VMXHV_VM_APICV | VMXHV_VM_TPR_SHADOW | VMXHV_VM_NO_APICV,
		   .handler = device_create_vm),
	IOCTL_CALL(VMXHV_GET_CPUID, vmxhv_cpuid, 24, .how = CALL_OUT | CALL_OUT_ON_ERROR,
		   .reserved = { RESERVED(vmxhv_cpuid, reserved) },
		   .handler = device_get_cpuid),
	IOCTL_CALL(VMXHV_GET_MSR_LIST, vmxhv_msrs, 24, .how = CALL_OUT | CALL_OUT_ON_ERROR,
		   .reserved = { RESERVED(vmxhv_msrs, reserved) },
		   .handler = device_get_msr_list),
	IOCTL_CALL(VMXHV_GET_ERROR, vmxhv_error, 136, .how = CALL_OUT | CALL_KEEP_ERROR,
		   .handler = get_error_call),
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return ioctl_dispatch(device_calls, ARRAY_SIZE(device_calls), file->private_data, cmd,
			      arg);
}

static int device_open(struct inode *inode, struct file *file)
{
	struct descriptor *d = descriptor_create(NULL);

	if (!d)
		return -ENOMEM;
	file->private_data = d;
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

const struct file_operations vmxhv_device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
