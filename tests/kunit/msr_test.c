// SPDX-License-Identifier: GPL-2.0-only
/* MSRs: the table, the bitmap, the values, and the exits that need no VMX instruction. */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/vmx.h"

/* Every row is found at both its ends and nothing lies between rows that should not. */
static void msr_table(struct kunit *test)
{
	unsigned int i;

	for (i = 1; i < msr_policy_count; i++) {
		const struct msr_policy *p = &msr_policies[i];

		KUNIT_EXPECT_PTR_EQ_MSG(test, msr_find(p->first), p, "%s", p->name);
		KUNIT_EXPECT_PTR_EQ_MSG(test, msr_find(p->last), p, "%s", p->name);
		KUNIT_EXPECT_TRUE_MSG(test, p->offset || p->read || p->write, "%s", p->name);
		KUNIT_EXPECT_FALSE_MSG(test, p->offset && p->read, "%s", p->name);
		/* what userspace saves, it can restore */
		if (p->flags & MSR_IN_LIST)
			KUNIT_EXPECT_TRUE_MSG(test, (p->offset || p->read) && p->write, "%s",
					      p->name);
		/* in ascending order, hence apart */
		KUNIT_EXPECT_LE_MSG(test, p->first, p->last, "%s", p->name);
		KUNIT_EXPECT_GT_MSG(test, p->first, msr_policies[i - 1].last, "%s", p->name);
	}
}

static const u32 absent[] = {
	0x0, 0x1, 0x48, 0x49, 0xc1, 0xce, 0xcf, 0x10a, 0x122, 0x140, 0x173, 0x177, 0x17b, 0x186,
	0x1fc, 0x210, 0x24f, 0x251, 0x25a, 0x270, 0x276, 0x278, 0x300, 0x345, 0x38f, 0x3ff,
	0x400, 0x480, 0x491, 0x570, 0x606, 0x6a0, 0x6df, 0x6e1, 0x770, 0x7ff, 0x900, 0xda0,
	0xd90, 0x40000000, 0x4b564d00, 0x7fffffff, 0xc000007f, 0xc0000085, 0xc00000ff,
	0xc0000104, 0xc000010f, 0xc0000110, 0xc0010015, 0xffffffff,
};

static void msr_absent(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(absent); i++)
		KUNIT_EXPECT_NULL_MSG(test, msr_find(absent[i]), "%x", absent[i]);
}

static const u32 passed[] = {
	0x174, 0x175, 0x176, 0xc0000100, 0xc0000101, 0xc0000102,
};

/* The guest reaches six MSRs without an exit, to read and to write, and no other. */
static void msr_bitmap(struct kunit *test)
{
	u8 *map = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	u32 i, clear = 0;

	KUNIT_ASSERT_NOT_NULL(test, map);
	msr_bitmap_fill(map);
	for (i = 0; i < PAGE_SIZE; i++)
		clear += hweight8(~map[i]);
	KUNIT_EXPECT_EQ(test, clear, 2 * (u32)ARRAY_SIZE(passed));
	for (i = 0; i < ARRAY_SIZE(passed); i++) {
		u32 at = (passed[i] >> 31 ? 0x400 : 0) + (passed[i] & 0x1fff) / 8;
		u8 bit = BIT(passed[i] % 8);

		KUNIT_EXPECT_FALSE_MSG(test, map[at] & bit, "%x", passed[i]);
		KUNIT_EXPECT_FALSE_MSG(test, map[at + 0x800] & bit, "%x", passed[i]);
	}
}

static bool exits(const u8 *map, u32 msr)
{
	u32 at = (msr >> 31 ? 0x400 : 0) + (msr & 0x1fff) / 8;

	return map[at] & BIT(msr % 8) && map[at + 0x800] & BIT(msr % 8);
}

