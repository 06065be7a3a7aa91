// SPDX-License-Identifier: GPL-2.0-only
/* CPUID: what a guest sees of invented hosts, which tables are taken, and how leaves are found. */
#include <kunit/test.h>
#include <linux/slab.h>
#include <asm/cpufeatures.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"

#define WORDS	NCAPINTS

/* A host: the same value in every feature register, and what the other leaves need. */
struct host {
	u32 max_basic;
	u32 max_ext;
	u32 features;
};

static const struct host everything = { 0x20, 0x80000021, ~0u };
static const struct host nothing = { 0x20, 0x80000008, 0 };
static const struct host old = { 0xd, 0x80000008, ~0u };	/* no leaf 15H: Sandy Bridge */

/* XSAVE components: size, offset, aligned when compacted */
static const u32 components[][3] = {
	[2] = { 256, 576, 0 }, [5] = { 64, 1088, 0 }, [6] = { 512, 1152, 0 },
	[7] = { 1024, 1664, 0 }, [9] = { 8, 2688, 0 },
};

static void read_leaf_d(u32 index, u32 features, u32 *regs)
{
	if (index == 1) {
		regs[0] = features;
	} else if (index && index < ARRAY_SIZE(components)) {
		regs[0] = components[index][0];
		regs[1] = components[index][1];
		regs[2] = components[index][2];
	}
}

static void host_read(const void *ctx, u32 leaf, u32 index, u32 *regs)
{
	const struct host *h = ctx;

	memset(regs, 0, 4 * sizeof(*regs));
	switch (leaf) {
	case 0:
		regs[0] = h->max_basic;
		memcpy(&regs[1], "GenuntelineI", 12);
		return;
	case 1:
		regs[0] = 0x50654;
		regs[1] = 0x07200800;
		regs[2] = h->features;
		regs[3] = h->features;
		return;
	case 4:
		regs[0] = index < 2 ? 0xfc004121 : 0;
		return;
	case 7:
		regs[0] = index ? h->features : 2;
		regs[1] = h->features;
		regs[2] = h->features;
		regs[3] = h->features;
		return;
	case 0xd:
		read_leaf_d(index, h->features, regs);
		return;
	case 0x80000000:
		regs[0] = h->max_ext;
		return;
	case 0x80000001:
		regs[2] = h->features;
		regs[3] = h->features;
		return;
	case 0x80000002 ... 0x80000004:
		memset(regs, 'x', 16);
		return;
	case 0x80000008:
		regs[0] = 0x302e;
		regs[1] = h->features;
		return;
	}
	memset(regs, 0xff, 4 * sizeof(*regs));
}

struct fixture {
	struct cpuid_source source;
	u32 caps[WORDS];
	struct vmxhv_cpuid_entry entries[CPUID_MAX_ENTRIES];
	u32 count;
	struct vmxhv_error err;
};

static struct fixture *filtered(struct kunit *test, const struct host *host, u64 xcr0)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	memset(f->caps, 0xff, sizeof(f->caps));
	f->source = (struct cpuid_source){
		.read = host_read, .ctx = host, .kernel_caps = f->caps, .xcr0 = xcr0,
		.tsc_khz = 50000, .rdtscp = true, .invpcid = true,
	};
	KUNIT_ASSERT_EQ(test, 0,
			cpuid_filter(&f->source, f->entries, CPUID_MAX_ENTRIES, &f->count));
	return f;
}

static struct vmxhv_cpuid_entry *entry(struct fixture *f, u32 leaf, u32 index)
{
	u32 i;

	for (i = 0; i < f->count; i++)
		if (f->entries[i].function == leaf && f->entries[i].index == index)
			return &f->entries[i];
	return NULL;
}

static bool has(struct fixture *f, u32 leaf, u32 index, int reg, int bit)
{
	struct vmxhv_cpuid_entry *e = entry(f, leaf, index);

	return e && (&e->eax)[reg] & BIT(bit);
}

enum { EAX, EBX, ECX, EDX };

struct bit_case {
	const char *name;
	u32 leaf, index;
	int reg, bit;
};

