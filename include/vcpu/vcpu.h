/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual CPU.
 *
 * Who may touch what: vcpu->mutex is held by whoever runs the vCPU or reads and writes its state.
 * Between vcpu_load() and vcpu_put() its VMCS is current whenever the thread runs (a preempt
 * notifier follows the thread across CPUs): VMREAD and VMWRITE are legal with preemption on.
 * Exit handlers of rows with ROW_IRQS_OFF run with interrupts off and must not sleep.
 */
#ifndef VCPU_VCPU_H
#define VCPU_VCPU_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/desc_defs.h>

#include "vmxhv.h"
#include "vcpu/vm.h"
#include "vcpu/x86.h"
#include "vmx/pmu.h"
#include "vmx/vmcs.h"

struct lapic;
struct cpuid_table;
struct xstate;
struct exit_row;

/* indexes of vcpu.gpr[], in the order of their encodings; entry.S knows them */
enum {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	NR_GPRS
};

/*
 * Guest registers that live in the VMCS are cached: a bit in reg_avail says that the cache holds
 * the value, a bit in reg_dirty that the VMCS does not have it yet. RSP is gpr[REG_RSP].
 */
#define CACHE_RIP	BIT(0)
#define CACHE_RSP	BIT(1)
#define CACHE_RFLAGS	BIT(2)
#define CACHE_SHADOW	BIT(3)	/* guest interruptibility state; never dirty, written through */

/* vcpu.requests: one word, tested once on the fast path */
#define REQ_KICK	0	/* userspace asked: RUN returns INTR */
#define REQ_EVENT	1	/* look again at what can be injected */
#define REQ_TLB_FLUSH	2	/* the EPT changed: INVEPT before the next entry */
#define REQ_DEAD	3	/* the VM died */
#define REQ_INIT	4	/* an INIT arrived */
#define REQ_SIPI	5	/* a start-up IPI arrived; vcpu.sipi_vector */
#define REQ_NMI		6	/* an NMI arrived; vcpu.nmi_queued */
#define REQ_TIMER	7	/* the APIC timer's hrtimer fired */
#define REQ_APIC_PAGE	8	/* its own: the xAPIC page moved */
#define REQ_DEBUG	9	/* its own: the debugger has a look */

/*
 * How handlers and what they call end: HANDLED, the guest is entered again, or TO_USER, with the
 * run area's exit filled in; or a negative errno, which RUN returns.
 */
#define HANDLED		1
#define TO_USER		0

/* vcpu.mode: tells a requester whether an IPI is needed */
enum vcpu_mode {
	OUTSIDE_GUEST = 0,
	IN_GUEST = 1,
};

/* vcpu.exit.valid: which fields of the last exit have been read; in the order of VMXHV_HW_* */
#define EXIT_HAS_QUALIFICATION	BIT(0)
#define EXIT_HAS_INSN_LEN	BIT(1)
#define EXIT_HAS_INSN_INFO	BIT(2)
#define EXIT_HAS_INTR_INFO	BIT(3)
#define EXIT_HAS_VECTORING	BIT(4)
#define EXIT_HAS_GLA		BIT(5)
#define EXIT_HAS_GPA		BIT(6)

struct exit_info {
	u32 valid;
	u32 reason;		/* the whole field; bit 31: the entry failed */
	u64 qualification;
	u32 insn_len;
	u32 insn_info;
	u32 intr_info;
	u32 intr_error;
	u32 vectoring_info;
	u32 vectoring_error;
	u64 gpa;
	u64 gla;
};

/* An exception that waits for delivery: not yet in the VM-entry field. */
struct exception {
	bool pending;
	u8 vector;
	bool has_error;
	bool has_payload;
	u8 insn_len;		/* of INT3 or INTO, prefixes included; 0 is 1 */
	u32 error_code;
	u64 payload;
};

