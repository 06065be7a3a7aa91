// SPDX-License-Identifier: GPL-2.0-only
/*
 * What userspace is told and asked. The run area is mapped by userspace, which may write to any of
 * it at any time: what an exit says is written whole and never read back. Each question here has
 * its answer in complete.c.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/msr.h>
#include <asm/processor-flags.h>

#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vmx/exit_reasons.h"

const struct run_area_group run_area_groups[RUN_AREA_GROUPS] = {
	/* SREGS before GPRS: see the order of applying in the UAPI */
	{ VMXHV_GROUP_SREGS, VMXHV_STATE_SREGS, offsetof(struct vmxhv_run, sregs),
	  sizeof(struct vmxhv_sregs) },
	{ VMXHV_GROUP_GPRS, VMXHV_STATE_GPRS, offsetof(struct vmxhv_run, gprs),
	  sizeof(struct vmxhv_gprs) },
	{ VMXHV_GROUP_EVENTS, VMXHV_STATE_EVENTS, offsetof(struct vmxhv_run, events),
	  sizeof(struct vmxhv_events) },
};

static void publish_groups(struct vcpu *v)
{
	unsigned int i;

	for (i = 0; i < RUN_AREA_GROUPS; i++) {
		const struct run_area_group *g = &run_area_groups[i];

		if (v->asked.wanted & g->bit)
			state_get(v, g->group, (char *)v->run + g->offset);
	}
}

/* An error code counts only where its event says that it has one. */
static u32 said_error(u32 info, u32 error)
{
	return info & INTR_INFO_DELIVER_CODE_MASK ? error : 0;
}

/* All of it: what the exit did not say reads as 0. */
static noinline void publish_hw_whole(struct vcpu *v, u32 valid)
{
	const struct exit_info *exit = &v->exit;
	const u32 intr_info = valid & VMXHV_HW_INTR_INFO ? exit->intr_info : 0;
	const u32 vectoring_info = valid & VMXHV_HW_VECTORING ? exit->vectoring_info : 0;
	struct vmxhv_hw *hw = &v->run->hw;

	hw->qualification = valid & VMXHV_HW_QUALIFICATION ? exit->qualification : 0;
	hw->insn_len = valid & VMXHV_HW_INSN_LEN ? exit->insn_len : 0;
	hw->insn_info = valid & VMXHV_HW_INSN_INFO ? exit->insn_info : 0;
	hw->intr_info = intr_info;
	hw->intr_error = said_error(intr_info, exit->intr_error);
	hw->vectoring_info = vectoring_info;
	hw->vectoring_error = said_error(vectoring_info, exit->vectoring_error);
	hw->gla = valid & VMXHV_HW_GLA ? exit->gla : 0;
	hw->gpa = valid & VMXHV_HW_GPA ? exit->gpa : 0;
	hw->valid = valid;
	v->published.hw_valid = valid;
}

/* What port I/O has: written field by field as long as the exit before had the same. */
#define HW_OF_IO	(VMXHV_HW_REASON | VMXHV_HW_CPU | VMXHV_HW_QUALIFICATION | \
			 VMXHV_HW_INSN_LEN)

static void publish_hw(struct vcpu *v)
{
	const struct exit_info *exit = &v->exit;
	u32 valid = VMXHV_HW_REASON | VMXHV_HW_CPU | exit->valid << 1;
	struct vmxhv_hw *hw = &v->run->hw;

	BUILD_BUG_ON(EXIT_HAS_QUALIFICATION << 1 != VMXHV_HW_QUALIFICATION);
	BUILD_BUG_ON(EXIT_HAS_INSN_LEN << 1 != VMXHV_HW_INSN_LEN);
	BUILD_BUG_ON(EXIT_HAS_INSN_INFO << 1 != VMXHV_HW_INSN_INFO);
	BUILD_BUG_ON(EXIT_HAS_INTR_INFO << 1 != VMXHV_HW_INTR_INFO);
	BUILD_BUG_ON(EXIT_HAS_VECTORING << 1 != VMXHV_HW_VECTORING);
	BUILD_BUG_ON(EXIT_HAS_GLA << 1 != VMXHV_HW_GLA);
	BUILD_BUG_ON(EXIT_HAS_GPA << 1 != VMXHV_HW_GPA);
	hw->reason = exit->reason;
	hw->cpu = v->cpu;
	if (likely(valid == HW_OF_IO && v->published.hw_valid == valid)) {
		hw->qualification = exit->qualification;
		hw->insn_len = exit->insn_len;
		hw->valid = valid;
		return;
	}
	publish_hw_whole(v, valid);
}