static const struct bit_case hidden[] = {
	{ "DTES64", 1, 0, ECX, 2 }, { "MONITOR", 1, 0, ECX, 3 }, { "DS-CPL", 1, 0, ECX, 4 },
	{ "VMX", 1, 0, ECX, 5 }, { "SMX", 1, 0, ECX, 6 }, { "EIST", 1, 0, ECX, 7 },
	{ "TM2", 1, 0, ECX, 8 }, { "PDCM", 1, 0, ECX, 15 }, { "DCA", 1, 0, ECX, 18 },
	{ "OSXSAVE", 1, 0, ECX, 27 }, { "DS", 1, 0, EDX, 21 }, { "ACPI", 1, 0, EDX, 22 },
	{ "HTT", 1, 0, EDX, 28 }, { "TM", 1, 0, EDX, 29 }, { "SGX", 7, 0, EBX, 2 },
	{ "CQM", 7, 0, EBX, 12 }, { "MPX", 7, 0, EBX, 14 }, { "RDT", 7, 0, EBX, 15 },
	{ "PT", 7, 0, EBX, 25 }, { "PKU", 7, 0, ECX, 3 }, { "OSPKE", 7, 0, ECX, 4 },
	{ "WAITPKG", 7, 0, ECX, 5 }, { "CET_SS", 7, 0, ECX, 7 }, { "LA57", 7, 0, ECX, 16 },
	{ "KL", 7, 0, ECX, 23 }, { "ENQCMD", 7, 0, ECX, 29 }, { "PKS", 7, 0, ECX, 31 },
	{ "UINTR", 7, 0, EDX, 5 }, { "PCONFIG", 7, 0, EDX, 18 }, { "LBR", 7, 0, EDX, 19 },
	{ "CET_IBT", 7, 0, EDX, 20 }, { "AMX_BF16", 7, 0, EDX, 22 },
	{ "AMX_TILE", 7, 0, EDX, 24 }, { "AMX_INT8", 7, 0, EDX, 25 },
	{ "SPEC_CTRL", 7, 0, EDX, 26 }, { "STIBP", 7, 0, EDX, 27 },
	{ "L1D_FLUSH", 7, 0, EDX, 28 }, { "ARCH_CAP", 7, 0, EDX, 29 },
	{ "CORE_CAP", 7, 0, EDX, 30 }, { "SSBD", 7, 0, EDX, 31 }, { "FRED", 7, 1, EAX, 17 },
	{ "XSAVES", 0xd, 1, EAX, 3 }, { "XFD", 0xd, 1, EAX, 4 },
	{ "HWP", 6, 0, EAX, 7 }, { "DTHERM", 6, 0, EAX, 0 },
	{ "SVM", 0x80000001, 0, ECX, 2 }, { "MWAITX", 0x80000001, 0, ECX, 29 },
	{}
};

static const struct bit_case emulated[] = {
	{ "APIC", 1, 0, EDX, 9 }, { "MCE", 1, 0, EDX, 7 }, { "MCA", 1, 0, EDX, 14 },
	{ "MTRR", 1, 0, EDX, 12 }, { "X2APIC", 1, 0, ECX, 21 },
	{ "TSC_DEADLINE", 1, 0, ECX, 24 }, { "HYPERVISOR", 1, 0, ECX, 31 },
	{ "ARAT", 6, 0, EAX, 2 }, { "TSC_ADJUST", 7, 0, EBX, 1 },
	{}
};

/* What depends on the XSAVE state components. */
static const struct bit_case with_xsave[] = {
	{ "XSAVE", 1, 0, ECX, 26 }, { "XSAVEOPT", 0xd, 1, EAX, 0 },
	{ "XSAVEC", 0xd, 1, EAX, 1 }, { "XGETBV1", 0xd, 1, EAX, 2 },
	{}
};

static const struct bit_case with_avx[] = {
	{ "AVX", 1, 0, ECX, 28 }, { "FMA", 1, 0, ECX, 12 }, { "F16C", 1, 0, ECX, 29 },
	{ "AVX2", 7, 0, EBX, 5 }, { "VAES", 7, 0, ECX, 9 }, { "AVX_VNNI", 7, 1, EAX, 4 },
	{}
};

static const struct bit_case with_avx512[] = {
	{ "AVX512F", 7, 0, EBX, 16 }, { "AVX512BW", 7, 0, EBX, 30 },
	{ "AVX512VBMI", 7, 0, ECX, 1 }, { "AVX512_FP16", 7, 0, EDX, 23 },
	{ "AVX512_BF16", 7, 1, EAX, 5 },
	{}
};

