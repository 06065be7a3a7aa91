// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC's timer, with a clock that the test sets. */
#include <asm/tsc.h>

#include "lapic_fixture.h"

#define VECTOR	0x60u
#define T0	1000000ull		/* some time */
#define COUNT	100000000u		/* far above the shortest period allowed */

static struct lapic *timer_in(struct kunit *test, u32 mode)
{
	struct lapic *apic = fixture_one(test);

	lapic_page_write(apic, APIC_TDCR, APIC_TDR_DIV_1);
	lapic_timer_set_lvt(apic, VECTOR | mode, T0);
	return apic;
}

static bool fired(struct lapic *apic)
{
	if (lapic_pending(apic->vcpu) != VECTOR)
		return false;
	lapic_irr_to_isr(apic, VECTOR);
	lapic_eoi(apic);
	return true;
}

static void divides(struct kunit *test)
{
	static const struct { u32 tdcr, shift; } table[] = {
		{ APIC_TDR_DIV_1, 0 }, { APIC_TDR_DIV_2, 1 }, { APIC_TDR_DIV_4, 2 },
		{ APIC_TDR_DIV_8, 3 }, { APIC_TDR_DIV_16, 4 }, { APIC_TDR_DIV_32, 5 },
		{ APIC_TDR_DIV_64, 6 }, { APIC_TDR_DIV_128, 7 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ(test, lapic_timer_shift(table[i].tdcr), table[i].shift);
	KUNIT_EXPECT_EQ(test, lapic_timer_hz(), tsc_khz * 1000);
}

static void one_shot_fires_once(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_ONESHOT);

	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
	lapic_timer_start(apic, COUNT, T0);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + COUNT);
	KUNIT_EXPECT_TRUE(test, apic->vcpu->timer_stale);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0), COUNT);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + COUNT - 1), 1u);
	KUNIT_EXPECT_FALSE(test, lapic_timer_expire(apic, T0 + COUNT - 1));
	KUNIT_EXPECT_FALSE(test, fired(apic));
	KUNIT_EXPECT_TRUE(test, lapic_timer_expire(apic, T0 + COUNT));
	KUNIT_EXPECT_TRUE(test, fired(apic));
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + COUNT), 0u);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
	KUNIT_EXPECT_FALSE(test, lapic_timer_expire(apic, T0 + 10ull * COUNT));
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_TMICT), COUNT);
}

static void count_of_zero_stops(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_PERIODIC);

	lapic_timer_start(apic, COUNT, T0);
	lapic_timer_start(apic, 0, T0 + 5);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + 5), 0u);
}

static void periodic_neither_drifts_nor_storms(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_PERIODIC);

	lapic_timer_start(apic, COUNT, T0);
	/* seen late */
	KUNIT_EXPECT_TRUE(test, lapic_timer_expire(apic, T0 + COUNT + 12345));
	KUNIT_EXPECT_TRUE(test, fired(apic));
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 2ull * COUNT);
	/* seven periods later: one interrupt */
	KUNIT_EXPECT_TRUE(test, lapic_timer_expire(apic, T0 + 9ull * COUNT));
	KUNIT_EXPECT_TRUE(test, fired(apic));
	KUNIT_EXPECT_FALSE(test, lapic_timer_expire(apic, T0 + 9ull * COUNT));
	KUNIT_EXPECT_FALSE(test, fired(apic));
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 10ull * COUNT);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + 9ull * COUNT + 1), COUNT - 1);
}

static void shortest_period(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_PERIODIC);

	lapic_timer_start(apic, 1, T0);
	KUNIT_EXPECT_TRUE(test, lapic_timer_expire(apic, T0 + 1));
	/* at least 20 microseconds */
	KUNIT_EXPECT_GE(test, lapic_timer_deadline(apic->vcpu), T0 + tsc_khz / 50);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + 1), 1u);
}

static void divisor_scales_the_count(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_ONESHOT);

	lapic_timer_set_divide(apic, APIC_TDR_DIV_16, T0);
	lapic_timer_start(apic, COUNT, T0);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 16ull * COUNT);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + 15), COUNT);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + 16), COUNT - 1);
	/* half way, at double the rate */
	lapic_timer_set_divide(apic, APIC_TDR_DIV_8, T0 + 8ull * COUNT);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + 8ull * COUNT), COUNT / 2);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 12ull * COUNT);
}

static void masked_timer_counts_in_silence(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_PERIODIC | APIC_LVT_MASKED);

	lapic_timer_start(apic, COUNT, T0);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0 + 1), COUNT - 1);
	/* what expired while it was masked is no interrupt afterwards */
	lapic_timer_set_lvt(apic, VECTOR | APIC_LVT_TIMER_PERIODIC, T0 + COUNT + 1);
	KUNIT_EXPECT_FALSE(test, fired(apic));
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 2ull * COUNT);
}

static void expiry_belongs_to_the_old_entry(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_ONESHOT);

	lapic_timer_start(apic, COUNT, T0);
	lapic_timer_set_lvt(apic, APIC_LVT_MASKED, T0 + COUNT);
	KUNIT_EXPECT_TRUE(test, fired(apic));
}

