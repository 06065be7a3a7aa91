// SPDX-License-Identifier: GPL-2.0-only
/* Saving and restoring the local APIC; each refused state is valid but for one register. */
#include "lapic_fixture.h"

static void put(struct vmxhv_lapic *state, u32 offset, u32 value)
{
	memcpy(state->regs + offset, &value, sizeof(value));
}

static u32 get(const struct vmxhv_lapic *state, u32 offset)
{
	u32 value;

	memcpy(&value, state->regs + offset, sizeof(value));
	return value;
}

static struct vmxhv_lapic *saved(struct kunit *test, struct lapic *apic)
{
	struct vmxhv_lapic *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, state);
	lapic_get_state(apic->vcpu, state);
	return state;
}

static struct lapic *busy(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	lapic_accept(apic, 0x45, false, true);
	lapic_irr_to_isr(apic, 0x45);
	lapic_accept(apic, 0x91, true, true);
	lapic_irr_to_isr(apic, 0x91);
	lapic_accept(apic, 0x33, false, true);
	lapic_page_write(apic, APIC_LDR, 0x01000000);
	lapic_page_write(apic, APIC_TASKPRI, 0x22);
	lapic_page_write(apic, APIC_LVT0, APIC_DM_EXTINT);
	lapic_page_write(apic, APIC_ICR2, 0x07000000);
	return apic;
}

static void round_trip(struct kunit *test)
{
	struct lapic *from = busy(test), *to = fixture_one(test);
	struct vmxhv_lapic *state = saved(test, from);
	struct vmxhv_error err = {};

	lapic_page_write(to, APIC_SPIV, 0xff);
	lapic_accept(to, 0xee, false, true);
	KUNIT_ASSERT_EQ(test, lapic_check_state(to->vcpu, state, &err), 0);
	lapic_set_state(to->vcpu, state);
	KUNIT_EXPECT_EQ(test, memcmp(saved(test, to), state, sizeof(*state)), 0);
	KUNIT_EXPECT_EQ(test, to->isr_count, 2);
	KUNIT_EXPECT_EQ(test, to->isr_top, 0x91);
	KUNIT_EXPECT_EQ(test, lapic_page_read(to, APIC_PROCPRI), 0x90u);
	KUNIT_EXPECT_EQ(test, lapic_pending(to->vcpu), -1);
	lapic_eoi(to);
	KUNIT_EXPECT_TRUE(test, to->eoi_waiting);	/* 91H was level-triggered */
	lapic_eoi(to);
	KUNIT_EXPECT_EQ(test, lapic_pending(to->vcpu), 0x33);
}

/* PPR is not believed but computed. */
static void ppr_follows(struct kunit *test)
{
	struct lapic *apic = busy(test);
	struct vmxhv_lapic *state = saved(test, apic);

	put(state, APIC_PROCPRI, 0);
	lapic_set_state(apic->vcpu, state);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_PROCPRI), 0x90u);
	KUNIT_EXPECT_TRUE(test, apic->vcpu->recheck);
}

/* Power-on state, and the state in x2APIC mode, are accepted as they are. */
static void accepts_what_it_gives(struct kunit *test)
{
	struct vm *vm = fixture_vm(test, 3);
	struct lapic *apic = vm->vcpus[2]->lapic;
	struct vmxhv_error err = {};
	struct vmxhv_lapic *state;
	u64 icr;

	KUNIT_EXPECT_EQ(test, lapic_check_state(apic->vcpu, saved(test, apic), &err), 0);
	lapic_page_write(apic, APIC_SPIV, 0x1ff);
	fixture_x2apic(apic);
	lapic_x2_write(apic, 0x30, 0x12345678000c0041);
	state = saved(test, apic);
	KUNIT_EXPECT_EQ(test, lapic_check_state(apic->vcpu, state, &err), 0);
	lapic_set_state(apic->vcpu, state);
	KUNIT_EXPECT_EQ(test, lapic_x2_read(apic, 0x30, &icr), 0);
	KUNIT_EXPECT_EQ(test, icr, 0x12345678000c0041ull);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_ID), 2u);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_LDR), 4u);
}

struct refused_case {
	u32 offset;
	u32 value;
};

