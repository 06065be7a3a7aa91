/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM's guest-physical memory: ranges of the caller's address space behind an EPT. */
#ifndef VCPU_MEMORY_H
#define VCPU_MEMORY_H

#include <linux/kconfig.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "vmxhv.h"
#include "vmx/ept.h"

struct memory_copies;
struct vcpu;
struct vm;

#define MEMORY_MAX_RANGES	512
#define MEMORY_MAX_OPS		64

/**
 * struct memory_range - guest-physical memory backed by one stretch of the caller's
 * @gpa: guest-physical address, 4 KiB aligned as are @length and @hva
 * @length: bytes, not 0
 * @hva: the address in the VM's mm
 * @flags: VMXHV_MEM_READONLY, _NOEXEC, _EXEC_ONLY, _LOG_DIRTY
 */
struct memory_range {
	u64 gpa;
	u64 length;
	u64 hva;
	u32 flags;
};

/**
 * struct memory_map - all ranges of a VM, by rising gpa, none overlapping
 * @rcu: for kvfree_rcu()
 * @count: ranges there are
 * @capacity: ranges there is room for
 * @range: the ranges; neighbours that continue each other are one
 */
struct memory_map {
	struct rcu_head rcu;
	u32 count;
	u32 capacity;
	struct memory_range range[];
};

#define MEMORY_MAX_APICS	64	/* as many as vCPUs */
#define LAPIC_NOWHERE		1ull	/* lapic_place(): it answers at no address */

/**
 * struct memory - a VM's guest-physical memory
 * @map: U, read under RCU: the ranges; replaced as a whole, under @lock too
 * @update: one change of the map at a time
 * @lock: the EPT and what stands below it; a spinning lock, taken with interrupts on. Flushes are
 *	waited for while it is held: a vCPU that waits for it is out of the guest
 * @ept: W: the tables
 * @cache: W (the count is read without): pages for more tables
 * @sequence: W (read without by faults): invalidations that have ended, and changes of the map
 * @in_progress: W: invalidations that have begun and not ended
 * @range_start: W: what those in progress cover ...
 * @range_end: W: ... as one stretch of host addresses
 * @notifier: I: called when the VM's mm changes; registered for as long as the VM exists
 * @apic_page: W: where vCPUs have their xAPIC pages: what lapic_place() says
 * @apics_moved: W: how many of them are elsewhere
 * @apics_away: W (read without as a hint): how many are not at the default base
 * @apic_access: I: the APIC-access page's physical address; 0: none
 * @log: a bit for each page that is logged, in pages of bits; those stay once they are there
 * @pml: W (read without): the CPU logs pages that become dirty; otherwise their faults do
 * @copies: W: of page tables in read-only memory; NULL: none
 * @split_exec: I: CPUs with the iTLB multihit erratum: no large page may be executable
 * @test_hook: called by a fault between getting or bringing the page and installing it (KUnit)
 *
 * Lock legend: U @update and @lock, W @lock for writing, I immutable.
 * Lock order: the mm's mmap_lock, @update (by MEMORY calls, which take mmap_lock inside for a
 * moment, so nothing that holds mmap_lock takes @update), @lock.
 */
struct memory {
	struct memory_map __rcu *map;
	struct mutex update;	/* see above */
	rwlock_t lock;
	struct ept ept;
	struct ept_cache cache;
	unsigned long sequence;
	unsigned long in_progress;
	unsigned long range_start, range_end;
	struct mmu_notifier notifier;
	u64 apic_page[MEMORY_MAX_APICS];
	u32 apics_moved, apics_away;
	u64 apic_access;
	struct xarray log;
	bool pml;
	struct memory_copies *copies;
	bool split_exec;
#if IS_ENABLED(CONFIG_KUNIT)
	void (*test_hook)(struct vm *vm, u64 gpa);
#endif
};

enum fault_result {
	FAULT_MAPPED,		/* the entry is in the EPT: enter again */
	FAULT_RETRY,		/* an invalidation came between: enter again, fault again */
	FAULT_MMIO,		/* no range there, an APIC's page, or a write to a read-only one */
	FAULT_ERROR,		/* the backing is gone or poisoned: MEMORY_ERROR */
};

struct fault_info {
	bool host_worked;	/* the host's own fault handling ran, or tried to */
	u64 hva;		/* FAULT_ERROR: where */
	int error;		/* FAULT_ERROR: a negative errno */
};

/* vcpu/memory/memory.c */
int memory_init(struct vm *vm);
void memory_release(struct vm *vm);	/* unregisters; frees the EPT; may sleep */
u32 memory_gpa_bits(void);		/* what GET_INFO says; vmx_caps must be valid */
bool memory_vma_usable(const struct vm_area_struct *vma);

