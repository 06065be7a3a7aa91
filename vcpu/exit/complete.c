// SPDX-License-Identifier: GPL-2.0-only
/*
 * What RUN does first: the exit that userspace was asked about (to_user.c) is completed with its
 * answer, and the registers that userspace changed are taken. Userspace may write to the run area
 * at any time: each word is read once.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/trapnr.h>

#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"

static int complete_msr(struct vcpu *v, bool read)
{
	u32 fault = READ_ONCE(v->run->u.msr.fault);
	u64 value = READ_ONCE(v->run->u.msr.value);

	if (fault)
		return raise_gp(v);
	if (read)
		vcpu_set_edx_eax(v, value);
	return vcpu_skip_insn(v);
}

static int complete_intack(struct vcpu *v)
{
	v->recheck = true;
	v->events.extint_waiting = false;
	if (READ_ONCE(v->run->intack_spurious))
		return HANDLED;
	v->events.extint_answered = true;
	v->events.extint_vector = READ_ONCE(v->run->intack_vector);
	return HANDLED;
}

static int complete_hypercall(struct vcpu *v)
{
	v->gpr[REG_RAX] = READ_ONCE(v->run->u.hypercall.result);
	return vcpu_skip_insn(v);
}

static int complete_cpuid(struct vcpu *v)
{
	const struct vmxhv_exit_cpuid *answer = &v->run->u.cpuid;

	v->gpr[REG_RAX] = READ_ONCE(answer->eax);
	v->gpr[REG_RBX] = READ_ONCE(answer->ebx);
	v->gpr[REG_RCX] = READ_ONCE(answer->ecx);
	v->gpr[REG_RDX] = READ_ONCE(answer->edx);
	return vcpu_skip_insn(v);
}

static int complete_exception(struct vcpu *v)
{
	v->recheck = true;
	if (READ_ONCE(v->run->u.exception.deliver))
		vcpu_raise_exception(v, &v->reported);
	else
		vcpu_keep_trap_pending(v);
	return HANDLED;
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
	bool error_code;

	if (e.vector >= NR_EXCEPTIONS || e.vector == X86_TRAP_NMI)
		return refuse_answer(v, err, offsetof(struct vmxhv_run, u.mmio.fault_vector),
				     e.vector, NR_EXCEPTIONS - 1, "not an exception's vector");
	error_code = exception_rule(e.vector)->error_code;
	if (e.has_error != error_code)
		return refuse_answer(v, err, offsetof(struct vmxhv_run, u.mmio.fault_has_error),
				     e.has_error, error_code,
				     "this exception has an error code, or has none");
	if (error_code && e.error_code >> 16)
		return refuse_answer(v, err, offsetof(struct vmxhv_run, u.mmio.fault_error),
				     e.error_code, U16_MAX, "bits 31:16 of an error code are 0");
	e.has_payload = e.vector == X86_TRAP_PF;
	vcpu_raise_exception(v, &e);
	return HANDLED;
}

/* How wide the access was only userspace knows: its first byte is what can be watched. */
static noinline void meet_points(struct vcpu *v)
{
	dr_meet(v, v->mmio.access & VMXHV_MMIO_WRITE ? DEBUG_WRITES : DEBUG_READS, v->mmio.gva, 1);
}

/*
 * RETIRE, FAULT, RETRY or ITERATION, as userspace answered. Registers that a read changes come
 * through the dirty groups; they are applied after this.
 * Out of line: its refusals would give every answer a stack frame, and a guard on it.
 */
static noinline int complete_mmio(struct vcpu *v, struct vmxhv_error *err)
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
		break;
	case VMXHV_MMIO_FAULT:
		return mmio_fault(v, err);
	case VMXHV_MMIO_ITERATION:
		retire_iteration(v);
		break;
	default:
		return refuse_answer(v, err, offsetof(struct vmxhv_run, u.mmio.completion),
				     completion, VMXHV_MMIO_ITERATION,
				     "completion is none of RETRY, RETIRE, FAULT and ITERATION");
	}
	if (unlikely(dr_watching(v)) && v->mmio.gva)
		meet_points(v);
	return HANDLED;
}

/**
 * complete_exit() - take userspace's answer to the last exit
 * @v: the vCPU, loaded
 * @err: detail of a refusal
 *
 * Context: Process; may sleep.
 * Return: HANDLED; -EINVAL for an answer that makes no sense.
 */
