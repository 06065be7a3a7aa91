// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID that a guest gets unless userspace says otherwise: the host's, filtered by a table of
 * the bits that a guest may see, with the leaves that this hypervisor emulates. Pure: all that it
 * depends on comes in as struct cpuid_source.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"

#define MAX_BASIC_LEAF		0x16	/* 15H and 16H tell the guest its frequencies */
#define MAX_CACHE_LEVELS	8
#define MAX_EXT_LEAF		0x80000008

enum feature_when {
	WHEN_HOST,
	WHEN_ALWAYS,
	WHEN_XSAVE,
	WHEN_AVX,
	WHEN_AVX512,
	WHEN_RDTSCP,
	WHEN_INVPCID,
};

static const struct cpuid_feature {
	u16 feature;		/* X86_FEATURE_*: capability word times 32 plus bit */
	u8 when;
} cpuid_features[] = {
#define CPUID_FEATURE(feature_name, depends) { X86_FEATURE_##feature_name, WHEN_##depends },
#include "features.def"
};

/* Which register of which leaf the kernel's capability words hold. */
static const struct cpuid_word {
	u32 word;
	u32 leaf;
	u32 index;
	enum cpuid_reg reg;
} cpuid_words[] = {
	{ CPUID_1_EDX, 1, 0, CPUID_REG_EDX },
	{ CPUID_1_ECX, 1, 0, CPUID_REG_ECX },
	{ CPUID_6_EAX, 6, 0, CPUID_REG_EAX },
	{ CPUID_7_0_EBX, 7, 0, CPUID_REG_EBX },
	{ CPUID_7_ECX, 7, 0, CPUID_REG_ECX },
	{ CPUID_7_EDX, 7, 0, CPUID_REG_EDX },
	{ CPUID_7_1_EAX, 7, 1, CPUID_REG_EAX },
	{ CPUID_D_1_EAX, 0xd, 1, CPUID_REG_EAX },
	{ CPUID_8000_0001_EDX, 0x80000001, 0, CPUID_REG_EDX },
	{ CPUID_8000_0001_ECX, 0x80000001, 0, CPUID_REG_ECX },
};

struct builder {
	const struct cpuid_source *source;
	struct vmxhv_cpuid_entry *entries;
	u32 max;
	u32 count;
	u32 host_max;		/* the host's highest basic leaf */
	u32 host_max_ext;
};

static void add(struct builder *b, u32 leaf, u32 index, u32 flags, const u32 *regs)
{
	if (b->count < b->max)
		b->entries[b->count] = (struct vmxhv_cpuid_entry){
			.function = leaf, .index = index, .flags = flags,
			.eax = regs[CPUID_REG_EAX], .ebx = regs[CPUID_REG_EBX],
			.ecx = regs[CPUID_REG_ECX], .edx = regs[CPUID_REG_EDX],
		};
	b->count++;
}

static void add_indexed(struct builder *b, u32 leaf, u32 index, const u32 *regs)
{
	add(b, leaf, index, VMXHV_CPUID_INDEXED, regs);
}

/* The host's leaf, or zeros where the host has none (a leaf too high repeats another). */
static void host_leaf(const struct builder *b, u32 leaf, u32 index, u32 *regs)
{
	u32 max = leaf >= 0x80000000 ? b->host_max_ext : b->host_max;

	memset(regs, 0, 4 * sizeof(*regs));
	if (leaf <= max)
		b->source->read(b->source->ctx, leaf, index, regs);
}

static bool feature_applies(const struct cpuid_source *s, enum feature_when when)
{
	switch (when) {
	case WHEN_XSAVE:
		return s->xcr0;
	case WHEN_AVX:
		return s->xcr0 & XFEATURE_MASK_YMM;
	case WHEN_AVX512:
		return (s->xcr0 & XFEATURE_MASK_AVX512) == XFEATURE_MASK_AVX512;
	case WHEN_RDTSCP:
		return s->rdtscp;
	case WHEN_INVPCID:
		return s->invpcid;
	default:
		return true;
	}
}

/* One register's feature bits: of the host's, those in the table; and those that are emulated. */
static u32 filter_word(const struct cpuid_source *s, u32 word, u32 host)
{
	u32 result = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpuid_features); i++) {
		const struct cpuid_feature *f = &cpuid_features[i];
		u32 bit = BIT(f->feature % 32);

		if (f->feature / 32 != word)
			continue;
		if (f->when == WHEN_ALWAYS)
			result |= bit;
		else if (feature_applies(s, f->when))
			result |= bit & host & s->kernel_caps[word];
	}
	return result;
}

