/* SPDX-License-Identifier: GPL-2.0-only */
/* VMX operation as all files see it: what the CPUs can do, which are in it, what became of it. */
#ifndef VMX_OPERATION_H
#define VMX_OPERATION_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "vmx/caps.h"

extern struct vmx_caps vmx_caps;	/* valid from a successful vmx_get() to its vmx_put() */

DECLARE_PER_CPU(bool, vmx_on);		/* changed on its CPU with interrupts off */

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

#endif /* VMX_OPERATION_H */
