// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's state from outside: the groups, the MSRs and the CPUID table. */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ioctl/ioctl.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/run.h"
#include "vcpu/vcpu.h"

/* A group's buffer is not longer than this, so that checking its tail is bounded. */
#define MAX_GROUP_LENGTH	0x10000

/*
 * The order in which groups are applied, whatever the array's: paging mode and XCR0 before what is
 * read in their light, events last. CPUID and MSRs have calls of their own.
 */
static const u8 apply_order[] = {
	VMXHV_STATE_SREGS, VMXHV_STATE_TSC, VMXHV_STATE_LAPIC, VMXHV_STATE_XSAVE,
	VMXHV_STATE_GPRS, VMXHV_STATE_DEBUG, VMXHV_STATE_EVENTS,
};

static_assert(ARRAY_SIZE(apply_order) == VMXHV_STATE_GROUPS);

/**
 * struct state_request - one GET_STATE or SET_STATE on its way: the request's array
 * @count: entries in the caller's order
 * @entries: the caller's, copied once
 * @buffer: by group: the kernel's copy, NULL where the caller did not name the group
 * @space: for these
 */
struct state_request {
	u32 count;
	struct vmxhv_state_entry entries[VMXHV_STATE_GROUPS];
	void *buffer[VMXHV_STATE_GROUPS];
	u64 space[];
};

/* A bad entry is described by its place in the array until its group is known to be good. */
static int refuse_entry(struct vmxhv_error *err, int error, u32 group, u32 item, u64 value,
			u64 wanted, const char *text)
{
	return refuse(err, error, &(const struct refusal){
			.code = VMXHV_ERR_STATE, .index = group, .item = item,
			.value = value, .wanted = wanted }, "%s", text);
}

/* Each entry: a group that exists, named once. */
static int check_entry(const struct vmxhv_state_entry *entry, u32 named, struct vmxhv_error *err)
{
	u32 group = entry->group;

	if (group >= VMXHV_STATE_GROUPS)
		return refuse_entry(err, -EINVAL, group, 0, group, VMXHV_STATE_GROUPS - 1,
				    "unknown state group");
	if (named & BIT(group))
		return refuse_entry(err, -EINVAL, group, 0, group, 0, "a state group twice");
	if (!state_group_size(group))
		return refuse_entry(err, -EINVAL, group, 0, group, 0,
				    "this host has no such state group");
	return 0;
}

/* The XSAVE group is a structure that wants this. */
#define SHARE_ALIGN	64

/* Words of a group's share, so that the next one begins as well as it does. */
static u32 share_words(u32 group)
{
	return ALIGN(state_group_size(group), SHARE_ALIGN) / sizeof(u64);
}

/* Words that the groups need, or the refusal of an entry. */
static int check_entries(const struct vmxhv_state_entry *entries, u32 count,
			 struct vmxhv_error *err)
{
	int words = 0, ret;
	u32 named = 0, i;

	for (i = 0; i < count; i++) {
		ret = check_entry(&entries[i], named, err);
		if (ret)
			return ret;
		named |= BIT(entries[i].group);
		words += share_words(entries[i].group);
	}
	return words + SHARE_ALIGN / sizeof(u64) - 1;
}

static void share_out(struct state_request *req)
{
	u64 *space = PTR_ALIGN(&req->space[0], SHARE_ALIGN);
	u32 i, group;

	for (i = 0; i < req->count; i++) {
		group = req->entries[i].group;
		req->buffer[group] = space;
		space += share_words(group);
	}
}