/* Replaces those registers of a leaf that hold feature bits. */
static void filter_leaf(const struct cpuid_source *s, u32 leaf, u32 index, u32 *regs)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_word *w = &cpuid_words[i];

		if (w->leaf == leaf && w->index == index)
			regs[w->reg] = filter_word(s, w->word, regs[w->reg]);
	}
}

/* Leaf 1: signature and CLFLUSH size are the host's; one logical processor in the package. */
static void build_leaf_1(struct builder *b)
{
	u32 regs[4];

	host_leaf(b, 1, 0, regs);
	filter_leaf(b->source, 1, 0, regs);
	regs[CPUID_REG_EBX] = (regs[CPUID_REG_EBX] & 0x0000ff00) | 1 << 16;
	add(b, 1, 0, 0, regs);
}

/* Leaf 4: the host's caches, each private to one core of one thread. */
static void build_leaf_4(struct builder *b)
{
	u32 regs[4];
	u32 i;

	for (i = 0; i < MAX_CACHE_LEVELS; i++) {
		host_leaf(b, 4, i, regs);
		regs[CPUID_REG_EAX] &= 0x3fff;	/* no sharing: bits 31:26 and 25:14 */
		if (!(regs[CPUID_REG_EAX] & 0x1f))
			memset(regs, 0, sizeof(regs));
		add_indexed(b, 4, i, regs);
		if (!regs[CPUID_REG_EAX])
			return;
	}
}

static void build_leaf_6(struct builder *b)
{
	u32 regs[4] = { 0 };

	filter_leaf(b->source, 6, 0, regs);
	add(b, 6, 0, 0, regs);
}

static void build_leaf_7(struct builder *b)
{
	u32 regs[4], sub[4] = { 0 };
	u32 host_subleaves;

	host_leaf(b, 7, 0, regs);
	host_subleaves = regs[CPUID_REG_EAX];
	filter_leaf(b->source, 7, 0, regs);

	if (host_subleaves)
		host_leaf(b, 7, 1, sub);
	filter_leaf(b->source, 7, 1, sub);
	memset(&sub[CPUID_REG_EBX], 0, 3 * sizeof(u32));

	regs[CPUID_REG_EAX] = sub[CPUID_REG_EAX] ? 1 : 0;
	add_indexed(b, 7, 0, regs);
	if (sub[CPUID_REG_EAX])
		add_indexed(b, 7, 1, sub);
}

/* Leaf BH: each vCPU is a package of its own, of one core of one thread. EDX is the x2APIC id. */
static void build_leaf_b(struct builder *b)
{
	static const u32 thread[4] = { 0, 1, 1 << 8 | 0, 0 };
	static const u32 core[4] = { 0, 1, 2 << 8 | 1, 0 };

	add_indexed(b, 0xb, 0, thread);
	add_indexed(b, 0xb, 1, core);
}

/* Leaf DH: the user states that guests may enable. EBX of 0 and 1 follow the guest's XCR0. */
static void build_leaf_d(struct builder *b)
{
	u64 xcr0 = b->source->xcr0;
	u32 regs[4], size = 576;
	u32 i;

	if (!xcr0)
		return;

	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		host_leaf(b, 0xd, i, regs);
		size = max(size, regs[CPUID_REG_EAX] + regs[CPUID_REG_EBX]);
	}
	regs[CPUID_REG_EAX] = (u32)xcr0;
	regs[CPUID_REG_EBX] = 576;
	regs[CPUID_REG_ECX] = size;
	regs[CPUID_REG_EDX] = xcr0 >> 32;
	add_indexed(b, 0xd, 0, regs);

	host_leaf(b, 0xd, 1, regs);
	filter_leaf(b->source, 0xd, 1, regs);
	memset(&regs[CPUID_REG_EBX], 0, 3 * sizeof(u32));
	add_indexed(b, 0xd, 1, regs);

	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		host_leaf(b, 0xd, i, regs);
		regs[CPUID_REG_ECX] &= BIT(1);	/* a user state; aligned when compacted */
		regs[CPUID_REG_EDX] = 0;
		add_indexed(b, 0xd, i, regs);
	}
}