/* INT3 or INTO that exited: while RIP is there, what is injected for it is as long as it is. */
struct soft_exception {
	u64 rip;
	u8 vector;
	u8 insn_len;
};

/* An event that an exit interrupted, or that is in the VM-entry field; info 0: none. */
struct injected_event {
	u32 info;
	u32 error_code;
	u32 insn_len;
};

struct vcpu_events {
	struct exception exception;
	struct injected_event injected;
	u8 nmi_pending;		/* 0 to 2: one can wait behind a blocked one */
	u32 activity;		/* enum vmxhv_activity */
	bool triple_fault;	/* SHUTDOWN is to be reported */
	bool extint_waiting;	/* an ExtINT can be taken: INTACK is to be, or was, reported */
	bool extint_answered;	/* ... and userspace gave its vector */
	u8 extint_vector;
};

/* Guest MSRs that are kept in memory, not in the VMCS. */
struct guest_msrs {
	u64 star, lstar, cstar, syscall_mask;
	u64 kernel_gs_base;
	u64 tsc_aux;
	u64 tsc_adjust;
	u64 pat;
	u64 misc_enable;
	u64 mtrr_def_type;
	u64 mtrr_fixed[11];
	u64 mtrr_var[16];	/* base, mask pairs */
	u64 bios_sign_id;
};

/* What VM exit does not restore of the thread's own state; written back by vcpu_put(). */
struct host_thread {
	bool loaded;		/* the guest's are in the registers */
	u16 selectors;		/* all of them in one: 0, they are null and not kept */
	u16 fs_sel, gs_sel, ds_sel, es_sel, ldt_sel;
	struct desc_ptr gdt;	/* of this CPU, with its true limit */
	u64 fs_base, user_gs_base;
	u64 star, lstar, syscall_mask, tsc_aux;	/* of this CPU */
	unsigned long debugctl;			/* as this burst found it */
	bool syscall_loaded, tsc_aux_loaded;
};

/* What is done about the next entry. */
enum debug_plan {
	PLAN_NONE,
	PLAN_TRAP,	/* TF is ours */
	PLAN_BREAK,	/* a breakpoint ends the step */
	PLAN_EVENT,	/* an event is delivered: the preemption timer ends the step */
};

/**
 * struct vcpu_debug - the debugger's side of one vCPU; vcpu->mutex guards all of it
 * @on: something is to be done before each entry and after each exit
 * @control: VMXHV_DEBUG_STEP and _INT3 as asked for
 * @point: as asked for
 * @plan: for this entry
 * @step: of the instruction at @rip
 * @rip: where the step began
 * @stop_at: PLAN_BREAK: the linear address
 * @guest_tf: the guest's own RFLAGS.TF, while it is replaced
 * @guest_btf: the guest has IA32_DEBUGCTL.BTF set
 * @sti: the guest's STI shadow was taken away for the entry
 * @entered: DR7 and more are replaced: to be put back
 * @resume: RF is to be set at @resume_rip: the breakpoint there was reported
 * @resume_rip: see @resume
 * @guest_dr7: the guest's, while it is replaced
 * @slots: what is in the CPU's registers
 * @unwatched: the points without a register, as far as userspace was told
 * @report: what the next DEBUG exit says; kind 0: there is none
 */
struct vcpu_debug {
	bool on;
	u32 control;
	struct vmxhv_debug_point point[DEBUG_POINTS];
	enum debug_plan plan;
	struct step step;
	u64 rip;
	u64 stop_at;
	bool guest_tf, guest_btf;
	bool sti;
	bool entered;
	bool resume;
	u64 resume_rip;
	u64 guest_dr7;
	struct debug_slots slots;
	u8 unwatched;
	struct vmxhv_exit_debug report;
};

/* The control words, as they were written to the VMCS. */
struct control_words {
	u32 pin, cpu, cpu2, entry;
};

