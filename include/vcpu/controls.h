/* SPDX-License-Identifier: GPL-2.0-only */
/* The control words of a vCPU's VMCS. */
#ifndef VCPU_CONTROLS_H
#define VCPU_CONTROLS_H

#include <linux/types.h>

struct vcpu;

/* as written to the VMCS */
struct control_words {
	u32 pin, cpu, cpu2, entry;
};

/* vcpu/core/controls.c */
void controls_init(struct vcpu *v, const struct control_words *ctl, u32 exit);
void controls_set_cpu(struct vcpu *v, u32 which, u32 to);
void controls_set_cpu2(struct vcpu *v, u32 which, u32 to);
void controls_set_entry(struct vcpu *v, u32 which, u32 to);
void controls_set_exceptions(const struct vcpu *v, u32 more);

#endif /* VCPU_CONTROLS_H */
