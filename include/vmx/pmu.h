/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's performance counters, which must not count, or write records, in a guest. */
#ifndef VMX_PMU_H
#define VMX_PMU_H

#include <linux/build_bug.h>
#include <linux/jump_label.h>
#include <linux/types.h>

struct perf_guest_switch_msr;

/* An entry of an MSR area (SDM: "VM-Entry Controls for MSRs", "VM-Exit Controls for MSRs"). */
struct vmx_msr_entry {
	u32 index;
	u32 reserved;
	u64 value;
};

static_assert(sizeof(struct vmx_msr_entry) == 16);

/* GLOBAL_CTRL and PEBS_ENABLE; or, before architectural version 2, each counter's event select. */
#define VMX_PMU_MSRS	16

/**
 * struct vmx_pmu - MSRs that a VM entry and a VM exit load for the counters' sake
 * @guest: the VM-entry MSR-load area
 * @host: the VM-exit MSR-load area, the same MSRs
 * @count: of both, as it stands in the VMCS
 * @pebs: PEBS_ENABLE is among them, and not 0 in the host
 */
struct vmx_pmu {
	struct vmx_msr_entry guest[VMX_PMU_MSRS];
	struct vmx_msr_entry host[VMX_PMU_MSRS];
	u32 count;
	bool pebs;
} __aligned(16);

DECLARE_STATIC_KEY_FALSE(vmx_pmu_there);

void vmx_pmu_init(void);
u32 vmx_pmu_choose(struct vmx_pmu *pmu, const struct perf_guest_switch_msr *msrs, int count);
void vmx_pmu_setup(struct vmx_pmu *pmu);
void vmx_pmu_switch(struct vmx_pmu *pmu);
void vmx_pmu_resume(void);

/**
 * vmx_pmu_before_burst() - have the next entries keep the host's counters out of the guest
 * @pmu: of the vCPU whose VMCS is current
 *
 * Without counters, a NOP. Events come, go and are scheduled only while interrupts are open.
 *
 * Context: Interrupts off until the burst ends.
 */
static __always_inline void vmx_pmu_before_burst(struct vmx_pmu *pmu)
{
	if (static_branch_unlikely(&vmx_pmu_there))
		vmx_pmu_switch(pmu);
}

/**
 * vmx_pmu_busy() - must every entry be preceded by vmx_pmu_before_burst()?
 * @pmu: of the vCPU
 *
 * An exit loads the host's values as they were, and PEBS is on again after it; a counter's NMI
 * can change both.
 *
 * Context: As vmx_pmu_before_burst().
 * Return: true while something is loaded at entry.
 */
static __always_inline bool vmx_pmu_busy(const struct vmx_pmu *pmu)
{
	return static_branch_unlikely(&vmx_pmu_there) && pmu->count;
}

/**
 * vmx_pmu_after_burst() - let PEBS go on in the host
 * @pmu: of the vCPU
 *
 * Context: Interrupts off since vmx_pmu_before_burst().
 */
static __always_inline void vmx_pmu_after_burst(const struct vmx_pmu *pmu)
{
	if (vmx_pmu_busy(pmu) && pmu->pebs)
		vmx_pmu_resume();
}

#endif /* VMX_PMU_H */