/* What userspace is to answer before the next entry: exit/complete.c. */
enum pending_completion {
	COMPLETE_NONE = 0,
	COMPLETE_IO,
	COMPLETE_MMIO,
	COMPLETE_MSR_READ,
	COMPLETE_MSR_WRITE,
	COMPLETE_HYPERCALL,
	COMPLETE_INTACK,
	COMPLETE_CPUID,
	COMPLETE_EXCEPTION,
};

/* The burst of entries under way, and what the run loop remembers between two. All M. */
struct vcpu_burst {
	int ret;			/* how it ended: as a handler's return value */
	u32 plain_row;			/* flags of rows that need nothing else */
	const struct exit_row *rows;	/* I: exit_rows, or what CONFIG made of it */
	const struct exit_row *pending;	/* its last exit, still to be handled, or NULL */
	u32 left;			/* exits until interrupts are opened */
	bool outside;			/* something for userspace came up */
	bool l1d_stale;			/* more than exit handling ran since a flush */
	unsigned long resume_work_since; /* jiffies; 0: none seen */
	unsigned long rcu_noted;	/* jiffies */
};

/* The I/O instruction that userspace is asked about, or was last. All M. */
struct vcpu_io {
	struct vmxhv_exit_io exit;	/* as reported */
	u64 gva;			/* string I/O: where the data goes */
	u64 done;			/* rep: iterations done of this instruction */
	u64 rip;			/* ... at this RIP */
};

/* The guest's TSC: see core.h. All M. */
struct vcpu_tsc {
	u64 offset;			/* as in the VMCS */
	u64 multiplier;			/* likewise; 0: the host's rate */
	u64 khz;			/* the rate; 0: the host's */
	u64 lost;			/* vmx_tsc_lost, as far as @offset has it */
};

/* What stands in the VMCS of the host's for things that can change. All M. */
struct vmcs_host {
	u64 cr3, cr4;
	u64 fs_base;
	u64 debugctl;			/* in the guest's field, beside the guest's own bits */
};

/* What this RUN's words ask for: read once. All M. */
struct run_asked {
	u32 user_flags;			/* VMXHV_USER_* */
	u32 wanted;			/* groups to publish */
};

/* What the run area holds of the exits so far. All M. */
struct run_published {
	u32 union_used;			/* bytes of run->u that the last exit wrote */
	u32 union_stale;		/* ... that those before it wrote */
	u32 hw_valid;			/* run->hw.valid as last written */
	u64 sequence;			/* exits to userspace so far */
};

/**
 * struct vcpu - one virtual CPU
 *
 * Lock legend: I immutable, M vcpu->mutex, a atomic words, H hot: entry.S knows the offset.
 */
struct vcpu {
	/* run/: entry.S, and the loop around it */
	u64 gpr[NR_GPRS];			/* M H */
	u64 host_rsp;				/* M H: HOST_RSP as it stands in the VMCS */
	struct loaded_vmcs vmcs;		/* M H: launched */
	u64 cr2;				/* M: the guest's; in the CPU during a burst */
	u64 rip;				/* M: see CACHE_* */
	u64 rflags;				/* M */
	u32 shadow;				/* M: guest interruptibility state */
	u32 shadow_mask;			/* M: ... its bits that can be this guest's */
	enum vcpu_mode mode;			/* a */
	union {					/* M: what must be done before an entry */
		u32 entry_work;			/* ... if any of it is set */
		struct {
			bool recheck;		/* this thread's own REQ_EVENT */
			bool timer_stale;	/* the preemption timer must be loaded */
			u16 reg_dirty;		/* CACHE_* */
		};
	};
	unsigned long requests;			/* a */
	bool loaded;				/* M: between vcpu_load() and vcpu_put() */
	bool ran;				/* M: SET_CPUID is closed */
	struct vcpu_burst burst;		/* M */

	int cpu;				/* a: where it is loaded, or was last */
	/* these two begin anew with each exit, in one store */
	u32 reg_avail;				/* M: CACHE_* */
	struct exit_info exit;			/* M */

