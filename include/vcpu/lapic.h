/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of one vCPU: xAPIC page and x2APIC MSRs, LVT, timer, interprocessor interrupts.
 * (SDM: "Advanced Programmable Interrupt Controller (APIC)".)
 *
 * Its vCPU's thread owns it (vcpu->mutex); other threads only make an interrupt pending. They need
 * no lock: an interrupt of theirs arrives by atomic bit operations beside the registers, and what
 * decides whether this APIC is the destination (mode, ID, LDR, DFR, SVR) is read as single words.
 *
 * The page of registers is also the CPU's virtual-APIC page. While the guest runs, the CPU changes
 * what it virtualizes, and nobody else writes there (SDM: "Software Access to Related Structures"):
 * the thread takes what has arrived into IRR when it looks. vcpu/apic/apicv.c has the VMCS's side.
 */
#ifndef VCPU_LAPIC_H
#define VCPU_LAPIC_H

#include <linux/hrtimer.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include "vmxhv.h"
#include "vcpu/error.h"
#include "vcpu/vcpu.h"

#define LAPIC_DEFAULT_BASE	0xfee00000ull
#define LAPIC_NO_DEADLINE	U64_MAX
#define LAPIC_NOWHERE		1ull	/* lapic_place(): it answers at no address */

enum lapic_mode {
	LAPIC_DISABLED,
	LAPIC_XAPIC,
	LAPIC_X2APIC,
};

/**
 * struct lapic_timer - what the timer's registers do not say
 * @deadline: host TSC when it expires, masked or not; LAPIC_NO_DEADLINE: it does not run
 * @period: TSC cycles; 0: not periodic
 * @tsc_deadline: IA32_TSC_DEADLINE as the guest wrote it; 0: disarmed
 * @lvt: the register as it was accepted: the CPU may have stored over it meanwhile
 * @initial: the initial count, likewise
 * @divide: the divide configuration, likewise
 * @hrtimer: stands in while the vCPU is halted
 */
struct lapic_timer {
	u64 deadline;
	u64 period;
	u64 tsc_deadline;
	u32 lvt, initial, divide;
	struct hrtimer hrtimer;
};

/**
 * struct lapic - a local APIC
 *
 * Lock legend: I immutable, M vcpu->mutex, m the same to write but read by other threads, a atomic.
 */
struct lapic {
	unsigned long irr_words;	/* a: bit i: IRR's word i may hold something; see below */
	u64 deadline;			/* M: timer.deadline; LAPIC_NO_DEADLINE while LVT masked */
	bool eoi_waiting;		/* M: eoi_exits holds something */
	bool vid;			/* M: the CPU delivers: see lapic_set_live() */
	bool tpr_live;			/* M: TPR changes, and PPR does not follow */
	bool controls_stale;		/* M: the mode changed: VMX controls are to follow */
	bool svi_stale;			/* M: ISR was changed by software */
	bool rvi_stale;			/* M: IRR was changed by software */
	bool eoi_map_stale;		/* M: TMR was changed */
	s16 isr_top;			/* M: highest vector in service, or -1 */
	u16 isr_count;			/* M: vectors in service */
	enum lapic_mode mode;		/* m */
	u64 base;			/* M: IA32_APIC_BASE */
	void *regs;			/* I pointer: one page, laid out as the xAPIC page */
	struct vcpu *vcpu;		/* I */
	unsigned long errors;		/* a: ESR bits that the next write to ESR publishes */
	struct lapic_timer timer;	/* M */
	u8 threshold;			/* M: TPR threshold as in the VMCS */
	DECLARE_BITMAP(eoi_exits, 256);	/* M: level-triggered EOIs to be reported */
	DECLARE_BITMAP(arrived, 256);	/* a: from other threads, not yet in IRR */
	DECLARE_BITMAP(arrived_level, 256); /* a: ... level-triggered ones of them */
};

#define LAPIC_IRR_WORDS	0xfful	/* of irr_words */
#define LAPIC_ARRIVED	8	/* bit of irr_words: arrived may hold something */

int lapic_create(struct vcpu *v);
void lapic_destroy(struct vcpu *v);
void lapic_reset(struct vcpu *v, bool init);

/* interrupts out: mutex held, IRQs may be off */
int lapic_pending_slow(struct lapic *apic);
void lapic_take(struct vcpu *v, u8 vector);
bool lapic_takes_extint(struct vcpu *v);
bool lapic_eoi_exit_slow(struct lapic *apic, u8 *vector);
void lapic_set_cr8(struct vcpu *v, u64 cr8);

