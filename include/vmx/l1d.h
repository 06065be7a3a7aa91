/* SPDX-License-Identifier: GPL-2.0-only */
/* L1 terminal fault: what is in the L1 data cache must not be there when a guest runs. */
#ifndef VMX_L1D_H
#define VMX_L1D_H

#include <linux/jump_label.h>
#include <linux/types.h>
#include <asm/hardirq.h>
#include <asm/processor.h>

DECLARE_STATIC_KEY_FALSE(vmx_l1d_flush_needed);
DECLARE_STATIC_KEY_FALSE(vmx_l1d_flush_always);

enum vmx_l1d_when {
	VMX_L1D_NEVER,
	VMX_L1D_STALE,
	VMX_L1D_ALWAYS,
};

enum vmx_l1d_when vmx_l1d_when(bool bug, enum l1tf_mitigations mitigation, u64 caps);
void vmx_l1d_warn(void);
int vmx_l1d_init(void);
void vmx_l1d_exit(void);
void vmx_l1d_flush(void);

/**
 * vmx_l1d_before_burst() - flush the L1 data cache if something else may have filled it
 * @stale: this thread ran more than exit handling since the last flush
 *
 * Interrupt handlers say for themselves that they ran.
 *
 * Context: Interrupts off, before the guest is entered.
 */
static inline void vmx_l1d_before_burst(bool *stale)
{
	if (!static_branch_unlikely(&vmx_l1d_flush_needed))
		return;
	if (!*stale && !kvm_get_cpu_l1tf_flush_l1d() &&
	    !static_branch_unlikely(&vmx_l1d_flush_always))
		return;
	*stale = false;
	kvm_clear_cpu_l1tf_flush_l1d();
	vmx_l1d_flush();
}

/**
 * vmx_l1d_each_entry() - is the flush to come before every single entry?
 *
 * Context: Any.
 * Return: true if a burst is to have one.
 */
static inline bool vmx_l1d_each_entry(void)
{
	return static_branch_unlikely(&vmx_l1d_flush_always);
}

#endif /* VMX_L1D_H */
