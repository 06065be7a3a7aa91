// SPDX-License-Identifier: GPL-2.0-only
/* The page-modification log is full. */
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/memory.h"
#include "vmx/arch.h"

/**
 * handle_pml_full() - exit reason page-modification log full
 * @v: the vCPU, loaded
 *
 * The access that needed an entry has not happened; it will be executed again.
 *
 * Context: Process.
 * Return: HANDLED.
 */
int handle_pml_full(struct vcpu *v)
{
	if (exit_qualification(v) & EPT_VIOLATION_IRET_UNBLOCK)
		vcpu_reblock_nmis(v);
	pml_flush(v);
	return HANDLED;
}
