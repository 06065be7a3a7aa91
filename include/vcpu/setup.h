/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of making and loading a vCPU that have files of their own. */
#ifndef VCPU_SETUP_H
#define VCPU_SETUP_H

#include <linux/types.h>

struct vcpu;

void vcpu_setup_vmcs(struct vcpu *v);		/* controls and constant fields; VMCS current */
void vcpu_set_exceptions(const struct vcpu *v, u32 more);
void vcpu_set_cpu_control(struct vcpu *v, u32 bit, bool on);
void vcpu_set_entry_control(struct vcpu *v, u32 bit, bool on);
void vcpu_flush_tlb(struct vcpu *v);		/* this CPU: the VM's EPT and the vCPU's VPID */

#endif /* VCPU_SETUP_H */
