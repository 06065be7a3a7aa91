// SPDX-License-Identifier: GPL-2.0-only
/* Control registers: which writes raise #GP, what stands in the real register, who owns what. */
#include <kunit/test.h>
#include <linux/slab.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"

#define PE	X86_CR0_PE
#define PG	(X86_CR0_PE | X86_CR0_PG)
#define CD	X86_CR0_CD
#define NW	X86_CR0_NW
#define PAE	X86_CR4_PAE
#define PCIDE	X86_CR4_PCIDE
#define LM	(EFER_LME | EFER_LMA)

#define CR4_VALID	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE | X86_CR4_MCE | X86_CR4_OSXSAVE)
#define EFER_VALID	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

struct cr_case {
	const char *name;
	struct cr_state before;
	u64 value;
	int fault;
};

static struct cr_state with_limits(const struct cr_state *s)
{
	struct cr_state full = *s;

	full.cr4_valid = CR4_VALID;
	full.efer_valid = EFER_VALID;
	full.maxphyaddr = 46;
	return full;
}

static void run_cases(struct kunit *test, const struct cr_case *cases, int n,
		      int (*check)(const struct cr_state *s, u64 value))
{
	int i;

	for (i = 0; i < n; i++) {
		struct cr_state s = with_limits(&cases[i].before);

		KUNIT_EXPECT_EQ_MSG(test, cases[i].fault, check(&s, cases[i].value), "%s",
				    cases[i].name);
	}
}

static const struct cr_case cr0_cases[] = {
	{ "protected mode", { .cr0 = 0 }, PE, 0 },
	{ "real mode again", { .cr0 = PE }, 0, 0 },
	{ "upper half", { .cr0 = PE }, BIT_ULL(32) | PE, 1 },
	{ "reserved in the lower half is ignored", { .cr0 = PE }, BIT(9) | PE, 0 },
	{ "paging in real mode", { .cr0 = 0 }, X86_CR0_PG, 1 },
	{ "PE cleared under paging", { .cr0 = PG }, X86_CR0_PG, 1 },
	{ "cache off", { .cr0 = PE }, PE | CD, 0 },
	{ "cache off, no write-through", { .cr0 = PE }, PE | CD | NW, 0 },
	{ "NW without CD", { .cr0 = PE }, PE | NW, 1 },
	{ "32-bit paging", { .cr0 = PE }, PG, 0 },
	{ "IA-32e mode", { .cr0 = PE, .cr4 = PAE, .efer = EFER_LME }, PG, 0 },
	{ "IA-32e mode without PAE", { .cr0 = PE, .efer = EFER_LME }, PG, 1 },
	{ "IA-32e mode from 64-bit code", { .cr0 = PE, .cr4 = PAE, .efer = EFER_LME,
	  .cs_l = true }, PG, 1 },
	{ "IA-32e mode with a 16-bit TSS", { .cr0 = PE, .cr4 = PAE, .efer = EFER_LME,
	  .tss16 = true }, PG, 1 },
	{ "paging off from compatibility mode", { .cr0 = PG, .cr4 = PAE, .efer = LM }, PE, 0 },
	{ "paging off in 64-bit mode", { .cr0 = PG, .cr4 = PAE, .efer = LM, .cs_l = true },
	  PE, 1 },
	{ "paging off with PCIDE", { .cr0 = PG, .cr4 = PAE | PCIDE, .efer = LM }, PE, 1 },
	{ "WP under paging", { .cr0 = PG, .cr4 = PAE, .efer = LM, .cs_l = true },
	  PG | X86_CR0_WP, 0 },
};

static const struct cr_case cr3_cases[] = {
	{ "a table", { .cr0 = PG }, 0x1000, 0 },
	{ "the highest table", { .cr0 = PG }, GENMASK_ULL(45, 12), 0 },
	{ "beyond the width", { .cr0 = PG }, BIT_ULL(46), 1 },
	{ "no flush without PCIDE", { .cr0 = PG }, BIT_ULL(63) | 0x1000, 1 },
	{ "no flush with PCIDE", { .cr0 = PG, .cr4 = PCIDE }, BIT_ULL(63) | 0x1001, 0 },
	{ "bit 62 with PCIDE", { .cr0 = PG, .cr4 = PCIDE }, BIT_ULL(62) | 0x1001, 1 },
};

