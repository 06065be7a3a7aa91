// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run area. It is mapped by userspace, which may write to any of it at any time: what RUN takes
 * from it is read once, what an exit says is written whole and never read back.
 */
#include <linux/build_bug.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/msr.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu_state.h"
#include "vcpu/exits.h"
#include "vcpu/lapic.h"
#include "vcpu/publish.h"
#include "vcpu/regs.h"

/* A run-area group: its bit, its state group, and where it lies. */
static const struct {
	u32 bit;
	u32 group;
	u32 offset;
	u32 size;
} groups[] = {
	/* SREGS before GPRS: see the order of applying in the UAPI */
	{ VMXHV_GROUP_SREGS, VMXHV_STATE_SREGS, offsetof(struct vmxhv_run, sregs),
	  sizeof(struct vmxhv_sregs) },
	{ VMXHV_GROUP_GPRS, VMXHV_STATE_GPRS, offsetof(struct vmxhv_run, gprs),
	  sizeof(struct vmxhv_gprs) },
	{ VMXHV_GROUP_EVENTS, VMXHV_STATE_EVENTS, offsetof(struct vmxhv_run, events),
	  sizeof(struct vmxhv_events) },
};

/* one group's image while it is checked: userspace cannot change it any more */
union group_image {
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;
	struct vmxhv_events events;
};

/**
 * refuse_run_flags() - say which of RUN's words asks for something that does not exist
 * @v: the vCPU, with user_flags and wanted as read
 * @err: the detail
 *
 * Return: -EINVAL.
 */
int refuse_run_flags(struct vcpu *v, struct vmxhv_error *err)
{
	bool flags = v->user_flags & ~VMXHV_USER_FLAGS;

	return refuse(err, -EINVAL, &(const struct refusal){
		.code = VMXHV_ERR_RUN,
		.item = flags ? offsetof(struct vmxhv_run, user_flags)
			      : offsetof(struct vmxhv_run, wanted),
		.value = flags ? v->user_flags : v->wanted,
		.wanted = flags ? VMXHV_USER_FLAGS : VMXHV_GROUPS,
	}, flags ? "unknown bits in user_flags" : "unknown groups in wanted");
}

static int copy_dirty(struct vcpu *v, u32 dirty, union group_image *images,
		      struct vmxhv_error *err)
{
	const void *transaction[VMXHV_STATE_GROUPS] = { NULL };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!(dirty & groups[i].bit))
			continue;
		memcpy(&images[i], (char *)v->run + groups[i].offset, groups[i].size);
		transaction[groups[i].group] = &images[i];
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

	if (dirty & ~VMXHV_GROUPS)
		return refuse(err, -EINVAL, &(const struct refusal){
			.code = VMXHV_ERR_RUN, .item = offsetof(struct vmxhv_run, dirty),
			.value = dirty, .wanted = VMXHV_GROUPS }, "unknown groups in dirty");
	v->recheck = true;
	if (dirty == VMXHV_GROUP_GPRS)
		return apply_dirty_gprs(v, err);

	images = kcalloc(ARRAY_SIZE(groups), sizeof(*images), GFP_KERNEL_ACCOUNT);
	if (!images)
		return -ENOMEM;
	ret = copy_dirty(v, dirty, images, err);
	for (i = 0; !ret && i < ARRAY_SIZE(groups); i++)
		if (dirty & groups[i].bit)
			state_set(v, groups[i].group, &images[i]);
	kfree(images);
	if (!ret)
		WRITE_ONCE(v->run->dirty, 0);
	return ret;
}

static void publish_groups(struct vcpu *v)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		if (v->wanted & groups[i].bit)
			state_get(v, groups[i].group, (char *)v->run + groups[i].offset);
}

/* All of it: what the exit did not say reads as 0. */
static noinline void publish_hw_whole(struct vcpu *v, u32 valid)
{
	const struct exit_info *exit = &v->exit;
	struct vmxhv_hw *hw = &v->run->hw;

	hw->qualification = valid & VMXHV_HW_QUALIFICATION ? exit->qualification : 0;
	hw->insn_len = valid & VMXHV_HW_INSN_LEN ? exit->insn_len : 0;
	hw->insn_info = valid & VMXHV_HW_INSN_INFO ? exit->insn_info : 0;
	hw->intr_info = valid & VMXHV_HW_INTR_INFO ? exit->intr_info : 0;
	hw->intr_error = valid & VMXHV_HW_INTR_INFO ? exit->intr_error : 0;
	hw->vectoring_info = valid & VMXHV_HW_VECTORING ? exit->vectoring_info : 0;
	hw->vectoring_error = valid & VMXHV_HW_VECTORING ? exit->vectoring_error : 0;
	hw->gla = valid & VMXHV_HW_GLA ? exit->gla : 0;
	hw->gpa = valid & VMXHV_HW_GPA ? exit->gpa : 0;
	hw->valid = valid;
	v->hw_published = valid;
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
	if (likely(valid == HW_OF_IO && v->hw_published == valid)) {
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

	BUILD_BUG_ON(SHADOW_MOV_SS >> 1 != SHADOW_STI);
	run->exit_reason = reason;
	run->exit_flags = (v->completion != COMPLETE_NONE ? VMXHV_EXITF_PENDING : 0) |
			  (delivery ? VMXHV_EXITF_DELIVERY : 0);
	run->sequence = ++v->sequence;
	run->valid = v->wanted;
	run->if_flag = if_flag;
	run->shadow = blocked;
	run->nmi_blocked = (shadow & SHADOW_NMI) / SHADOW_NMI;
	run->ready_for_injection = if_flag && !blocked && !delivery;
	run->cr8 = lapic_cr8(v);
	run->apic_base = lapic_base(v);
	run->tsc = rdtsc();
	publish_hw(v);
	v->union_stale = max(v->union_stale, v->union_used);
	v->union_used = 0;
	if (unlikely(v->wanted))
		publish_groups(v);
}

/**
 * publish_done() - RUN returns: nothing of an earlier exit is left behind this one's own part
 * @v: the vCPU
 */
void publish_done(struct vcpu *v)
{
	if (likely(v->union_stale <= v->union_used))
		return;
	memset(v->run->u.raw + v->union_used, 0, v->union_stale - v->union_used);
	v->union_stale = 0;
}
