/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the three kinds of descriptor share: tables of calls, the copying of their arguments by the
 * rules that open vmxhv.h, and the last refusal of a descriptor.
 */
#ifndef IOCTL_IOCTL_H
#define IOCTL_IOCTL_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "vcpu/core.h"

struct vcpu;
struct vm;

/* How many array entries one call takes. */
#define MAX_CPUID_ENTRIES	256
#define MAX_MSR_ENTRIES		512
#define MAX_MEM_OPS		64

/* The largest structure that is an argument; the table macro asserts it. */
#define MAX_ARG_SIZE		512

/**
 * struct last_error - the last refusal of one descriptor, which GET_ERROR returns
 * @lock: a leaf, taken with vcpu->mutex held or not
 * @error: the refusal; all zeros until the first
 */
struct last_error {
	spinlock_t lock;		/* guards error */
	struct vmxhv_error error;
};

/**
 * struct descriptor - what every descriptor holds, of the device, a VM or a vCPU
 * @vm: the VM, or NULL: the device's. A VM's descriptor has a reference, a vCPU has its own
 * @v: the vCPU, or NULL
 * @last: the last refusal
 */
struct descriptor {
	struct vm *vm;
	struct vcpu *v;
	struct last_error last;
};

/**
 * struct request - one call on its way
 * @d: the descriptor that it came by
 * @arg: the kernel's copy of the argument, size and flags already checked; NULL: it has none
 * @err: where a refusal is recorded
 * @array: NULL, or memory for what the argument points to, freed behind the call
 * @done: how many entries of it have been done
 */
struct request {
	struct descriptor *d;
	void *arg;
	struct vmxhv_error *err;
	void *array;
	u32 done;
};

#define CALL_OUT		BIT(0)	/* the structure is written back on success ... */
#define CALL_OUT_ON_ERROR	BIT(1)	/* ... and when refused: it says how far it got */
#define CALL_KEEP_ERROR		BIT(2)	/* its own refusals are not what GET_ERROR returns */
#define CALL_ALIVE		BIT(3)	/* -EIO once the VM is dead */
#define CALL_LOADED		BIT(4)	/* the handler has the vCPU's mutex, its VMCS is current */

/* A field of the argument that must be 0; no size: none. */
struct reserved_field {
	u16 at;
	u16 size;
};

/**
 * struct ioctl_call - one command of one kind of descriptor
 * @nr: _IOC_NR of the command
 * @how: CALL_*
 * @min_size: the structure's size when it was first published; 0: the command has no argument
 * @size: the structure's size in this kernel
 * @known_flags: bits that may be set in the structure's flags
 * @reserved: fields of the structure that must be 0, in its order
 * @check: what can be said of the argument alone, before the VM or the vCPU is looked at, and the
 *	way in of the array that it points to; 0, or the refusal
 * @handler: does it; returns what the ioctl returns
 * @finish: the way out of the array, once the mutex is free again; called whatever happened, given
 *	what there was to return so far
 *
 * What is refused is refused in the order of these: size, flags, reserved, check, a dead VM, a busy
 * vCPU, handler. A refusal has been recorded in the request's error, or it will be as the bare
 * errno.
 */
struct ioctl_call {
	u8 nr;
	u8 how;
	u16 min_size;
	u16 size;
	u32 known_flags;
	struct reserved_field reserved[2];
	int (*check)(struct request *r);
	int (*handler)(struct request *r);
	int (*finish)(struct request *r, int ret);
};

/* A row of a table: the structure's first published size is given in bytes, and never changes. */
#define IOCTL_CALL(command, type, first_size, ...) {					\
	.nr = _IOC_NR(command), .min_size = (first_size),				\
	.size = sizeof(struct type) +							\
		BUILD_BUG_ON_ZERO(sizeof(struct type) > MAX_ARG_SIZE), __VA_ARGS__ }

#define IOCTL_CALL_BARE(command, fn) { .nr = _IOC_NR(command), .handler = (fn) }

/* An entry of a row's reserved fields: structure and member. */
#define RESERVED(...)		{ FIELD_AT(__VA_ARGS__), FIELD_SIZE(__VA_ARGS__) }
#define FIELD_AT(type, member)	.at = offsetof(struct type, member)
#define FIELD_SIZE(type, member) .size = sizeof_field(struct type, member)

/* One bad field of the argument, by the structure's name. */
#define refuse_arg(err, error, type, member, ...)					\
	refuse_field(err, error, struct type, member, __VA_ARGS__)

/* ioctl/copy.c */
struct descriptor *descriptor_create(struct vm *vm);
void last_error_set(struct last_error *last, int error, const struct vmxhv_error *detail);
void last_error_get(struct last_error *last, struct vmxhv_error *out);
int get_error_call(struct request *r);
int ioctl_dispatch(const struct ioctl_call *calls, unsigned int count, struct descriptor *d,
		   unsigned int cmd, unsigned long arg);
int array_in(struct request *r, u64 user, u32 count, size_t entry_size);
int array_room(struct request *r, u32 count, size_t entry_size);
int array_out(const struct request *r, u64 user, u32 count, size_t entry_size);

/* ioctl/device.c, vm.c, vcpu.c */
extern const struct file_operations vmxhv_device_fops;
int vm_fd_create(struct vm *vm);	/* takes over the caller's reference, unless it fails */
int vcpu_fd_create(struct vm *vm, u32 id, struct vmxhv_error *err);

int vcpu_begin(struct vcpu *v, struct vmxhv_error *err);
void vcpu_end(struct vcpu *v);
struct vcpu *loaded_vcpu(const struct request *r);

/* ioctl/vcpu_state.c */
int vcpu_get_state_check(struct request *r);
int vcpu_get_state(struct request *r);
int vcpu_get_state_finish(struct request *r, int ret);
int vcpu_set_state_check(struct request *r);
int vcpu_set_state(struct request *r);
int vcpu_msrs_check(struct request *r);
int vcpu_get_msrs(struct request *r);
int vcpu_get_msrs_finish(struct request *r, int ret);
int vcpu_set_msrs(struct request *r);
int vcpu_set_msrs_finish(struct request *r, int ret);
int vcpu_set_cpuid_check(struct request *r);
int vcpu_set_cpuid(struct request *r);

/* ioctl/config.c */
int vm_config_call(struct request *r);

/* ioctl/debug.c */
int vcpu_debug_check(struct request *r);
int vcpu_debug_call(struct request *r);

/* ioctl/translate.c */
int vcpu_translate_check(struct request *r);
int vcpu_translate_call(struct request *r);

#endif /* IOCTL_IOCTL_H */
