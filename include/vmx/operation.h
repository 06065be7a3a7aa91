/* SPDX-License-Identifier: GPL-2.0-only */
/* VMX operation as all files see it: what the CPUs can do, which are in it, what became of it. */
#ifndef VMX_OPERATION_H
#define VMX_OPERATION_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "vmx/caps.h"

extern struct vmx_caps vmx_caps;	/* valid from a successful vmx_get() to its vmx_put() */

DECLARE_PER_CPU(bool, vmx_on);		/* changed on its CPU with interrupts off */

extern u64 vmx_tsc_lost;		/* cycles by which this host's TSC went back, in all */
extern bool vmx_active;			/* there are users: a CPU that comes up gets VMX, too */
extern bool vmx_shutting_down;		/* set once, never cleared */
extern bool vmx_broken;			/* a resume could not enable VMX again */

/**
 * vmx_cpu_enabled() - is this CPU in VMX operation for us?
 *
 * Context: Interrupts off, or the answer may be old. To be asked before each VMPTRLD and VM entry:
 *	a CPU may lose VMX under a running task (hotplug, reboot).
 * Return: true if VMX instructions may be used.
 */
static __always_inline bool vmx_cpu_enabled(void)
{
	return this_cpu_read(vmx_on);
}

/**
 * vmx_tsc_went_back() - how far a counter that ought to go on was set back
 * @before: its value before the host slept
 * @after: its value now
 *
 * Context: Any. SDM: "Time-Stamp Counter": it begins anew where the CPU lost its power.
 * Return: cycles; 0: it went on.
 */
static inline u64 vmx_tsc_went_back(u64 before, u64 after)
{
	return after < before ? before - after : 0;
}

#endif /* VMX_OPERATION_H */
