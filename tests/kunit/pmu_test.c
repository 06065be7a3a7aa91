// SPDX-License-Identifier: GPL-2.0-only
/* What the MSR areas get of what perf says about the host's counters. */
#include <kunit/test.h>
#include <asm/msr-index.h>
#include <asm/perf_event.h>

#include "vmx/pmu.h"

#define GLOBAL	MSR_CORE_PERF_GLOBAL_CTRL
#define PEBS	MSR_IA32_PEBS_ENABLE

static const struct pmu_case {
	const char *name;
	int count;
	struct perf_guest_switch_msr said[4];	/* msr, host, guest */
	u32 chosen;
	struct vmx_msr_entry guest[2], host[2];	/* index, reserved, value */
	bool pebs;
} pmu_cases[] = {
	{ .name = "nothing is said", .count = 0, .said = { { GLOBAL, 1, 0 } } },
	{ .name = "no event, or none that cares", .count = 1, .said = { { GLOBAL, 15, 15 } } },
	{ .name = "an event excludes guests", .count = 1, .said = { { GLOBAL, 15, 14 } },
	  .chosen = 1, .guest = { { GLOBAL, 0, 14 } }, .host = { { GLOBAL, 0, 15 } } },
	{ .name = "an event excludes the host", .count = 1, .said = { { GLOBAL, 7, 15 } },
	  .chosen = 1, .guest = { { GLOBAL, 0, 15 } }, .host = { { GLOBAL, 0, 7 } } },
	{ .name = "PEBS without isolation", .count = 2,
	  .said = { { GLOBAL, 15, 14 }, { PEBS, 1, 0 } }, .chosen = 2, .pebs = true,
	  .guest = { { GLOBAL, 0, 14 }, { PEBS, 0, 0 } },
	  .host = { { GLOBAL, 0, 15 }, { PEBS, 0, 1 } } },
	{ .name = "PEBS is not on", .count = 2, .said = { { GLOBAL, 15, 14 }, { PEBS, 0, 0 } },
	  .chosen = 1, .guest = { { GLOBAL, 0, 14 } }, .host = { { GLOBAL, 0, 15 } } },
	{ .name = "where PEBS writes is no matter", .count = 3,
	  .said = { { GLOBAL, 15, 15 }, { MSR_IA32_DS_AREA, 0x1000, 0 },
		    { MSR_PEBS_DATA_CFG, 3, 0 } } },
	{ .name = "what differs stands last", .count = 4,
	  .said = { { GLOBAL, 15, 15 }, { MSR_IA32_DS_AREA, 0x1000, 0 },
		    { MSR_PEBS_DATA_CFG, 3, 0 }, { PEBS, 2, 0 } }, .chosen = 1, .pebs = true,
	  .guest = { { PEBS, 0, 0 } }, .host = { { PEBS, 0, 2 } } },
	{ .name = "version 1: event selects", .count = 2,
	  .said = { { MSR_ARCH_PERFMON_EVENTSEL0, 0x43003c, 0x03003c },
		    { MSR_ARCH_PERFMON_EVENTSEL1, 0x4300c0, 0x4300c0 } }, .chosen = 1,
	  .guest = { { MSR_ARCH_PERFMON_EVENTSEL0, 0, 0x03003c } },
	  .host = { { MSR_ARCH_PERFMON_EVENTSEL0, 0, 0x43003c } } },
};

static void pmu_case_name(const struct pmu_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pmu_case, pmu_cases, pmu_case_name);

static void chooses(struct kunit *test)
{
	const struct pmu_case *c = test->param_value;
	struct vmx_pmu *pmu = kunit_kzalloc(test, sizeof(*pmu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pmu);
	pmu->pebs = !c->pebs;		/* of an earlier burst */
	KUNIT_ASSERT_EQ(test, vmx_pmu_choose(pmu, c->said, c->count), c->chosen);
	KUNIT_EXPECT_EQ(test, pmu->pebs, c->pebs);
	KUNIT_EXPECT_MEMEQ(test, pmu->guest, c->guest, c->chosen * sizeof(c->guest[0]));
	KUNIT_EXPECT_MEMEQ(test, pmu->host, c->host, c->chosen * sizeof(c->host[0]));
}

/* Never beyond the areas, however many counters there are. */
static void is_bounded(struct kunit *test)
{
	struct perf_guest_switch_msr said[VMX_PMU_MSRS + 2];
	struct vmx_pmu *pmu = kunit_kzalloc(test, sizeof(*pmu), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pmu);
	for (i = 0; i < ARRAY_SIZE(said); i++)
		said[i] = (struct perf_guest_switch_msr){ .msr = i, .host = i + 1 };
	KUNIT_EXPECT_EQ(test, vmx_pmu_choose(pmu, said, ARRAY_SIZE(said)), (u32)VMX_PMU_MSRS);
	KUNIT_EXPECT_EQ(test, pmu->host[VMX_PMU_MSRS - 1].index, (u32)VMX_PMU_MSRS - 1);
	KUNIT_EXPECT_EQ(test, pmu->host[VMX_PMU_MSRS - 1].value, (u64)VMX_PMU_MSRS);
	KUNIT_EXPECT_EQ(test, pmu->count, 0u);
}

static struct kunit_case pmu_tests[] = {
	KUNIT_CASE_PARAM(chooses, pmu_case_gen_params),
	KUNIT_CASE(is_bounded),
	{}
};

static struct kunit_suite pmu_suite = {
	.name = "vmxhv-pmu",
	.test_cases = pmu_tests,
};

kunit_test_suite(pmu_suite);
