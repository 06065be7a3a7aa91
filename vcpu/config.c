// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CONFIG makes different. A VM that was not configured pays nothing: a configured one has
 * an exit table of its own, in which some rows look at the wishes first.
 */
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcpu/config.h"
#include "vcpu/exits.h"
#include "vcpu/msr.h"
#include "vcpu/publish.h"
#include "vcpu/regs.h"
#include "vcpu/run.h"
#include "vmx/exit_reasons.h"

static struct exit_row config_rows[EXIT_ROWS] __ro_after_init;

/* As without CONFIG. */
static int handle_as_ever(struct vcpu *v)
{
	return exit_rows[VMX_EXIT_BASIC_REASON(v->exit.reason)].handle(v);
}

static bool msr_exits(const struct vcpu *v, u32 access, u32 msr)
{
	const struct vm_config *config = &v->vm->config;

	if (config->flags & VMXHV_CONFIG_UNKNOWN_MSR && !msr_find(msr))
		return true;
	return config_covers(config, VMXHV_RANGE_MSR_EXIT, access, msr);
}

/* Userspace that does not answer leaves a #GP, not a 0. */
static int msr_to_user(struct vcpu *v, bool write)
{
	const struct vmxhv_exit_msr what = {
		.index = (u32)v->gpr[REG_RCX],
		.fault = 1,
		.value = write ? vcpu_edx_eax(v) : 0,
	};

	exit_insn_len(v);
	v->completion = write ? COMPLETE_MSR_WRITE : COMPLETE_MSR_READ;
	exit_to_user(v, write ? VMXHV_EXIT_MSR_WRITE : VMXHV_EXIT_MSR_READ);
	publish_union(v, &what, sizeof(what));
	return TO_USER;
}

static int config_rdmsr(struct vcpu *v)
{
	if (msr_exits(v, VMXHV_RANGE_READ, (u32)v->gpr[REG_RCX]))
		return msr_to_user(v, false);
	return handle_as_ever(v);
}

static int config_wrmsr(struct vcpu *v)
{
	if (msr_exits(v, VMXHV_RANGE_WRITE, (u32)v->gpr[REG_RCX]))
		return msr_to_user(v, true);
	return handle_as_ever(v);
}

static int config_vmcall(struct vcpu *v)
{
	if (v->vm->config.flags & VMXHV_CONFIG_HYPERCALL)
		v->user_flags |= VMXHV_USER_EXIT_HYPERCALL;
	return handle_as_ever(v);
}

/**
 * config_init() - make the exit table of VMs that are configured
 *
 * Context: When the module loads.
 */
void __init config_init(void)
{
	memcpy(config_rows, exit_rows, sizeof(config_rows));
	config_rows[EXIT_REASON_MSR_READ].handle = config_rdmsr;
	config_rows[EXIT_REASON_MSR_WRITE].handle = config_wrmsr;
	config_rows[EXIT_REASON_VMCALL].handle = config_vmcall;
}

/**
 * config_exit_rows() - the exit table for a VM's vCPUs
 * @vm: the VM
 *
 * Context: Any; there is a vCPU, or one is being made.
 * Return: the table.
 */
const struct exit_row *config_exit_rows(const struct vm *vm)
{
	const struct vm_config *config = &vm->config;

	return config->flags || config->count ? config_rows : exit_rows;
}

/**
 * vm_configure() - CONFIG: what userspace wants of this VM, from now on
 * @vm: the VM
 * @wanted: the call's argument, checked
 * @ranges: its ranges, checked, from kvmalloc() or NULL; the VM's own on success
 * @err: detail of a refusal
 *
 * Context: Process; takes vm->lock.
 * Return: 0, or -EBUSY: it has a vCPU.
 */
int vm_configure(struct vm *vm, const struct vmxhv_config *wanted,
		 const struct vmxhv_range *ranges, struct vmxhv_error *err)
{
	int ret = 0;

	mutex_lock(&vm->lock);
	if (vm->nr_vcpus) {
		ret = refuse(err, -EBUSY, &(const struct refusal){ .code = VMXHV_ERR_LIMIT,
			     .value = vm->nr_vcpus }, "a vCPU has been made: it is too late");
	} else {
		vm_config_free(vm);
		vm->config = (struct vm_config){
			.flags = wanted->flags, .count = wanted->count, .ranges = ranges,
		};
		config_fill_msr_bitmap(&vm->config, vm->msr_bitmap);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

/**
 * vm_config_free() - give back what CONFIG allocated
 * @vm: the VM; no vCPU uses it
 *
 * Context: Process.
 */
void vm_config_free(struct vm *vm)
{
	kvfree(vm->config.ranges);
	vm->config.ranges = NULL;
}
