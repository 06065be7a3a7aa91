/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where kernels differ. Nothing else in the module looks at a kernel version. What a version number
 * cannot tell (distributions carry changes back) Kbuild finds out by compiling a probe, and says so
 * in a VMXHV_HAVE_* macro.
 */
#ifndef VMXHV_COMPAT_H
#define VMXHV_COMPAT_H

#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/kconfig.h>
#include <linux/mm.h>
#include <linux/syscore_ops.h>
#include <asm/perf_event.h>

/* A symbol namespace is named by a string since 6.13, and was by a bare word. */
#ifdef VMXHV_HAVE_NS_STRING
#define VMXHV_TEST_NS	"VMXHV_TEST"
#else
#define VMXHV_TEST_NS	VMXHV_TEST
#endif

/*
 * KUnit suites are modules of their own: what they call must be exported where there is KUnit, for
 * them alone.
 */
#if IS_ENABLED(CONFIG_KUNIT)
#define VMXHV_EXPORT_FOR_TEST(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, VMXHV_TEST_NS)
#else
#define VMXHV_EXPORT_FOR_TEST(...)
#endif

/* Syscore operations got an argument and a struct of their own in 6.18, and in 6.12.117. */
#ifdef VMXHV_HAVE_REGISTER_SYSCORE
#define VMXHV_SYSCORE_ARGS	void *data

struct vmxhv_syscore {
	struct syscore_ops ops;
	struct syscore syscore;
};

static inline void vmxhv_register_syscore(struct vmxhv_syscore *s)
{
	s->syscore.ops = &s->ops;
	register_syscore(&s->syscore);
}

static inline void vmxhv_unregister_syscore(struct vmxhv_syscore *s)
{
	unregister_syscore(&s->syscore);
}
#else
#define VMXHV_SYSCORE_ARGS	void

struct vmxhv_syscore {
	struct syscore_ops ops;
};

static inline void vmxhv_register_syscore(struct vmxhv_syscore *s)
{
	register_syscore_ops(&s->ops);
}

static inline void vmxhv_unregister_syscore(struct vmxhv_syscore *s)
{
	unregister_syscore_ops(&s->ops);
}
#endif

/* hrtimer_setup() came with 6.13; hrtimer_init() went soon after. */
static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#ifdef VMXHV_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/*
 * What a fault on guest memory asks of get_user_pages(): that NUMA hinting faults happen, as for
 * the process's own accesses (6.1 does so anyway), and that any signal ends a long wait (6.1
 * cannot).
 */
#ifdef VMXHV_HAVE_FOLL_NUMA
#define COMPAT_FOLL_NUMA	FOLL_HONOR_NUMA_FAULT
#else
#define COMPAT_FOLL_NUMA	0
#endif

#ifdef VMXHV_HAVE_FOLL_INTR
#define COMPAT_FOLL_INTR	FOLL_INTERRUPTIBLE
#else
#define COMPAT_FOLL_INTR	0
#endif

/* vma->vm_flags is written through accessors since 6.3. */
static inline void compat_vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
#ifdef VMXHV_HAVE_VM_FLAGS_MOD
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags |= set;
	vma->vm_flags &= ~clear;
#endif
}

/*
 * Software's mark on a mapping of device memory that has struct pages. Kernels that gave it up (and
 * pte_devmap() with it) count references to such pages as to any other.
 */
#ifdef _PAGE_DEVMAP
#define COMPAT_PAGE_DEVMAP	_PAGE_DEVMAP
#else
#define COMPAT_PAGE_DEVMAP	0
#endif

/* MSRs of the host's counters that a guest must have otherwise; NULL where perf has no counters. */
static inline const struct perf_guest_switch_msr *compat_perf_guest_get_msrs(int *count, void *pmu)
{
#if IS_ENABLED(CONFIG_PERF_EVENTS) && IS_ENABLED(CONFIG_CPU_SUP_INTEL)
	return perf_guest_get_msrs(count, pmu);
#else
	return NULL;
#endif
}

#endif /* VMXHV_COMPAT_H */
