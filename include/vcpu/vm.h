/* SPDX-License-Identifier: GPL-2.0-only */
/* One virtual machine: the object. Who works on it has functions in the headers of the rooms. */
#ifndef VCPU_VM_H
#define VCPU_VM_H

#include <linux/build_bug.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock_types.h>
#include <linux/types.h>

#include "vcpu/memory.h"

#define VM_MAX_VCPUS	64

static_assert(MEMORY_MAX_APICS == VM_MAX_VCPUS);

struct vcpu;

/**
 * struct vm_config - the CONFIG call's argument, as it is in force
 * @flags: VMXHV_CONFIG_*
 * @exceptions: a bit for each vector that exits to userspace
 * @halt_poll_us: how long a halted vCPU looks for events, where @flags has HALT_POLL
 * @count: entries of @ranges
 * @ranges: checked; NULL: none
 * @io_bitmap: IO_BITMAP_PAGES; NULL: each port exits
 */
struct vm_config {
	u32 flags;
	u32 exceptions;
	u32 halt_poll_us;
	u32 count;
	const struct vmxhv_range *ranges;
	u8 *io_bitmap;
};

/**
 * struct vm - one virtual machine
 *
 * Lock legend of the members:
 *   I  immutable after creation
 *   L  vm->lock
 *   a  atomic or single-word accesses with READ_ONCE/WRITE_ONCE
 *   B  vm->bitmap_lock, innermost, while there is a vCPU: each change reaches both pages
 *
 * Lock order: vcpu/README.md. vm->lock is taken with no other lock of ours, and holds none.
 */
struct vm {
	struct kref ref;
	struct mm_struct *mm;			/* I: held by mmgrab only */
	struct mutex lock;			/* vcpus[], nr_vcpus, config */
	struct vcpu *vcpus[VM_MAX_VCPUS];	/* L to write, a to read; index: APIC id */
	unsigned int nr_vcpus;			/* L: made, or being made */
	struct vm_config config;		/* L; I: while there is a vCPU */
	bool dead;				/* a: internal error, or the mm ended */
	u64 created_tsc;			/* I: the host's, when the VM was made */
	u64 tsc_offset;				/* as config: a vCPU's at power-on */
	u64 tsc_lost;				/* I: vmx_tsc_lost, when the VM was made */
	void *msr_bitmap;			/* B: a page; 0 bits: passed through; as config */
	void *x2apic_bitmap;			/* B: ... where the CPU virtualizes x2APIC mode */
	raw_spinlock_t bitmap_lock;
	bool x2apic_filled;			/* B to write, a: ... what is in it is valid */
	u8 apicv;				/* I: enum apicv_level */
	struct memory memory;
};

#endif /* VCPU_VM_H */
