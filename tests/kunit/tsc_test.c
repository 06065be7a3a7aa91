// SPDX-License-Identifier: GPL-2.0-only
/* vcpu/cpu/tsc.c: the guest's cycles and the host's, and which rates there can be. */
#include <asm/tsc.h>
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vmx/vmx.h"
#include "lapic_fixture.h"

struct scale_row {
	u64 multiplier;		/* 0: none */
	u64 offset;
	u64 host, guest;	/* TSC values */
	u64 cycles;		/* of the guest's ... */
	u64 host_cycles;	/* ... as the host's */
};

#define ONE	BIT_ULL(TSC_FRACTION)

static const struct scale_row scale_rows[] = {
	{ 0, 0, 1000, 1000, 7, 7 },
	{ 0, -300ull, 1000, 700, U64_MAX, U64_MAX },
	{ ONE / 2, 0, 1001, 500, 500, 1001 },
	{ ONE / 2, 10, 1001, 510, 0, 1 },
	{ ONE * 3, 0, 1000, 3000, 3000, 1001 },
	{ ONE * 3, 0, BIT_ULL(62), 3 * BIT_ULL(62), U64_MAX, U64_MAX / 3 + 1 },
	/* the largest that fits, and the first that does not */
	{ ONE / 4, 0, BIT_ULL(62), BIT_ULL(60), BIT_ULL(62) - 1, U64_MAX - 2 },
	{ ONE / 4, 0, 4, 1, BIT_ULL(62), U64_MAX },
	{ 1, 0, BIT_ULL(63), BIT_ULL(15), BIT_ULL(16), U64_MAX },
	{ 1, 0, BIT_ULL(47), 0, BIT_ULL(15), BIT_ULL(63) + 1 },
};

static void tsc_scales(struct kunit *test)
{
	struct vcpu *v = kvzalloc(sizeof(*v), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, v);
	for (i = 0; i < ARRAY_SIZE(scale_rows); i++) {
		const struct scale_row *row = &scale_rows[i];

		v->tsc.multiplier = row->multiplier;
		v->tsc.offset = row->offset;
		KUNIT_EXPECT_EQ_MSG(test, tsc_to_guest(v, row->host), row->guest, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, tsc_host_cycles(v, row->cycles), row->host_cycles,
				    "row %d", i);
	}
	kvfree(v);
}

static void tsc_rates(struct kunit *test)
{
	const bool was = vmx_caps.tsc_scaling;
	struct vmxhv_error err;
	struct vmxhv_tsc t = { .khz = tsc_khz };

	vmx_caps.tsc_scaling = false;
	KUNIT_EXPECT_EQ(test, tsc_check_state(&t, &err), 0);
	t.khz = 0;
	KUNIT_EXPECT_EQ(test, tsc_check_state(&t, &err), 0);
	t.khz = tsc_khz + 1;
	KUNIT_EXPECT_EQ(test, tsc_check_state(&t, &err), -EINVAL);
	KUNIT_EXPECT_EQ(test, err.wanted, tsc_khz);
	vmx_caps.tsc_scaling = true;
	KUNIT_EXPECT_EQ(test, tsc_check_state(&t, &err), 0);
	t.khz = 999;
	KUNIT_EXPECT_EQ(test, tsc_check_state(&t, &err), -EINVAL);
	t.khz = 64ull * tsc_khz;
	KUNIT_EXPECT_EQ(test, tsc_check_state(&t, &err), 0);
	t.khz++;
	KUNIT_EXPECT_EQ(test, tsc_check_state(&t, &err), -EINVAL);
	KUNIT_EXPECT_EQ(test, err.index, VMXHV_STATE_TSC);
	KUNIT_EXPECT_EQ(test, err.item, offsetof(struct vmxhv_tsc, khz));
	vmx_caps.tsc_scaling = was;
}

/* Over a suspend the host's counter begins anew: neither the guest's nor its timer sees that. */
static void tsc_restarts(struct kunit *test)
{
	static const struct { u64 before, after, lost; } counters[] = {
		{ 5000, 6000, 0 }, { 5000, 5000, 0 }, { 5000, 10, 4990 },
		{ BIT_ULL(63), 0, BIT_ULL(63) },
	};
	static const struct { u64 deadline, lost, then; } deadlines[] = {
		{ 9000, 4990, 4010 }, { 4990, 4990, 0 }, { 100, 4990, 0 },
		{ LAPIC_NO_DEADLINE, 4990, LAPIC_NO_DEADLINE },
	};
	static const u64 multipliers[] = { 0, ONE / 2, ONE * 3 };
	struct lapic *apic = fixture_one(test);
	struct vcpu *v = apic->vcpu;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		KUNIT_EXPECT_EQ(test, vmx_tsc_went_back(counters[i].before, counters[i].after),
				counters[i].lost);
	for (i = 0; i < ARRAY_SIZE(multipliers); i++) {
		for (k = 0; k < ARRAY_SIZE(counters); k++) {
			const u64 lost = counters[k].lost & ~1ull;
			u64 was;

			v->tsc.multiplier = multipliers[i];
			v->tsc.offset = -300ull;
			was = tsc_to_guest(v, counters[k].before);
			v->tsc.offset = tsc_offset_after(v, lost);
			KUNIT_EXPECT_EQ(test, tsc_to_guest(v, counters[k].before - lost), was);
		}
	}
	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		apic->timer.deadline = deadlines[i].deadline;
		lapic_timer_go_back(apic, deadlines[i].lost);
		KUNIT_EXPECT_EQ(test, apic->timer.deadline, deadlines[i].then);
	}
}

static struct kunit_case tsc_cases[] = {
	KUNIT_CASE(tsc_restarts),
	KUNIT_CASE(tsc_scales),
	KUNIT_CASE(tsc_rates),
	{}
};

static struct kunit_suite tsc_suite = { .name = "vcpu_tsc", .test_cases = tsc_cases };

kunit_test_suite(tsc_suite);
