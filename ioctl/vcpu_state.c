// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's state from outside: the groups, the MSRs and the CPUID table. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioctl/ioctl.h"
#include "vcpu/cpu_state.h"
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
 * struct state_request - one GET_STATE or SET_STATE on its way
 * @count: entries in the caller's order
 * @entries: the caller's, copied once
 * @buffer: by group: the kernel's copy, NULL where the caller did not name the group
 */
struct state_request {
	u32 count;
	struct vmxhv_state_entry entries[VMXHV_STATE_GROUPS];
	void *buffer[VMXHV_STATE_GROUPS];
};

/* A bad entry is described by its place in the array until its group is known to be good. */
static int refuse_entry(struct vmxhv_error *err, int error, u32 group, u32 item, u64 value,
			u64 wanted, const char *text)
{
	return refuse(err, error, &(const struct refusal){
			.code = VMXHV_ERR_STATE, .index = group, .item = item,
			.value = value, .wanted = wanted }, "%s", text);
}

static void state_request_free(struct state_request *req)
{
	unsigned int group;

	for (group = 0; group < VMXHV_STATE_GROUPS; group++)
		kvfree(req->buffer[group]);
}

/* Each entry: a group that exists, named once, with a buffer of the kernel's own. */
static int state_request_entry(struct state_request *req, const struct vmxhv_state_entry *entry,
			       struct vmxhv_error *err)
{
	u32 group = entry->group;
	u32 size;

	if (group >= VMXHV_STATE_GROUPS)
		return refuse_entry(err, -EINVAL, group, 0, group, VMXHV_STATE_GROUPS - 1,
				    "unknown state group");
	if (req->buffer[group])
		return refuse_entry(err, -EINVAL, group, 0, group, 0, "a state group twice");
	size = state_group_size(group);
	if (!size)
		return refuse_entry(err, -EINVAL, group, 0, group, 0,
				    "this host has no such state group");
	req->buffer[group] = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	return req->buffer[group] ? 0 : -ENOMEM;
}

static int state_request_copy(struct state_request *req, const struct vmxhv_state *state,
			      struct vmxhv_error *err)
{
	u32 i;
	int ret = 0;

	if (state->reserved)
		return refuse_arg(err, -EINVAL, vmxhv_state, reserved, state->reserved, 0,
				  "reserved field is not 0");
	if (state->count > VMXHV_STATE_GROUPS)
		return refuse_arg(err, -EINVAL, vmxhv_state, count, state->count,
				  VMXHV_STATE_GROUPS, "more entries than there are groups");
	req->count = state->count;
	if (copy_from_user(req->entries, u64_to_user_ptr(state->entries),
			   state->count * sizeof(req->entries[0])))
		return -EFAULT;
	for (i = 0; i < req->count && !ret; i++)
		ret = state_request_entry(req, &req->entries[i], err);
	return ret;
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
		struct vmxhv_state_entry entry = req->entries[i];
		u32 size = state_group_size(entry.group);

		if (entry.length > MAX_GROUP_LENGTH)
			return refuse_entry(err, -E2BIG, entry.group, 0, entry.length, size,
					    "the buffer is longer than any group");
		if (entry.length < size)
			ret = refuse_entry(err, -ENOSPC, entry.group, 0, entry.length, size,
					   "the buffer is shorter than the group");
		entry.length = size;
		if (copy_array_out(user + i * sizeof(entry), &entry, 1, sizeof(entry)))
			return -EFAULT;
	}
	return ret;
}

static int read_groups(struct vcpu *v, struct state_request *req, struct vmxhv_error *err)
{
	int ret = vcpu_begin(v, err);
	u32 group;

	if (ret)
		return ret;
	for (group = 0; group < VMXHV_STATE_GROUPS && !ret; group++) {
		if (req->buffer[group])
			ret = state_get(v, group, req->buffer[group]);
	}
	vcpu_end(v);
	return ret;
}

/* All are checked before the first is applied. */
static int write_groups(struct vcpu *v, struct state_request *req, struct vmxhv_error *err)
{
	const void *const *groups = (const void *const *)req->buffer;
	int ret = vcpu_begin(v, err);
	unsigned int i;

	if (ret)
		return ret;
	ret = state_check_all(v, groups, err);
	for (i = 0; i < ARRAY_SIZE(apply_order) && !ret; i++) {
		if (req->buffer[apply_order[i]])
			state_set(v, apply_order[i], req->buffer[apply_order[i]]);
	}
	vcpu_end(v);
	return ret;
}

static int get_state_groups(struct vcpu *v, struct state_request *req, u64 user,
			    struct vmxhv_error *err)
{
	int ret = copy_lengths_out(req, user, err);
	u32 i;

	if (ret)
		return ret;
	ret = read_groups(v, req, err);
	for (i = 0; i < req->count && !ret; i++)
		ret = copy_group_out(req, &req->entries[i]);
	return ret;
}

static int set_state_groups(struct vcpu *v, struct state_request *req, struct vmxhv_error *err)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < req->count && !ret; i++)
		ret = copy_group_in(req, &req->entries[i], err);
	return ret ?: write_groups(v, req, err);
}

/**
 * vcpu_get_state() - VMXHV_GET_STATE: read groups of state, all as of one moment
 * @r: the call; struct vmxhv_state; each entry's length becomes the bytes that the group has
 *
 * Context: Process context; takes the mutex.
 * Return: 0; -EINVAL, -ENOSPC (a buffer is too short; no group was written), -E2BIG, -EBUSY,
 * -EFAULT, -ENOMEM, -EIO (not the caller's).
 */
