// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CONFIG makes different, and MSRs that CPUID hides. Who has neither pays nothing: the others
 * have an exit table of their own, in which some rows look at the wishes first.
 */
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"
#include "vmx/exit_reasons.h"
#include "vmx/operation.h"

static struct exit_row config_rows[EXIT_ROWS] __ro_after_init;

/* As without CONFIG. */
static int handle_as_ever(struct vcpu *v)
{
	return exit_rows[nospec_mask(v->exit.reason, EXIT_ROWS)].handle(v);
}

/* Flags that change no exit. */
#define NO_EXITS	(VMXHV_CONFIG_TSC | VMXHV_CONFIG_HALT_POLL)

static bool msr_exits(const struct vcpu *v, u32 access, u32 msr)
{
	const struct vm_config *config = &v->vm->config;

	if (config->flags & VMXHV_CONFIG_UNKNOWN_MSR && (!msr_find(msr) || msr_is_hidden(v, msr)))
		return true;
	return config_covers(config, VMXHV_RANGE_MSR_EXIT, access, msr);
}

static int config_rdmsr(struct vcpu *v)
{
	if (msr_exits(v, VMXHV_RANGE_READ, (u32)v->gpr[REG_RCX]))
		return msr_to_user(v, false);
	if (msr_is_hidden(v, (u32)v->gpr[REG_RCX]))
		return raise_gp(v);
	return handle_as_ever(v);
}

static int config_wrmsr(struct vcpu *v)
{
	if (msr_exits(v, VMXHV_RANGE_WRITE, (u32)v->gpr[REG_RCX]))
		return msr_to_user(v, true);
	if (msr_is_hidden(v, (u32)v->gpr[REG_RCX]))
		return raise_gp(v);
	return handle_as_ever(v);
}

static int config_vmcall(struct vcpu *v)
{
	if (v->vm->config.flags & VMXHV_CONFIG_HYPERCALL)
		return hypercall_to_user(v);
	return handle_as_ever(v);
}

/* Behind the instruction, as HLT does. */
static int config_pause(struct vcpu *v)
{
	if (!(v->vm->config.flags & (VMXHV_CONFIG_PAUSE | VMXHV_CONFIG_PAUSE_LOOP)))
		return handle_as_ever(v);
	vcpu_skip_insn(v);
	exit_to_user(v, VMXHV_EXIT_PAUSE);
	return TO_USER;
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
	config_rows[EXIT_REASON_PAUSE_INSTRUCTION].handle = config_pause;
}

/**
 * config_choose_rows() - the exit table of a vCPU, by the VM's configuration and its own CPUID
 * @v: the vCPU; its CPUID table is there
 *
 * Context: vCPU loaded, mutex held, or it is being made.
 */
void config_choose_rows(struct vcpu *v)
{
	const struct vm_config *config = &v->vm->config;
	bool plain = !(config->flags & ~NO_EXITS) && !config->count && !v->msr_hidden;

	v->burst.rows = plain ? exit_rows : config_rows;
}

static int make_config(struct vm_config *config, const struct vmxhv_config *wanted,
		       const struct vmxhv_range *ranges)
{
	*config = (struct vm_config){
		.flags = wanted->flags, .exceptions = wanted->exceptions,
		.halt_poll_us = wanted->halt_poll_us,
		.count = wanted->count, .ranges = ranges,
	};
	if (!config_has(config, VMXHV_RANGE_PORT_PASS))
		return 0;
	config->io_bitmap = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT, IO_BITMAP_ORDER);
	if (!config->io_bitmap)
		return -ENOMEM;
	config_fill_io_bitmap(config, config->io_bitmap);
	return 0;
}

/**
 * vm_configure() - CONFIG: what userspace wants of this VM, from now on
 * @vm: the VM
 * @wanted: the call's argument, checked
 * @ranges: its ranges, checked, from kvmalloc() or NULL; the VM's own on success
 * @err: detail of a refusal
 *
 * Context: Process; takes vm->lock.
 * Return: 0, -EBUSY: it has a vCPU; -ENOMEM.
 */
int vm_configure(struct vm *vm, const struct vmxhv_config *wanted,
		 const struct vmxhv_range *ranges, struct vmxhv_error *err)
{
	struct vm_config config;
	int ret;

	mutex_lock(&vm->lock);
	if (vm->nr_vcpus)
		ret = refuse(err, -EBUSY, &(const struct refusal){ .code = VMXHV_ERR_LIMIT,
			     .value = vm->nr_vcpus }, "a vCPU has been made: it is too late");
	else
		ret = make_config(&config, wanted, ranges);
	if (!ret) {
		vm_config_free(vm);
		vm->config = config;
		config_fill_msr_bitmap(&vm->config, vm->msr_bitmap);
		/* as if it had been said when the VM was made: the host's TSC may have gone back */
		vm->tsc_offset = wanted->flags & VMXHV_CONFIG_TSC ?
				 wanted->tsc_offset - (vmx_tsc_lost - vm->tsc_lost) :
				 -vm->created_tsc;
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
	free_pages((unsigned long)vm->config.io_bitmap, IO_BITMAP_ORDER);
	kvfree(vm->config.ranges);
}
