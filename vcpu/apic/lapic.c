// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC: its life, its modes, and which interrupt is next. */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpuid.h"

#define NO_VECTOR	(-1)

static enum lapic_mode mode_of(u64 base)
{
	if (!(base & LAPIC_BASE_EN))
		return LAPIC_DISABLED;
	return base & LAPIC_BASE_EXTD ? LAPIC_X2APIC : LAPIC_XAPIC;
}

/* ID and LDR have their own form in each mode; in x2APIC mode LDR follows from the ID. */
static void set_identity(struct lapic *apic)
{
	u32 id = apic->vcpu->id;

	if (apic->mode == LAPIC_X2APIC) {
		lapic_put(apic, APIC_ID, id);
		lapic_put(apic, APIC_LDR, (id >> 4) << 16 | BIT(id & 15));
	} else {
		lapic_put(apic, APIC_ID, id << 24);
		lapic_put(apic, APIC_LDR, 0);
	}
}

/* The summary before what it announces: an interrupt that comes meanwhile may stay, or be lost. */
static void forget_arrived(struct lapic *apic)
{
	unsigned int i;

	WRITE_ONCE(apic->irr_words, apic->vid ? LAPIC_IRR_WORDS : 0);
	for (i = 0; i < ARRAY_SIZE(apic->arrived); i++)
		xchg(&apic->arrived[i], 0);
}

/**
 * lapic_reset_regs() - all registers as after power-up or INIT; APIC_BASE stays
 * @apic: the APIC
 *
 * SDM: "Local APIC State After Power-Up or Reset", "... After an INIT Reset".
 *
 * Context: vcpu->mutex is held, or the vCPU is not published yet.
 */
void lapic_reset_regs(struct lapic *apic)
{
	unsigned int i;

	for (i = 0; i < LAPIC_REGS; i++)
		lapic_put(apic, i * 16, lapic_regs[i].reset);
	set_identity(apic);
	forget_arrived(apic);
	WRITE_ONCE(apic->errors, 0);
	apic->isr_top = NO_VECTOR;
	apic->isr_count = 0;
	apic->svi_stale = true;
	apic->rvi_stale = true;
	apic->eoi_map_stale = true;
	apic->vcpu->recheck = true;
	apic->eoi_waiting = false;
	bitmap_zero(apic->eoi_exits, 256);
	lapic_timer_stop(apic);
	lapic_timer_remember(apic);
}

/**
 * lapic_init() - make an APIC, in power-up state, of memory that the caller has
 * @apic: the APIC, zeroed
 * @v: its vCPU; of which only the id is used
 * @page: one zeroed page for the registers
 *
 * Context: The vCPU is not published yet.
 */
void lapic_init(struct lapic *apic, struct vcpu *v, void *page)
{
	apic->vcpu = v;
	apic->regs = page;
	apic->base = LAPIC_DEFAULT_BASE | LAPIC_BASE_EN | (v->id ? 0 : LAPIC_BASE_BSP);
	apic->mode = LAPIC_XAPIC;
	lapic_timer_init(apic);
	lapic_reset_regs(apic);
}

/**
 * lapic_create() - give a vCPU its local APIC, in power-up state
 * @v: the vCPU; its id is set, and it is not published yet
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int lapic_create(struct vcpu *v)
{
	struct lapic *apic = kzalloc(sizeof(*apic), GFP_KERNEL_ACCOUNT);
	void *page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (!apic || !page) {
		free_page((unsigned long)page);
		kfree(apic);
		return -ENOMEM;
	}
	lapic_init(apic, v, page);
	v->lapic = apic;
	return 0;
}

/**
 * lapic_destroy() - cancel the timer and free the APIC
 * @v: the vCPU; no other thread can find it any more
 *
 * Context: May sleep.
 */
void lapic_destroy(struct vcpu *v)
{
	struct lapic *apic = v->lapic;

	if (!apic)
		return;
	hrtimer_cancel(&apic->timer.hrtimer);
	v->lapic = NULL;
	free_page((unsigned long)apic->regs);
	kfree(apic);
}

/**
 * lapic_reset() - power-up or INIT
 * @v: the vCPU
 * @init: an INIT, which keeps IA32_APIC_BASE and so the mode
 *
 * Context: vcpu->mutex is held.
 */
void lapic_reset(struct vcpu *v, bool init)
{
	struct lapic *apic = v->lapic;

	if (!init) {
		apic->base = LAPIC_DEFAULT_BASE | LAPIC_BASE_EN | (v->id ? 0 : LAPIC_BASE_BSP);
		WRITE_ONCE(apic->mode, LAPIC_XAPIC);
		apic->controls_stale = true;
	}
	lapic_reset_regs(apic);
}

