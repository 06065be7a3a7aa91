// SPDX-License-Identifier: GPL-2.0-only
/* What a CPUID table loses and gets back by the guest's state, and the MSRs that follow it. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <asm/msr-index.h>

#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"

#define APIC	BIT(9)
#define NX	BIT(20)
#define LM	BIT(29)

static struct vmxhv_cpuid_entry entries[] = {
	{ .function = 0, .eax = 0x16 },
	{ .function = 1, .edx = APIC | BIT(4) | BIT(11) | BIT(12) | BIT(14) | BIT(16) },
	{ .function = 2, .eax = 0x76036301 },
	{ .function = 4, .flags = VMXHV_CPUID_INDEXED, .eax = 0x121 },
	{ .function = 7, .flags = VMXHV_CPUID_INDEXED, .ebx = BIT(1) },
	{ .function = 0x16, .eax = 2000 },
	{ .function = 0x80000000, .eax = 0x80000001 },
	{ .function = 0x80000001, .edx = NX | LM | BIT(27) | BIT(11) },
};

static struct cpuid_table *build(struct kunit *test)
{
	struct cpuid_table *t = cpuid_table_build(entries, ARRAY_SIZE(entries), 0);

	KUNIT_ASSERT_NOT_NULL(test, t);
	return t;
}

/* What userspace asked to be asked for stays so. */
static void taken_away_and_given_back(struct kunit *test)
{
	const struct cpuid_state none = {
		.xcr0 = 1,
		.misc_enable = MSR_IA32_MISC_ENABLE_LIMIT_CPUID | MSR_IA32_MISC_ENABLE_XD_DISABLE,
	};
	struct cpuid_table *t = build(test);

	cpuid_ask(t, 4, 4);
	KUNIT_EXPECT_TRUE(test, cpuid_table_has(t, 1, 0, CPUID_REG_EDX, 9));
	KUNIT_EXPECT_TRUE(test, t->efer_valid & EFER_NX);
	cpuid_table_refresh(t, &none);
	KUNIT_EXPECT_FALSE(test, cpuid_table_has(t, 1, 0, CPUID_REG_EDX, 9));
	KUNIT_EXPECT_FALSE(test, cpuid_table_has(t, 0x80000001, 0, CPUID_REG_EDX, 20));
	KUNIT_EXPECT_FALSE(test, t->efer_valid & EFER_NX);
	KUNIT_EXPECT_TRUE(test, t->efer_valid & EFER_LME);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 0)->row->eax, 2u);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 7)->row->function, 2u);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 0x20)->row->function, 2u);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 4)->subleaves, CPUID_ASK);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 0x80000000)->row->function, 0x80000000);
	cpuid_table_refresh(t, &(const struct cpuid_state){ .xcr0 = 1, .apic = true });
	KUNIT_EXPECT_TRUE(test, cpuid_table_has(t, 1, 0, CPUID_REG_EDX, 9));
	KUNIT_EXPECT_TRUE(test, cpuid_table_has(t, 0x80000001, 0, CPUID_REG_EDX, 20));
	KUNIT_EXPECT_TRUE(test, t->efer_valid & EFER_NX);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 0)->row->eax, 0x16u);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 7)->row->function, 7u);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 4)->subleaves, CPUID_ASK);
	KUNIT_EXPECT_EQ(test, cpuid_slot_of(t, 4)->row->function, 4u);
	kvfree(t);
}

/* A table without the feature has none by any state. */
static void not_given(struct kunit *test)
{
	struct cpuid_table *t;

	entries[1].edx &= ~APIC;
	t = build(test);
	entries[1].edx |= APIC;
	KUNIT_EXPECT_FALSE(test, cpuid_table_has(t, 1, 0, CPUID_REG_EDX, 9));
	cpuid_table_refresh(t, &(const struct cpuid_state){ .xcr0 = 1, .apic = true });
	KUNIT_EXPECT_FALSE(test, cpuid_table_has(t, 1, 0, CPUID_REG_EDX, 9));
	kvfree(t);
}

/* By the entry and bit that is hidden: how many rows of msr_table.def are. */
static const struct {
	u32 entry, edx;
	u32 msr;		/* one of them */
	u32 rows;
} hidden[] = {
	{ 1, 0, 0, 0 }, { 1, BIT(4), 0x10, 1 }, { 1, BIT(11), 0x175, 1 }, { 1, BIT(12), 0x200, 6 },
	{ 1, BIT(14), 0x17a, 2 }, { 1, BIT(16), 0x277, 1 }, { 7, NX, 0, 0 },
	{ 7, NX | LM, 0xc0000080, 8 }, { 7, LM, 0xc0000102, 7 }, { 7, BIT(27), 0xc0000103, 1 },
};

static void hidden_msrs(struct kunit *test)
{
	struct vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, v);
	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		u32 edx = entries[hidden[i].entry].edx;
		struct cpuid_table *t;

		entries[hidden[i].entry].edx &= ~hidden[i].edx;
		t = build(test);
		entries[hidden[i].entry].edx = edx;
		v->msr_hidden = msr_hidden_rows(t);
		KUNIT_EXPECT_EQ_MSG(test, hweight32(v->msr_hidden), hidden[i].rows, "%u", i);
		if (hidden[i].rows)
			KUNIT_EXPECT_TRUE_MSG(test, msr_is_hidden(v, hidden[i].msr), "%u", i);
		KUNIT_EXPECT_FALSE(test, msr_is_hidden(v, MSR_IA32_MISC_ENABLE));
		kvfree(t);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(taken_away_and_given_back),
	KUNIT_CASE(not_given),
	KUNIT_CASE(hidden_msrs),
	{}
};

static struct kunit_suite suite = { .name = "cpuid_follow", .test_cases = cases };

kunit_test_suite(suite);
