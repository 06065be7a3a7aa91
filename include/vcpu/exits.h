/* SPDX-License-Identifier: GPL-2.0-only */
/* What the exit handlers share: how they end, and what they may ask of the run loop. */
#ifndef VCPU_EXITS_H
#define VCPU_EXITS_H

#include "vcpu/regs.h"
#include "vcpu/vcpu.h"

/*
 * A handler returns HANDLED to enter the guest again, TO_USER with the run area's exit filled in,
 * or a negative errno, which RUN returns (the VM is then dead or the request was bad).
 */
#define HANDLED		1
#define TO_USER		0

/* vcpu/exit/table.c */
void exit_to_user(struct vcpu *v, enum vmxhv_exit reason);	/* the run area's common part */
int exit_internal(struct vcpu *v, const char *what);		/* kills the VM; TO_USER */
struct exception exit_exception(struct vcpu *v, u32 info);

/* vcpu/exit/to_user.c: questions, each with its answer in complete.c */
int hypercall_to_user(struct vcpu *v);
int msr_to_user(struct vcpu *v, bool write);
int io_to_user(struct vcpu *v);
int cpuid_to_user(struct vcpu *v, const struct vmxhv_exit_cpuid *what);
int exception_to_user(struct vcpu *v, const struct exception *e);
int intack_to_user(struct vcpu *v);
int eoi_to_user(struct vcpu *v, u8 vector);
int memory_error_to_user(struct vcpu *v, const struct fault_info *info);

/* the number of ENOSYS: what guests of other hypervisors get for a call that is not there */
#define NO_SUCH_HYPERCALL	((u64)-38)

/* exit handlers: see the table */
int handle_nothing(struct vcpu *v);
int handle_unexpected(struct vcpu *v);
int handle_timer(struct vcpu *v);
int handle_skip(struct vcpu *v);
int handle_ud(struct vcpu *v);
int handle_gp(struct vcpu *v);
int handle_triple_fault(struct vcpu *v);
int handle_hlt(struct vcpu *v);
int handle_vmcall(struct vcpu *v);
int handle_window(struct vcpu *v);
int handle_pause(struct vcpu *v);
int handle_ept_misconfig(struct vcpu *v);
int handle_exception(struct vcpu *v);
int handle_mce_during_entry(struct vcpu *v);

/* vcpu/retire.h ends the exiting instruction */

/* vcpu/exit/complete.c */
int complete_exit(struct vcpu *v, struct vmxhv_error *err);

/* vcpu/exit/io.c, vcpu/exit/mmio.c: exits that userspace answers, and the answers */
int handle_io(struct vcpu *v);
int complete_io(struct vcpu *v);
int handle_ept_violation(struct vcpu *v);

/* vcpu/exit/mmio.c */
int mmio_to_user(struct vcpu *v, u32 qualification);
void vcpu_reblock_nmis(struct vcpu *v);
enum vmxhv_cpu_mode vcpu_cpu_mode(struct vcpu *v);
u32 vcpu_fetch_insn(struct vcpu *v, u8 bytes[15], enum vmxhv_cpu_mode mode);

/* vcpu/cpu/event.c */
int event_compose(u8 first, u8 second);
void vcpu_raise(struct vcpu *v, u8 vector);			/* no error code: #UD, #DB ... */
void vcpu_raise_error(struct vcpu *v, u8 vector, u32 error);	/* #GP(0), #SS(0) ... */
void vcpu_raise_page_fault(struct vcpu *v, u64 address, u32 error);
void vcpu_raise_exception(struct vcpu *v, const struct exception *e);
void vcpu_recover_events(struct vcpu *v);			/* after an exit: IDT-vectoring */
void vcpu_inject_events(struct vcpu *v);			/* before an entry: what fits */
void vcpu_triple_fault(struct vcpu *v);
bool vcpu_can_take_interrupt(struct vcpu *v);			/* IF and no shadow */
bool vcpu_has_wakeup(struct vcpu *v);				/* something ends HLT */
void vcpu_keep_trap_pending(struct vcpu *v);

/* vcpu/exit/config.c: an exception that the guest raised itself: to userspace, or back to it */
int guest_exception(struct vcpu *v, const struct exception *e);

/* each exit, before anything of it is handled */
static inline void debug_exited(struct vcpu *v)
{
	if (unlikely(v->debug.on))
		debug_leave(v);
}

static inline int raise_gp(struct vcpu *v)
{
	vcpu_raise_error(v, 13, 0);
	return HANDLED;
}

static inline int raise_ud(struct vcpu *v)
{
	vcpu_raise(v, 6);
	return HANDLED;
}

#endif /* VCPU_EXITS_H */