/* all or nothing; may sleep; current->mm is the VM's */
int memory_change(struct vm *vm, const struct vmxhv_mem_op *ops, u32 count,
		  struct vmxhv_error *err);

/* all vCPUs out of the guest, none back in without INVEPT; the lock is held for writing */
void memory_flush_locked(struct vm *vm);

/* vcpu/memory/readonly.c */
u32 memory_rights(struct vm *vm, u64 gpa);	/* VMXHV_ACCESS_*; 0: no memory */
bool memory_walk_readonly(struct vm *vm, u64 gpa);
void memory_copies_free(struct memory *m);

/* vcpu/memory/log.c */
int memory_log_prepare(struct memory *m, u64 gpa, u64 length);
void memory_log_forget(struct memory *m, u64 gpa, u64 length);
void memory_log_free(struct memory *m);
void memory_log_page(struct memory *m, u64 gpa);
void memory_log_write(struct memory *m, u64 gpa, u64 length);
int memory_log_get(struct vm *vm, u64 gpa, u64 pages, unsigned long *bitmap,
		   struct vmxhv_error *err);
int memory_log_clear(struct vm *vm, u64 gpa, u64 pages, const unsigned long *bitmap,
		     struct vmxhv_error *err);

/* vcpu/memory/fault.c: may sleep. write, fetch: from the exit qualification */
enum fault_result memory_fault(struct vm *vm, u64 gpa, bool write, bool fetch,
			       struct fault_info *info);
int memory_refill_cache(struct memory *m);
bool memory_find(struct memory *m, u64 gpa, struct memory_range *out);

/* vcpu/memory/apic.c */
bool memory_has_apic(const struct memory *m, u64 gpa, u64 length);	/* memory.lock is held */
void memory_place_apic(struct vm *vm, u32 id, u64 place);
void memory_map_apic(struct vm *vm);

/**
 * struct vm_window - the range that an access found, for those that follow: they seldom leave it
 * @vm: whose memory
 * @range: of the map as it was when it was found; length 0: none
 *
 * For as long as one instruction is looked at: a change of the map is not seen through it.
 */
struct vm_window {
	struct vm *vm;
	struct memory_range range;
};

#define VM_WINDOW(vm_)	((struct vm_window){ .vm = (vm_) })

/* vcpu/memory/copy.c: may sleep; -EFAULT where no range is (or it is read-only) */
int vm_window_read(struct vm_window *w, u64 gpa, void *to, u32 length);
int vm_window_fetch(struct vm_window *w, u64 gpa, void *to, u32 length); /* execute-only will do */
int vm_window_write(struct vm_window *w, u64 gpa, const void *from, u32 length);
int vm_window_cmpxchg(struct vm_window *w, u64 gpa, u64 old, u64 new, u32 length); /* 1: not @old */

/* one access, which nothing is known for */
static inline int vm_read(struct vm *vm, u64 gpa, void *to, u32 length)
{
	return vm_window_read(&VM_WINDOW(vm), gpa, to, length);
}

static inline int vm_cmpxchg(struct vm *vm, u64 gpa, u64 old, u64 new, u32 length)
{
	return vm_window_cmpxchg(&VM_WINDOW(vm), gpa, old, new, length);
}

/* vcpu/memory/map.c: which ranges there are: an array, sorted, replaced as a whole. Pure */
struct memory_map *memory_map_copy(const struct memory_map *old, u32 ops);
const struct memory_range *memory_map_find(const struct memory_map *map, u64 gpa);
u64 memory_map_covered(const struct memory_map *map, u64 gpa, u64 end, u32 flags);
int memory_map_apply(struct memory_map *map, const struct vmxhv_mem_op *op, u32 index,
		     u32 gpa_bits, struct vmxhv_error *err);

/* refuse() for operation @index of a MEMORY call */
#define refuse_op(err, error, index_, member, seen, want, ...)				\
	refuse(err, error, &(const struct refusal){					\
		.code = VMXHV_ERR_MEM_OP, .index = (index_),				\
		.item = offsetof(struct vmxhv_mem_op, member),				\
		.value = (seen), .wanted = (want) }, __VA_ARGS__)

static inline u64 memory_range_end(const struct memory_range *range)
{
	return range->gpa + range->length;
}

/* vcpu/memory/pml.c: a vCPU's page-modification log (SDM: "Page-Modification Logging") */
#define PML_ENTRIES	512
#define PML_NOTHING	(~0ull)	/* in an entry that the CPU has not written: no guest address */

int pml_create(struct vcpu *v);		/* nothing where the CPU has no such log; -ENOMEM */
void pml_destroy(struct vcpu *v);
u32 pml_setup_vmcs(struct vcpu *v);
void pml_flush(struct vcpu *v);
void pml_collect(struct vm *vm);	/* into the dirty log; memory.lock held for writing */

#endif /* VCPU_MEMORY_H */
