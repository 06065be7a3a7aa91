// SPDX-License-Identifier: GPL-2.0-only
/* CONFIG: which ranges are legal, and the bits that they make. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/mm.h>

#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"

#define RD	VMXHV_RANGE_READ
#define WR	VMXHV_RANGE_WRITE
#define RDWR	(RD | WR)

static const struct {
	u32 kind, access, first, last;
	int wanted;
} cases[] = {
	{ VMXHV_RANGE_MSR_EXIT, RDWR, 0, 0x7ff, 0 },
	{ VMXHV_RANGE_MSR_EXIT, RD, 0x900, U32_MAX, 0 },
	{ VMXHV_RANGE_MSR_EXIT, RD, 0, U32_MAX, -EINVAL },
	{ VMXHV_RANGE_MSR_EXIT, RD, 0x8ff, 0x8ff, -EINVAL },
	{ VMXHV_RANGE_MSR_EXIT, 0, 0, 0, -EINVAL },
	{ VMXHV_RANGE_MSR_EXIT, 4, 0, 0, -EINVAL },
	{ VMXHV_RANGE_MSR_EXIT, RD, 2, 1, -EINVAL },
	{ VMXHV_RANGE_CPUID_EXIT, RD, 0, 0x1f, 0 },
	{ VMXHV_RANGE_CPUID_EXIT, RD, 0x40000000, 0x4000000f, 0 },
	{ VMXHV_RANGE_CPUID_EXIT, RD, 0x80000000, 0x8000001f, 0 },
	{ VMXHV_RANGE_CPUID_EXIT, RD, 0x1f, 0x20, -EINVAL },
	{ VMXHV_RANGE_CPUID_EXIT, RD, 0x3fffffff, 0x40000000, -EINVAL },
	{ VMXHV_RANGE_CPUID_EXIT, RD, 0x40000010, 0x40000010, -EINVAL },
	{ VMXHV_RANGE_CPUID_EXIT, RDWR, 0, 0, -EINVAL },
	{ VMXHV_RANGE_MSR_PASS, RDWR, 0x1b0, 0x1b0, 0 },
	{ VMXHV_RANGE_MSR_PASS, RDWR, 0x174, 0x176, 0 },
	{ VMXHV_RANGE_MSR_PASS, RDWR, 0x1fff, 0x1fff, 0 },
	{ VMXHV_RANGE_MSR_PASS, RDWR, 0x1fff, 0x2000, -EINVAL },
	{ VMXHV_RANGE_MSR_PASS, RDWR, 0xc0001fff, 0xc0001fff, 0 },
	{ VMXHV_RANGE_MSR_PASS, RDWR, 0xc0001fff, 0xc0002000, -EINVAL },
	{ VMXHV_RANGE_MSR_PASS, RD, 0x1d4, 0x1d5, -EACCES },
	{ VMXHV_RANGE_MSR_PASS, WR, 0x1cb, 0x1cc, -EACCES },
	{ VMXHV_RANGE_MSR_PASS, RD, 0x400, 0x47f, 0 },
	{ VMXHV_RANGE_MSR_PASS, WR, 0x47f, 0x47f, -EACCES },
	{ VMXHV_RANGE_MSR_PASS, RD, 0x47f, 0x480, -EACCES },
	{ VMXHV_RANGE_MSR_PASS, RD, 0, 0x1fff, -EACCES },
	{ VMXHV_RANGE_PORT_PASS, RDWR, 0, 0xffff, 0 },
	{ VMXHV_RANGE_PORT_PASS, WR, 0, 0, -EINVAL },
	{ VMXHV_RANGE_PORT_PASS, RDWR, 0, 0x10000, -EINVAL },
	{ VMXHV_RANGE_PORT_PASS + 1, RDWR, 0, 0, -EINVAL },
};

static void ranges(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vmxhv_range r = {
			.kind = cases[i].kind, .access = cases[i].access,
			.first = cases[i].first, .last = cases[i].last,
		};
		struct vmxhv_error err = {};

		KUNIT_EXPECT_EQ_MSG(test, config_check_ranges(&r, 1, &err), cases[i].wanted,
				    "case %u: %s", i, err.text);
	}
}

/* An MSR that the guest has of its own is never the host's, but for those that are switched. */
static void own_msrs(struct kunit *test)
{
	unsigned int i;

	for (i = 1; i < msr_policy_count; i++) {
		const struct msr_policy *p = &msr_policies[i];
		bool passes = p->flags & MSR_PASS_THROUGH;
		u32 which;

		KUNIT_EXPECT_EQ_MSG(test, passes, !msr_kept_back(p->first, p->first, RD, &which),
				    "%s", p->name);
		KUNIT_EXPECT_EQ_MSG(test, passes, !msr_kept_back(p->last, p->last, WR, &which),
				    "%s", p->name);
	}
}

