/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of one vCPU: xAPIC page and x2APIC MSRs, LVT, timer, interprocessor interrupts,
 * and what the CPU does of it by itself. (SDM: "Advanced Programmable Interrupt Controller (APIC)",
 * "APIC Virtualization and Virtual Interrupts"; posted interrupts apart.)
 *
 * Its vCPU's thread owns it (vcpu->mutex); other threads only make an interrupt pending. They need
 * no lock: an interrupt of theirs arrives by atomic bit operations beside the registers, and what
 * decides whether this APIC is the destination (mode, ID, LDR, DFR, SVR) is read as single words.
 *
 * The page of registers is also the CPU's virtual-APIC page. While the guest runs, the CPU changes
 * what it virtualizes, and nobody else writes there (SDM: "Software Access to Related Structures"):
 * the thread takes what has arrived into IRR when it looks. vcpu/apic/apicv.c has the VMCS's side.
 */
#ifndef VCPU_APIC_H
#define VCPU_APIC_H

#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include "vmxhv.h"
#include "vcpu/vcpu.h"
#include "vmx/caps.h"
#include "vmx/controls.h"

#define LAPIC_NO_DEADLINE	U64_MAX

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
 * @hrtimer: stands in while the vCPU is halted, and on CPUs without a VMX-preemption timer
 * @armed: the deadline that it was started for, or LAPIC_NO_DEADLINE
 */
