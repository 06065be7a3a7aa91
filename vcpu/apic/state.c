// SPDX-License-Identifier: GPL-2.0-only
/* The LAPIC state group: the architected registers as the xAPIC page has them, and the timer. */
#include <linux/string.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"

static_assert(sizeof_field(struct vmxhv_lapic, regs) == LAPIC_REGS * 16);

static u32 state_reg(const struct vmxhv_lapic *state, u32 offset)
{
	u32 value;

	memcpy(&value, state->regs + offset, sizeof(value));
	return value;
}

/**
 * lapic_get_state() - the state group LAPIC
 * @v: the vCPU
 * @out: the registers; current count as of now, in x2APIC mode ICR's destination in ICR high
 *
 * Errors that ESR does not show yet are lost; an expired timer is an interrupt in IRR.
 *
 * Context: vcpu->mutex is held.
 */
void lapic_get_state(struct vcpu *v, struct vmxhv_lapic *out)
{
	struct lapic *apic = v->lapic;
	u64 now = rdtsc();
	u32 offset, value;

	lapic_timer_expire(apic, now);
	lapic_take_arrived(apic);
	lapic_update_ppr(apic);
	memset(out, 0, sizeof(*out));
	for (offset = 0; offset < sizeof(out->regs); offset += 16) {
		/* what can only be written is the CPU's own business */
		if (!(lapic_regs[offset >> 4].access & (LAPIC_XR | LAPIC_X2R)))
			continue;
		value = offset == APIC_TMCCT ? lapic_timer_count(apic, now) :
					       lapic_get(apic, offset);
		memcpy(out->regs + offset, &value, sizeof(value));
	}
	out->tsc_deadline = apic->timer.tsc_deadline;
}

static int bad_reg(struct vmxhv_error *err, u32 offset, u32 value, u32 wanted, const char *rule)
{
	const struct refusal what = {
		.code = VMXHV_ERR_STATE, .index = VMXHV_STATE_LAPIC,
		.item = offsetof(struct vmxhv_lapic, regs) + offset,
		.value = value, .wanted = wanted,
	};
	const char *name = lapic_regs[offset >> 4].name;

	return refuse(err, -EINVAL, &what, "local APIC register %s (%03xh): %s",
		      name ?: "(reserved)", offset, rule);
}

/* Bits that can be set in a register, whoever sets them. */
static u32 possible_bits(u32 offset)
{
	switch (offset) {
	case APIC_ID:		/* these have checks of their own */
	case APIC_LVR:
	case APIC_LDR:		/* in x2APIC mode it follows from the ID */
	case APIC_ICR2:		/* in x2APIC mode it is a 32-bit destination */
	case APIC_DFR:
	case APIC_TMCCT:
		return U32_MAX;
	case APIC_ISR:
	case APIC_TMR:
	case APIC_IRR:
		return ~0xffffu;	/* vectors 0 to 15 do not exist */
	case APIC_ISR + 16 ... APIC_ISR + 7 * 16:
	case APIC_TMR + 16 ... APIC_TMR + 7 * 16:
	case APIC_IRR + 16 ... APIC_IRR + 7 * 16:
		return U32_MAX;
	case APIC_PROCPRI:	/* follows from TPR and ISR */
		return 0xff;
	case APIC_ESR:
		return APIC_ESR_SENDILL | APIC_ESR_RECVILL | APIC_ESR_ILLREGA;
	case APIC_SELF_IPI:
		return 0;
	default:
		return lapic_regs[offset >> 4].writable;
	}
}

static int check_identity(struct vcpu *v, const struct vmxhv_lapic *in, struct vmxhv_error *err)
{
	u32 id = state_reg(in, APIC_ID), version = state_reg(in, APIC_LVR);
	u32 dfr = state_reg(in, APIC_DFR);

	/* either mode's form: APIC_BASE may change in the same transaction */
	if (id != v->id && id != v->id << 24)
		return bad_reg(err, APIC_ID, id, v->id << 24, "the ID cannot be changed");
	if (version != lapic_regs[APIC_LVR >> 4].reset)
		return bad_reg(err, APIC_LVR, version, lapic_regs[APIC_LVR >> 4].reset,
			       "the version cannot be changed");
	if (~dfr & APIC_DFR_CLUSTER)
		return bad_reg(err, APIC_DFR, dfr, dfr | APIC_DFR_CLUSTER, "bits 27:0 are ones");
	return 0;
}