int vcpu_get_state(struct request *r)
{
	const struct vmxhv_state *state = r->arg;
	struct state_request req = {};
	int ret = state_request_copy(&req, state, r->err);

	if (!ret)
		ret = get_state_groups(r->d->v, &req, state->entries, r->err);
	state_request_free(&req);
	return ret;
}

/**
 * vcpu_set_state() - VMXHV_SET_STATE: write groups of state, all or none
 * @r: the call; struct vmxhv_state
 *
 * Context: Process context; takes the mutex.
 * Return: 0; -EINVAL (also: a state that the CPU would not enter), -E2BIG, -EBUSY, -EFAULT,
 * -ENOMEM, -EIO (not the caller's).
 */
int vcpu_set_state(struct request *r)
{
	const struct vmxhv_state *state = r->arg;
	struct state_request req = {};
	int ret = state_request_copy(&req, state, r->err);

	if (!ret)
		ret = set_state_groups(r->d->v, &req, r->err);
	state_request_free(&req);
	return ret;
}

static struct vmxhv_msr_entry *copy_msrs(const struct vmxhv_msrs *msrs, struct vmxhv_error *err)
{
	if (msrs->reserved) {
		refuse_arg(err, -EINVAL, vmxhv_msrs, reserved, msrs->reserved, 0,
			   "reserved field is not 0");
		return ERR_PTR(-EINVAL);
	}
	if (msrs->count > MAX_MSR_ENTRIES) {
		refuse_arg(err, -EINVAL, vmxhv_msrs, count, msrs->count, MAX_MSR_ENTRIES,
			   "more MSRs than one call takes");
		return ERR_PTR(-EINVAL);
	}
	return copy_array(msrs->entries, msrs->count, sizeof(struct vmxhv_msr_entry));
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

/* Stops at the first that cannot be done; *done says how many were. */
static int access_msrs(struct vcpu *v, struct vmxhv_msr_entry *entries, u32 count, bool write,
		       u32 *done, struct vmxhv_error *err)
{
	int ret = vcpu_begin(v, err);

	if (ret)
		return ret;
	for (*done = 0; *done < count; ++*done) {
		ret = access_msr(v, *done, &entries[*done], write, err);
		if (ret)
			break;
	}
	vcpu_end(v);
	return ret;
}

/* count becomes the number done, also when one was refused; what was read is copied out. */
static int move_msrs(struct vcpu *v, struct vmxhv_msrs *msrs, bool write,
		     struct vmxhv_error *err)
{
	struct vmxhv_msr_entry *entries = copy_msrs(msrs, err);
	u32 done = 0;
	int ret;

	if (IS_ERR(entries)) {
		msrs->count = 0;
		return PTR_ERR(entries);
	}
	ret = access_msrs(v, entries, msrs->count, write, &done, err);
	msrs->count = done;
	if (!write && copy_array_out(msrs->entries, entries, done, sizeof(*entries)))
		ret = -EFAULT;
	kvfree(entries);
	return ret;
}

/**
 * vcpu_get_msrs() - VMXHV_GET_MSRS: read MSRs, in the array's order
 * @r: the call; struct vmxhv_msrs; count becomes the number that was read, also when one was refused
 *
 * Context: Process context; takes the mutex.
 * Return: 0; -EINVAL (no such MSR), -EBUSY, -EFAULT, -ENOMEM, -EIO (not the caller's).
 */
int vcpu_get_msrs(struct request *r)
{
	return move_msrs(r->d->v, r->arg, false, r->err);
}

/**
 * vcpu_set_msrs() - VMXHV_SET_MSRS: write MSRs, in the array's order
 * @r: the call; struct vmxhv_msrs; count becomes the number that was written, also when one was refused
 *
 * Context: Process context; takes the mutex.
 * Return: 0; -EINVAL (no such MSR, or a value that it cannot hold), -EBUSY, -EFAULT, -ENOMEM,
 * -EIO (not the caller's).
 */
int vcpu_set_msrs(struct request *r)
{
	return move_msrs(r->d->v, r->arg, true, r->err);
}

/**
 * vcpu_set_cpuid() - VMXHV_SET_CPUID: the table that the guest's CPUID reads
 * @r: the call; struct vmxhv_cpuid
 *
 * Context: Process context; takes the mutex.
 * Return: 0; -EINVAL (a feature that this host cannot give, or another table after the first RUN),
 * -EBUSY, -EFAULT, -ENOMEM, -EIO (not the caller's).
 */
int vcpu_set_cpuid(struct request *r)
{
	struct vmxhv_cpuid_entry *entries;
	struct vmxhv_cpuid *cpuid = r->arg;
	struct vcpu *v = r->d->v;
	int ret;

	if (cpuid->reserved)
		return refuse_arg(r->err, -EINVAL, vmxhv_cpuid, reserved, cpuid->reserved, 0,
				  "reserved field is not 0");
	if (cpuid->count > MAX_CPUID_ENTRIES)
		return refuse_arg(r->err, -EINVAL, vmxhv_cpuid, count, cpuid->count,
				  MAX_CPUID_ENTRIES, "more leaves than one call takes");
	entries = copy_array(cpuid->entries, cpuid->count, sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);

	ret = vcpu_begin(v, r->err);
	if (!ret) {
		ret = cpuid_set(v, entries, cpuid->count, r->err);
		vcpu_end(v);
	}
	kvfree(entries);
	return ret;
}
