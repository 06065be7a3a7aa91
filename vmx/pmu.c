// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's performance counters around a guest. perf says which MSRs must differ: an event that
 * excludes guests (or, for a guest of KVM's, the host) is off there, and so is PEBS, which would
 * write its records through the guest's page tables. The guest has no counters of its own.
 *
 * The MSR areas do it, not the PERF_GLOBAL_CTRL controls: those have errata on early CPUs, and
 * this way costs nothing while perf wants no difference.
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/kvm_host.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <asm/msr.h>
#include <asm/perf_event.h>

#include "compat.h"
#include "vmx/pmu.h"
#include "vmx/vmcs.h"

DEFINE_STATIC_KEY_FALSE(vmx_pmu_there);

/* What perf asks of a guest's counters: it has none, and no PEBS. */
static struct kvm_pmu no_guest_pmu;

/**
 * vmx_pmu_choose() - what VM entry and VM exit have to load
 * @pmu: out: guest, host and pebs; VMX_PMU_MSRS at most
 * @msrs: what perf says
 * @count: how many
 *
 * DS_AREA and PEBS_DATA_CFG say where and how PEBS writes: nothing does in our guests.
 *
 * Context: Any.
 * Return: how many there are in each list.
 */
u32 vmx_pmu_choose(struct vmx_pmu *pmu, const struct perf_guest_switch_msr *msrs, int count)
{
	u32 chosen = 0;
	int i;

	pmu->pebs = false;
	for (i = 0; i < count; i++) {
		const struct perf_guest_switch_msr *msr = &msrs[i];

		if (msr->host == msr->guest || msr->msr == MSR_IA32_DS_AREA ||
		    msr->msr == MSR_PEBS_DATA_CFG)
			continue;
		if (chosen == VMX_PMU_MSRS) {
			pr_warn_once("more than %d MSRs of counters: the rest counts in guests\n",
				     VMX_PMU_MSRS);
			break;
		}
		pmu->guest[chosen] = (struct vmx_msr_entry){
			.index = msr->msr, .value = msr->guest };
		pmu->host[chosen] = (struct vmx_msr_entry){
			.index = msr->msr, .value = msr->host };
		pmu->pebs |= msr->msr == MSR_IA32_PEBS_ENABLE;
		chosen++;
	}
	return chosen;
}

VMXHV_EXPORT_FOR_TEST(vmx_pmu_choose);

/**
 * vmx_pmu_setup() - tell a new VMCS where the MSR areas are
 * @pmu: of the vCPU whose VMCS is current; its address stays
 *
 * Context: Preemption off.
 */
void vmx_pmu_setup(struct vmx_pmu *pmu)
{
	lockdep_assert_preemption_disabled();
	pmu->count = 0;
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write64(VM_ENTRY_MSR_LOAD_ADDR, virt_to_phys(pmu->guest));
	vmcs_write64(VM_EXIT_MSR_LOAD_ADDR, virt_to_phys(pmu->host));
}

/**
 * vmx_pmu_switch() - vmx_pmu_before_burst() where there are counters
 * @pmu: of the vCPU whose VMCS is current
 *
 * PEBS may have a record under way, which switching it off at the entry itself would leave no time
 * to end: it goes off here, and on again by an exit or by vmx_pmu_after_burst().
 *
 * Context: Interrupts off.
 */
void vmx_pmu_switch(struct vmx_pmu *pmu)
{
	const struct perf_guest_switch_msr *msrs;
	u32 chosen = 0;
	int count;

	lockdep_assert_irqs_disabled();
	msrs = compat_perf_guest_get_msrs(&count, &no_guest_pmu);
	if (msrs)
		chosen = vmx_pmu_choose(pmu, msrs, count);
	if (chosen != pmu->count) {
		vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, chosen);
		vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, chosen);
		pmu->count = chosen;
	}
	if (chosen && pmu->pebs)
		wrmsrl(MSR_IA32_PEBS_ENABLE, 0);
}

/**
 * vmx_pmu_resume() - vmx_pmu_after_burst() where PEBS was switched off
 *
 * Asks again: an NMI in the burst may have stopped an event, and the exit after it loaded what was
 * true before. And a burst may end without an entry.
 *
 * Context: Interrupts off.
 */
void vmx_pmu_resume(void)
{
	const struct perf_guest_switch_msr *msrs;
	int count, i;

	lockdep_assert_irqs_disabled();
	msrs = compat_perf_guest_get_msrs(&count, &no_guest_pmu);
	for (i = 0; msrs && i < count; i++) {
		if (msrs[i].msr == MSR_IA32_PEBS_ENABLE)
			wrmsrl(MSR_IA32_PEBS_ENABLE, msrs[i].host);
	}
}

/**
 * vmx_pmu_init() - find out whether the host has counters that perf uses
 *
 * Context: Module init.
 */
void vmx_pmu_init(void)
{
	unsigned long flags;
	bool there;
	int count;

	local_irq_save(flags);
	there = compat_perf_guest_get_msrs(&count, &no_guest_pmu);
	local_irq_restore(flags);
	if (there)
		static_branch_enable(&vmx_pmu_there);
}