/**
 * lapic_base_legal() - may IA32_APIC_BASE hold this value?
 * @base: the value
 * @maxphyaddr: the guest's physical-address width
 * @x2apic: the guest's CPUID has x2APIC
 *
 * SDM: "Local APIC Status and Location", "x2APIC State Transitions".
 *
 * Context: Any.
 * Return: Whether no reserved bit is set and the mode exists.
 */
bool lapic_base_legal(u64 base, u8 maxphyaddr, bool x2apic)
{
	u64 allowed = LAPIC_BASE_BSP | LAPIC_BASE_EN | GENMASK_ULL(maxphyaddr - 1, 12);

	if (x2apic && base & LAPIC_BASE_EN)
		allowed |= LAPIC_BASE_EXTD;
	return !(base & ~allowed);
}

/**
 * lapic_base_step() - may WRMSR go from one mode to the other?
 * @from: IA32_APIC_BASE as it is
 * @to: as it shall be, a legal value
 *
 * Out of x2APIC mode the only way is through "disabled", into it only from xAPIC mode.
 * SDM: "x2APIC State Transitions".
 *
 * Context: Any.
 * Return: Whether the transition is legal.
 */
bool lapic_base_step(u64 from, u64 to)
{
	if (mode_of(from) == LAPIC_X2APIC)
		return mode_of(to) != LAPIC_XAPIC;
	if (mode_of(from) == LAPIC_DISABLED)
		return mode_of(to) != LAPIC_X2APIC;
	return true;
}

/**
 * lapic_enter_mode() - take a value of IA32_APIC_BASE that was checked
 * @apic: the APIC
 * @base: the value
 *
 * Disabling loses all state; going to x2APIC mode keeps all but ID and LDR.
 *
 * Context: vcpu->mutex is held.
 */
void lapic_enter_mode(struct lapic *apic, u64 base)
{
	enum lapic_mode from = apic->mode, to = mode_of(base);

	apic->base = base;
	if (from == to)
		return;
	WRITE_ONCE(apic->mode, to);
	apic->controls_stale = true;
	apic->vcpu->recheck = true;
	if (from == LAPIC_DISABLED || to == LAPIC_DISABLED)
		lapic_reset_regs(apic);
	else
		set_identity(apic);
}

/**
 * lapic_base_ok() - may IA32_APIC_BASE hold this value, whatever it holds now?
 * @v: the vCPU
 * @base: the value; state that is restored needs no legal way to it
 *
 * Context: vcpu->mutex is held.
 * Return: Whether it may.
 */
bool lapic_base_ok(struct vcpu *v, u64 base)
{
	if (!v->cpuid)
		return lapic_base_legal(base, 36, true);
	return lapic_base_legal(base, v->cpuid->maxphyaddr,
				cpuid_table_has(v->cpuid, 1, 0, CPUID_REG_ECX, LAPIC_CPUID_X2APIC));
}

/**
 * lapic_place() - where the xAPIC page is, if not at the default base
 * @apic: the APIC
 *
 * Context: vcpu->mutex is held.
 * Return: 0 at the default base; LAPIC_NOWHERE without a page; else its address with APIC_BASE's
 * enable bit.
 */
u64 lapic_place(const struct lapic *apic)
{
	const u64 page = apic->base & PAGE_MASK;

	if (apic->mode != LAPIC_XAPIC)
		return LAPIC_NOWHERE;
	return page == LAPIC_DEFAULT_BASE ? 0 : page | LAPIC_BASE_EN;
}

/* What the EPT maps follows before the next entry: interrupts may be off here. */
static void change_base(struct vcpu *v, u64 base)
{
	const u64 place = lapic_place(v->lapic);

	lapic_enter_mode(v->lapic, base);
	if (lapic_place(v->lapic) != place)
		vcpu_request(v, BIT(REQ_APIC_PAGE));
}

/**
 * lapic_force_base() - restore IA32_APIC_BASE
 * @v: the vCPU
 * @base: a value that lapic_base_ok() accepts
 *
 * Context: vcpu->mutex is held.
 */
void lapic_force_base(struct vcpu *v, u64 base)
{
	change_base(v, base);
}

/**
 * lapic_set_base() - the guest writes IA32_APIC_BASE
 * @v: the vCPU
 * @base: the value
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: 0, or 1: #GP.
 */
