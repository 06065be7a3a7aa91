// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations: memory that is to be mapped, the local APIC's page, or MMIO for userspace, which
 * decodes the instruction. (SDM: "Exit Qualification for EPT Violations".)
 */
#include <linux/string.h>

#include <asm/trapnr.h>

#include "vcpu/exits.h"
#include "vcpu/lapic.h"
#include "vcpu/memory.h"
#include "vcpu/publish.h"
#include "vcpu/regs.h"
#include "vcpu/retire.h"
#include "vcpu/walk.h"
#include "vmx/arch.h"

/**
 * mmio_to_user() - userspace is to decode an access and to do it
 * @v: the vCPU, loaded; exit_gpa() is the address
 * @qualification: of the access, as an EPT violation has it
 *
 * Context: Process; may sleep.
 * Return: TO_USER.
 */
int mmio_to_user(struct vcpu *v, u32 qualification)
{
	struct vmxhv_exit_mmio *mmio = &v->mmio;

	memset(mmio, 0, sizeof(*mmio));
	mmio->gpa = exit_gpa(v);
	if (qualification & EPT_VIOLATION_GLA_VALID)
		mmio->gva = exit_gla(v);
	if (qualification & EPT_VIOLATION_READ)
		mmio->access |= VMXHV_MMIO_READ;
	if (qualification & EPT_VIOLATION_WRITE)
		mmio->access |= VMXHV_MMIO_WRITE;
	if (qualification & EPT_VIOLATION_EXEC)
		mmio->access |= VMXHV_MMIO_FETCH;
	mmio->mode = vcpu_cpu_mode(v);
	if (!(qualification & EPT_VIOLATION_EXEC))
		mmio->insn_count = vcpu_fetch_insn(v, mmio->insn, mmio->mode);

	v->completion = COMPLETE_MMIO;
	exit_to_user(v, VMXHV_EXIT_MMIO);
	publish_union(v, mmio, sizeof(*mmio));
	return TO_USER;
}

static int memory_error(struct vcpu *v, const struct fault_info *info)
{
	struct vmxhv_exit_memory_error error = {
		.gpa = exit_gpa(v), .hva = info->hva, .error = -info->error };

	/* a fatal signal: the thread will not come back */
	if (info->error == -EINTR) {
		exit_to_user(v, VMXHV_EXIT_INTR);
		return -EINTR;
	}
	exit_to_user(v, VMXHV_EXIT_MEMORY_ERROR);
	publish_union(v, &error, sizeof(error));
	return TO_USER;
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

	vcpu_reblock_nmis(v, qualification);
	if (lapic_covers(v, gpa)) {
		v->l1d_stale = true;
		memory_map_apic(v->vm);
		if ((qualification & EPT_VIOLATION_GLA_FINAL) == EPT_VIOLATION_GLA_FINAL &&
		    lapic_page_access(v, gpa, write) == HANDLED)
			return HANDLED;
	}
	result = memory_fault(v->vm, gpa, write, qualification & EPT_VIOLATION_EXEC, &info);
	/* a page that the host has is a look into tables; bringing one may read anything */
	v->l1d_stale |= info.host_worked;
	switch (result) {
	case FAULT_MAPPED:
	case FAULT_RETRY:
		return HANDLED;
	case FAULT_MMIO:
		return mmio_to_user(v, qualification);
	case FAULT_ERROR:
		return memory_error(v, &info);
	}
	return exit_internal(v, "a memory fault without an answer");
}

/* A wrong answer may be given again: the exit stays pending. */
static int refuse_answer(struct vcpu *v, struct vmxhv_error *err, u32 item, u64 value, u64 wanted,
			 const char *text)
{
	v->completion = COMPLETE_MMIO;
	return refuse(err, -EINVAL, &(const struct refusal){
			.code = VMXHV_ERR_RUN, .item = item, .value = value, .wanted = wanted },
		      "%s", text);
}

static int mmio_fault(struct vcpu *v, struct vmxhv_error *err)
{
	const struct vmxhv_exit_mmio *answer = &v->run->u.mmio;
	struct exception e = {
		.vector = READ_ONCE(answer->fault_vector),
		.has_error = READ_ONCE(answer->fault_has_error),
		.error_code = READ_ONCE(answer->fault_error),
		.payload = READ_ONCE(answer->fault_address),
	};

	if (e.vector > 31)
		return refuse_answer(v, err, offsetof(struct vmxhv_run, u.mmio.fault_vector),
				     e.vector, 31, "an exception has a vector below 32");
	e.has_payload = e.vector == X86_TRAP_PF;
	vcpu_raise_exception(v, &e);
	return HANDLED;
}

/**
 * complete_mmio() - RUN after an MMIO exit: RETIRE, FAULT or RETRY, as userspace answered
 * @v: the vCPU, loaded
 * @err: detail of a refusal
 *
 * Registers that a read changes come through the dirty groups; they are applied after this.
 *
 * Context: Process.
 * Return: HANDLED; -EINVAL: no such answer, the exit stays pending.
 */
int complete_mmio(struct vcpu *v, struct vmxhv_error *err)
{
	u32 completion = READ_ONCE(v->run->u.mmio.completion);
	u32 len;

	switch (completion) {
	case VMXHV_MMIO_RETRY:
		return HANDLED;
	case VMXHV_MMIO_RETIRE:
		len = READ_ONCE(v->run->u.mmio.retire_len);
		if (len < 1 || len > 15)
			return refuse_answer(v, err, offsetof(struct vmxhv_run, u.mmio.retire_len),
					     len, 15, "an instruction has 1 to 15 bytes");
		vcpu_retire_insn(v, len);
		return HANDLED;
	case VMXHV_MMIO_FAULT:
		return mmio_fault(v, err);
	}
	return refuse_answer(v, err, offsetof(struct vmxhv_run, u.mmio.completion), completion,
			     VMXHV_MMIO_FAULT, "completion is none of RETRY, RETIRE and FAULT");
}