static void expect_bits(struct kunit *test, struct fixture *f, const struct bit_case *c, bool set)
{
	for (; c->name; c++)
		KUNIT_EXPECT_EQ_MSG(test, set, has(f, c->leaf, c->index, c->reg, c->bit), "%s",
				    c->name);
}

static void cpuid_hides(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);

	expect_bits(test, f, hidden, false);
	expect_bits(test, f, emulated, true);
	expect_bits(test, f, with_xsave, true);
	expect_bits(test, f, with_avx, true);
	expect_bits(test, f, with_avx512, true);
}

static void cpuid_emulates(struct kunit *test)
{
	struct fixture *f = filtered(test, &nothing, 0);
	struct vmxhv_cpuid_entry *e = entry(f, 1, 0);

	expect_bits(test, f, emulated, true);
	/* and nothing else */
	KUNIT_EXPECT_EQ(test, e->ecx, (u32)(BIT(21) | BIT(24) | BIT(31)));
	KUNIT_EXPECT_EQ(test, e->edx, (u32)(BIT(7) | BIT(9) | BIT(12) | BIT(14)));
	KUNIT_EXPECT_EQ(test, entry(f, 7, 0)->ebx, (u32)BIT(1));
}

/* MCE is CPUID.1:EDX[7]: not taken from there, and not put into ECX[7], which is EIST. */
static void cpuid_mce_register(struct kunit *test)
{
	const struct host *hosts[] = { &everything, &nothing, &old };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct fixture *f = filtered(test, hosts[i], 7);

		KUNIT_EXPECT_TRUE(test, has(f, 1, 0, EDX, 7));
		KUNIT_EXPECT_FALSE(test, has(f, 1, 0, ECX, 7));
	}
}

static void cpuid_xsave_levels(struct kunit *test)
{
	struct fixture *none = filtered(test, &everything, 0);
	struct fixture *sse = filtered(test, &everything, 3);
	struct fixture *avx = filtered(test, &everything, 7);

	expect_bits(test, none, with_xsave, false);
	expect_bits(test, none, with_avx, false);
	expect_bits(test, none, with_avx512, false);
	KUNIT_EXPECT_NULL(test, entry(none, 0xd, 0));
	expect_bits(test, sse, with_xsave, true);
	expect_bits(test, sse, with_avx, false);
	expect_bits(test, avx, with_avx, true);
	expect_bits(test, avx, with_avx512, false);
	KUNIT_EXPECT_EQ(test, entry(avx, 0xd, 0)->eax, 7u);
	KUNIT_EXPECT_EQ(test, entry(avx, 0xd, 0)->ecx, 832u);
	KUNIT_EXPECT_NULL(test, entry(avx, 0xd, 5));
}

static void cpuid_follows_controls(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);

	KUNIT_EXPECT_TRUE(test, has(f, 0x80000001, 0, EDX, 27));
	KUNIT_EXPECT_TRUE(test, has(f, 7, 0, EBX, 10));
	f->source.rdtscp = false;
	f->source.invpcid = false;
	cpuid_filter(&f->source, f->entries, CPUID_MAX_ENTRIES, &f->count);
	KUNIT_EXPECT_FALSE(test, has(f, 0x80000001, 0, EDX, 27));
	KUNIT_EXPECT_FALSE(test, has(f, 7, 0, ECX, 22));
	KUNIT_EXPECT_FALSE(test, has(f, 7, 0, EBX, 10));
}

/* A bit that the host's kernel was told not to use (clearcpuid=) is not for guests either. */
static void cpuid_follows_kernel(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);

	KUNIT_EXPECT_TRUE(test, has(f, 1, 0, ECX, 30));
	f->caps[X86_FEATURE_RDRAND / 32] &= ~BIT(X86_FEATURE_RDRAND % 32);
	cpuid_filter(&f->source, f->entries, CPUID_MAX_ENTRIES, &f->count);
	KUNIT_EXPECT_FALSE(test, has(f, 1, 0, ECX, 30));
	KUNIT_EXPECT_TRUE(test, has(f, 1, 0, ECX, 28));
}

