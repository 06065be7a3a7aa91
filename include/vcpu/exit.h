/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits: the table, its handlers, and the way to userspace and back.
 *
 * A handler returns HANDLED to enter the guest again, TO_USER with the run area's exit filled in,
 * or a negative errno, which RUN returns (the VM is then dead or the request was bad).
 */
#ifndef VCPU_EXIT_H
#define VCPU_EXIT_H

#include <linux/types.h>

#include "vcpu/cpu.h"
#include "vcpu/vcpu.h"
#include "vmx/exit_reasons.h"
#include "vmx/nospec.h"

struct exit_row;
struct fault_info;

/* ---- the table ---- */

/*
 * struct exit_row - what to do with one exit reason
 * @handle: the handler; NULL: we never asked for this exit
 * @flags: ROW_*
 */
struct exit_row {
	int (*handle)(struct vcpu *v);
	unsigned int flags;
};

#define ROW_IRQS_OFF	BIT(0)	/* the handler neither sleeps nor needs interrupts */
#define ROW_EVENTS	BIT(1)	/* it may have changed what can be injected, or the timer */
#define ROW_DELIVERY	BIT(2)	/* the exit may have interrupted an event's delivery */
#define ROW_OPEN	BIT(3)	/* interrupts are opened after it: the host has work */
#define ROW_L1D		BIT(4)	/* it says for itself whether the L1 data cache is stale */

/* A power of two above the greatest basic reason: see exit_row(). The last row stays empty. */
#define EXIT_ROWS	128

extern const struct exit_row exit_rows[EXIT_ROWS];

/**
 * exit_row() - the row of an exit reason
 * @v: the vCPU
 * @reason: the exit-reason field
 *
 * The guest chooses among the reasons.
 *
 * Return: never NULL; its handler may be.
 */
static __always_inline const struct exit_row *exit_row(const struct vcpu *v, u32 reason)
{
	u32 basic = VMX_EXIT_BASIC_REASON(reason);

	if (unlikely(basic >= EXIT_ROWS))
		basic = EXIT_ROWS - 1;
	return &v->burst.rows[nospec_mask(basic, EXIT_ROWS)];
}

/* ---- handlers: IRQs are off for those of rows with ROW_IRQS_OFF; the others may sleep ---- */

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
int handle_cpuid(struct vcpu *v);
int handle_rdmsr(struct vcpu *v);
int handle_wrmsr(struct vcpu *v);
int handle_cr_access(struct vcpu *v);
int handle_xsetbv(struct vcpu *v);
int handle_dr_access(struct vcpu *v);
int handle_io(struct vcpu *v);
int handle_ept_violation(struct vcpu *v);
int handle_apic_access(struct vcpu *v);
int handle_apic_write(struct vcpu *v);
int handle_virtualized_eoi(struct vcpu *v);
int handle_tpr_below_threshold(struct vcpu *v);
int handle_pml_full(struct vcpu *v);
int handle_task_switch(struct vcpu *v);

/* an exception that the guest raised itself: to userspace, or back to it */
int guest_exception(struct vcpu *v, const struct exception *e);

/* an instruction on the xAPIC page: done, or TO_USER with nothing changed; may sleep */
int lapic_page_access(struct vcpu *v, u64 gpa, bool write);

/* an entry that failed: @how is what vmx_enter() returned */
int exit_failed_entry(struct vcpu *v, int how);
void take_back_event(struct vcpu *v);
int machine_check(struct vcpu *v);

/* For a handler in a burst: end it, and go on in @row's with interrupts on. */
static inline int leave_pending(struct vcpu *v, const struct exit_row *row)
{
	v->burst.pending = row;
	return HANDLED;
}

/* ---- vcpu/exit/to_user.c: what userspace is told, and asked ---- */