static int state_request_copy(struct request *r)
{
	const struct vmxhv_state *state = r->arg;
	struct vmxhv_state_entry entries[VMXHV_STATE_GROUPS];
	const size_t bytes = state->count * sizeof(entries[0]);
	struct state_request *req;
	int words;

	if (state->count > VMXHV_STATE_GROUPS)
		return refuse_arg(r->err, -EINVAL, vmxhv_state, count, state->count,
				  VMXHV_STATE_GROUPS, "more entries than there are groups");
	if (copy_from_user(entries, u64_to_user_ptr(state->entries), bytes))
		return -EFAULT;
	words = check_entries(entries, state->count, r->err);
	if (words < 0)
		return words;
	req = kvzalloc(struct_size(req, space, words), GFP_KERNEL_ACCOUNT);
	if (!req)
		return -ENOMEM;
	r->array = req;
	req->count = state->count;
	memcpy(req->entries, entries, bytes);
	share_out(req);
	return 0;
}

/* The caller's idea of a group may be longer than ours only if the rest is zero. */
static int copy_group_in(struct state_request *req, const struct vmxhv_state_entry *entry,
			 struct vmxhv_error *err)
{
	u32 size = state_group_size(entry->group);
	int ret;

	if (entry->length < size)
		return refuse_entry(err, -EINVAL, entry->group, 0, entry->length, size,
				    "the buffer is shorter than the group");
	if (entry->length > MAX_GROUP_LENGTH)
		return refuse_entry(err, -E2BIG, entry->group, 0, entry->length, size,
				    "the buffer is longer than any group");
	ret = copy_struct_from_user(req->buffer[entry->group], size,
				    u64_to_user_ptr(entry->data), entry->length);
	if (ret == -E2BIG)
		return refuse_entry(err, -E2BIG, entry->group, size, entry->length, size,
				    "not zero beyond what this kernel knows");
	return ret;
}

static int copy_group_out(const struct state_request *req, const struct vmxhv_state_entry *entry)
{
	u32 size = state_group_size(entry->group);
	void __user *to = u64_to_user_ptr(entry->data);

	if (copy_to_user(to, req->buffer[entry->group], size))
		return -EFAULT;
	if (entry->length > size && clear_user(to + size, entry->length - size))
		return -EFAULT;
	return 0;
}

/* Writes back the lengths that there are; -ENOSPC if a buffer of the caller's is too short. */
static int copy_lengths_out(struct state_request *req, u64 user, struct vmxhv_error *err)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < req->count; i++) {
		void __user *to = u64_to_user_ptr(user + i * sizeof(struct vmxhv_state_entry));
		struct vmxhv_state_entry entry = req->entries[i];
		u32 size = state_group_size(entry.group);

		if (entry.length > MAX_GROUP_LENGTH)
			return refuse_entry(err, -E2BIG, entry.group, 0, entry.length, size,
					    "the buffer is longer than any group");
		if (entry.length < size)
			ret = refuse_entry(err, -ENOSPC, entry.group, 0, entry.length, size,
					   "the buffer is shorter than the group");
		entry.length = size;
		if (copy_to_user(to, &entry, sizeof(entry)))
			return -EFAULT;
	}
	return ret;
}

/**
 * vcpu_get_state_check() - VMXHV_GET_STATE: its entries; each length becomes what the group has
 * @r: the call; struct vmxhv_state
 *
 * Context: Process context; may sleep.
 * Return: 0 with a state_request in the request's array, or the refusal.
 */
int vcpu_get_state_check(struct request *r)
{
	const struct vmxhv_state *state = r->arg;

	return state_request_copy(r) ?: copy_lengths_out(r->array, state->entries, r->err);
}

/**
 * vcpu_get_state() - VMXHV_GET_STATE: read groups of state, all as of one moment
 * @r: the call; struct vmxhv_state; each entry's length becomes the bytes that the group has
 *
 * Context: Process context; vCPU loaded.
 * Return: 0; -EINVAL, -ENOSPC (a buffer is too short; no group was written), -E2BIG, -EBUSY,
 * -EFAULT, -ENOMEM, -EIO (not the caller's).
 */
int vcpu_get_state(struct request *r)
{
	struct state_request *req = r->array;
	struct vcpu *v = loaded_vcpu(r);
	int ret = 0;
	u32 group;

	vcpu_take_init(v);
	for (group = 0; group < VMXHV_STATE_GROUPS && !ret; group++) {
		if (req->buffer[group])
			ret = state_get(v, group, req->buffer[group]);
	}
	return ret;
}