static const struct cr_case cr4_cases[] = {
	{ "PAE", { .cr0 = PE }, PAE, 0 },
	{ "VMXE: no nesting", { .cr0 = PE }, X86_CR4_VMXE, 1 },
	{ "SMXE", { .cr0 = PE }, X86_CR4_SMXE, 1 },
	{ "PKE: not in CPUID", { .cr0 = PE }, X86_CR4_PKE, 1 },
	{ "a bit of the future", { .cr0 = PE }, BIT_ULL(40), 1 },
	{ "MCE", { .cr0 = PE }, X86_CR4_MCE, 0 },
	{ "OSXSAVE", { .cr0 = PE }, X86_CR4_OSXSAVE, 0 },
	{ "PAE cleared in IA-32e mode", { .cr0 = PG, .cr4 = PAE, .efer = LM }, 0, 1 },
	{ "PAE cleared with only LME", { .cr0 = PE, .cr4 = PAE, .efer = EFER_LME }, 0, 0 },
	{ "PCIDE", { .cr0 = PG, .cr4 = PAE, .efer = LM }, PAE | PCIDE, 0 },
	{ "PCIDE outside IA-32e mode", { .cr0 = PG, .cr4 = PAE }, PAE | PCIDE, 1 },
	{ "PCIDE with a PCID in CR3", { .cr0 = PG, .cr3 = 0x1001, .cr4 = PAE, .efer = LM },
	  PAE | PCIDE, 1 },
	{ "PCIDE stays, CR3 has a PCID", { .cr0 = PG, .cr3 = 0x1001, .cr4 = PAE | PCIDE,
	  .efer = LM }, PAE | PCIDE | X86_CR4_PGE, 0 },
};

static const struct cr_case efer_cases[] = {
	{ "SCE", { .cr0 = PE }, EFER_SCE, 0 },
	{ "LME", { .cr0 = PE }, EFER_LME, 0 },
	{ "LME under paging", { .cr0 = PG }, EFER_LME, 1 },
	{ "LME cleared under paging", { .cr0 = PG, .cr4 = PAE, .efer = LM }, 0, 1 },
	{ "NXE under paging", { .cr0 = PG, .cr4 = PAE, .efer = LM }, EFER_LME | EFER_NX, 0 },
	{ "LMA written is ignored", { .cr0 = PE }, EFER_LMA, 0 },
	{ "SVME", { .cr0 = PE }, EFER_SVME, 1 },
	{ "FFXSR", { .cr0 = PE }, EFER_FFXSR, 1 },
	{ "a bit of the future", { .cr0 = PE }, BIT_ULL(33), 1 },
};

static void cr0_writes(struct kunit *test)
{
	run_cases(test, cr0_cases, ARRAY_SIZE(cr0_cases), cr0_check);
}

static void cr3_writes(struct kunit *test)
{
	run_cases(test, cr3_cases, ARRAY_SIZE(cr3_cases), cr3_check);
}

static void cr4_writes(struct kunit *test)
{
	run_cases(test, cr4_cases, ARRAY_SIZE(cr4_cases), cr4_check);
}

static void efer_writes(struct kunit *test)
{
	run_cases(test, efer_cases, ARRAY_SIZE(efer_cases), efer_check);
}

static void efer_needs_cpuid(struct kunit *test)
{
	struct cr_state s = { .cr0 = PE, .efer_valid = EFER_SCE, .maxphyaddr = 46 };

	KUNIT_EXPECT_EQ(test, 0, efer_check(&s, EFER_SCE));
	KUNIT_EXPECT_EQ(test, 1, efer_check(&s, EFER_NX));
	KUNIT_EXPECT_EQ(test, 1, efer_check(&s, EFER_LME));
}

static const struct {
	u64 entry;
	int fault;
} pdptes[] = {
	{ 0, 0 }, { 0x1001, 0 }, { 0xffe, 0 }, { 0x1019, 0 }, { 0x1003, 1 }, { 0x1005, 1 },
	{ 0x1021, 1 }, { 0x1101, 1 }, { 0x1e01, 0 }, { BIT_ULL(45) | 1, 0 },
	{ BIT_ULL(46) | 1, 1 }, { BIT_ULL(63) | 1, 1 }, { BIT_ULL(63), 0 },
};

static void cr_pdptes(struct kunit *test)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(pdptes); i++)
		for (k = 0; k < 4; k++) {
			u64 four[4] = { 0x1001, 0x2001, 0, 0x3001 };

			four[k] = pdptes[i].entry;
			KUNIT_EXPECT_EQ_MSG(test, pdptes[i].fault, pdpte_check(four, 46),
					    "%llx at %u", pdptes[i].entry, k);
		}
}

/* The guest's LMA decides, not LME and not the host's EFER (which has both). */
static void cr_paging_mode(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, cr_pae_paging(PG, PAE, 0));
	KUNIT_EXPECT_TRUE(test, cr_pae_paging(PG, PAE, EFER_NX));
	KUNIT_EXPECT_FALSE(test, cr_pae_paging(PG, PAE, LM));
	KUNIT_EXPECT_FALSE(test, cr_pae_paging(PG, 0, 0));
	KUNIT_EXPECT_FALSE(test, cr_pae_paging(PE, PAE, 0));
}

/* IA32_VMX_CR0_FIXED0 of every CPU: PE, NE, PG */
#define FIXED0	(X86_CR0_PE | X86_CR0_NE | X86_CR0_PG)