static const struct refused_case refused[] = {
	{ APIC_ID, 0x01000000 }, { APIC_LVR, 0x50015 }, { APIC_TASKPRI, 0x100 },
	{ APIC_ARBPRI, 1 }, { APIC_PROCPRI, 0x100 }, { APIC_EOI, 1 }, { APIC_RRR, 1 },
	{ APIC_DFR, 0xf0000000 }, { APIC_SPIV, 0x11ff }, { APIC_ISR, BIT(15) },
	{ APIC_TMR, BIT(0) }, { APIC_IRR, BIT(3) }, { APIC_ESR, 0x10 }, { APIC_ICR, BIT(12) },
	{ APIC_LVTT, 0x80000 }, { APIC_LVTTHMR, 0x20000 }, { APIC_LVTPC, 0x8000 },
	{ APIC_LVT0, 0x4700 }, { APIC_LVT1, 0x1000 }, { APIC_LVTERR, 0x400 },
	{ APIC_TMCCT, 1 }, { APIC_TDCR, 4 }, { APIC_SELF_IPI, 0x30 }, { 0x000, 1 },
	{ 0x290, 1 }, { 0x2f0, 0x10000 }, { 0x3a0, 1 }, { 0x104, 1 }, { 0x3fc, 1 },
};

static void refuses_one_bad_register(struct kunit *test)
{
	struct lapic *apic = busy(test);
	const struct vmxhv_lapic *good = saved(test, apic);
	struct vmxhv_lapic *state = saved(test, apic);
	struct vmxhv_error err;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		*state = *good;
		put(state, refused[i].offset, refused[i].value);
		memset(&err, 0, sizeof(err));
		KUNIT_EXPECT_EQ_MSG(test, lapic_check_state(apic->vcpu, state, &err), -EINVAL,
				    "offset %x", refused[i].offset);
		KUNIT_EXPECT_EQ_MSG(test, err.item, refused[i].offset & ~15u, "offset %x",
				    refused[i].offset);
		KUNIT_EXPECT_EQ(test, err.code, (u32)VMXHV_ERR_STATE);
		KUNIT_EXPECT_EQ(test, err.index, (u32)VMXHV_STATE_LAPIC);
	}
	/* an unmasked LVT entry of a software-disabled APIC */
	*state = *good;
	put(state, APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, lapic_check_state(apic->vcpu, state, &err), -EINVAL);
}

static void timer_goes_on(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	struct vmxhv_lapic *state;
	u32 left;

	lapic_page_write(apic, APIC_TDCR, APIC_TDR_DIV_128);
	lapic_page_write(apic, APIC_LVTT, 0x30 | APIC_LVT_TIMER_PERIODIC);
	lapic_page_write(apic, APIC_TMICT, U32_MAX);
	state = saved(test, apic);
	left = get(state, APIC_TMCCT);
	KUNIT_EXPECT_GT(test, left, U32_MAX / 2);
	put(state, APIC_TMCCT, left / 2);
	lapic_set_state(apic->vcpu, state);
	KUNIT_EXPECT_LE(test, lapic_page_read(apic, APIC_TMCCT), left / 2);
	KUNIT_EXPECT_GT(test, lapic_page_read(apic, APIC_TMCCT), left / 4);
	KUNIT_EXPECT_EQ(test, apic->timer.period, (u64)U32_MAX << 7);
}

static void deadline_goes_on(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	struct vmxhv_lapic *state;

	lapic_page_write(apic, APIC_LVTT, 0x30 | APIC_LVT_TIMER_TSCDEADLINE);
	state = saved(test, apic);
	state->tsc_deadline = BIT_ULL(62);
	lapic_set_state(apic->vcpu, state);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), BIT_ULL(62));
	KUNIT_EXPECT_EQ(test, saved(test, apic)->tsc_deadline, BIT_ULL(62));
	state->tsc_deadline = 1;	/* has passed meanwhile */
	lapic_set_state(apic->vcpu, state);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0x30);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(round_trip),
	KUNIT_CASE(ppr_follows),
	KUNIT_CASE(accepts_what_it_gives),
	KUNIT_CASE(refuses_one_bad_register),
	KUNIT_CASE(timer_goes_on),
	KUNIT_CASE(deadline_goes_on),
	{}
};

static struct kunit_suite suite = {
	.name = "vmxhv_lapic_state",
	.test_cases = cases,
};

kunit_test_suites(&suite);