/**
 * vcpu_get_state_finish() - VMXHV_GET_STATE: the groups, for the caller
 * @r: the call, with what vcpu_get_state() read
 * @ret: how that ended
 *
 * Context: Process context; may sleep.
 * Return: @ret, or -EFAULT.
 */
int vcpu_get_state_finish(struct request *r, int ret)
{
	const struct state_request *req = r->array;
	u32 i;

	if (ret)
		return ret;
	for (i = 0; i < req->count && !ret; i++)
		ret = copy_group_out(req, &req->entries[i]);
	return ret;
}

/**
 * vcpu_set_state_check() - VMXHV_SET_STATE: its entries, and their groups, copied
 * @r: the call; struct vmxhv_state
 *
 * Context: Process context; may sleep.
 * Return: 0 with a state_request in the request's array, or the refusal.
 */
int vcpu_set_state_check(struct request *r)
{
	int ret = state_request_copy(r);
	struct state_request *req = r->array;
	u32 i;

	if (ret)
		return ret;
	for (i = 0; i < req->count && !ret; i++)
		ret = copy_group_in(req, &req->entries[i], r->err);
	return ret;
}

/**
 * vcpu_set_state() - VMXHV_SET_STATE: write groups of state, all or none
 * @r: the call; struct vmxhv_state; a refusal names group, field and rule
 *
 * All are checked before the first is applied.
 *
 * Context: Process context; vCPU loaded.
 * Return: 0; -EINVAL (also: a state that the CPU would not enter), -E2BIG, -EBUSY, -EFAULT,
 * -ENOMEM, -EIO (not the caller's).
 */
int vcpu_set_state(struct request *r)
{
	struct state_request *req = r->array;
	struct vcpu *v = loaded_vcpu(r);
	unsigned int i;
	int ret;

	vcpu_take_init(v);
	ret = state_check_all(v, (const void *const *)req->buffer, r->err);
	for (i = 0; i < ARRAY_SIZE(apply_order) && !ret; i++) {
		if (req->buffer[apply_order[i]])
			state_set(v, apply_order[i], req->buffer[apply_order[i]]);
	}
	return ret;
}

/**
 * vcpu_msrs_check() - VMXHV_GET_MSRS, VMXHV_SET_MSRS: the entries, copied
 * @r: the call; struct vmxhv_msrs
 *
 * Context: Process context; may sleep.
 * Return: 0 with them in the request's array, -EINVAL (too many), -EFAULT, -ENOMEM.
 */
int vcpu_msrs_check(struct request *r)
{
	const struct vmxhv_msrs *msrs = r->arg;

	if (msrs->count > MAX_MSR_ENTRIES)
		return refuse_arg(r->err, -EINVAL, vmxhv_msrs, count, msrs->count,
				  MAX_MSR_ENTRIES, "more MSRs than one call takes");
	return array_in(r, msrs->entries, msrs->count, sizeof(struct vmxhv_msr_entry));
}

static int refuse_msr(struct vmxhv_error *err, u32 i, const struct vmxhv_msr_entry *entry,
		      const char *text)
{
	return refuse(err, -EINVAL, &(const struct refusal){
			.code = VMXHV_ERR_MSR, .index = i, .item = entry->index,
			.value = entry->reserved ?: entry->value }, "%s", text);
}

static int access_msr(struct vcpu *v, u32 i, struct vmxhv_msr_entry *entry, bool write,
		      struct vmxhv_error *err)
{
	if (entry->reserved)
		return refuse_msr(err, i, entry, "reserved field is not 0");
	if (write && msr_set(v, entry->index, entry->value, true))
		return refuse_msr(err, i, entry, "no such MSR, or not with this value");
	if (!write && msr_get(v, entry->index, &entry->value))
		return refuse_msr(err, i, entry, "no such MSR");
	return 0;
}