static void cr_hardware(struct kunit *test)
{
	u64 caches = CD | NW;

	/* unrestricted guest: real mode stays real mode; NE is always on */
	KUNIT_EXPECT_EQ(test, cr0_hardware(0, FIXED0, 0xffffffff), (u64)X86_CR0_NE);
	KUNIT_EXPECT_EQ(test, cr0_hardware(PE, FIXED0, 0xffffffff), (u64)(PE | X86_CR0_NE));
	KUNIT_EXPECT_EQ(test, cr0_hardware(PG | X86_CR0_WP, FIXED0, 0xffffffff),
			(u64)(PG | X86_CR0_WP | X86_CR0_NE));
	/* the guest's cache bits never reach the CPU */
	KUNIT_EXPECT_EQ(test, cr0_hardware(caches, FIXED0, 0xffffffff) & caches, 0ull);
	/* a bit that must be 0 is 0, a bit that must be 1 is 1: the check is no tautology */
	KUNIT_EXPECT_EQ(test, cr0_hardware(X86_CR0_AM, FIXED0, ~X86_CR0_AM) & X86_CR0_AM, 0ull);
	KUNIT_EXPECT_EQ(test, cr0_hardware(0, FIXED0 | BIT(3), ~0ull) & BIT(3), (u64)BIT(3));

	KUNIT_EXPECT_EQ(test, cr4_hardware(PAE, X86_CR4_VMXE),
			(u64)(PAE | X86_CR4_VMXE | X86_CR4_MCE));
	KUNIT_EXPECT_EQ(test, cr4_hardware(0, BIT_ULL(30)) & BIT_ULL(30), BIT_ULL(30));
}

static struct cpuid_table *table_with(struct kunit *test, u32 edx1, u32 ecx1, u32 ebx7,
				      u32 edx_ext)
{
	const struct vmxhv_cpuid_entry rows[] = {
		{ .function = 0, .eax = 7 },
		{ .function = 1, .ecx = ecx1, .edx = edx1 },
		{ .function = 7, .flags = VMXHV_CPUID_INDEXED, .ebx = ebx7 },
		{ .function = 0x80000000, .eax = 0x80000001 },
		{ .function = 0x80000001, .edx = edx_ext },
	};
	struct cpuid_table *t = cpuid_table_build(rows, ARRAY_SIZE(rows), 0);

	KUNIT_ASSERT_NOT_NULL(test, t);
	return t;
}

/* What the guest may set follows from its own CPUID, and what it owns is part of that. */
static void cr_masks_follow_cpuid(struct kunit *test)
{
	struct cpuid_table *t = table_with(test, 0, 0, 0, 0);

	KUNIT_EXPECT_EQ(test, t->cr4_valid, (u64)X86_CR4_PCE);
	KUNIT_EXPECT_EQ(test, t->efer_valid, 0ull);
	KUNIT_EXPECT_EQ(test, t->xcr0_valid, 0ull);
	kvfree(t);

	t = table_with(test, ~0u, ~0u, ~0u, ~0u);
	KUNIT_EXPECT_EQ(test, t->efer_valid, (u64)EFER_VALID);
	KUNIT_EXPECT_EQ(test, t->cr4_owned & ~t->cr4_valid, 0ull);
	/* the host's for ever: what differs in the real register, or has consequences */
	KUNIT_EXPECT_EQ(test, 0ull, t->cr4_owned & (X86_CR4_PAE | X86_CR4_MCE | X86_CR4_VMXE |
						    X86_CR4_OSXSAVE | X86_CR4_PKE |
						    X86_CR4_LA57 | X86_CR4_SMXE));
	KUNIT_EXPECT_EQ(test, 0ull, t->cr4_valid & (X86_CR4_VMXE | X86_CR4_SMXE |
						    X86_CR4_PKE | X86_CR4_LA57));
	KUNIT_EXPECT_TRUE(test, t->cr4_valid & X86_CR4_MCE);
	KUNIT_EXPECT_TRUE(test, t->cr4_owned & X86_CR4_PGE);
	kvfree(t);

	/* EIST is bit 7 of ECX: it does not allow CR4.MCE; bit 7 of EDX does */
	t = table_with(test, 0, BIT(7), 0, 0);
	KUNIT_EXPECT_FALSE(test, t->cr4_valid & X86_CR4_MCE);
	kvfree(t);
	t = table_with(test, BIT(7), 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, t->cr4_valid & X86_CR4_MCE);
	kvfree(t);
}

static void cr0_ownership(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0ull, cr0_owned & (CD | NW | X86_CR0_NE | X86_CR0_PG | X86_CR0_ET));
	KUNIT_EXPECT_TRUE(test, cr0_owned & X86_CR0_TS);
	KUNIT_EXPECT_EQ(test, 0ull, cr0_owned & ~(u64)CR0_DEFINED);
	KUNIT_EXPECT_EQ(test, 0xe005003full, (u64)CR0_DEFINED);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cr0_writes),
	KUNIT_CASE(cr3_writes),
	KUNIT_CASE(cr4_writes),
	KUNIT_CASE(efer_writes),
	KUNIT_CASE(efer_needs_cpuid),
	KUNIT_CASE(cr_pdptes),
	KUNIT_CASE(cr_paging_mode),
	KUNIT_CASE(cr_hardware),
	KUNIT_CASE(cr_masks_follow_cpuid),
	KUNIT_CASE(cr0_ownership),
	{}
};

static struct kunit_suite cr_suite = { .name = "cr", .test_cases = cases };

kunit_test_suite(cr_suite);