int lapic_set_base(struct vcpu *v, u64 base)
{
	if (!lapic_base_ok(v, base) || !lapic_base_step(v->lapic->base, base))
		return 1;
	change_base(v, base);
	return 0;
}

/* Of IRR or ISR (@base), whichever words may be empty. */
static int highest_of(const struct lapic *apic, u32 base)
{
	int word;

	for (word = 7; word >= 0; word--) {
		u32 bits = lapic_get(apic, base + word * 16);

		if (bits)
			return word * 32 + __fls(bits);
	}
	return NO_VECTOR;
}

/**
 * lapic_highest_irr() - the highest vector in IRR
 * @apic: the APIC
 *
 * Context: vcpu->mutex is held, the guest does not run; IRQs may be off.
 * Return: A vector or -1.
 */
int lapic_highest_irr(struct lapic *apic)
{
	unsigned long words;

	lapic_take_arrived(apic);
	/* of words that the CPU fills there is no summary */
	if (apic->vid)
		return highest_of(apic, APIC_IRR);
	words = READ_ONCE(apic->irr_words) & LAPIC_IRR_WORDS;
	for (; words; words &= ~BIT(__fls(words))) {
		unsigned int word = __fls(words);
		u32 bits = lapic_get(apic, APIC_IRR + word * 16);

		if (bits)
			return word * 32 + __fls(bits);
		clear_bit(word, &apic->irr_words);
	}
	return NO_VECTOR;
}

static void set_ppr(struct lapic *apic)
{
	u32 tpr = lapic_get(apic, APIC_TASKPRI);
	u32 service = apic->isr_top < 0 ? 0 : apic->isr_top & 0xf0;

	lapic_put(apic, APIC_PROCPRI, (tpr & 0xf0) >= service ? tpr : service);
}

/**
 * lapic_pending_slow() - lapic_pending() when IRR may not be empty
 * @apic: the APIC
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: A vector or -1.
 */
int lapic_pending_slow(struct lapic *apic)
{
	int vector = lapic_highest_irr(apic);

	if (apic->mode == LAPIC_DISABLED)
		return NO_VECTOR;
	if (apic->tpr_live)
		set_ppr(apic);
	/* -1 has no class that is above any */
	if ((vector & ~15) <= (int)(lapic_get(apic, APIC_PROCPRI) & 0xf0))
		return NO_VECTOR;
	return vector;
}

static void find_isr_top(struct lapic *apic)
{
	apic->isr_top = apic->isr_count ? highest_of(apic, APIC_ISR) : NO_VECTOR;
}

/**
 * lapic_count_isr() - how many vectors are in service, and the highest, from ISR
 * @apic: the APIC
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_count_isr(struct lapic *apic)
{
	unsigned int word;

	apic->isr_count = 0;
	for (word = 0; word < 8; word++)
		apic->isr_count += hweight32(lapic_get(apic, APIC_ISR + word * 16));
	find_isr_top(apic);
}

/* Before software looks at what is in service: the CPU does not tell when it changes that. */
static void follow_isr(struct lapic *apic)
{
	if (unlikely(apic->vid))
		lapic_count_isr(apic);
}

/**
 * lapic_update_ppr() - TPR or ISR changed
 * @apic: the APIC
 *
 * SDM: "Task and Processor Priorities".
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_update_ppr(struct lapic *apic)
{
	follow_isr(apic);
	set_ppr(apic);
	if (READ_ONCE(apic->irr_words))
		apic->vcpu->recheck = true;
}

/**
 * lapic_set_live() - which registers the CPU changes while the guest runs, from now on
 * @apic: the APIC
 * @vid: it delivers interrupts: IRR, ISR, TPR and PPR
 * @tpr: TPR alone: PPR is to be computed when somebody asks
 *
 * SDM: "APIC Virtualization and Virtual Interrupts".
 *
 * Context: vcpu->mutex is held, the guest does not run; IRQs may be off.
 */
void lapic_set_live(struct lapic *apic, bool vid, bool tpr)
{
	unsigned int word;

	follow_isr(apic);
	apic->vid = vid;
	apic->tpr_live = tpr;
	apic->svi_stale = true;
	apic->rvi_stale = true;
	apic->eoi_map_stale = true;
	for (word = 0; word < 8; word++)
		set_bit(word, &apic->irr_words);
	lapic_update_ppr(apic);
}