/**
 * exit_to_user() - write the part of the run area that every exit has
 * @v: the vCPU, loaded
 * @reason: enum vmxhv_exit
 *
 * The exit's own part follows by publish_union(), where it has one. Costs VMREADs of RFLAGS and the
 * interruptibility state, unless they are cached.
 */
void exit_to_user(struct vcpu *v, enum vmxhv_exit reason)
{
	struct vmxhv_run *run = v->run;
	u32 shadow = vcpu_shadow(v);
	u32 if_flag = (vcpu_rflags(v) & X86_EFLAGS_IF) / X86_EFLAGS_IF;
	u32 blocked = (shadow | shadow >> 1) & SHADOW_STI;
	bool delivery = v->events.injected.info;

	vcpu_assert_loaded(v);
	BUILD_BUG_ON(SHADOW_MOV_SS >> 1 != SHADOW_STI);
	run->exit_reason = reason;
	run->exit_flags = (v->completion != COMPLETE_NONE ? VMXHV_EXITF_PENDING : 0) |
			  (delivery ? VMXHV_EXITF_DELIVERY : 0);
	run->sequence = ++v->published.sequence;
	run->valid = v->asked.wanted;
	run->if_flag = if_flag;
	run->shadow = blocked;
	run->nmi_blocked = (shadow & SHADOW_NMI) / SHADOW_NMI;
	run->ready_for_injection = if_flag && !blocked && !delivery;
	run->cr8 = lapic_cr8(v);
	run->apic_base = lapic_base(v);
	run->tsc = rdtsc();
	publish_hw(v);
	v->published.union_stale = max(v->published.union_stale, v->published.union_used);
	v->published.union_used = 0;
	if (unlikely(v->asked.wanted))
		publish_groups(v);
}

/**
 * publish_done() - RUN returns: nothing of an earlier exit is left behind this one's own part
 * @v: the vCPU
 */
void publish_done(struct vcpu *v)
{
	struct run_published *p = &v->published;

	if (likely(p->union_stale <= p->union_used))
		return;
	memset((u8 *)v->run->u.raw + p->union_used, 0, p->union_stale - p->union_used);
	p->union_stale = 0;
}

/**
 * exit_internal() - something happened that must not: the VM is dead
 * @v: the vCPU
 * @what: where, in words
 *
 * Return: TO_USER, with INTERNAL in the run area.
 */
int exit_internal(struct vcpu *v, const char *what)
{
	struct vmxhv_exit_internal internal = { .where = VMX_EXIT_BASIC_REASON(v->exit.reason) };

	pr_warn_ratelimited("VM killed: %s (exit reason %s)\n", what,
			    vmx_exit_reason_name(v->exit.reason));
	strscpy(internal.text, what, sizeof(internal.text));
	vm_kill(v->vm);
	exit_to_user(v, VMXHV_EXIT_INTERNAL);
	publish_union(v, &internal, sizeof(internal));
	return TO_USER;
}

/**
 * hypercall_to_user() - VMCALL, to be answered by complete_hypercall()
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off.
 * Return: TO_USER; HANDLED from CPL above 0, which may make no such call.
 */
int hypercall_to_user(struct vcpu *v)
{
	struct vmxhv_exit_hypercall call = {
		.nr = v->gpr[REG_RAX],
		.args = { v->gpr[REG_RBX], v->gpr[REG_RCX], v->gpr[REG_RDX],
			  v->gpr[REG_RSI], v->gpr[REG_RDI], v->gpr[REG_RBP] },
		.result = NO_SUCH_HYPERCALL,
	};

	if (vcpu_cpl(v)) {
		v->gpr[REG_RAX] = -EPERM;
		return vcpu_skip_insn(v);
	}
	exit_insn_len(v);
	v->completion = COMPLETE_HYPERCALL;
	exit_to_user(v, VMXHV_EXIT_HYPERCALL);
	publish_union(v, &call, sizeof(call));
	return TO_USER;
}

/**
 * mmio_to_user() - an access that userspace is to decode and to do: complete_mmio()
 * @v: the vCPU, loaded; exit_gpa() is the address
 * @access: VMXHV_MMIO_*
 * @gva: the linear address, 0 where the CPU does not say it
 *
 * Context: Process; may sleep.
 * Return: TO_USER.
 */
