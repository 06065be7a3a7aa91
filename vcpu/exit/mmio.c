// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations: memory that is to be mapped, the local APIC's page, or MMIO for userspace, which
 * decodes the instruction. (SDM: "Exit Qualification for EPT Violations".)
 */
#include <linux/string.h>

#include <asm/trapnr.h>

#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/memory.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

/* The access, in the interface's words; the CPU's PDPTE loads have no linear address at all. */
static u32 access_of(u32 qualification)
{
	u32 access = 0;

	if (qualification & EPT_VIOLATION_READ)
		access |= VMXHV_MMIO_READ;
	if (qualification & EPT_VIOLATION_WRITE)
		access |= VMXHV_MMIO_WRITE;
	if (qualification & EPT_VIOLATION_EXEC)
		access |= VMXHV_MMIO_FETCH;
	if ((qualification & EPT_VIOLATION_GLA_FINAL) != EPT_VIOLATION_GLA_FINAL)
		access |= VMXHV_MMIO_WALK;
	return access;
}

/* Nothing to be mapped. With accessed flags in the EPT a page walk's reads count as writes. */
static int no_memory(struct vcpu *v, u32 qualification)
{
	u32 access = access_of(qualification);

	if ((access & VMXHV_MMIO_WALK) && (access & VMXHV_MMIO_WRITE) &&
	    memory_walk_readonly(v->vm, exit_gpa(v)))
		return HANDLED;
	return mmio_to_user(v, access, qualification & EPT_VIOLATION_GLA_VALID ? exit_gla(v) : 0);
}

/**
 * handle_ept_violation() - exit reason EPT violation
 * @v: the vCPU, loaded
 *
 * Context: Process; sleeps when the host must bring the page.
 * Return: HANDLED when the access can be tried again or was done; TO_USER for MMIO and for memory
 * that the host has lost.
 */
int handle_ept_violation(struct vcpu *v)
{
	u32 qualification = exit_qualification(v);
	bool write = qualification & EPT_VIOLATION_WRITE;
	u64 gpa = exit_gpa(v);
	struct fault_info info = {};
	enum fault_result result;

	if (qualification & EPT_VIOLATION_IRET_UNBLOCK)
		vcpu_reblock_nmis(v);
	if (lapic_covers(v, gpa)) {
		v->burst.l1d_stale = true;
		memory_map_apic(v->vm);
		if ((qualification & EPT_VIOLATION_GLA_FINAL) == EPT_VIOLATION_GLA_FINAL &&
		    lapic_page_access(v, gpa, write) == HANDLED)
			return HANDLED;
	}
	result = memory_fault(v->vm, gpa, write, qualification & EPT_VIOLATION_EXEC, &info);
	/* a page that the host has is a look into tables; bringing one may read anything */
	v->burst.l1d_stale |= info.host_worked;
	switch (result) {
	case FAULT_MAPPED:
	case FAULT_RETRY:
		return HANDLED;
	case FAULT_MMIO:
		return no_memory(v, qualification);
	case FAULT_ERROR:
		return memory_error_to_user(v, &info);
	}
	return exit_internal(v, "a memory fault without an answer");
}