/**
 * lapic_pending() - the interrupt that the guest would take next
 * @v: the vCPU
 *
 * A few instructions when there is none. SDM: "Task and Processor Priorities".
 *
 * Context: The mutex is held; IRQs may be off.
 * Return: The highest vector in IRR if its class is above PPR's, or -1.
 */
static inline int lapic_pending(struct vcpu *v)
{
	if (!READ_ONCE(v->lapic->irr_words))
		return -1;
	return lapic_pending_slow(v->lapic);
}

/**
 * lapic_eoi_exit() - must userspace hear of an EOI?
 * @v: the vCPU
 * @vector: the vector, if so
 *
 * The guest ended a level-triggered interrupt: RUN reports VMXHV_EXIT_EOI, once for each call that
 * returns true. SDM: "Signaling Interrupt Servicing Completion".
 *
 * Context: The mutex is held; IRQs may be off.
 * Return: Whether there is one; it is no longer waiting then.
 */
static inline bool lapic_eoi_exit(struct vcpu *v, u8 *vector)
{
	return unlikely(v->lapic->eoi_waiting) && lapic_eoi_exit_slow(v->lapic, vector);
}

/**
 * lapic_base() - IA32_APIC_BASE
 * @v: the vCPU
 *
 * Context: The mutex is held.
 * Return: Its value.
 */
static inline u64 lapic_base(struct vcpu *v)
{
	return v->lapic->base;
}

/**
 * lapic_cr8() - CR8: the task-priority class
 * @v: the vCPU
 *
 * Context: The mutex is held; IRQs may be off.
 * Return: 0 to 15.
 */
static inline u64 lapic_cr8(struct vcpu *v)
{
	return READ_ONCE(*(u32 *)(v->lapic->regs + APIC_TASKPRI)) >> 4;
}

/* registers: mutex held, IRQs may be off. Return 0, or 1 where the guest gets #GP */
u64 lapic_place(const struct lapic *apic);
int lapic_set_base(struct vcpu *v, u64 base);
bool lapic_base_ok(struct vcpu *v, u64 base);
void lapic_force_base(struct vcpu *v, u64 base);
int lapic_msr_read(struct vcpu *v, u32 msr, u64 *value);
int lapic_msr_write(struct vcpu *v, u32 msr, u64 value);
int lapic_mmio_read(struct vcpu *v, u32 offset, u32 *value);
int lapic_mmio_write(struct vcpu *v, u32 offset, u32 value);

/**
 * lapic_covers() - is this address on the xAPIC page?
 * @v: the vCPU
 * @gpa: a guest-physical address
 *
 * Context: The mutex is held.
 * Return: Whether it is; never in x2APIC mode, which has no page.
 */
static inline bool lapic_covers(const struct vcpu *v, u64 gpa)
{
	const struct lapic *apic = v->lapic;

	return apic->mode == LAPIC_XAPIC && (gpa ^ apic->base) < PAGE_SIZE;
}

int lapic_page_access(struct vcpu *v, u64 gpa, bool write);

/* interrupts in, from any context, without the mutex */
int lapic_deliver_msi(struct vm *vm, u64 address, u32 data);

/*
 * The timer. While the guest runs, the run loop asks for the deadline (host TSC) and loads the
 * VMX preemption timer; while the vCPU is halted, an hrtimer stands in and requests REQ_TIMER.
 * v->timer_stale is set whenever the deadline moves.
 */
u32 lapic_timer_hz(void);
void lapic_timer_check(struct vcpu *v);
void lapic_timer_halt(struct vcpu *v);
void lapic_timer_wake(struct vcpu *v);
void lapic_tsc_changed(struct vcpu *v);

/**
 * lapic_timer_deadline() - when the timer interrupts next
 * @v: the vCPU
 *
 * Context: The mutex is held; IRQs may be off.
 * Return: A host TSC value, or LAPIC_NO_DEADLINE.
 */
static inline u64 lapic_timer_deadline(struct vcpu *v)
{
	return v->lapic->deadline;
}

/* state group LAPIC: mutex held */
void lapic_get_state(struct vcpu *v, struct vmxhv_lapic *out);
int lapic_check_state(struct vcpu *v, const struct vmxhv_lapic *in, struct vmxhv_error *err);
void lapic_set_state(struct vcpu *v, const struct vmxhv_lapic *in);

#endif /* VCPU_LAPIC_H */
