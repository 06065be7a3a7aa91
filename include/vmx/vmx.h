/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns VMX: enabling it on every CPU for the first user and disabling it after the last.
 *
 * Locks: cpus_read_lock, then the mutex of vmx/enable.c. The CPU-hotplug callbacks never take that
 * mutex. Per-CPU state is changed on its CPU with interrupts off.
 */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <vmx/caps.h>

extern struct vmx_caps vmx_caps;	/* valid from a successful vmx_get to its vmx_put */

DECLARE_PER_CPU(bool, vmx_on);

/**
 * vmx_cpu_enabled - is this CPU in VMX operation for us?
 *
 * Context: Interrupts off, or the answer may be old. To be asked before each VMPTRLD and VM entry:
 *	a CPU may lose VMX under a running task (hotplug, reboot).
 * Return: true if VMX instructions may be used.
 */
static __always_inline bool vmx_cpu_enabled(void)
{
	return this_cpu_read(vmx_on);
}

int vmx_init(void);
void vmx_exit(void);

int vmx_probe(struct vmx_refusal *why);
int vmx_get(struct vmx_refusal *why);
void vmx_put(void);

int vpid_alloc(void);
void vpid_free(int vpid);

#endif /* VMX_VMX_H */