static void deadline_in_guest_time(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_TSCDEADLINE);
	struct vcpu *v = apic->vcpu;

	v->tsc.offset = 1000 - 400000ull;	/* the VM's and TSC_ADJUST, summed */
	lapic_timer_set_deadline(apic, T0 - 400000 + 1000 + 77, T0);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(v), T0 + 77);
	KUNIT_EXPECT_EQ(test, lapic_timer_count(apic, T0), 0u);
	KUNIT_EXPECT_FALSE(test, lapic_timer_expire(apic, T0 + 76));
	KUNIT_EXPECT_NE(test, apic->timer.tsc_deadline, 0ull);
	KUNIT_EXPECT_TRUE(test, lapic_timer_expire(apic, T0 + 77));
	KUNIT_EXPECT_TRUE(test, fired(apic));
	KUNIT_EXPECT_EQ(test, apic->timer.tsc_deadline, 0ull);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(v), LAPIC_NO_DEADLINE);
}

static void deadline_in_the_past_fires_at_once(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_TSCDEADLINE);

	lapic_timer_set_deadline(apic, T0, T0);
	KUNIT_EXPECT_TRUE(test, fired(apic));
	lapic_timer_set_deadline(apic, 1, T0);
	KUNIT_EXPECT_TRUE(test, fired(apic));
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
}

static void deadline_of_zero_disarms(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_TSCDEADLINE);

	lapic_timer_set_deadline(apic, T0 + 5, T0);
	lapic_timer_set_deadline(apic, 0, T0 + 1);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
	KUNIT_EXPECT_FALSE(test, lapic_timer_expire(apic, T0 + 10));
	KUNIT_EXPECT_FALSE(test, fired(apic));
}

static void far_deadline_never_comes(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_TSCDEADLINE);

	apic->vcpu->tsc.offset = -T0;	/* guest time 0: the sum would wrap */
	lapic_timer_set_deadline(apic, U64_MAX, T0);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
	KUNIT_EXPECT_EQ(test, apic->timer.tsc_deadline, U64_MAX);
	KUNIT_EXPECT_FALSE(test, fired(apic));
}

static void modes_ignore_the_other_register(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_TSCDEADLINE);

	lapic_timer_start(apic, COUNT, T0);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_TMICT), 0u);
	lapic_timer_set_lvt(apic, VECTOR | APIC_LVT_TIMER_ONESHOT, T0);
	lapic_timer_set_deadline(apic, T0 + 5, T0);
	KUNIT_EXPECT_EQ(test, apic->timer.tsc_deadline, 0ull);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
}

static void changing_to_deadline_mode_disarms(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_PERIODIC);

	lapic_timer_start(apic, COUNT, T0);
	lapic_timer_set_lvt(apic, VECTOR | APIC_LVT_TIMER_TSCDEADLINE, T0 + 1);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
	lapic_timer_set_deadline(apic, T0 + 5, T0 + 1);
	lapic_timer_set_lvt(apic, VECTOR | APIC_LVT_TIMER_ONESHOT, T0 + 2);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), LAPIC_NO_DEADLINE);
}

static void one_shot_becomes_periodic(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_ONESHOT);

	lapic_timer_start(apic, COUNT, T0);
	lapic_timer_set_lvt(apic, VECTOR | APIC_LVT_TIMER_PERIODIC, T0 + 1);
	KUNIT_EXPECT_TRUE(test, lapic_timer_expire(apic, T0 + COUNT));
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 2ull * COUNT);
}

static void resumes_from_the_current_count(struct kunit *test)
{
	struct lapic *apic = timer_in(test, APIC_LVT_TIMER_PERIODIC);

	lapic_put(apic, APIC_TMICT, COUNT);
	lapic_timer_resume(apic, 1000, T0);
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 1000);
	KUNIT_EXPECT_TRUE(test, lapic_timer_expire(apic, T0 + 1000));
	KUNIT_EXPECT_EQ(test, lapic_timer_deadline(apic->vcpu), T0 + 1000 + COUNT);
}

static void converts_cycles(struct kunit *test)
{
	static const struct { u64 cycles; u32 khz; u64 ns; } table[] = {
		{ 0, 50000, 0 },
		{ 1, 50000, 20 },
		{ 1, 3000000, 1 },	/* rounded up: not before the deadline */
		{ 3000, 3000000, 1000 },
		{ 3001, 3000000, 1001 },
		{ 50000ull * 1000 * 999, 50000, 999ull * NSEC_PER_SEC },
		{ 50000ull * 1000 * 1001, 50000, 1000ull * NSEC_PER_SEC },
		{ U64_MAX, 4200000, 1000ull * NSEC_PER_SEC },
		{ 4200000ull * 1000 * 1000 - 1, 4200000, 1000ull * NSEC_PER_SEC },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ(test, lapic_cycles_to_ns(table[i].cycles, table[i].khz),
				table[i].ns);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(divides),
	KUNIT_CASE(one_shot_fires_once),
	KUNIT_CASE(count_of_zero_stops),
	KUNIT_CASE(periodic_neither_drifts_nor_storms),
	KUNIT_CASE(shortest_period),
	KUNIT_CASE(divisor_scales_the_count),
	KUNIT_CASE(masked_timer_counts_in_silence),
	KUNIT_CASE(expiry_belongs_to_the_old_entry),
	KUNIT_CASE(deadline_in_guest_time),
	KUNIT_CASE(deadline_in_the_past_fires_at_once),
	KUNIT_CASE(deadline_of_zero_disarms),
	KUNIT_CASE(far_deadline_never_comes),
	KUNIT_CASE(modes_ignore_the_other_register),
	KUNIT_CASE(changing_to_deadline_mode_disarms),
	KUNIT_CASE(one_shot_becomes_periodic),
	KUNIT_CASE(resumes_from_the_current_count),
	KUNIT_CASE(converts_cycles),
	{}
};

static struct kunit_suite suite = {
	.name = "vmxhv_lapic_timer",
	.test_cases = cases,
};

kunit_test_suites(&suite);
