/* SPDX-License-Identifier: GPL-2.0-only */
/* One virtual machine: its vCPUs, its memory, and what kills it. */
#ifndef VCPU_VM_H
#define VCPU_VM_H

#include <linux/build_bug.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "vcpu/config.h"
#include "vcpu/error.h"
#include "vcpu/memory.h"

#define VM_MAX_VCPUS	64

static_assert(MEMORY_MAX_APICS == VM_MAX_VCPUS);

struct vcpu;

/**
 * struct vm - one virtual machine
 *
 * Lock legend of the members:
 *   I  immutable after creation
 *   L  vm->lock
 *   a  atomic or single-word accesses with READ_ONCE/WRITE_ONCE
 *
 * Lock order: vcpu->mutex, vm->lock, mm's mmap_lock, memory's own locks (see memory.h).
 */
struct vm {
	struct kref ref;
	struct mm_struct *mm;			/* I: held by mmgrab only */
	struct mutex lock;			/* vcpus[], memory changes */
	struct vcpu *vcpus[VM_MAX_VCPUS];	/* L to write, a to read; index: APIC id */
	unsigned int nr_vcpus;			/* L: made, or being made */
	struct vm_config config;		/* L; I: while there is a vCPU */
	bool dead;				/* a: internal error, or the mm ended */
	u64 created_tsc;			/* I: the host's, when the VM was made */
	u64 tsc_offset;				/* as config: a vCPU's at power-on */
	void *msr_bitmap;			/* a page; 0 bits: passed through; as config */
	void *x2apic_bitmap;			/* ... where the CPU virtualizes x2APIC mode */
	bool x2apic_filled;			/* a: ... and what is in it is valid */
	u8 apicv;				/* I: enum apicv_level */
	struct memory memory;
};

struct vm *vm_create(u32 flags, struct vmxhv_error *err);
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);
void vm_kill(struct vm *vm);

/* requests to every vCPU; see vcpu.h */
void vm_request_all(struct vm *vm, unsigned long request_bit, bool wait);

#endif /* VCPU_VM_H */
