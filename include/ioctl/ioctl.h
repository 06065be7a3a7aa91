/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the three kinds of descriptor share: tables of calls, the copying of their arguments by the
 * rules that open vmxhv.h, and the last refusal of a descriptor.
 */
#ifndef IOCTL_IOCTL_H
#define IOCTL_IOCTL_H

#include <linux/fs.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "vcpu/error.h"

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
 */
struct request {
	struct descriptor *d;
	void *arg;
	struct vmxhv_error *err;
};

#define CALL_OUT		BIT(0)	/* the structure is written back on success ... */
#define CALL_OUT_ON_ERROR	BIT(1)	/* ... and when refused: it says how far it got */
#define CALL_KEEP_ERROR		BIT(2)	/* its own refusals are not what GET_ERROR returns */

/**
 * struct ioctl_call - one command of one kind of descriptor
 * @nr: _IOC_NR of the command
 * @how: CALL_*
 * @min_size: the structure's size when it was first published; 0: the command has no argument
 * @size: the structure's size in this kernel
 * @known_flags: bits that may be set in the structure's flags
 * @handler: does it; returns what the ioctl returns. A refusal has been recorded in the error, or it will be
 *	recorded as the bare errno.
 */
struct ioctl_call {
	u8 nr;
	u8 how;
	u16 min_size;
	u16 size;
	u32 known_flags;
	int (*handler)(struct request *r);
};

/* A row of a table: the structure's first published size is given in bytes, and never changes. */
#define IOCTL_CALL(command, type, first_size, flags, how_flags, fn) {			\
	.nr = _IOC_NR(command), .how = (how_flags),					\
	.size = sizeof(struct type) +							\
		BUILD_BUG_ON_ZERO(sizeof(struct type) > MAX_ARG_SIZE),			\
	.min_size = (first_size), .known_flags = (flags), .handler = (fn) }

#define IOCTL_CALL_BARE(command, fn) { .nr = _IOC_NR(command), .handler = (fn) }

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
void *copy_array(u64 user, u32 count, size_t entry_size);
int copy_array_out(u64 user, const void *from, u32 count, size_t entry_size);

/* ioctl/device.c, vm.c, vcpu.c */
extern const struct file_operations vmxhv_device_fops;
int vm_fd_create(struct vm *vm);	/* takes over the caller's reference, unless it fails */
int vcpu_fd_create(struct vm *vm, u32 id, struct vmxhv_error *err);

int refuse_busy(struct vmxhv_error *err);
int vcpu_begin(struct vcpu *v, struct vmxhv_error *err);
void vcpu_end(struct vcpu *v);

/* ioctl/vcpu_state.c */
int vcpu_get_state(struct request *r);
int vcpu_set_state(struct request *r);
int vcpu_get_msrs(struct request *r);
int vcpu_set_msrs(struct request *r);
int vcpu_set_cpuid(struct request *r);

/* ioctl/config.c */
int vm_config_call(struct vm *vm, const struct vmxhv_config *config, struct vmxhv_error *err);

/* ioctl/debug.c */
int vcpu_debug_call(struct request *r);

/* ioctl/translate.c */
int vcpu_translate_call(struct request *r);

#endif /* IOCTL_IOCTL_H */