/*
 * Leaves 15H and 16H: the APIC timer's clock, called crystal, has the TSC's frequency. A frequency
 * that does not fit is not told.
 */
static void build_frequencies(struct builder *b)
{
	u64 hz = b->source->tsc_khz * 1000ull;
	u32 mhz = b->source->tsc_khz / 1000;
	u32 ratio[4] = { 1, 1, (u32)hz, 0 };
	u32 base[4] = { mhz, mhz, 100, 0 };

	if (hz > U32_MAX || !hz)
		memset(ratio, 0, sizeof(ratio));
	add(b, 0x15, 0, 0, ratio);
	add(b, 0x16, 0, 0, base);
}

static void build_hypervisor(struct builder *b)
{
	static const char signature[12] = "VmxhvVmxhv\0";
	static const u32 features[4];
	u32 regs[4] = { 0x40000001 };

	memcpy(&regs[CPUID_REG_EBX], signature, sizeof(signature));
	add(b, 0x40000000, 0, 0, regs);
	add(b, 0x40000001, 0, 0, features);
}

static void build_extended(struct builder *b)
{
	u32 leaf, max = min_t(u32, b->host_max_ext, MAX_EXT_LEAF);
	u32 regs[4];

	for (leaf = 0x80000000; leaf <= max; leaf++) {
		host_leaf(b, leaf, 0, regs);
		switch (leaf) {
		case 0x80000000:
			regs[CPUID_REG_EAX] = max;
			break;
		case 0x80000001:
			regs[CPUID_REG_EAX] = 0;
			regs[CPUID_REG_EBX] = 0;
			filter_leaf(b->source, leaf, 0, regs);
			break;
		case 0x80000005:
			memset(regs, 0, sizeof(regs));
			break;
		case 0x80000007:	/* only the invariant TSC */
			memset(regs, 0, 3 * sizeof(u32));
			regs[CPUID_REG_EDX] &= BIT(8);
			break;
		case 0x80000008:	/* only the widths of addresses */
			regs[CPUID_REG_EAX] &= 0xffff;
			memset(&regs[CPUID_REG_EBX], 0, 3 * sizeof(u32));
			break;
		}
		add(b, leaf, 0, 0, regs);
	}
}

/**
 * cpuid_filter() - the CPUID table that a guest may see on a host
 * @source: what the host has
 * @entries: where the table goes
 * @max: entries that fit there
 * @count: entries that the table has, also when they did not fit
 *
 * Leaves that are not in the table and not above its highest one read as zero: 3, 5, 8 to AH, CH,
 * and 10H to 14H. Leaf AH being zero is what says that there is no PMU.
 *
 * Context: Any. SDM: "CPUID—CPU Identification".
 * Return: 0, or -ENOSPC when @max is less than @count.
 */
int cpuid_filter(const struct cpuid_source *source, struct vmxhv_cpuid_entry *entries, u32 max,
		 u32 *count)
{
	struct builder b = { .source = source, .entries = entries, .max = max };
	u32 regs[4];

	source->read(source->ctx, 0x80000000, 0, regs);
	b.host_max_ext = regs[CPUID_REG_EAX];
	source->read(source->ctx, 0, 0, regs);
	b.host_max = regs[CPUID_REG_EAX];

	regs[CPUID_REG_EAX] = MAX_BASIC_LEAF;
	add(&b, 0, 0, 0, regs);
	build_leaf_1(&b);
	host_leaf(&b, 2, 0, regs);
	add(&b, 2, 0, 0, regs);
	build_leaf_4(&b);
	build_leaf_6(&b);
	build_leaf_7(&b);
	build_leaf_b(&b);
	build_leaf_d(&b);
	build_frequencies(&b);
	build_hypervisor(&b);
	build_extended(&b);

	*count = b.count;
	return b.count > max ? -ENOSPC : 0;
}

VMXHV_EXPORT_FOR_TEST(cpuid_filter);

/*
 * What userspace may choose freely, per leaf: the vendor and brand, the signature, caches,
 * topology, frequencies, the hypervisor's name, and what the kernel itself keeps up to date.
 * Everything else must be a subset of what the host offers.
 */