static void cpuid_fixed_leaves(struct kunit *test)
{
	struct fixture *f = filtered(test, &old, 0xe7);
	struct vmxhv_cpuid_entry *e;

	KUNIT_EXPECT_EQ(test, entry(f, 0, 0)->eax, 0x16u);
	e = entry(f, 1, 0);
	KUNIT_EXPECT_EQ(test, e->eax, 0x50654u);
	KUNIT_EXPECT_EQ(test, e->ebx, 0x00010800u);
	KUNIT_EXPECT_EQ(test, entry(f, 4, 0)->eax, 0x121u);
	KUNIT_EXPECT_EQ(test, entry(f, 4, 2)->eax, 0u);
	KUNIT_EXPECT_NULL(test, entry(f, 0xa, 0));
	e = entry(f, 0x15, 0);
	KUNIT_EXPECT_EQ(test, e->eax, 1u);
	KUNIT_EXPECT_EQ(test, e->ebx, 1u);
	KUNIT_EXPECT_EQ(test, e->ecx, 50000000u);
	KUNIT_EXPECT_EQ(test, entry(f, 0x16, 0)->eax, 50u);
	e = entry(f, 0x40000000, 0);
	KUNIT_EXPECT_EQ(test, e->eax, 0x40000001u);
	KUNIT_EXPECT_EQ(test, 0, memcmp(&e->ebx, "VmxhvVmxhv\0", 12));
	KUNIT_EXPECT_EQ(test, entry(f, 0x80000000, 0)->eax, 0x80000008u);
	KUNIT_EXPECT_EQ(test, entry(f, 0x80000003, 0)->edx, 0x78787878u);
	KUNIT_EXPECT_EQ(test, entry(f, 0x80000007, 0)->edx, (u32)BIT(8));
	KUNIT_EXPECT_EQ(test, entry(f, 0x80000007, 0)->eax, 0u);
	KUNIT_EXPECT_EQ(test, entry(f, 0x80000008, 0)->eax, 0x302eu);
	KUNIT_EXPECT_EQ(test, entry(f, 0x80000008, 0)->ebx, 0u);
}

/* A TSC beyond 4.29 GHz does not fit ECX: better not told than told wrong. */
static void cpuid_fast_tsc(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 7);

	f->source.tsc_khz = 4300000;
	cpuid_filter(&f->source, f->entries, CPUID_MAX_ENTRIES, &f->count);
	KUNIT_EXPECT_EQ(test, entry(f, 0x15, 0)->ecx, 0u);
	KUNIT_EXPECT_EQ(test, entry(f, 0x15, 0)->eax, 0u);
	KUNIT_EXPECT_EQ(test, entry(f, 0x16, 0)->eax, 4300u);
}

static void cpuid_counts(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);
	u32 count = 0;

	KUNIT_EXPECT_EQ(test, -ENOSPC, cpuid_filter(&f->source, f->entries, 1, &count));
	KUNIT_EXPECT_EQ(test, count, f->count);
	KUNIT_EXPECT_EQ(test, -ENOSPC, cpuid_filter(&f->source, NULL, 0, &count));
	KUNIT_EXPECT_EQ(test, 0, cpuid_filter(&f->source, f->entries, count, &count));
}

static int check(struct fixture *f, const struct vmxhv_cpuid_entry *table, u32 count)
{
	return cpuid_check(f->entries, f->count, table, count, &f->err);
}