/* What one vCPU's CPUID hides exits in every bitmap of its VM. */
static void msr_bitmaps_follow_cpuid(struct kunit *test)
{
	struct vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	struct cpuid_table *table = kunit_kzalloc(test, sizeof(*table), GFP_KERNEL);
	u8 *map = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_NOT_NULL(test, vm);
	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_NOT_NULL(test, map);
	raw_spin_lock_init(&vm->bitmap_lock);
	vm->msr_bitmap = map;
	vm->x2apic_bitmap = map + PAGE_SIZE;
	vm->x2apic_filled = true;
	v->vm = vm;
	v->cpuid = table;
	msr_bitmap_fill(map);
	msr_bitmap_fill(map + PAGE_SIZE);
	table->unmet = BIT(NEEDS_SEP);
	msr_follow_cpuid(v);
	KUNIT_EXPECT_TRUE(test, msr_is_hidden(v, 0x175));
	KUNIT_EXPECT_TRUE(test, exits(map, 0x175));
	KUNIT_EXPECT_TRUE(test, exits(map + PAGE_SIZE, 0x175));
	KUNIT_EXPECT_FALSE(test, exits(map, 0xc0000101));
	KUNIT_EXPECT_FALSE(test, exits(map + PAGE_SIZE, 0xc0000101));
}

static void msr_pat(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, msr_pat_valid(MSR_PAT_RESET));
	KUNIT_EXPECT_TRUE(test, msr_pat_valid(0x0407050600070106ull));
	KUNIT_EXPECT_FALSE(test, msr_pat_valid(0x0007040600070402ull));
	KUNIT_EXPECT_FALSE(test, msr_pat_valid(0x0307040600070406ull));
	KUNIT_EXPECT_FALSE(test, msr_pat_valid(0x0007040600070408ull));
	KUNIT_EXPECT_FALSE(test, msr_pat_valid(~0ull));
}

static const struct {
	u32 msr;
	u64 value;
	bool valid;
} mtrrs[] = {
	{ 0x2ff, 0xc06, true }, { 0x2ff, 0, true }, { 0x2ff, 0xc07, false },
	{ 0x2ff, 0xc02, false }, { 0x2ff, 0x1c06, false }, { 0x2ff, 0x106, false },
	{ 0x200, 0x6, true }, { 0x200, 0xff000006, true }, { 0x200, 0x2, false },
	{ 0x200, 0x106, false }, { 0x200, BIT_ULL(45) | 6, true },
	{ 0x200, BIT_ULL(46) | 6, false }, { 0x201, 0x3fffff000800ull, true },
	{ 0x201, 0x400, false }, { 0x20f, BIT_ULL(46), false }, { 0x250, ~0ull, false },
	{ 0x250, 0x0606060606060606ull, true }, { 0x26f, 0x0606060606060607ull, false },
	{ 0x258, 0x0500000000000001ull, true }, { 0x268, 0x0300000000000000ull, false },
};

static void msr_mtrr(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mtrrs); i++)
		KUNIT_EXPECT_EQ_MSG(test, mtrrs[i].valid,
				    msr_mtrr_valid(mtrrs[i].msr, mtrrs[i].value, 46), "%x %llx",
				    mtrrs[i].msr, mtrrs[i].value);
}

static const struct {
	u64 address;
	bool la48, la57;
} addresses[] = {
	{ 0, true, true },
	{ 0x00007fffffffffff, true, true },
	{ 0x0000800000000000, false, true },
	{ 0xffff800000000000, true, true },
	{ 0xffff7fffffffffff, false, true },
	{ 0x0001000000000000, false, true },
	{ 0x00ffffffffffffff, false, true },
	{ 0x0100000000000000, false, false },
	{ 0xff00000000000000, false, true },
	{ 0xfeffffffffffffff, false, false },
	{ 0x8000000000000000, false, false },
};

static void msr_canonical_cases(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		u64 at = addresses[i].address;

		KUNIT_EXPECT_EQ_MSG(test, linear_canonical(at, 48), addresses[i].la48, "%llx", at);
		KUNIT_EXPECT_EQ_MSG(test, linear_canonical(at, 57), addresses[i].la57, "%llx", at);
	}
}

/* The width is the CPU's: a guest without 57-bit paging loads such addresses all the same. */
static void msr_canonical_writes(struct kunit *test)
{
	struct vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	u64 value = 0;

	KUNIT_ASSERT_NOT_NULL(test, v);
	vmx_caps.linear_bits = 57;
	KUNIT_EXPECT_EQ(test, 0, msr_set(v, MSR_LSTAR, BIT_ULL(55), false));
	KUNIT_EXPECT_EQ(test, 1, msr_set(v, MSR_LSTAR, BIT_ULL(56), false));
	KUNIT_EXPECT_EQ(test, 0, msr_set(v, MSR_KERNEL_GS_BASE, BIT_ULL(55), false));
	vmx_caps.linear_bits = 48;
	KUNIT_EXPECT_EQ(test, 1, msr_set(v, MSR_CSTAR, BIT_ULL(55), false));
	KUNIT_EXPECT_EQ(test, 1, msr_set(v, MSR_KERNEL_GS_BASE, BIT_ULL(47), false));
	KUNIT_EXPECT_EQ(test, 0, msr_get(v, MSR_LSTAR, &value));
	KUNIT_EXPECT_EQ(test, value, BIT_ULL(55));
}

