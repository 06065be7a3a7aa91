// SPDX-License-Identifier: GPL-2.0-only
/* A feature bit and the control behind it: never one without the other. */
#include <kunit/test.h>
#include <linux/mm.h>

#include "vcpu/cpuid.h"
#include "vmx/controls.h"

#define RDTSCP	SECONDARY_EXEC_ENABLE_RDTSCP
#define INVPCID	SECONDARY_EXEC_ENABLE_INVPCID
#define RDRAND	SECONDARY_EXEC_RDRAND_EXITING
#define RDSEED	SECONDARY_EXEC_RDSEED_EXITING
#define OTHERS	(SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID)

static const struct {
	u32 ecx_1, ebx_7, ecx_7, edx_ext;
	u32 allowed, now, wanted;
} rows[] = {
	{ 0, 0, 0, 0, ~0u, OTHERS, OTHERS | RDRAND | RDSEED },
	{ 0, 0, 0, 0, ~0u, ~0u, ~0u & ~RDTSCP & ~INVPCID },
	{ BIT(30), BIT(10) | BIT(18), BIT(22), BIT(27), ~0u, OTHERS, OTHERS | RDTSCP | INVPCID },
	{ BIT(30), BIT(10) | BIT(18), BIT(22), BIT(27), OTHERS, OTHERS, OTHERS },
	{ BIT(30), 0, 0, BIT(27), ~0u, OTHERS, OTHERS | RDTSCP | RDSEED },
	{ BIT(30), 0, BIT(22), 0, ~0u, OTHERS, OTHERS | RDTSCP | RDSEED },
	{ 0, BIT(18), 0, 0, ~0u, OTHERS | RDSEED | INVPCID, OTHERS | RDRAND },
	{ 0, BIT(10), 0, 0, INVPCID, OTHERS, OTHERS | INVPCID },
};

static void controls_follow(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct vmxhv_cpuid_entry entries[] = {
			{ .function = 0, .eax = 7 },
			{ .function = 1, .ecx = rows[i].ecx_1 },
			{ .function = 7, .flags = VMXHV_CPUID_INDEXED, .ebx = rows[i].ebx_7,
			  .ecx = rows[i].ecx_7 },
			{ .function = 0x80000000, .eax = 0x80000001 },
			{ .function = 0x80000001, .edx = rows[i].edx_ext },
		};
		struct cpuid_table *t = cpuid_table_build(entries, ARRAY_SIZE(entries), 0);

		KUNIT_ASSERT_NOT_NULL(test, t);
		KUNIT_EXPECT_EQ_MSG(test, cpuid_controls(t, rows[i].now, rows[i].allowed),
				    rows[i].wanted, "row %u", i);
		kvfree(t);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(controls_follow),
	{}
};

static struct kunit_suite controls_suite = { .name = "cpuid_controls", .test_cases = cases };

kunit_test_suite(controls_suite);