/**
 * lapic_irr_to_isr() - a pending interrupt is being delivered
 * @apic: the APIC
 * @vector: what lapic_pending() returned
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_irr_to_isr(struct lapic *apic, u8 vector)
{
	follow_isr(apic);
	__clear_bit(vector % 32, lapic_word(apic, APIC_IRR, vector));
	/* the summary bit of an empty word goes, unless the CPU may fill the word again */
	if (!apic->vid && !lapic_get(apic, APIC_IRR + vector / 32 * 16))
		clear_bit(vector / 32, &apic->irr_words);

	if (!__test_and_set_bit(vector % 32, lapic_word(apic, APIC_ISR, vector)))
		apic->isr_count++;
	if (vector > apic->isr_top)
		apic->isr_top = vector;
	apic->svi_stale = true;
	apic->rvi_stale = true;
	set_ppr(apic);
}

/**
 * lapic_take() - the run loop injects an interrupt
 * @v: the vCPU
 * @vector: what lapic_pending() returned
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_take(struct vcpu *v, u8 vector)
{
	lapic_irr_to_isr(v->lapic, vector);
}

/**
 * lapic_report_eoi() - userspace is to hear of an EOI
 * @apic: the APIC
 * @vector: of a level-triggered interrupt
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_report_eoi(struct lapic *apic, u8 vector)
{
	__set_bit(vector, apic->eoi_exits);
	apic->eoi_waiting = true;
	apic->vcpu->recheck = true;
}

/**
 * lapic_eoi() - the guest ends the interrupt in service
 * @apic: the APIC
 *
 * SDM: "Signaling Interrupt Servicing Completion".
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_eoi(struct lapic *apic)
{
	int vector;

	follow_isr(apic);
	vector = apic->isr_top;
	if (vector < 0)
		return;
	__clear_bit(vector % 32, lapic_word(apic, APIC_ISR, vector));
	apic->isr_count--;
	apic->svi_stale = true;
	apic->rvi_stale = true;
	find_isr_top(apic);
	lapic_update_ppr(apic);
	if (unlikely(lapic_test(apic, APIC_TMR, vector)))
		lapic_report_eoi(apic, vector);
}

/**
 * lapic_eoi_exit_slow() - take one level-triggered EOI that userspace must hear of
 * @apic: the APIC; eoi_waiting is set
 * @vector: the vector
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: Whether there was one.
 */
bool lapic_eoi_exit_slow(struct lapic *apic, u8 *vector)
{
	unsigned int found = find_first_bit(apic->eoi_exits, 256);

	if (found >= 256)
		return false;
	__clear_bit(found, apic->eoi_exits);
	apic->eoi_waiting = !bitmap_empty(apic->eoi_exits, 256);
	*vector = found;
	return true;
}

/**
 * lapic_takes_extint() - would an ExtINT on LINT0 reach the CPU?
 * @v: the vCPU
 *
 * With the APIC disabled, LINT0 is the INTR pin. SDM: "Local Vector Table".
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: Whether it would.
 */
bool lapic_takes_extint(struct vcpu *v)
{
	struct lapic *apic = v->lapic;
	u32 lvt0 = lapic_get(apic, APIC_LVT0);

	if (apic->mode == LAPIC_DISABLED)
		return true;
	return !(lvt0 & APIC_LVT_MASKED) && (lvt0 & APIC_MODE_MASK) == APIC_DM_EXTINT;
}

/**
 * lapic_set_cr8() - the guest writes CR8
 * @v: the vCPU
 * @cr8: 0 to 15
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
void lapic_set_cr8(struct vcpu *v, u64 cr8)
{
	lapic_put(v->lapic, APIC_TASKPRI, (cr8 & 15) << 4);
	lapic_update_ppr(v->lapic);
}

VMXHV_EXPORT_FOR_TEST(lapic_reset_regs);
VMXHV_EXPORT_FOR_TEST(lapic_init);
VMXHV_EXPORT_FOR_TEST(lapic_reset);
VMXHV_EXPORT_FOR_TEST(lapic_base_legal);
VMXHV_EXPORT_FOR_TEST(lapic_base_step);
VMXHV_EXPORT_FOR_TEST(lapic_enter_mode);
VMXHV_EXPORT_FOR_TEST(lapic_highest_irr);
VMXHV_EXPORT_FOR_TEST(lapic_pending_slow);
VMXHV_EXPORT_FOR_TEST(lapic_set_live);
VMXHV_EXPORT_FOR_TEST(lapic_irr_to_isr);
VMXHV_EXPORT_FOR_TEST(lapic_eoi);
VMXHV_EXPORT_FOR_TEST(lapic_eoi_exit_slow);
VMXHV_EXPORT_FOR_TEST(lapic_takes_extint);
VMXHV_EXPORT_FOR_TEST(lapic_set_cr8);
