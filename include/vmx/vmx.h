/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns VMX: enabling it on every CPU for the first user and disabling it after the last.
 *
 * Locks: cpus_read_lock(), then the mutex of vmx/own/enable.c. The CPU-hotplug callbacks never take
 * that mutex. Per-CPU state is changed on its CPU with interrupts off.
 */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include "vmx/caps.h"
#include "vmx/operation.h"
#include "vmx/vpid.h"

int vmx_init(void);
void vmx_exit(void);

int vmx_probe(struct vmx_refusal *why);
int vmx_get(struct vmx_refusal *why);
void vmx_put(void);

#endif /* VMX_VMX_H */
