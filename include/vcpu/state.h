/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules that a state has to keep, so that VM entry accepts it. Pure. */
#ifndef VCPU_STATE_H
#define VCPU_STATE_H

#include <linux/types.h>

#include "vmxhv.h"
#include "vcpu/error.h"

/**
 * struct state_limits - what the rules depend on beside the state itself
 * @cr4_valid: bits of CR4 that the guest may have
 * @efer_valid: bits of IA32_EFER
 * @xcr0_valid: bits of XCR0; 0: the guest has no XSAVE
 * @maxphyaddr: the guest's physical-address width
 */
struct state_limits {
	u64 cr4_valid, efer_valid, xcr0_valid;
	u8 maxphyaddr;
};

/* Access rights as the VMCS takes them: reserved bits gone. */
#define SEGMENT_ACCESS_BITS	0x1f0ffu
#define SEGMENT_UNUSABLE	0x10000u

/* 0 or -EINVAL; err says which group, field and rule */
int state_check_segments(const struct vmxhv_sregs *s, bool vm86, struct vmxhv_error *err);
int state_check_control(const struct vmxhv_sregs *s, const struct state_limits *limits,
			struct vmxhv_error *err);
int state_check_reserved(const struct vmxhv_sregs *s, struct vmxhv_error *err);
int state_check_gprs(const struct vmxhv_gprs *g, const struct vmxhv_sregs *s,
		     struct vmxhv_error *err);
int state_check_debug(const struct vmxhv_debug_regs *d, struct vmxhv_error *err);
int state_check_events(const struct vmxhv_events *e, u64 rflags, struct vmxhv_error *err);

/* vcpu/cpu/state.c: of a loaded vCPU */
void state_get_segments(struct vmxhv_sregs *s);
void state_set_segments(const struct vmxhv_sregs *s);

u64 state_pending_debug(bool shadow, u64 rflags, u64 debugctl);

int refuse_state(struct vmxhv_error *err, u32 group, size_t item, u64 value, u64 wanted,
		 const char *text);

#endif /* VCPU_STATE_H */