struct lapic_timer {
	u64 deadline;
	u64 period;
	u64 tsc_deadline;
	u32 lvt, initial, divide;
	struct hrtimer hrtimer;
	u64 armed;
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

/* interrupts in, from any context, without the mutex */
int lapic_deliver_msi(struct vm *vm, u64 address, u32 data);

/*
 * The timer. While the guest runs, the run loop asks for the deadline (host TSC) and loads the
 * VMX preemption timer; while the vCPU is halted, and where there is no such timer, an hrtimer
 * stands in and requests REQ_TIMER.
 * v->timer_stale is set whenever the deadline moves.
 */
u32 lapic_timer_hz(void);
void lapic_timer_check(struct vcpu *v);
void lapic_timer_arm(struct vcpu *v);
void lapic_timer_wake(struct vcpu *v);
void lapic_tsc_changed(struct vcpu *v);
void lapic_timer_go_back(struct lapic *apic, u64 by);

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

/* ---- one struct lapic, with the time passed in ---- */

#define LAPIC_BASE_BSP		BIT_ULL(8)
#define LAPIC_BASE_EXTD		BIT_ULL(10)	/* x2APIC mode */
#define LAPIC_BASE_EN		BIT_ULL(11)

#define LAPIC_VERSION		0x14u
#define LAPIC_MAX_LVT		5u		/* six LVT entries, no CMCI */
#define LAPIC_CPUID_X2APIC	21		/* CPUID leaf 1, ECX */
#define LAPIC_CPUID_DEADLINE	24
#define LAPIC_BROADCAST		U32_MAX

#define LAPIC_LVT_MODE		(3u << 17)	/* the timer's mode in its LVT entry */

/* struct lapic_reg.access */
#define LAPIC_XR	BIT(0)	/* readable in the xAPIC page */
#define LAPIC_XW	BIT(1)
#define LAPIC_X2R	BIT(2)	/* readable as an x2APIC MSR */
#define LAPIC_X2W	BIT(3)

/**
 * struct lapic_reg - one register of the local APIC
 * @name: as the SDM has it, for errors; NULL: reserved
 * @reset: value after power-up
 * @writable: bits that software can change
 * @ignored: read-only bits that a write may contain; those in neither are reserved
 * @access: LAPIC_XR and so on
 */
struct lapic_reg {
	const char *name;
	u32 reset;
	u32 writable;
	u32 ignored;
	u8 access;
};

/* The table: index is the offset in the page / 16, which is the MSR's number - 800H too. */
#define LAPIC_REGS	64
extern const struct lapic_reg lapic_regs[LAPIC_REGS];

/* A register that a thread other than the owner may read. */
static inline u32 *lapic_reg_ptr(const struct lapic *apic, u32 offset)
{
	return apic->regs + offset;
}

static inline u32 lapic_get(const struct lapic *apic, u32 offset)
{
	return READ_ONCE(*lapic_reg_ptr(apic, offset));
}

static inline void lapic_put(struct lapic *apic, u32 offset, u32 value)
{
	WRITE_ONCE(*lapic_reg_ptr(apic, offset), value);
}

/*
 * A vector's bit in ISR, TMR or IRR (@base). Each 32-bit word begins a 16-byte slot, so that the
 * unsigned long that the bit operations want lies inside it.
 */
static inline unsigned long *lapic_word(const struct lapic *apic, u32 base, u8 vector)
{
	return apic->regs + base + (vector / 32) * 16;
}

static inline bool lapic_test(const struct lapic *apic, u32 base, u8 vector)
{
	return test_bit(vector % 32, lapic_word(apic, base, vector));
}

static inline bool lapic_sw_enabled(const struct lapic *apic)
{
	return lapic_get(apic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED;
}

/* Takes interrupts from the bus? */
static inline bool lapic_accepting(const struct lapic *apic)
{
	return READ_ONCE(apic->mode) != LAPIC_DISABLED && lapic_sw_enabled(apic);
}

/* vcpu/apic/lapic.c */
void lapic_init(struct lapic *apic, struct vcpu *v, void *page);
void lapic_reset_regs(struct lapic *apic);
void lapic_update_ppr(struct lapic *apic);
void lapic_irr_to_isr(struct lapic *apic, u8 vector);
void lapic_eoi(struct lapic *apic);
bool lapic_base_legal(u64 base, u8 maxphyaddr, bool x2apic);
bool lapic_base_step(u64 from, u64 to);
void lapic_enter_mode(struct lapic *apic, u64 base);
int lapic_highest_irr(struct lapic *apic);
void lapic_count_isr(struct lapic *apic);
void lapic_report_eoi(struct lapic *apic, u8 vector);
void lapic_set_live(struct lapic *apic, bool vid, bool tpr);

/* vcpu/apic/regs.c */
int lapic_x2_read(struct lapic *apic, u32 reg, u64 *value);
int lapic_x2_write(struct lapic *apic, u32 reg, u64 value);
u32 lapic_page_read(struct lapic *apic, u32 offset);
void lapic_page_write(struct lapic *apic, u32 offset, u32 value);
void lapic_page_written(struct lapic *apic, u32 offset);

/* vcpu/apic/ipi.c */

/**
 * struct lapic_msg - an interrupt message on its way to the APICs
 * @dest: destination; LAPIC_BROADCAST: all
 * @mode: APIC_DM_*
 * @shorthand: 0, APIC_DEST_SELF, APIC_DEST_ALLINC or APIC_DEST_ALLBUT
 * @vector: vector, or SIPI's start page
 * @logical: @dest is a logical destination
 * @level: level-triggered
 * @assert: the level
 */
struct lapic_msg {
	u32 dest;
	u32 mode;
	u32 shorthand;
	u8 vector;
	bool logical;
	bool level;
	bool assert;
};

bool lapic_accept(struct lapic *apic, u8 vector, bool level, bool local);
void lapic_take_arrived(struct lapic *apic);
void lapic_error(struct lapic *apic, u32 esr, bool local);
bool lapic_matches(const struct lapic *apic, u32 dest, bool logical);
int lapic_send(struct vm *vm, struct lapic *source, const struct lapic_msg *msg);
void lapic_send_icr(struct lapic *apic, u32 low, u32 dest);
void lapic_self_ipi(struct lapic *apic, u8 vector);
int lapic_parse_msi(u64 address, u32 data, struct lapic_msg *msg);

/* vcpu/apic/timer.c: now is the host's TSC */
u32 lapic_timer_shift(u32 divide);
void lapic_timer_init(struct lapic *apic);
void lapic_timer_stop(struct lapic *apic);
void lapic_timer_start(struct lapic *apic, u32 count, u64 now);
void lapic_timer_resume(struct lapic *apic, u32 left, u64 now);
u32 lapic_timer_count(const struct lapic *apic, u64 now);
bool lapic_timer_expire(struct lapic *apic, u64 now);
void lapic_timer_set_lvt(struct lapic *apic, u32 lvt, u64 now);
void lapic_timer_set_divide(struct lapic *apic, u32 divide, u64 now);
void lapic_timer_set_deadline(struct lapic *apic, u64 tsc, u64 now);
void lapic_timer_publish(struct lapic *apic);

/* The timer's registers are as they shall be. */
static inline void lapic_timer_remember(struct lapic *apic)
{
	apic->timer.lvt = lapic_get(apic, APIC_LVTT);
	apic->timer.initial = lapic_get(apic, APIC_TMICT);
	apic->timer.divide = lapic_get(apic, APIC_TDCR);
}

u64 lapic_cycles_to_ns(u64 cycles, u32 khz);

/* ---- what the CPU virtualizes ---- */

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

#endif /* VCPU_APIC_H */
