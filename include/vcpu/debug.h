/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A debugger in userspace: it steps, and it has breakpoints and watchpoints, while the guest's own
 * RFLAGS.TF and debug registers go on as if it were not there.
 */
#ifndef VCPU_DEBUG_H
#define VCPU_DEBUG_H

#include <linux/types.h>

#include "vmxhv.h"

struct vcpu;

#define DEBUG_POINTS	4

/* How an instruction is stepped over. */
enum step_kind {
	STEP_TRAP,	/* by TF */
	STEP_NEXT,	/* by a breakpoint behind it: it stores or loads TF */
	STEP_SYSCALL,	/* by a breakpoint where it leads */
	STEP_SYSRET,
	STEP_INT,	/* INT n: its event is injected */
};

/**
 * struct step - what debug_decode() says of the instruction at RIP
 * @kind: how to step over it
 * @length: its length; counts only where @kind needs it. After MOV SS, of both instructions
 * @vector: of INT n
 * @wide: SYSRET to 64-bit mode
 * @loads_tf: it is IRET: TF is another one behind it
 */
struct step {
	enum step_kind kind;
	u8 length;
	u8 vector;
	bool wide;
	bool loads_tf;
};

/* Whose a debug register is: the guest's of the same number, the step's, or a point of 0 to 3. */
#define OWNER_NONE	0
#define OWNER_GUEST	1
#define OWNER_STEP	2
#define OWNER_POINT	4	/* + its number */

/**
 * struct debug_slots - the CPU's debug registers, shared
 * @dr: DR0 to DR3
 * @dr7: DR7
 * @owner: of each: OWNER_*
 * @unwatched: bit n: there is none for point n
 */
struct debug_slots {
	u64 dr[DEBUG_POINTS];
	u64 dr7;
	u8 owner[DEBUG_POINTS];
	u8 unwatched;
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

/* vcpu/x86/debug_rules.c: pure */
struct step debug_decode(const u8 *insn, u32 count, enum vmxhv_cpu_mode mode);
void debug_share(const u64 *guest_dr, u64 guest_dr7, const struct vmxhv_debug_point *points,
		 const u64 *stop_at, struct debug_slots *slots);

/* vcpu/cpu/debug.c */
bool debug_stepping(const struct vcpu *v);
void debug_set(struct vcpu *v, const struct vmxhv_debug *debug);
int debug_serve(struct vcpu *v);	/* IRQs on, may sleep: TO_USER with DEBUG, or HANDLED */
void debug_enter(struct vcpu *v);	/* IRQs off, right before an entry */
void debug_leave(struct vcpu *v);	/* IRQs off, right after an exit */
void debug_iteration(struct vcpu *v);
bool debug_has_points(const struct vcpu_debug *d);
u64 debug_linear(struct vcpu *v, u64 ip);
void debug_say(struct vcpu *v, u32 kind, u64 dr6);
void debug_step_done(struct vcpu *v);
void debug_arm(struct vcpu *v);
int debug_exception(struct vcpu *v, u32 info);	/* exit handler; IRQs off */

#endif /* VCPU_DEBUG_H */