static int check_lvt(const struct vmxhv_lapic *in, struct vmxhv_error *err)
{
	u32 offset;

	if (state_reg(in, APIC_SPIV) & APIC_SPIV_APIC_ENABLED)
		return 0;
	for (offset = APIC_LVTT; offset <= APIC_LVTERR; offset += 16) {
		u32 lvt = state_reg(in, offset);

		if (!(lvt & APIC_LVT_MASKED))
			return bad_reg(err, offset, lvt, lvt | APIC_LVT_MASKED,
				       "unmasked while SVR disables the APIC");
	}
	return 0;
}

/* What lies between the registers: 12 bytes after each. */
static int check_gaps(const struct vmxhv_lapic *in, struct vmxhv_error *err)
{
	u32 offset;

	for (offset = 0; offset < sizeof(in->regs); offset += 16) {
		if (memchr_inv(in->regs + offset + 4, 0, 12))
			return bad_reg(err, offset, 1, 0, "the 12 bytes after it must be zero");
	}
	return 0;
}

/**
 * lapic_check_state() - may the state group LAPIC be set?
 * @v: the vCPU
 * @in: the state
 * @err: which register refuses, and why
 *
 * A state that the registers can be brought to by software and interrupts is accepted, whatever the
 * mode: IA32_APIC_BASE is not part of the group and may be set with it.
 *
 * Context: vcpu->mutex is held.
 * Return: 0 or -EINVAL.
 */
int lapic_check_state(struct vcpu *v, const struct vmxhv_lapic *in, struct vmxhv_error *err)
{
	u32 offset, count = state_reg(in, APIC_TMCCT);
	int ret = check_gaps(in, err) ?: check_identity(v, in, err) ?: check_lvt(in, err);

	if (ret)
		return ret;
	for (offset = 0; offset < sizeof(in->regs); offset += 16) {
		u32 value = state_reg(in, offset), possible = possible_bits(offset);

		if (value & ~possible)
			return bad_reg(err, offset, value, possible, "reserved bits must be zero");
	}
	if (count > state_reg(in, APIC_TMICT))
		return bad_reg(err, APIC_TMCCT, count, state_reg(in, APIC_TMICT),
			       "above the initial count");
	return 0;
}

/* What is kept beside the registers follows from them. */
static void derive(struct lapic *apic)
{
	unsigned int word;

	for (word = 0; word < 8; word++) {
		if (lapic_get(apic, APIC_IRR + word * 16))
			set_bit(word, &apic->irr_words);
	}
	apic->rvi_stale = true;
	lapic_count_isr(apic);
	lapic_update_ppr(apic);
}

static void restore_timer(struct lapic *apic, const struct vmxhv_lapic *in, u64 now)
{
	u32 mode = lapic_get(apic, APIC_LVTT) & LAPIC_LVT_MODE;

	if (mode == APIC_LVT_TIMER_TSCDEADLINE)
		lapic_timer_set_deadline(apic, in->tsc_deadline, now);
	else
		lapic_timer_resume(apic, state_reg(in, APIC_TMCCT), now);
}

/**
 * lapic_set_state() - set the state group LAPIC
 * @v: the vCPU
 * @in: a state that lapic_check_state() accepted; IA32_APIC_BASE has been set before
 *
 * A running timer goes on from the current count, or to the TSC deadline.
 *
 * Context: vcpu->mutex is held.
 */
void lapic_set_state(struct vcpu *v, const struct vmxhv_lapic *in)
{
	struct lapic *apic = v->lapic;
	u32 offset, id, ldr;

	lapic_reset_regs(apic);
	id = lapic_get(apic, APIC_ID);
	ldr = lapic_get(apic, APIC_LDR);
	for (offset = 0; offset < sizeof(in->regs); offset += 16) {
		if (offset != APIC_TMCCT)
			lapic_put(apic, offset, state_reg(in, offset));
	}
	lapic_put(apic, APIC_ID, id);
	if (apic->mode == LAPIC_X2APIC)
		lapic_put(apic, APIC_LDR, ldr);
	else
		lapic_put(apic, APIC_LDR, state_reg(in, APIC_LDR) & APIC_LDR_MASK);
	derive(apic);
	lapic_timer_remember(apic);
	restore_timer(apic, in, rdtsc());
}

VMXHV_EXPORT_FOR_TEST(lapic_check_state);
VMXHV_EXPORT_FOR_TEST(lapic_set_state);
VMXHV_EXPORT_FOR_TEST(lapic_get_state);