	/* cpu/: the guest's processor */
	struct vcpu_events events;		/* M */
	u64 cr0_shadow, cr4_shadow;		/* M: read shadows as written to the VMCS */
	u64 efer;				/* M: the guest's view, LMA included */
	u64 xcr0;				/* M */
	u64 dr[4], dr6;				/* M: DR7 is in the VMCS */
	bool dr_loaded;				/* M: DR7 enables breakpoints: see dr_enter() */
	struct guest_msrs msrs;			/* M */
	u64 msr_value;				/* M: what RDMSR reads, meanwhile */
	u32 msr_hidden;				/* M: rows of MSRs that CPUID hides */
	struct vcpu_tsc tsc;			/* M */
	struct vcpu_debug debug;		/* M */
	struct xstate *xstate;			/* I pointer */
	struct cpuid_table *cpuid;		/* M: replaced before the first RUN */

	/* cpu/host.c: the host around the guest */
	struct vmcs_host vmcs_host;		/* M */
	struct host_thread host;		/* M */
	struct vmx_pmu pmu;			/* M */

	/* core/ */
	struct control_words ctl;		/* M: changed by core/controls.c alone */
	struct rcuwait wait;			/* halted: wakes on requests */
	u64 halt_poll;				/* M: cycles that it looks before it sleeps */
	u8 sipi_vector;				/* a */
	atomic_t nmi_queued;			/* a: NMIs from other threads, moved into events */
	bool extint_line;			/* a */
	struct vmxhv_error error;		/* M: the last refusal */

	/* apic/, memory/ */
	struct lapic *lapic;			/* I pointer */
	u64 *pml;				/* I pointer: see pml.c; NULL: none */
	unsigned int pml_left;			/* memory.lock: entries not yet collected */

	/* exit/: userspace */
	struct vmxhv_run *run;			/* I: the run area, user-mapped */
	struct run_asked asked;			/* M */
	struct run_published published;		/* M */
	enum pending_completion completion;	/* M */
	struct vcpu_io io;			/* M */
	struct vmxhv_exit_mmio mmio;		/* M: as reported */
	struct exception reported;		/* M: COMPLETE_EXCEPTION: it waits for the answer */
	struct soft_exception soft;		/* M: the last exit; insn_len 0: another */

	/* run/vcpu.c */
	struct mutex mutex;
	struct preempt_notifier notifier;	/* M */
	u16 vpid;				/* I */
	u64 eptp;				/* M: as the VMCS has it */
	u32 id;					/* I: APIC id */
	struct vm *vm;				/* I: a reference */
};

static_assert(offsetof(struct vcpu, exit.valid) ==
	      offsetof(struct vcpu, reg_avail) + sizeof_field(struct vcpu, reg_avail));

/*
 * Who calls holds what the legend says: nothing on a kernel without lockdep. A vCPU that its VM
 * does not know yet, or that has no VM, belongs to whoever makes it.
 */
static __always_inline void vcpu_assert_held(const struct vcpu *v)
{
	lockdep_assert(!v->vm || READ_ONCE(v->vm->vcpus[v->id]) != v ||
		       lockdep_is_held(&v->mutex));
}

/* Between vcpu_load() and vcpu_put(): VMREADs and VMWRITEs are this vCPU's. */
static __always_inline void vcpu_assert_loaded(const struct vcpu *v)
{
	vcpu_assert_held(v);
	lockdep_assert(v->loaded);
}

/* In a burst: the same, with interrupts off. */
static __always_inline void vcpu_assert_burst(const struct vcpu *v)
{
	vcpu_assert_loaded(v);
	lockdep_assert_irqs_disabled();
}

/* Between two bursts: the same, and it may sleep. */
static __always_inline void vcpu_assert_may_sleep(const struct vcpu *v)
{
	vcpu_assert_loaded(v);
	lockdep_assert_preemption_enabled();
}

#endif /* VCPU_VCPU_H */