static struct vcpu *cached_vcpu(struct kunit *test)
{
	struct vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct cpuid_table *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->maxphyaddr = 46;
	v->cpuid = t;
	v->loaded = true;
	v->reg_avail = CACHE_RIP | CACHE_RSP | CACHE_RFLAGS | CACHE_SHADOW;
	v->rip = 0x1000;
	v->rflags = X86_EFLAGS_FIXED;
	v->exit.valid = EXIT_HAS_INSN_LEN;
	v->exit.insn_len = 2;
	v->msrs.pat = MSR_PAT_RESET;
	v->msrs.misc_enable = 0x1801;
	v->efer = 0xd01;
	return v;
}

/* Each MTRR has a place of its own. */
static void msr_mtrr_slots(struct kunit *test)
{
	struct vcpu *v = cached_vcpu(test);
	u32 msr, n = 0;
	u64 *slot;

	for (msr = 0x200; msr <= 0x2ff; msr++) {
		slot = msr_mtrr_slot(&v->msrs, msr);
		if (!slot)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, *slot, 0ull, "%x", msr);
		*slot = msr;
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 16u + 11 + 1);
}

struct access {
	u32 msr;
	u64 value;
	bool fault;
};

static void expect_access(struct kunit *test, const struct access *a, bool write)
{
	struct vcpu *v = cached_vcpu(test);

	v->gpr[REG_RCX] = 0xdeadull << 32 | a->msr;
	if (write) {
		v->gpr[REG_RAX] = 0xdeadull << 32 | (u32)a->value;
		v->gpr[REG_RDX] = 0xdeadull << 32 | a->value >> 32;
		KUNIT_EXPECT_EQ(test, HANDLED, handle_wrmsr(v));
	} else {
		KUNIT_EXPECT_EQ(test, HANDLED, handle_rdmsr(v));
	}
	KUNIT_EXPECT_EQ_MSG(test, a->fault, v->events.exception.pending, "%x %llx", a->msr,
			    a->value);
	KUNIT_EXPECT_EQ_MSG(test, v->rip, a->fault ? 0x1000ull : 0x1002ull, "%x", a->msr);
	if (a->fault) {
		KUNIT_EXPECT_EQ(test, v->events.exception.vector, 13);
		KUNIT_EXPECT_TRUE(test, v->events.exception.has_error);
	} else if (!write) {
		KUNIT_EXPECT_EQ_MSG(test, vcpu_edx_eax(v), a->value, "%x", a->msr);
		KUNIT_EXPECT_EQ(test, v->gpr[REG_RAX] >> 32, 0ull);
		KUNIT_EXPECT_EQ(test, v->gpr[REG_RDX] >> 32, 0ull);
	}
}

static const struct access reads[] = {
	{ 0x277, MSR_PAT_RESET, false }, { 0xc0000080, 0xd01, false }, { 0x1a0, 0x1801, false },
	{ 0x17, 0, false }, { 0x34, 0, false }, { 0x3a, 1, false }, { 0xfe, 0x508, false },
	{ 0x179, 0, false }, { 0x2ff, 0, false }, { 0x79, 0, true }, { 0x48, 0, true },
	{ 0x17b, 0, true }, { 0x10a, 0, true }, { 0x600, 0, true }, { 0xc0000104, 0, true },
	{ 0xffffffff, 0, true }, { 0x480, 0, true },
};