static struct vmxhv_cpuid_entry *copy_table(struct kunit *test, struct fixture *f)
{
	struct vmxhv_cpuid_entry *t = kunit_kcalloc(test, CPUID_MAX_ENTRIES + 1, sizeof(*t),
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	memcpy(t, f->entries, f->count * sizeof(*t));
	return t;
}

/* One thing changed in the host's own table. reg 4: index, 5: flags, 6: reserved. */
static const struct {
	const char *name;
	u32 leaf, index;
	int reg;
	u32 value;
	int ret;
} changes[] = {
	{ "as it is", 1, 0, EAX, 0x50654, 0 },
	{ "another signature", 1, 0, EAX, 0x306d4, 0 },
	{ "fewer features", 1, 0, EDX, 0x80, 0 },
	{ "VMX", 1, 0, ECX, BIT(5), -EINVAL },
	{ "OSXSAVE, which follows CR4", 1, 0, ECX, BIT(26) | BIT(27), 0 },
	{ "a feature of leaf 7", 7, 0, EBX, BIT(2), -EINVAL },
	{ "SPEC_CTRL", 7, 0, EDX, BIT(26), -EINVAL },
	{ "more subleaves of leaf 7", 7, 0, EAX, 2, -EINVAL },
	{ "another vendor", 0, 0, EBX, 0x68747541, 0 },
	{ "a highest leaf beyond the slots", 0, 0, EAX, 0x20, -EINVAL },
	{ "another hypervisor", 0x40000000, 0, EBX, 0x4b4d564b, 0 },
	{ "frequency", 0x15, 0, ECX, 24000000, 0 },
	{ "brand", 0x80000002, 0, EAX, 0x41414141, 0 },
	{ "XCR0 without SSE", 0xd, 0, EAX, 5, -EINVAL },
	{ "XCR0 with a part of AVX-512", 0xd, 0, EAX, 0x27, -EINVAL },
	{ "XCR0 with PKRU", 0xd, 0, EAX, 0x2e7, -EINVAL },
	{ "a component moved", 0xd, 2, EBX, 640, -EINVAL },
	{ "XSAVES", 0xd, 1, EAX, BIT(3), -EINVAL },
	{ "narrower addresses", 0x80000008, 0, EAX, 0x3024, 0 },
	{ "wider addresses", 0x80000008, 0, EAX, 0x302f, -EINVAL },
	{ "too narrow addresses", 0x80000008, 0, EAX, 0x301f, -EINVAL },
	{ "other linear addresses", 0x80000008, 0, EAX, 0x392e, -EINVAL },
	{ "no invariant TSC", 0x80000007, 0, EDX, 0, 0 },
	{ "highest extended leaf", 0x80000000, 0, EAX, 0x80000020, -EINVAL },
	{ "ARAT and HWP", 6, 0, EAX, 0x84, -EINVAL },
	{ "index without the flag", 1, 0, 4, 1, -EINVAL },
	{ "unknown flag", 1, 0, 5, 2, -EINVAL },
	{ "reserved", 1, 0, 6, 1, -EINVAL },
};

static void apply_change(struct vmxhv_cpuid_entry *e, int reg, u32 value)
{
	switch (reg) {
	case 4:
		e->index = value;
		break;
	case 5:
		e->flags = value;
		break;
	case 6:
		e->reserved = value;
		break;
	default:
		(&e->eax)[reg] = value;
	}
}

static void cpuid_check_changes(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);
	struct vmxhv_cpuid_entry *t = copy_table(test, f);
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		memcpy(t, f->entries, f->count * sizeof(*t));
		memset(&f->err, 0, sizeof(f->err));
		k = entry(f, changes[i].leaf, changes[i].index) - f->entries;
		apply_change(&t[k], changes[i].reg, changes[i].value);

		KUNIT_EXPECT_EQ_MSG(test, changes[i].ret, check(f, t, f->count), "%s",
				    changes[i].name);
		if (!changes[i].ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, f->err.code, (u32)VMXHV_ERR_CPUID, "%s",
				    changes[i].name);
		KUNIT_EXPECT_EQ_MSG(test, f->err.index, k, "%s", changes[i].name);
		KUNIT_EXPECT_EQ_MSG(test, f->err.item, changes[i].leaf, "%s", changes[i].name);
	}
}

/* What is taken away, and which leaf then shows a feature that cannot be used. */
static const struct {
	u32 leaf, reg, clear, complains;
} less[] = {
	{ 0xd, EAX, 0xe0, 7 },		/* AVX-512's states */
	{ 0xd, EAX, 0xe4, 1 },		/* and AVX's */
	{ 0xd, EAX, ~0u, 1 },
	{ 1, ECX, BIT(26), 1 },		/* XSAVE */
};

static void cpuid_check_states(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);
	struct vmxhv_cpuid_entry *t = copy_table(test, f);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(less); i++) {
		memcpy(t, f->entries, f->count * sizeof(*t));
		(&t[entry(f, less[i].leaf, 0) - f->entries].eax)[less[i].reg] &= ~less[i].clear;
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, check(f, t, f->count), "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, f->err.item, less[i].complains, "row %u: %s", i,
				    f->err.text);
	}
	/* the features went, too */
	f = filtered(test, &everything, 0);
	memcpy(t, f->entries, f->count * sizeof(*t));
	KUNIT_EXPECT_EQ(test, 0, check(f, t, f->count));
}

