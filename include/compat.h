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
#include <linux/percpu.h>
#include <linux/syscore_ops.h>
#include <linux/sched/signal.h>
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/ptrace.h>
#include <asm/segment.h>

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

/* Newer kernels issue it by a function that is KVM's alone, and have no feature for "in use". */
static __always_inline void compat_ibpb(void)
{
#ifdef X86_FEATURE_USE_IBPB
	indirect_branch_prediction_barrier();
#else
	if (cpu_feature_enabled(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
#endif
}

/*
 * VMSCAPE (CVE-2025-40300): what a guest taught the branch predictors must not steer its own VMM.
 * Kernels that mend it see to that on the way to userspace, where a word of theirs asks for it,
 * which Kbuild finds: x86_ibpb_exit_to_user, and later x86_predictor_flush_exit_to_user. Kernels
 * that have it by the later name have no feature any more for what they do then.
 */
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
#define COMPAT_FLUSHES_AFTER_GUEST	cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER)
#else
#define COMPAT_FLUSHES_AFTER_GUEST	static_cpu_has_bug(X86_BUG_VMSCAPE)
#endif

static __always_inline void compat_guest_ran(void)
{
#ifdef VMXHV_GUEST_RAN
	if (COMPAT_FLUSHES_AFTER_GUEST)
		this_cpu_write(VMXHV_GUEST_RAN, true);
#endif
}

/* The same, where the kernel's word is not for us: when the thread leaves the CPU or the kernel. */
static __always_inline void compat_leaves_guest(void)
{
#ifdef VMXHV_GUEST_RAN_KEPT
	if (COMPAT_FLUSHES_AFTER_GUEST)
		compat_ibpb();
#endif
}

/*
 * A split lock of the guest's: what the host wants of a task that does one. The instruction comes
 * again in any case. Where the kernel keeps its way to itself, the task gets the signal of "fatal".
 */
static inline void compat_split_lock(unsigned long ip)
{
#ifdef VMXHV_HAVE_SPLIT_LOCK
	handle_guest_split_lock(ip);
#else
	send_sig(SIGBUS, current, 0);
#endif
}

/*
 * A machine check that came while a guest ran, as one of user mode: what the guest consumed is the
 * VMM's page, and no reason to panic. False: this kernel cannot be told.
 */
static inline bool compat_machine_check(void)
{
#ifdef VMXHV_HAVE_MACHINE_CHECK
	struct pt_regs regs = { .cs = __USER_CS, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
	return true;
#elif defined(CONFIG_X86_MCE)
	/* in the kernel's name: what a guest consumed may be fatal, but is not passed over */
	asm volatile("int $18");
	return true;
#else
	return false;
#endif
}

/* A host that resolves to preempt lazily has a flag for that since 6.13. */
#ifdef _TIF_NEED_RESCHED_LAZY
#define COMPAT_TIF_RESCHED	(_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)
#else
#define COMPAT_TIF_RESCHED	_TIF_NEED_RESCHED
#endif

#endif /* VMXHV_COMPAT_H */