static const struct access msr_writes[] = {
	{ 0x277, 0x0707070707070702ull, true }, { 0x8b, 0, false }, { 0x79, 1, false },
	{ 0x1a0, 0x1800, false }, { 0x1a0, 0x1801 | BIT_ULL(18), true },
	{ 0x1a0, 0x1801 | BIT_ULL(23), true },
	{ 0x1a0, 0x1801 | BIT_ULL(34), true }, { 0x3a, 5, true },
	{ 0x3a, 1, true }, { 0xfe, 0x508, true }, { 0x17, 0, true }, { 0x17a, 0, false },
	{ 0x17a, 4, true }, { 0x179, 0, true }, { 0x2ff, 0xc06, false }, { 0x2ff, 0xc07, true },
	{ 0x48, 0, true }, { 0x49, 1, true }, { 0x10b, 1, true }, { 0x1d9, 1, true },
	{ 0xc0000081, ~0ull, false }, { 0xc0000082, 0xffffffff81000000ull, false },
	{ 0xc0000082, BIT_ULL(47), true }, { 0xc0000084, 0x257fd5, false },
	{ 0xc0000084, BIT_ULL(32), true }, { 0xc0000103, BIT_ULL(32), true },
	{ 0xc0000103, 7, false }, { 0xc0000102, BIT_ULL(48), true },
	{ 0xc0000102, 0xffff888000000000ull, false },
};

static void msr_exits(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reads); i++)
		expect_access(test, &reads[i], false);
	for (i = 0; i < ARRAY_SIZE(msr_writes); i++)
		expect_access(test, &msr_writes[i], true);
}

/* SET_MSRS restores what the guest cannot write, if it is what is there. */
static void msr_from_user(struct kunit *test)
{
	struct vcpu *v = cached_vcpu(test);
	u64 value;

	KUNIT_EXPECT_EQ(test, 0, msr_set(v, 0x3a, 1, true));
	KUNIT_EXPECT_EQ(test, 1, msr_set(v, 0x3a, 5, true));
	KUNIT_EXPECT_EQ(test, 0, msr_set(v, 0xfe, 0x508, true));
	KUNIT_EXPECT_EQ(test, 1, msr_set(v, 0xfe, 0x50a, true));
	KUNIT_EXPECT_EQ(test, 0, msr_set(v, 0x8b, 0x1234ull << 32, true));
	KUNIT_EXPECT_EQ(test, 0, msr_set(v, 0x8b, 0, false));
	KUNIT_EXPECT_EQ(test, 0, msr_get(v, 0x8b, &value));
	KUNIT_EXPECT_EQ(test, value, 0x1234ull << 32);
	/* restoring TSC_ADJUST does not move the TSC */
	v->tsc.offset = 1000;
	KUNIT_EXPECT_EQ(test, 0, msr_set(v, 0x3b, 77, true));
	KUNIT_EXPECT_EQ(test, v->tsc.offset, 1000ull);
	KUNIT_EXPECT_EQ(test, v->msrs.tsc_adjust, 77ull);
}

static void msr_list_cases(struct kunit *test)
{
	struct vmxhv_msr_entry *list = kunit_kcalloc(test, 256, sizeof(*list), GFP_KERNEL);
	u32 count = 0, again = 0, i;

	KUNIT_ASSERT_NOT_NULL(test, list);
	KUNIT_EXPECT_EQ(test, -ENOSPC, msr_list(list, 0, &count));
	KUNIT_ASSERT_LE(test, count, 256u);
	KUNIT_EXPECT_EQ(test, -ENOSPC, msr_list(list, count - 1, &again));
	KUNIT_EXPECT_EQ(test, again, count);
	KUNIT_EXPECT_EQ(test, 0, msr_list(list, count, &again));
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_NOT_NULL_MSG(test, msr_find(list[i].index), "%x", list[i].index);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(msr_table),
	KUNIT_CASE(msr_absent),
	KUNIT_CASE(msr_bitmap),
	KUNIT_CASE(msr_bitmaps_follow_cpuid),
	KUNIT_CASE(msr_pat),
	KUNIT_CASE(msr_mtrr),
	KUNIT_CASE(msr_mtrr_slots),
	KUNIT_CASE(msr_canonical_cases),
	KUNIT_CASE(msr_canonical_writes),
	KUNIT_CASE(msr_exits),
	KUNIT_CASE(msr_from_user),
	KUNIT_CASE(msr_list_cases),
	{}
};

/* No VM is there that would have asked the CPU. */
static int msr_init(struct kunit *test)
{
	vmx_caps.linear_bits = 48;
	return 0;
}

static struct kunit_suite msr_suite = { .name = "msr", .init = msr_init, .test_cases = cases };

kunit_test_suite(msr_suite);