/* Stops at the first that cannot be done. */
static int access_msrs(struct request *r, bool write)
{
	const struct vmxhv_msrs *msrs = r->arg;
	struct vmxhv_msr_entry *entries = r->array;
	struct vcpu *v = loaded_vcpu(r);
	int ret;

	for (; r->done < msrs->count; r->done++) {
		ret = access_msr(v, r->done, &entries[r->done], write, r->err);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * vcpu_get_msrs() - VMXHV_GET_MSRS: read MSRs, in the array's order
 * @r: the call; struct vmxhv_msrs; a refusal names the entry and its MSR
 *
 * Context: Process context; vCPU loaded.
 * Return: 0; -EINVAL (no such MSR), -EBUSY, -EFAULT, -ENOMEM, -EIO (not the caller's).
 */
int vcpu_get_msrs(struct request *r)
{
	return access_msrs(r, false);
}

/**
 * vcpu_get_msrs_finish() - VMXHV_GET_MSRS: what was read, for the caller, also when one was refused
 * @r: the call; struct vmxhv_msrs, whose count becomes the number that was read
 * @ret: how it ended
 *
 * Context: Process context; may sleep.
 * Return: @ret, or -EFAULT.
 */
int vcpu_get_msrs_finish(struct request *r, int ret)
{
	const struct vmxhv_msrs *msrs = r->arg;

	if (array_out(r, msrs->entries, r->done, sizeof(struct vmxhv_msr_entry)))
		ret = -EFAULT;
	return vcpu_set_msrs_finish(r, ret);
}

/**
 * vcpu_set_msrs() - VMXHV_SET_MSRS: write MSRs, in the array's order
 * @r: the call; struct vmxhv_msrs; a refusal names the entry and its MSR
 *
 * Context: Process context; vCPU loaded.
 * Return: 0; -EINVAL (no such MSR, or a value that it cannot hold), -EBUSY, -EFAULT, -ENOMEM,
 * -EIO (not the caller's).
 */
int vcpu_set_msrs(struct request *r)
{
	return access_msrs(r, true);
}

/**
 * vcpu_set_msrs_finish() - VMXHV_SET_MSRS: how many were written, also when one was refused
 * @r: the call; struct vmxhv_msrs, whose count becomes that
 * @ret: how it ended
 *
 * Context: Any.
 * Return: @ret.
 */
int vcpu_set_msrs_finish(struct request *r, int ret)
{
	struct vmxhv_msrs *msrs = r->arg;

	msrs->count = r->done;
	return ret;
}

/**
 * vcpu_set_cpuid_check() - VMXHV_SET_CPUID: the table, copied
 * @r: the call; struct vmxhv_cpuid
 *
 * Context: Process context; may sleep.
 * Return: 0 with it in the request's array, -EINVAL (too long), -EFAULT, -ENOMEM.
 */
int vcpu_set_cpuid_check(struct request *r)
{
	const struct vmxhv_cpuid *cpuid = r->arg;

	if (cpuid->count > MAX_CPUID_ENTRIES)
		return refuse_arg(r->err, -EINVAL, vmxhv_cpuid, count, cpuid->count,
				  MAX_CPUID_ENTRIES, "more leaves than one call takes");
	return array_in(r, cpuid->entries, cpuid->count, sizeof(struct vmxhv_cpuid_entry));
}

/**
 * vcpu_set_cpuid() - VMXHV_SET_CPUID: the table that the guest's CPUID reads
 * @r: the call; struct vmxhv_cpuid; a refusal names the entry and its leaf
 *
 * Context: Process context; vCPU loaded.
 * Return: 0; -EINVAL (a feature that this host cannot give, or another table after the first RUN),
 * -EBUSY, -EFAULT, -ENOMEM, -EIO (not the caller's).
 */
int vcpu_set_cpuid(struct request *r)
{
	const struct vmxhv_cpuid *cpuid = r->arg;
	struct vcpu *v = loaded_vcpu(r);
	int ret = cpuid_set(v, r->array, cpuid->count, r->err);

	config_choose_rows(v);
	return ret;
}