static void cpuid_check_tables(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);
	struct vmxhv_cpuid_entry *t = copy_table(test, f);

	KUNIT_EXPECT_EQ(test, 0, check(f, t, 0));
	t[f->count] = t[3];
	KUNIT_EXPECT_EQ(test, -EINVAL, check(f, t, f->count + 1));
	KUNIT_EXPECT_EQ(test, f->err.index, f->count);
	/* a leaf that the host's table has not: only empty, or topology */
	t[f->count] = (struct vmxhv_cpuid_entry){ .function = 0xa };
	KUNIT_EXPECT_EQ(test, 0, check(f, t, f->count + 1));
	t[f->count].eax = 0x07300404;
	KUNIT_EXPECT_EQ(test, -EINVAL, check(f, t, f->count + 1));
	t[f->count].function = 0x1f;
	KUNIT_EXPECT_EQ(test, 0, check(f, t, f->count + 1));
	KUNIT_EXPECT_EQ(test, -E2BIG, check(f, t, CPUID_MAX_ENTRIES + 1));
	KUNIT_EXPECT_EQ(test, f->err.wanted, (u64)CPUID_MAX_ENTRIES);
}

static struct cpuid_table *build(struct kunit *test, struct fixture *f, u32 id)
{
	struct cpuid_table *t = cpuid_table_build(f->entries, f->count, id);

	KUNIT_ASSERT_NOT_NULL(test, t);
	return t;
}

static void cpuid_table_state(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);
	struct cpuid_table *t = build(test, f, 5);

	KUNIT_EXPECT_EQ(test, t->maxphyaddr, 0x2e);
	KUNIT_EXPECT_EQ(test, t->xcr0_valid, 0xe7ull);
	KUNIT_EXPECT_EQ(test, cpuid_lookup(t, 1, 0)->ebx, 0x05010800u);
	KUNIT_EXPECT_EQ(test, cpuid_lookup(t, 0xb, 1)->edx, 5u);
	KUNIT_EXPECT_EQ(test, cpuid_lookup(t, 0xd, 0)->ebx, 576u);
	KUNIT_EXPECT_FALSE(test, cpuid_table_has(t, 1, 0, ECX, 27));

	cpuid_table_refresh(t, &(const struct cpuid_state){
		.cr4 = X86_CR4_OSXSAVE, .xcr0 = 7, .apic = true });
	KUNIT_EXPECT_TRUE(test, cpuid_table_has(t, 1, 0, ECX, 27));
	KUNIT_EXPECT_EQ(test, cpuid_lookup(t, 0xd, 0)->ebx, 832u);
	KUNIT_EXPECT_EQ(test, cpuid_lookup(t, 0xd, 0)->ecx, 2688u);
	cpuid_table_refresh(t, &(const struct cpuid_state){ .xcr0 = 0xe7, .apic = true });
	KUNIT_EXPECT_FALSE(test, cpuid_table_has(t, 1, 0, ECX, 27));
	KUNIT_EXPECT_EQ(test, cpuid_lookup(t, 0xd, 0)->ebx, 2688u);
	KUNIT_EXPECT_EQ(test, cpuid_lookup(t, 0xd, 1)->ebx, 2432u);
	kvfree(t);
}

/* The exit handler on a vCPU whose registers are all cached: no VMX instruction runs. */
static const struct {
	u32 leaf, index;
	u32 as_leaf, as_index;	/* reads as this row; leaf ~0: zeros */
} lookups[] = {
	{ 0, 0, 0, 0 }, { 1, 77, 1, 0 }, { 4, 1, 4, 1 }, { 7, 1, 7, 1 }, { 7, 2, ~0, 0 },
	{ 3, 0, ~0, 0 }, { 0xa, 0, ~0, 0 }, { 0xd, 3, ~0, 0 }, { 0xd, 7, 0xd, 7 },
	{ 0x16, 0, 0x16, 0 }, { 0x17, 0, 0x16, 0 }, { 0x1f, 0, 0x16, 0 }, { 0x20, 0, 0x16, 0 },
	{ 0x3fffffff, 0, 0x16, 0 }, { 0x40000000, 0, 0x40000000, 0 },
	{ 0x40000002, 0, 0x16, 0 }, { 0x40000010, 0, 0x16, 0 }, { 0x7fffffff, 0, 0x16, 0 },
	{ 0x80000008, 0, 0x80000008, 0 }, { 0x80000009, 0, 0x16, 0 },
	{ 0x80000020, 0, 0x16, 0 }, { 0xffffffff, 0xffffffff, 0x16, 0 },
};