static const struct cpuid_free {
	u32 first, last;
	u32 free[4];
} cpuid_free_bits[] = {
	{ 0x0, 0x0, { 0, ~0u, ~0u, ~0u } },
	{ 0x1, 0x1, { ~0u, ~0u, BIT(27) /* OSXSAVE */, BIT(28) /* HTT */ } },
	{ 0x2, 0x4, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x7, 0x7, { 0, 0, BIT(4) /* OSPKE */, 0 } },
	{ 0xb, 0xb, { ~0u, ~0u, ~0u, ~0u } },
	{ 0xd, 0xd, { 0, ~0u, ~0u, 0 } },
	{ 0x15, 0x16, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x1f, 0x1f, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x40000000, 0x400000ff, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x80000000, 0x80000000, { 0, ~0u, ~0u, ~0u } },
	{ 0x80000002, 0x80000006, { ~0u, ~0u, ~0u, ~0u } },
};

static const u32 *free_bits(u32 leaf)
{
	static const u32 none[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpuid_free_bits); i++)
		if (leaf >= cpuid_free_bits[i].first && leaf <= cpuid_free_bits[i].last)
			return cpuid_free_bits[i].free;
	return none;
}

static const struct vmxhv_cpuid_entry *find_allowed(const struct vmxhv_cpuid_entry *allowed,
						    u32 count, u32 leaf, u32 index)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (allowed[i].function == leaf &&
		    (!(allowed[i].flags & VMXHV_CPUID_INDEXED) || allowed[i].index == index))
			return &allowed[i];
	return NULL;
}

/* Registers that hold numbers, not bits: at most the host's, or nothing else than the host's. */
static bool numbers_ok(const struct vmxhv_cpuid_entry *e, const struct vmxhv_cpuid_entry *host)
{
	switch (e->function) {
	case 0:
		return e->eax < CPUID_BASIC_SLOTS;
	case 7:
		return e->index || e->eax <= host->eax;
	case 0xd:
		return e->index < 2 || (e->eax == host->eax && e->ebx == host->ebx &&
					e->ecx == host->ecx);
	case 0x80000000:
		return e->eax >= 0x80000000 && e->eax < 0x80000000 + CPUID_EXT_SLOTS;
	case 0x80000008:
		return (e->eax & 0xff) >= 32 && (e->eax & 0xff) <= (host->eax & 0xff) &&
		       (e->eax & ~0xffu) == (host->eax & ~0xffu);
	}
	return true;
}

static bool has_numbers_in_eax(const struct vmxhv_cpuid_entry *e)
{
	return e->function == 0 || e->function == 0x80000000 || e->function == 0x80000008 ||
	       (e->function == 7 && !e->index);
}

static int refuse_leaf(struct vmxhv_error *err, u32 i, const struct vmxhv_cpuid_entry *e, u64 seen,
		       u64 wanted, const char *what)
{
	return refuse(err, -EINVAL, &(const struct refusal){
			.code = VMXHV_ERR_CPUID, .index = i, .item = e->function,
			.value = seen, .wanted = wanted }, "CPUID leaf %xH, index %u: %s",
		      e->function, e->index, what);
}

static int check_entry(const struct vmxhv_cpuid_entry *allowed, u32 nr_allowed, u32 i,
		       const struct vmxhv_cpuid_entry *e, struct vmxhv_error *err)
{
	static const char * const names[] = {
		"EAX has bits that this host cannot show",
		"EBX has bits that this host cannot show",
		"ECX has bits that this host cannot show",
		"EDX has bits that this host cannot show",
	};
	static const struct vmxhv_cpuid_entry none;
	const struct vmxhv_cpuid_entry *host = find_allowed(allowed, nr_allowed, e->function,
							    e->index);
	const u32 *free = free_bits(e->function);
	int reg;

	if (e->flags & ~VMXHV_CPUID_INDEXED)
		return refuse_leaf(err, i, e, e->flags, VMXHV_CPUID_INDEXED, "unknown flags");
	if (e->reserved)
		return refuse_leaf(err, i, e, e->reserved, 0, "reserved must be zero");
	if (!(e->flags & VMXHV_CPUID_INDEXED) && e->index)
		return refuse_leaf(err, i, e, e->index, 0, "an index without the flag INDEXED");

	if (!host)
		host = &none;
	if (!numbers_ok(e, host))
		return refuse_leaf(err, i, e, e->eax, host->eax, "a number out of range");

	for (reg = CPUID_REG_EAX; reg <= CPUID_REG_EDX; reg++) {
		u32 seen = (&e->eax)[reg];
		u32 may = (&host->eax)[reg] | free[reg];

		if (reg == CPUID_REG_EAX && has_numbers_in_eax(e))
			continue;
		if (seen & ~may)
			return refuse_leaf(err, i, e, seen, may, names[reg]);
	}
	return 0;
}