static const struct vmxhv_range mixed[] = {
	{ VMXHV_RANGE_MSR_EXIT, RD, 0x174, 0x174, 0 },
	{ VMXHV_RANGE_MSR_EXIT, WR, 0xc0000000, U32_MAX, 0 },
	{ VMXHV_RANGE_MSR_PASS, RD, 0x1b0, 0x1b1, 0 },
	{ VMXHV_RANGE_MSR_PASS, WR, 0x1ffe, 0x1fff, 0 },
	{ VMXHV_RANGE_CPUID_EXIT, RD, 0x10, 0x1f, 0 },
	{ VMXHV_RANGE_PORT_PASS, RDWR, 0x7ff8, 0x8007, 0 },
};

static const struct vm_config config = { .ranges = mixed, .count = ARRAY_SIZE(mixed) };

static void msr_bits(struct kunit *test)
{
	static const struct { u32 bit; bool exits; } bits[] = {
		{ 0x174, true }, { 0x175, false }, { 0x4000 + 0x174, false },
		{ 0x1af, true }, { 0x1b0, false }, { 0x1b1, false }, { 0x1b2, true },
		{ 0x4000 + 0x1b0, true }, { 0x1ffe, true }, { 0x4000 + 0x1ffd, true },
		{ 0x4000 + 0x1ffe, false }, { 0x4000 + 0x1fff, false }, { 0x4000 + 0x2000, true },
		{ 0x2000 + 0x100, false }, { 0x6000 + 0x100, true }, { 0x6000 + 0x102, true },
		{ 0x2000 + 0x102, false }, { 0x10, true }, { 0x1000, true },
	};
	unsigned long *map = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, map);
	config_fill_msr_bitmap(&config, (u8 *)map);
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		KUNIT_EXPECT_EQ_MSG(test, (bool)test_bit(bits[i].bit, map), bits[i].exits,
				    "bit %#x", bits[i].bit);
	/* six are free in each half; one read and three writes exit, two of each more do not */
	KUNIT_EXPECT_EQ(test, bitmap_weight(map, 8 * PAGE_SIZE), 8 * PAGE_SIZE - (12 - 4 + 4));
}

static void port_bits(struct kunit *test)
{
	unsigned long *map = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, map);
	config_fill_io_bitmap(&config, (u8 *)map);
	KUNIT_EXPECT_EQ(test, find_first_zero_bit(map, 0x10000), 0x7ff8);
	KUNIT_EXPECT_EQ(test, find_next_bit(map, 0x10000, 0x7ff8), 0x8008);
	KUNIT_EXPECT_EQ(test, bitmap_weight(map, 0x10000), 0x10000 - 16);
}

static void covers(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, config_covers(&config, VMXHV_RANGE_MSR_EXIT, RD, 0x174));
	KUNIT_EXPECT_FALSE(test, config_covers(&config, VMXHV_RANGE_MSR_EXIT, WR, 0x174));
	KUNIT_EXPECT_FALSE(test, config_covers(&config, VMXHV_RANGE_MSR_EXIT, RD, 0x1b0));
	KUNIT_EXPECT_TRUE(test, config_covers(&config, VMXHV_RANGE_MSR_EXIT, WR, U32_MAX));
	KUNIT_EXPECT_FALSE(test, config_covers(&config, VMXHV_RANGE_CPUID_EXIT, RD, 0xf));
	KUNIT_EXPECT_TRUE(test, config_covers(&config, VMXHV_RANGE_CPUID_EXIT, RD, 0x1f));
}

static struct kunit_case config_cases[] = {
	KUNIT_CASE(ranges),
	KUNIT_CASE(own_msrs),
	KUNIT_CASE(msr_bits),
	KUNIT_CASE(port_bits),
	KUNIT_CASE(covers),
	{}
};

static struct kunit_suite config_suite = { .name = "config", .test_cases = config_cases };

kunit_test_suite(config_suite);
