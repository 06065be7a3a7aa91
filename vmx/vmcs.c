// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCS regions, and which CPU each is active on.
 *
 * The list of a CPU's active VMCSs changes on that CPU with interrupts off. A crash can come as an
 * NMI in the middle of a change: list_busy tells it to leave the list alone.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "compat.h"
#include "vmx/insn.h"
#include "vmx/insn_errors.h"
#include "vmx/operation.h"
#include "vmx/vmcs.h"

/* thunk.S has no way to export them that all kernels know */
VMXHV_EXPORT_FOR_TEST(vmcs_read_thunk);
VMXHV_EXPORT_FOR_TEST(vmcs_write_thunk);

static DEFINE_PER_CPU(struct list_head, vmcs_active);
static DEFINE_PER_CPU(bool, list_busy);

/**
 * vmcs_lists_init() - no VMCS is active anywhere
 *
 * Context: Module init.
 */
void vmcs_lists_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(&per_cpu(vmcs_active, cpu));
}

/**
 * vmcs_alloc() - allocate a VMCS or VMXON region
 * @node: NUMA node, or NUMA_NO_NODE
 * @gfp: GFP_KERNEL_ACCOUNT if it is the calling process's, GFP_KERNEL if it is the host's
 *
 * Context: May sleep; vmx_caps is valid.
 * Return: One page, zero but for the revision identifier, or NULL.
 */
struct vmcs *vmcs_alloc(int node, gfp_t gfp)
{
	struct page *page = alloc_pages_node(node, gfp | __GFP_ZERO, 0);
	struct vmcs *vmcs;

	if (!page)
		return NULL;
	vmcs = page_address(page);
	vmcs->revision = vmx_caps.revision;
	return vmcs;
}

/**
 * vmcs_free() - free a region
 * @vmcs: from vmcs_alloc(), not active anywhere; or NULL
 *
 * Context: Any.
 */
void vmcs_free(struct vmcs *vmcs)
{
	free_page((unsigned long)vmcs);
}

/**
 * loaded_vmcs_init() - make a VMCS, active nowhere
 * @lv: filled in whole
 *
 * Context: May sleep; between vmx_get() and vmx_put().
 * Return: 0 or -ENOMEM.
 */
int loaded_vmcs_init(struct loaded_vmcs *lv)
{
	*lv = (struct loaded_vmcs){ .cpu = -1 };
	INIT_LIST_HEAD(&lv->node);
	lv->vmcs = vmcs_alloc(NUMA_NO_NODE, GFP_KERNEL_ACCOUNT);
	if (!lv->vmcs)
		return -ENOMEM;
	lv->phys = __pa(lv->vmcs);
	return 0;
}

VMXHV_EXPORT_FOR_TEST(loaded_vmcs_init);

/**
 * loaded_vmcs_free() - free a VMCS, clearing it first wherever it is active
 * @lv: the VMCS; one whose init failed, or zeroed memory, will do
 *
 * Context: May sleep.
 */
void loaded_vmcs_free(struct loaded_vmcs *lv)
{
	if (!lv->vmcs)
		return;
	vmcs_clear(lv);
	vmcs_free(lv->vmcs);
	lv->vmcs = NULL;
}

VMXHV_EXPORT_FOR_TEST(loaded_vmcs_free);

/* This CPU, interrupts off. VMCLEAR also resets the launch state. */
static void clear_here(struct loaded_vmcs *lv)
{
	lockdep_assert_irqs_disabled();
	vmx_vmclear(lv->phys);
	if (this_cpu_read(vmcs_current) == lv)
		this_cpu_write(vmcs_current, NULL);
	this_cpu_write(list_busy, true);
	barrier();
	list_del_init(&lv->node);
	barrier();
	this_cpu_write(list_busy, false);
	lv->launched = false;
	WRITE_ONCE(lv->cpu, -1);
}

static void clear_ipi(void *data)
{
	struct loaded_vmcs *lv = data;

	/* The CPU may have cleared all of its own meanwhile. */
	if (lv->cpu == smp_processor_id())
		clear_here(lv);
}

/**
 * vmcs_clear() - make a VMCS inactive and flush it to memory
 * @lv: the VMCS; its owner lets nobody else load or clear it meanwhile
 *
 * Context: Interrupts on, preemption off or on.
 */
void vmcs_clear(struct loaded_vmcs *lv)
{
	int cpu = READ_ONCE(lv->cpu);

	lockdep_assert_irqs_enabled();
	if (cpu >= 0)
		smp_call_function_single(cpu, clear_ipi, lv, 1);
}

VMXHV_EXPORT_FOR_TEST(vmcs_clear);

/**
 * vmcs_clear_all_here() - make every VMCS inactive that is active on this CPU
 *
 * Context: Interrupts off, in VMX operation; before VMXOFF.
 */
void vmcs_clear_all_here(void)
{
	struct list_head *active = this_cpu_ptr(&vmcs_active);
	struct loaded_vmcs *lv, *next;

	lockdep_assert_irqs_disabled();
	list_for_each_entry_safe(lv, next, active, node)
		clear_here(lv);
}

/**
 * vmcs_clear_emergency() - as vmcs_clear_all_here(), on a CPU that crashes
 *
 * Context: NMI: the list is left alone where it was being changed.
 */
void vmcs_clear_emergency(void)
{
	struct loaded_vmcs *lv;

	if (this_cpu_read(list_busy))
		return;
	list_for_each_entry(lv, this_cpu_ptr(&vmcs_active), node)
		vmx_vmclear(lv->phys);
}

/* This CPU, interrupts off. A VMCS that was active nowhere needs VMCLEAR before its first use. */
static int load_here(struct loaded_vmcs *lv)
{
	int cpu = smp_processor_id();
	int ret;

	lockdep_assert_irqs_disabled();
	if (!vmx_cpu_enabled()) {
		if (READ_ONCE(vmx_broken))
			return -EIO;
		return READ_ONCE(vmx_shutting_down) ? -ESHUTDOWN : -EAGAIN;
	}
	if (lv->cpu != cpu) {
		ret = vmx_vmclear(lv->phys);
		if (ret)
			return ret;
	}
	ret = vmx_vmptrld(lv->phys);
	if (ret)
		return ret;
	/*
	 * Another guest ran here last, or may have. Also one of the same process: switching
	 * address spaces does not cover that.
	 */
	vmx_ibpb();
	this_cpu_write(vmcs_current, lv);
	if (lv->cpu == cpu)
		return 0;

	this_cpu_write(list_busy, true);
	barrier();
	list_add(&lv->node, this_cpu_ptr(&vmcs_active));
	barrier();
	this_cpu_write(list_busy, false);
	WRITE_ONCE(lv->cpu, cpu);
	return 0;
}

/**
 * vmcs_load_slow() - vmcs_load() for a VMCS that is not this CPU's current one
 * @lv: the VMCS
 *
 * Context: Preemption off, interrupts on.
 * Return: As vmcs_load().
 */
int vmcs_load_slow(struct loaded_vmcs *lv)
{
	unsigned long flags;
	int ret;

	lockdep_assert_preemption_disabled();
	lockdep_assert_irqs_enabled();
	if (READ_ONCE(lv->cpu) != smp_processor_id())
		vmcs_clear(lv);
	local_irq_save(flags);
	ret = load_here(lv);
	local_irq_restore(flags);
	return ret;
}

VMXHV_EXPORT_FOR_TEST(vmcs_load_slow);