int complete_exit(struct vcpu *v, struct vmxhv_error *err)
{
	enum pending_completion what = v->completion;

	vcpu_assert_may_sleep(v);
	v->completion = COMPLETE_NONE;
	switch (what) {
	case COMPLETE_NONE:
		return HANDLED;
	case COMPLETE_IO:
		return complete_io(v);
	case COMPLETE_MMIO:
		return complete_mmio(v, err);
	case COMPLETE_MSR_READ:
	case COMPLETE_MSR_WRITE:
		return complete_msr(v, what == COMPLETE_MSR_READ);
	case COMPLETE_HYPERCALL:
		return complete_hypercall(v);
	case COMPLETE_INTACK:
		return complete_intack(v);
	case COMPLETE_CPUID:
		return complete_cpuid(v);
	case COMPLETE_EXCEPTION:
		return complete_exception(v);
	}
	return HANDLED;
}

/**
 * refuse_run_flags() - say which of RUN's words asks for something that does not exist
 * @v: the vCPU, with user_flags and wanted as read
 * @err: the detail
 *
 * Context: Any.
 * Return: -EINVAL.
 */
int refuse_run_flags(struct vcpu *v, struct vmxhv_error *err)
{
	bool flags = v->asked.user_flags & ~VMXHV_USER_FLAGS;

	return refuse(err, -EINVAL, &(const struct refusal){
		.code = VMXHV_ERR_RUN,
		.item = flags ? offsetof(struct vmxhv_run, user_flags)
			      : offsetof(struct vmxhv_run, wanted),
		.value = flags ? v->asked.user_flags : v->asked.wanted,
		.wanted = flags ? VMXHV_USER_FLAGS : VMXHV_GROUPS,
	}, flags ? "unknown bits in user_flags" : "unknown groups in wanted");
}

/* one group's image while it is checked: userspace cannot change it any more */
union group_image {
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;
	struct vmxhv_events events;
};

static int copy_dirty(struct vcpu *v, u32 dirty, union group_image *images,
		      struct vmxhv_error *err)
{
	const void *transaction[VMXHV_STATE_GROUPS] = { NULL };
	unsigned int i;

	for (i = 0; i < RUN_AREA_GROUPS; i++) {
		const struct run_area_group *g = &run_area_groups[i];

		if (!(dirty & g->bit))
			continue;
		memcpy(&images[i], (char *)v->run + g->offset, g->size);
		transaction[g->group] = &images[i];
	}
	return state_check_all(v, transaction, err);
}

/* Most exits are answered with general registers alone: those need no check and no copy aside. */
static int apply_dirty_gprs(struct vcpu *v, struct vmxhv_error *err)
{
	struct vmxhv_gprs image = v->run->gprs;
	int ret;

	barrier();
	ret = state_check(v, VMXHV_STATE_GPRS, &image, err);
	if (ret)
		return ret;
	state_set(v, VMXHV_STATE_GPRS, &image);
	WRITE_ONCE(v->run->dirty, 0);
	return 0;
}

/**
 * apply_dirty_groups() - take the register groups that userspace changed, all or none
 * @v: the vCPU, loaded
 * @err: which group, field and rule, when one is refused
 *
 * Context: Process.
 * Return: 0, dirty cleared; -EINVAL, nothing changed; -ENOMEM.
 */
int apply_dirty_groups(struct vcpu *v, struct vmxhv_error *err)
{
	u32 dirty = READ_ONCE(v->run->dirty);
	union group_image *images;
	unsigned int i;
	int ret;

	vcpu_assert_may_sleep(v);
	if (dirty & ~VMXHV_GROUPS)
		return refuse(err, -EINVAL, &(const struct refusal){
			.code = VMXHV_ERR_RUN, .item = offsetof(struct vmxhv_run, dirty),
			.value = dirty, .wanted = VMXHV_GROUPS }, "unknown groups in dirty");
	v->recheck = true;
	if (dirty == VMXHV_GROUP_GPRS)
		return apply_dirty_gprs(v, err);

	images = kcalloc(RUN_AREA_GROUPS, sizeof(*images), GFP_KERNEL_ACCOUNT);
	if (!images)
		return -ENOMEM;
	ret = copy_dirty(v, dirty, images, err);
	for (i = 0; !ret && i < RUN_AREA_GROUPS; i++)
		if (dirty & run_area_groups[i].bit)
			state_set(v, run_area_groups[i].group, &images[i]);
	kfree(images);
	if (!ret)
		WRITE_ONCE(v->run->dirty, 0);
	return ret;
}

