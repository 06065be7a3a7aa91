/* SPDX-License-Identifier: GPL-2.0-only */
/* L1 terminal fault: what is in the L1 data cache must not be there when a guest runs. */
#ifndef VMX_L1D_H
#define VMX_L1D_H

#include <linux/jump_label.h>
#include <linux/types.h>
#include <asm/hardirq.h>

DECLARE_STATIC_KEY_FALSE(vmx_l1d_flush_needed);

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
	if (!*stale && !kvm_get_cpu_l1tf_flush_l1d())
		return;
	*stale = false;
	kvm_clear_cpu_l1tf_flush_l1d();
	vmx_l1d_flush();
}

#endif /* VMX_L1D_H */