void exit_to_user(struct vcpu *v, enum vmxhv_exit reason);	/* the run area's common part */
int exit_internal(struct vcpu *v, const char *what);		/* kills the VM; TO_USER */
int hypercall_to_user(struct vcpu *v);
int msr_to_user(struct vcpu *v, bool write);
int io_to_user(struct vcpu *v);
int mmio_to_user(struct vcpu *v, u32 access, u64 gva);
int memory_error_to_user(struct vcpu *v, const struct fault_info *info);
int cpuid_to_user(struct vcpu *v, const struct vmxhv_exit_cpuid *what);
int exception_to_user(struct vcpu *v, const struct exception *e);
int intack_to_user(struct vcpu *v);
int eoi_to_user(struct vcpu *v, u8 vector);
void publish_done(struct vcpu *v);

/* the number of ENOSYS: what guests of other hypervisors get for a call that is not there */
#define NO_SUCH_HYPERCALL	((u64)-38)

/**
 * publish_union() - write the exit's own part
 * @v: the vCPU
 * @data: the member of the union
 * @length: its bytes, a constant
 *
 * To be called after exit_to_user(). What an earlier, longer one left behind it publish_done()
 * clears.
 */
static __always_inline void publish_union(struct vcpu *v, const void *data, u32 length)
{
	__builtin_memcpy(v->run->u.raw, data, length);
	v->published.union_used = length;
}

/* ---- vcpu/exit/complete.c: what userspace answers, and changes ---- */

#define VMXHV_GROUPS		(VMXHV_GROUP_GPRS | VMXHV_GROUP_SREGS | VMXHV_GROUP_EVENTS)
#define VMXHV_USER_FLAGS	(VMXHV_USER_WANT_WINDOW | VMXHV_USER_EXIT_HLT | \
				 VMXHV_USER_EXIT_HYPERCALL)

/* A run-area group: its bit, its state group, and where it lies. */
struct run_area_group {
	u32 bit;
	u32 group;
	u32 offset;
	u32 size;
};

#define RUN_AREA_GROUPS	3
extern const struct run_area_group run_area_groups[RUN_AREA_GROUPS];

int refuse_run_flags(struct vcpu *v, struct vmxhv_error *err);
int apply_dirty_groups(struct vcpu *v, struct vmxhv_error *err);

int complete_exit(struct vcpu *v, struct vmxhv_error *err);
int complete_io(struct vcpu *v);

/* ---- vcpu/exit/config.c: which exits userspace wants, before the first vCPU ---- */

#define IO_BITMAP_ORDER	1	/* pages A and B, one behind the other */

#define CONFIG_FLAGS	(VMXHV_CONFIG_HYPERCALL | VMXHV_CONFIG_UNKNOWN_MSR | VMXHV_CONFIG_PAUSE | \
			 VMXHV_CONFIG_PAUSE_LOOP | VMXHV_CONFIG_TSC | VMXHV_CONFIG_HALT_POLL)

/* An NMI is no exception, and a machine check is the host's. */
#define CONFIG_EXCEPTIONS	(~(BIT(2) | BIT(18)))

/* vcpu/exit/config_rules.c: pure */
int config_check_ranges(const struct vmxhv_range *ranges, u32 count, struct vmxhv_error *err);
bool config_covers(const struct vm_config *config, enum vmxhv_range_kind kind, u32 access, u32 n);
bool config_has(const struct vm_config *config, enum vmxhv_range_kind kind);
void config_fill_msr_bitmap(const struct vm_config *config, u8 *bitmap);
void config_fill_io_bitmap(const struct vm_config *config, u8 *bitmap);	/* two pages */

/* vcpu/exit/config.c */
void config_init(void);			/* once, when the module loads */
int vm_configure(struct vm *vm, const struct vmxhv_config *wanted,
		 const struct vmxhv_range *ranges, struct vmxhv_error *err);
void vm_config_free(struct vm *vm);
void config_choose_rows(struct vcpu *v);

/* ---- vcpu/exit/debug.c ---- */

void debug_set(struct vcpu *v, const struct vmxhv_debug *debug);
int debug_serve(struct vcpu *v);		/* may sleep: TO_USER with DEBUG, or HANDLED */
int debug_exception(struct vcpu *v, u32 info);	/* IRQs off */

/* each exit, before anything of it is handled */
static inline void debug_exited(struct vcpu *v)
{
	if (unlikely(v->debug.on))
		debug_leave(v);
}

#endif /* VCPU_EXIT_H */
