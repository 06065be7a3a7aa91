/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of one vCPU: xAPIC page and x2APIC MSRs, LVT, timer, interprocessor interrupts.
 * (SDM: "Advanced Programmable Interrupt Controller (APIC)".)
 */
#ifndef VCPU_LAPIC_H
#define VCPU_LAPIC_H

#include <linux/types.h>

#include "vmxhv.h"
#include "vcpu/error.h"

struct vcpu;
struct vm;

#define LAPIC_DEFAULT_BASE	0xfee00000ull
#define LAPIC_NO_DEADLINE	U64_MAX

int lapic_create(struct vcpu *v);		/* may sleep; -ENOMEM */
void lapic_destroy(struct vcpu *v);		/* cancels the timer */
void lapic_reset(struct vcpu *v, bool init);	/* init: INIT keeps APIC_BASE and the id */

/* interrupts: mutex held, IRQs may be off */
int lapic_pending(struct vcpu *v);		/* highest vector above PPR, or -1 */
void lapic_take(struct vcpu *v, u8 vector);	/* IRR to ISR: the vector is being injected */
bool lapic_takes_extint(struct vcpu *v);	/* LVT0 lets ExtINT through */
u64 lapic_cr8(struct vcpu *v);
void lapic_set_cr8(struct vcpu *v, u64 cr8);	/* value checked: 0 to 15 */

/* registers: mutex held, IRQs may be off. Return 0, or 1 where the guest gets #GP */
u64 lapic_base(struct vcpu *v);
int lapic_set_base(struct vcpu *v, u64 base);
int lapic_msr_read(struct vcpu *v, u32 msr, u64 *value);	/* APIC_BASE, 800H-8FFH, TSC_DEADLINE */
int lapic_msr_write(struct vcpu *v, u32 msr, u64 value);
int lapic_mmio_read(struct vcpu *v, u32 offset, u32 *value);	/* 0, or -EINVAL: no such access */
int lapic_mmio_write(struct vcpu *v, u32 offset, u32 value);

/*
 * An EPT violation on the APIC page (preemptible): if the instruction is a 32-bit MOV that the
 * decoder knows, does it and returns HANDLED; if not, returns TO_USER untouched: it becomes MMIO.
 */
bool lapic_covers(struct vcpu *v, u64 gpa);
int lapic_page_access(struct vcpu *v, u64 gpa, bool write);

/* interrupts in, from any context, without the mutex */
int lapic_deliver_msi(struct vm *vm, u64 address, u32 data);	/* APICs that took it, or -EINVAL */

/*
 * The timer. While the guest runs, the run loop asks for the deadline (host TSC) and loads the
 * VMX preemption timer; while the vCPU is halted, an hrtimer stands in and requests REQ_TIMER.
 */
u64 lapic_timer_deadline(struct vcpu *v);	/* or LAPIC_NO_DEADLINE; cheap */
void lapic_timer_check(struct vcpu *v);		/* past the deadline? then the interrupt is pending */
void lapic_timer_halt(struct vcpu *v);		/* about to sleep: arm the hrtimer */
void lapic_timer_wake(struct vcpu *v);		/* awake: cancel it */

/* state group LAPIC: mutex held */
void lapic_get_state(struct vcpu *v, struct vmxhv_lapic *out);
int lapic_check_state(struct vcpu *v, const struct vmxhv_lapic *in, struct vmxhv_error *err);
void lapic_set_state(struct vcpu *v, const struct vmxhv_lapic *in);	/* after a check */

#endif /* VCPU_LAPIC_H */