static struct vcpu *cached_vcpu(struct kunit *test, struct cpuid_table *t)
{
	struct vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, v);
	v->cpuid = t;
	v->id = 5;
	v->reg_avail = CACHE_RIP | CACHE_RSP | CACHE_RFLAGS | CACHE_SHADOW;
	v->rip = 0x1000;
	v->rflags = X86_EFLAGS_FIXED;
	v->exit.valid = EXIT_HAS_INSN_LEN;
	v->exit.insn_len = 2;
	return v;
}

static void cpuid_exit(struct kunit *test)
{
	struct fixture *f = filtered(test, &everything, 0xe7);
	struct cpuid_table *first = build(test, f, 9);
	struct cpuid_table *t = cpuid_table_copy(first, 5, GFP_KERNEL);
	struct vcpu *v = cached_vcpu(test, t);
	static const struct vmxhv_cpuid_entry zero;
	unsigned int i;

	/* a copy stands by itself */
	KUNIT_ASSERT_NOT_NULL(test, t);
	kvfree(first);
	for (i = 0; i < ARRAY_SIZE(lookups); i++) {
		const struct vmxhv_cpuid_entry *e = &zero;

		if (lookups[i].as_leaf != ~0u)
			e = cpuid_lookup(t, lookups[i].as_leaf, lookups[i].as_index);
		KUNIT_ASSERT_NOT_NULL(test, e);
		/* the upper halves must not matter, and must be gone after */
		v->gpr[REG_RAX] = 0xdeadull << 32 | lookups[i].leaf;
		v->gpr[REG_RCX] = 0xdeadull << 32 | lookups[i].index;
		v->gpr[REG_RBX] = ~0ull;
		v->gpr[REG_RDX] = ~0ull;
		KUNIT_EXPECT_EQ(test, HANDLED, handle_cpuid(v));
		KUNIT_EXPECT_EQ_MSG(test, v->gpr[REG_RAX], (u64)e->eax, "%x", lookups[i].leaf);
		KUNIT_EXPECT_EQ_MSG(test, v->gpr[REG_RBX], (u64)e->ebx, "%x", lookups[i].leaf);
		KUNIT_EXPECT_EQ_MSG(test, v->gpr[REG_RCX], (u64)e->ecx, "%x", lookups[i].leaf);
		KUNIT_EXPECT_EQ_MSG(test, v->gpr[REG_RDX], (u64)e->edx, "%x", lookups[i].leaf);
	}
	KUNIT_EXPECT_EQ(test, v->rip, 0x1000 + 2ull * ARRAY_SIZE(lookups));

	/* a topology level that is not there still tells its number and the id */
	v->gpr[REG_RAX] = 0xb;
	v->gpr[REG_RCX] = 9;
	handle_cpuid(v);
	KUNIT_EXPECT_EQ(test, v->gpr[REG_RAX], 0ull);
	KUNIT_EXPECT_EQ(test, v->gpr[REG_RCX], 9ull);
	KUNIT_EXPECT_EQ(test, v->gpr[REG_RDX], 5ull);
	kvfree(t);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cpuid_hides),
	KUNIT_CASE(cpuid_emulates),
	KUNIT_CASE(cpuid_mce_register),
	KUNIT_CASE(cpuid_xsave_levels),
	KUNIT_CASE(cpuid_follows_controls),
	KUNIT_CASE(cpuid_follows_kernel),
	KUNIT_CASE(cpuid_fixed_leaves),
	KUNIT_CASE(cpuid_fast_tsc),
	KUNIT_CASE(cpuid_counts),
	KUNIT_CASE(cpuid_check_changes),
	KUNIT_CASE(cpuid_check_states),
	KUNIT_CASE(cpuid_check_tables),
	KUNIT_CASE(cpuid_table_state),
	KUNIT_CASE(cpuid_exit),
	{}
};

static struct kunit_suite cpuid_suite = { .name = "cpuid", .test_cases = cases };

kunit_test_suite(cpuid_suite);
