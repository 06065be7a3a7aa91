/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID, MSRs, control registers, extended state, and the state groups of the UAPI. */
#ifndef VCPU_CPU_STATE_H
#define VCPU_CPU_STATE_H

#include <linux/types.h>

#include "vcpu/error.h"

struct vcpu;
struct vm;

/* vcpu/cpuid/table.c */
int cpuid_create(struct vcpu *v);			/* may sleep; before vcpu_reset_state */
int cpuid_set(struct vcpu *v, const struct vmxhv_cpuid_entry *entries, u32 count,
	      struct vmxhv_error *err);			/* may sleep; vCPU loaded */
void cpuid_free(struct vcpu *v);
int handle_cpuid(struct vcpu *v);			/* exit handler, irqs-off, fast */
void cpuid_refresh(struct vcpu *v);			/* after CR4.OSXSAVE, CR4.PKE or XCR0 changed */

/* vcpu/cpu/msr.c */
int msr_bitmap_init(struct vm *vm);			/* allocates vm->msr_bitmap */
void msr_reset(struct vcpu *v);				/* power-on values */
int handle_rdmsr(struct vcpu *v);			/* exit handlers, irqs-off */
int handle_wrmsr(struct vcpu *v);
int msr_get(struct vcpu *v, u32 index, u64 *value);	/* 0, or 1: no such MSR */
int msr_set(struct vcpu *v, u32 index, u64 value, bool from_user); /* 0, or 1: refused */
int msr_list(struct vmxhv_msr_entry *entries, u32 max, u32 *count);	/* -ENOSPC: *count needed */

/* vcpu/cpu/cr.c */
int handle_cr_access(struct vcpu *v);			/* exit handler, IRQs on, may sleep */
int cr0_set(struct vcpu *v, u64 value);			/* as MOV would: 0, or 1: #GP */
int cr3_set(struct vcpu *v, u64 value);
int cr4_set(struct vcpu *v, u64 value);
int efer_set(struct vcpu *v, u64 value);
u64 vcpu_cr0(struct vcpu *v);				/* what the guest reads */
u64 vcpu_cr4(struct vcpu *v);
void cr_force(struct vcpu *v, u64 cr0, u64 cr4, u64 efer);	/* state restore; checked */

/* vcpu/cpu/dr.c */
int handle_dr_access(struct vcpu *v);			/* exit handler */
void dr_enter(struct vcpu *v);				/* IRQs off, before a burst: DR0-3 */
void dr_set7(struct vcpu *v, u64 value);

/* vcpu/cpu/xstate.c: the guest's FPU and extended state */
int xstate_create(struct vcpu *v);			/* may sleep */
void xstate_destroy(struct vcpu *v);
void xstate_enter(struct vcpu *v);			/* IRQs off, before a burst */
void xstate_leave(struct vcpu *v);			/* IRQs still off, after it */
int handle_xsetbv(struct vcpu *v);			/* exit handler */

/* vcpu/cpu/state.c: GET_STATE and SET_STATE; vCPU loaded, mutex held, buffers are the kernel's */
u32 state_group_size(u32 group);			/* bytes; 0: no such group */
int state_get(struct vcpu *v, u32 group, void *out);
int state_check(struct vcpu *v, u32 group, const void *in, struct vmxhv_error *err);
void state_set(struct vcpu *v, u32 group, const void *in);	/* after state_check of all */
/* all groups of one transaction, indexed by group, NULL where absent: rules across groups too */
int state_check_all(struct vcpu *v, const void *const *groups, struct vmxhv_error *err);
void vcpu_reset_state(struct vcpu *v);			/* power-on */
void reset_image(struct vcpu *v, struct vmxhv_gprs *gprs, struct vmxhv_sregs *sregs);

#endif /* VCPU_CPU_STATE_H */
