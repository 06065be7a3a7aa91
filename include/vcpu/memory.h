/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM's guest-physical memory: ranges of the caller's address space behind an EPT. */
#ifndef VCPU_MEMORY_H
#define VCPU_MEMORY_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "vmxhv.h"
#include "vmx/ept.h"

struct vcpu;
struct vm;

#define MEMORY_MAX_RANGES	512

struct memory_map;	/* a sorted, immutable array of ranges; replaced as a whole under RCU */

struct memory {
	struct memory_map __rcu *map;
	struct mutex update;		/* one change at a time */
	rwlock_t lock;			/* the EPT and the sequence below */
	struct ept ept;
	struct mmu_notifier notifier;
	unsigned long sequence;		/* invalidations that have ended */
	unsigned long in_progress;	/* invalidations that have begun and not ended */
	unsigned long range_start, range_end;	/* what those in progress cover */
	bool registered;
};

enum fault_result {
	FAULT_MAPPED,		/* the entry is in the EPT: enter again */
	FAULT_RETRY,		/* an invalidation came between: enter again, fault again */
	FAULT_MMIO,		/* no range there, or a write to a read-only one */
	FAULT_ERROR,		/* the backing is gone or poisoned: MEMORY_ERROR */
};

struct fault_info {
	u64 hva;		/* FAULT_ERROR: where */
	int error;		/* FAULT_ERROR: a negative errno */
};

int memory_init(struct vm *vm);
void memory_release(struct vm *vm);	/* unregisters; frees the EPT; may sleep */

/* all or nothing; may sleep; current->mm is the VM's */
int memory_change(struct vm *vm, const struct vmxhv_mem_op *ops, u32 count,
		  struct vmxhv_error *err);

/* may sleep. write, fetch: from the exit qualification */
enum fault_result memory_fault(struct vm *vm, u64 gpa, bool write, bool fetch,
			       struct fault_info *info);

/* guest-physical memory by copying; may sleep; -EFAULT where no range is (or it is read-only) */
int vm_read(struct vm *vm, u64 gpa, void *to, u32 length);
int vm_write(struct vm *vm, u64 gpa, const void *from, u32 length);

#endif /* VCPU_MEMORY_H */