/* A leaf is there once, or once for each index: not both ways. */
static bool is_duplicate(const struct vmxhv_cpuid_entry *entries, u32 i)
{
	const struct vmxhv_cpuid_entry *e = &entries[i];
	u32 j;

	for (j = 0; j < i; j++)
		if (entries[j].function == e->function &&
		    (entries[j].index == e->index ||
		     (entries[j].flags ^ e->flags) & VMXHV_CPUID_INDEXED))
			return true;
	return false;
}

/* The bits of XCR0 that a table offers; 0: no XSAVE. */
static u64 states_of(const struct vmxhv_cpuid_entry *entries, u32 count)
{
	const struct vmxhv_cpuid_entry *leaf_1 = find_allowed(entries, count, 1, 0);
	const struct vmxhv_cpuid_entry *leaf_d = find_allowed(entries, count, 0xd, 0);

	if (!leaf_1 || !leaf_d || !(leaf_1->ecx & BIT(26)))
		return 0;
	return leaf_d->eax | (u64)leaf_d->edx << 32;
}

/* The leaf that shows a feature, or NULL. */
static const struct vmxhv_cpuid_entry *shown(const struct vmxhv_cpuid_entry *entries, u32 count,
					     u32 feature)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_word *w = &cpuid_words[i];
		const struct vmxhv_cpuid_entry *e;
		const u32 *regs;

		if (w->word != feature / 32)
			continue;
		e = find_allowed(entries, count, w->leaf, w->index);
		if (!e)
			return NULL;
		regs = &e->eax;
		return regs[w->reg] & BIT(feature % 32) ? e : NULL;
	}
	return NULL;
}

/* Leaf DH offers states that go together, and no feature is there without its state. */
static int check_states(const struct vmxhv_cpuid_entry *entries, u32 count,
			struct vmxhv_error *err)
{
	const struct cpuid_source source = { .xcr0 = states_of(entries, count) };
	unsigned int i;

	if (source.xcr0 && xcr0_check(source.xcr0, source.xcr0)) {
		const struct vmxhv_cpuid_entry *d = find_allowed(entries, count, 0xd, 0);

		return refuse_leaf(err, d - entries, d, source.xcr0, 0,
				   "states that cannot be enabled together");
	}
	for (i = 0; i < ARRAY_SIZE(cpuid_features); i++) {
		const struct cpuid_feature *f = &cpuid_features[i];
		const struct vmxhv_cpuid_entry *e;

		if (f->when != WHEN_XSAVE && f->when != WHEN_AVX && f->when != WHEN_AVX512)
			continue;
		e = shown(entries, count, f->feature);
		if (e && !feature_applies(&source, f->when))
			return refuse_leaf(err, e - entries, e, BIT(f->feature % 32), source.xcr0,
					   "a feature without its state in leaf DH");
	}
	return 0;
}

/**
 * cpuid_check() - may a guest be shown this table?
 * @allowed: what the host can show (from cpuid_filter())
 * @nr_allowed: entries of it
 * @entries: the table asked for
 * @count: entries of it
 * @err: where the first refusal goes: the entry, the leaf, the register and what it may be
 *
 * Context: Any.
 * Return: 0, -EINVAL for a leaf, or -E2BIG for too many.
 */
int cpuid_check(const struct vmxhv_cpuid_entry *allowed, u32 nr_allowed,
		const struct vmxhv_cpuid_entry *entries, u32 count, struct vmxhv_error *err)
{
	u32 i;
	int ret;

	if (count > CPUID_MAX_ENTRIES)
		return refuse(err, -E2BIG, &(const struct refusal){
				.code = VMXHV_ERR_LIMIT, .value = count,
				.wanted = CPUID_MAX_ENTRIES }, "too many CPUID entries");

	for (i = 0; i < count; i++) {
		ret = check_entry(allowed, nr_allowed, i, &entries[i], err);
		if (ret)
			return ret;
		if (is_duplicate(entries, i))
			return refuse_leaf(err, i, &entries[i], 0, 0, "the leaf is there twice");
	}
	return check_states(entries, count, err);
}

VMXHV_EXPORT_FOR_TEST(cpuid_check);