int mmio_to_user(struct vcpu *v, u32 access, u64 gva)
{
	struct vmxhv_exit_mmio *mmio = &v->mmio;

	memset(mmio, 0, sizeof(*mmio));
	mmio->gpa = exit_gpa(v);
	mmio->gva = gva;
	mmio->access = access;
	mmio->mode = vcpu_cpu_mode(v);
	if (!(access & VMXHV_MMIO_FETCH))
		mmio->insn_count = vcpu_fetch_insn(v, mmio->insn, mmio->mode);

	v->completion = COMPLETE_MMIO;
	exit_to_user(v, VMXHV_EXIT_MMIO);
	publish_union(v, mmio, sizeof(*mmio));
	return TO_USER;
}

/**
 * memory_error_to_user() - memory of the guest's that the host has lost
 * @v: the vCPU, loaded; exit_gpa() is the address
 * @info: what the fault met
 *
 * There is no answer: the access is tried again.
 *
 * Context: Process.
 * Return: TO_USER; -EINTR after a fatal signal.
 */
int memory_error_to_user(struct vcpu *v, const struct fault_info *info)
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
 * msr_to_user() - RDMSR or WRMSR, to be answered by complete_msr()
 * @v: the vCPU, loaded
 * @write: it is WRMSR
 *
 * Userspace that does not answer leaves a #GP, not a 0.
 *
 * Context: Interrupts may be off.
 * Return: TO_USER.
 */
int msr_to_user(struct vcpu *v, bool write)
{
	const struct vmxhv_exit_msr what = {
		.index = (u32)v->gpr[REG_RCX],
		.fault = 1,
		.value = write ? vcpu_edx_eax(v) : 0,
	};

	exit_insn_len(v);
	v->completion = write ? COMPLETE_MSR_WRITE : COMPLETE_MSR_READ;
	exit_to_user(v, write ? VMXHV_EXIT_MSR_WRITE : VMXHV_EXIT_MSR_READ);
	publish_union(v, &what, sizeof(what));
	return TO_USER;
}

/**
 * io_to_user() - port I/O, to be answered by complete_io()
 * @v: the vCPU, loaded; v->io.exit says which
 *
 * Context: Process.
 * Return: TO_USER.
 */
int io_to_user(struct vcpu *v)
{
	v->completion = COMPLETE_IO;
	exit_to_user(v, VMXHV_EXIT_IO);
	publish_union(v, &v->io.exit, sizeof(v->io.exit));
	return TO_USER;
}

/**
 * cpuid_to_user() - CPUID of a leaf that userspace wants to see, to be answered by complete_cpuid()
 * @v: the vCPU, loaded
 * @what: leaf, index, and what the guest would read without userspace
 *
 * Context: Interrupts may be off.
 * Return: TO_USER.
 */
int cpuid_to_user(struct vcpu *v, const struct vmxhv_exit_cpuid *what)
{
	exit_insn_len(v);
	v->completion = COMPLETE_CPUID;
	exit_to_user(v, VMXHV_EXIT_CPUID);
	publish_union(v, what, sizeof(*what));
	return TO_USER;
}

/**
 * exception_to_user() - an exception of the guest's own, to be answered by complete_exception()
 * @v: the vCPU, loaded
 * @e: the exception; it waits for the answer
 *
 * Context: Interrupts may be off.
 * Return: TO_USER.
 */
int exception_to_user(struct vcpu *v, const struct exception *e)
{
	const struct vmxhv_exit_exception what = {
		.vector = e->vector, .has_error = e->has_error, .has_payload = e->has_payload,
		.error_code = e->error_code, .payload = e->payload,
	};

	v->reported = *e;
	v->completion = COMPLETE_EXCEPTION;
	exit_to_user(v, VMXHV_EXIT_EXCEPTION);
	publish_union(v, &what, sizeof(what));
	return TO_USER;
}

/**
 * intack_to_user() - the guest can take an ExtINT: complete_intack() gets its vector
 * @v: the vCPU, loaded
 *
 * Context: Process.
 * Return: TO_USER.
 */
int intack_to_user(struct vcpu *v)
{
	v->completion = COMPLETE_INTACK;
	exit_to_user(v, VMXHV_EXIT_INTACK);
	return TO_USER;
}

/**
 * eoi_to_user() - the guest ended a level-triggered interrupt; there is no answer
 * @v: the vCPU, loaded
 * @vector: which
 *
 * Context: Process.
 * Return: TO_USER.
 */
int eoi_to_user(struct vcpu *v, u8 vector)
{
	const struct { u8 vector; u8 zero[7]; } eoi = { .vector = vector };

	exit_to_user(v, VMXHV_EXIT_EOI);
	publish_union(v, &eoi, sizeof(eoi));
	return TO_USER;
}
