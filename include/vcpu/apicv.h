/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the CPU does of the local APIC by itself, without an exit (SDM: "APIC Virtualization and
 * Virtual Interrupts"; posted interrupts apart).
 */
#ifndef VCPU_APICV_H
#define VCPU_APICV_H

#include <linux/types.h>

#include "vcpu/lapic.h"
#include "vmx/caps.h"
#include "vmx/controls.h"

struct vcpu;
struct vm;

enum apicv_level {
	APICV_NONE,	/* nothing: every access to the APIC exits */
	APICV_TPR,	/* TPR, by CR8, page or MSR */
	APICV_FULL,	/* most registers; EOI, IPIs to itself, delivery of interrupts */
};

/* VMX controls of one state of a vCPU, and which MSR bitmap goes with them */
struct apicv_controls {
	u32 cpu, cpu2;
	bool x2apic_bitmap;
};

/**
 * apicv_emulated() - is this the emulated CPU whose virtual interrupts are not quite a CPU's?
 * @caps: the CPU's capabilities
 *
 * CPUs that deliver virtual interrupts have posted interrupts too, but for Bochs 2.7. There, what
 * is pending comes with the next interrupt of the host's, even if RFLAGS.IF is 0 by then; and no
 * IDT-vectoring information tells of a delivery that was cut short (vectoring_info()).
 *
 * Context: Any.
 * Return: true if so.
 */
static inline bool apicv_emulated(const struct vmx_caps *caps)
{
	return caps->virt_intr_delivery && !(caps->pin_allowed1 & PIN_BASED_POSTED_INTR);
}

enum apicv_level apicv_level(const struct vmx_caps *caps, u32 vm_flags);
struct apicv_controls apicv_controls(enum apicv_level level, enum lapic_mode mode, bool debugged);
void apicv_bitmap_fill(u8 *bitmap, enum apicv_level level);	/* one page; pure */

int apicv_vm_init(struct vm *vm, u32 flags);			/* may sleep */
void apicv_vm_free(struct vm *vm);
void apicv_setup_vmcs(struct vcpu *v);
void apicv_switch(struct vcpu *v);
void apicv_follow(struct vcpu *v);

/* exit handlers; all but the first with interrupts off */
int handle_apic_access(struct vcpu *v);
int handle_apic_write(struct vcpu *v);
int handle_virtualized_eoi(struct vcpu *v);
int handle_tpr_below_threshold(struct vcpu *v);

#endif /* VCPU_APICV_H */
