// SPDX-License-Identifier: GPL-2.0-only
/* vcpu/x86/walk.c: every paging mode and every reason for a page fault, in a made-up memory. */
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu.h"
#include "vcpu/x86.h"

#define P	BIT_ULL(0)
#define W	BIT_ULL(1)
#define U	BIT_ULL(2)
#define A	BIT_ULL(5)
#define D	BIT_ULL(6)
#define PS	BIT_ULL(7)
#define NX	BIT_ULL(63)

#define PG	(X86_CR0_PE | X86_CR0_PG)
#define WP	X86_CR0_WP
#define PAE	X86_CR4_PAE
#define PSE	X86_CR4_PSE
#define SMEP	X86_CR4_SMEP
#define SMAP	X86_CR4_SMAP
#define LM	(EFER_LME | EFER_LMA)

/* one table a page, at these addresses; each walk uses the same entry of each */
#define T4	0x1000
#define T3	0x2000
#define T2	0x3000
#define T1	0x4000
#define PAGE	0x7000ull
#define MEMORY	0x5000

#define GVA	0x0000123456789abcull
#define I4	(0x24 * 8)	/* entries of GVA, as offsets into their tables */
#define I3	(0xd1 * 8)
#define I2	(0xb3 * 8)
#define I1	(0x189 * 8)

#define GVA32	0x56789abcu
#define J2	(0x159 * 4)
#define J1	(0x389 * 4)
#define PAE_J2	(0xb3 * 8)
#define PAE_J1	(0x189 * 8)

struct fake {
	u8 memory[MEMORY];
	int disturb;	/* so many updates find that another CPU was there */
	int updates;
};

static int fake_read(void *ctx, u64 gpa, void *to, u32 length)
{
	struct fake *fake = ctx;

	if (gpa + length > MEMORY)
		return -EFAULT;
	memcpy(to, fake->memory + gpa, length);
	return 0;
}

static int fake_update(void *ctx, u64 gpa, u64 old, u64 new, u32 length)
{
	struct fake *fake = ctx;

	fake->updates++;
	if (fake->disturb) {
		fake->disturb--;
		return 1;
	}
	if (memcmp(fake->memory + gpa, &old, length))
		return 1;
	memcpy(fake->memory + gpa, &new, length);
	return 0;
}

static struct fake *new_fake(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	return fake;
}

static void put_entry(struct fake *fake, u64 at, u64 entry, u32 length)
{
	memcpy(fake->memory + at, &entry, length);
}

static u64 get_entry(struct fake *fake, u64 at, u32 length)
{
	u64 entry = 0;

	memcpy(&entry, fake->memory + at, length);
	return entry;
}

/*
 * One walk: what is put into the tables (0: nothing), and what comes of it. The supervisor reads
 * unless access says otherwise; WP and NXE are on, and PSE in 32-bit paging.
 */
struct walk_row {
	const char *what;
	u64 e4, e3, e2, e1;
	u64 cr4, rflags;	/* beyond what the mode needs */
	u32 access;
	int ret;
	u64 gpa, size;		/* ret 0; ret -EFAULT: the entry that cannot be read */
	u32 rights;		/* ret 0 */
	u32 error;		/* ret 1 */
	bool no_1g, no_wp, no_nxe, no_pse;
};

#define FOUR(a, b, c, d) .e4 = (a), .e3 = (b), .e2 = (c), .e1 = (d)
#define THREE(b, c, d)	.e3 = (b), .e2 = (c), .e1 = (d)
#define TWO(c, d)	.e2 = (c), .e1 = (d)
#define L4		(T3 | RWU)	/* the usual entry of each table but the last */
#define L3		(T2 | RWU)
#define L2		(T1 | RWU)
#define RWU		(P | W | U)
#define ALL_RIGHTS	(WALK_READ | WALK_WRITE | WALK_USER | WALK_FETCH)
#define MAPPED		.gpa = PAGE + 0xabc, .size = SZ_4K
#define FAULT(bits)	.ret = 1, .error = (bits)
#define E_P		PAGE_FAULT_PRESENT
#define E_W		PAGE_FAULT_WRITE
#define E_U		PAGE_FAULT_USER
#define E_R		PAGE_FAULT_RESERVED
#define E_I		PAGE_FAULT_FETCH

static const struct walk_row long_rows[] = {
	{ "4K", FOUR(L4, L3, L2, PAGE | RWU), MAPPED, .rights = ALL_RIGHTS },
	{ "2M", FOUR(L4, L3, 0x200000 | RWU | PS, 0), .gpa = 0x389abc, .size = SZ_2M,
	  .rights = ALL_RIGHTS },
	{ "1G", FOUR(L4, 0x40000000 | RWU | PS, L2, 0), .gpa = 0x56789abc, .size = SZ_1G,
	  .rights = ALL_RIGHTS },
	{ "1G that the CPU does not have", FOUR(L4, 0x40000000 | RWU | PS, L2, 0), .no_1g = true,
	  FAULT(E_P | E_R) },
	{ "PAT bit of a 4K page is no size", FOUR(L4, L3, L2, PAGE | RWU | PS), MAPPED,
	  .rights = ALL_RIGHTS },
	{ "ignored bits 58:52", FOUR(L4, L3, L2, PAGE | RWU | 0x07f0000000000000), MAPPED,
	  .rights = ALL_RIGHTS },

	{ "level 4 not present", FOUR(0, 0, 0, 0), FAULT(0) },
	{ "level 3 not present", FOUR(T3 | RWU, 0, 0, 0), FAULT(0) },
	{ "level 2 not present, write", FOUR(T3 | RWU, T2 | RWU, 0, 0), .access = WALK_WRITE,
	  FAULT(E_W) },
	{ "level 1 not present, user", FOUR(L4, L3, L2, 0), .access = WALK_USER, FAULT(E_U) },
	{ "not present beats reserved", FOUR(L4, L3, L2, NX | BIT_ULL(51)), .access = WALK_FETCH,
	  FAULT(E_I) },
	{ "a table that is no memory", FOUR(0x100000 | RWU, 0, 0, 0), .ret = -EFAULT,
	  .gpa = 0x100000 + I3 },

	{ "reserved: PS in level 4", FOUR(T3 | RWU | PS, L3, L2, 0), FAULT(E_P | E_R) },
	{ "reserved: address bit in level 4", FOUR(T3 | RWU | BIT_ULL(40), L3, L2, 0),
	  FAULT(E_P | E_R) },
	{ "reserved: bit 51 in level 1", FOUR(L4, L3, L2, PAGE | RWU | BIT_ULL(51)),
	  .access = WALK_WRITE | WALK_USER, FAULT(E_P | E_R | E_W | E_U) },
	{ "highest address bit", FOUR(L4, L3, L2, PAGE | RWU | BIT_ULL(39)),
	  .gpa = (PAGE + 0xabc) | BIT_ULL(39), .size = SZ_4K, .rights = ALL_RIGHTS },
	{ "reserved: bit 13 of a 2M page", FOUR(L4, L3, 0x202000 | RWU | PS, 0),
	  FAULT(E_P | E_R) },
	{ "PAT bit of a 2M page", FOUR(L4, L3, 0x201000 | RWU | PS, 0), .gpa = 0x389abc,
	  .size = SZ_2M, .rights = ALL_RIGHTS },
	{ "reserved: bit 29 of a 1G page", FOUR(L4, 0x60000000 | RWU | PS, L2, 0),
	  FAULT(E_P | E_R) },
	{ "reserved: NX without NXE", FOUR(L4, L3, L2, PAGE | RWU | NX), .no_nxe = true,
	  FAULT(E_P | E_R) },

	{ "user, supervisor page at level 4", FOUR(T3 | P | W, L3, L2, PAGE | RWU),
	  .access = WALK_USER, FAULT(E_P | E_U) },
	{ "user, supervisor page at level 1", FOUR(L4, L3, L2, PAGE | P | W),
	  .access = WALK_USER | WALK_WRITE, FAULT(E_P | E_U | E_W) },
	{ "user writes a read-only page", FOUR(L4, L3, L2, PAGE | P | U),
	  .access = WALK_USER | WALK_WRITE, FAULT(E_P | E_U | E_W) },
	{ "user reads a read-only page", FOUR(L4, L3, L2, PAGE | P | U), .access = WALK_USER,
	  MAPPED, .rights = WALK_READ | WALK_USER | WALK_FETCH },
	{ "supervisor writes, read-only at level 2, WP", FOUR(L4, L3, T1 | P | U, PAGE | RWU),
	  .access = WALK_WRITE, FAULT(E_P | E_W) },
	{ "supervisor writes, read-only, no WP", FOUR(L4, L3, L2, PAGE | P | U), .no_wp = true,
	  .access = WALK_WRITE, MAPPED, .rights = ALL_RIGHTS },
	{ "user writes, read-only, no WP", FOUR(L4, L3, L2, PAGE | P | U), .no_wp = true,
	  .access = WALK_WRITE | WALK_USER, FAULT(E_P | E_W | E_U) },

	{ "fetch, NX at level 3", FOUR(L4, T2 | RWU | NX, L2, PAGE | RWU), .access = WALK_FETCH,
	  FAULT(E_P | E_I) },
	{ "user fetch, NX at level 1", FOUR(L4, L3, L2, PAGE | RWU | NX),
	  .access = WALK_FETCH | WALK_USER, FAULT(E_P | E_I | E_U) },
	{ "read, NX", FOUR(L4, L3, L2, PAGE | RWU | NX), MAPPED,
	  .rights = WALK_READ | WALK_WRITE | WALK_USER },
	{ "fetch faults without NXE and SMEP do not say so", FOUR(0, 0, 0, 0), .no_nxe = true,
	  .access = WALK_FETCH, FAULT(0) },
	{ "with SMEP they do", FOUR(0, 0, 0, 0), .no_nxe = true, .cr4 = SMEP,
	  .access = WALK_FETCH, FAULT(E_I) },

	{ "SMEP: supervisor fetches a user page", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMEP,
	  .access = WALK_FETCH, FAULT(E_P | E_I) },
	{ "SMEP: supervisor page", FOUR(L4, L3, L2, PAGE | P | W), .cr4 = SMEP,
	  .access = WALK_FETCH, MAPPED, .rights = WALK_READ | WALK_WRITE | WALK_FETCH },
	{ "SMEP: user fetches a user page", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMEP,
	  .access = WALK_FETCH | WALK_USER, MAPPED, .rights = ALL_RIGHTS },
	{ "SMAP: supervisor reads a user page", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMAP,
	  FAULT(E_P) },
	{ "SMAP: supervisor writes a user page", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMAP,
	  .access = WALK_WRITE, FAULT(E_P | E_W) },
	{ "SMAP: without WP too", FOUR(L4, L3, L2, PAGE | RWU), .no_wp = true, .cr4 = SMAP,
	  .access = WALK_WRITE, FAULT(E_P | E_W) },
	{ "SMAP: with AC", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMAP, .rflags = X86_EFLAGS_AC,
	  .access = WALK_WRITE, MAPPED, .rights = ALL_RIGHTS },
	{ "SMAP: implicit accesses do not heed AC", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMAP,
	  .rflags = X86_EFLAGS_AC, .access = WALK_IMPLICIT, FAULT(E_P) },
	{ "SMAP: does not concern fetches", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMAP,
	  .access = WALK_FETCH, MAPPED, .rights = WALK_USER | WALK_FETCH },
	{ "SMAP: user", FOUR(L4, L3, L2, PAGE | RWU), .cr4 = SMAP,
	  .access = WALK_USER | WALK_WRITE, MAPPED, .rights = ALL_RIGHTS },
	{ "5-level paging", FOUR(0, 0, 0, 0), .cr4 = X86_CR4_LA57, .ret = -EOPNOTSUPP },
};

#define MAPPED32	.gpa = PAGE + 0xabc, .size = SZ_4K

static const struct walk_row narrow_rows[] = {
	{ "4K", TWO(T1 | RWU, PAGE | RWU), MAPPED32, .rights = ALL_RIGHTS },
	{ "4M", TWO(0x00c00000 | RWU | PS, 0), .gpa = 0x00f89abc, .size = SZ_4M,
	  .rights = ALL_RIGHTS },
	{ "4M above 4G", TWO(0x00c00000 | RWU | PS | 0x1fe000, 0), .gpa = 0xff00f89abc,
	  .size = SZ_4M, .rights = ALL_RIGHTS },
	{ "reserved: bit 21 of a 4M page", TWO(0x00e00000 | RWU | PS, 0), FAULT(E_P | E_R) },
	{ "PS without CR4.PSE is ignored", TWO(T1 | RWU | PS, PAGE | RWU), .no_pse = true,
	  MAPPED32, .rights = ALL_RIGHTS },
	{ "level 2 not present", TWO(0, 0), .access = WALK_FETCH, FAULT(0) },
	{ "level 1 not present", TWO(T1 | RWU, 0), .access = WALK_WRITE, FAULT(E_W) },
	{ "NXE means nothing here", TWO(T1 | RWU, 0), .access = WALK_FETCH,
	  FAULT(0) },
	{ "user, supervisor page", TWO(T1 | P | W, PAGE | RWU), .access = WALK_USER,
	  FAULT(E_P | E_U) },
	{ "write, read-only", TWO(T1 | RWU, PAGE | P | U), .access = WALK_WRITE,
	  FAULT(E_P | E_W) },
};

static const struct walk_row pae_rows[] = {
	{ "4K", THREE(T2 | P, T1 | RWU, PAGE | RWU), MAPPED32, .rights = ALL_RIGHTS },
	{ "2M", THREE(T2 | P, 0x200000 | RWU | PS, 0), .gpa = 0x389abc, .size = SZ_2M,
	  .rights = ALL_RIGHTS },
	{ "PDPTE not present", THREE(T2, 0, 0), .access = WALK_USER, FAULT(E_U) },
	{ "level 2 not present", THREE(T2 | P, 0, 0), FAULT(0) },
	{ "fetch, NX", THREE(T2 | P, T1 | RWU | NX, PAGE | RWU), .access = WALK_FETCH,
	  FAULT(E_P | E_I) },
	{ "reserved: bit 62", THREE(T2 | P, T1 | RWU, PAGE | RWU | BIT_ULL(62)),
	  FAULT(E_P | E_R) },
	{ "reserved: bit 52", THREE(T2 | P, T1 | RWU | BIT_ULL(52), PAGE | RWU),
	  FAULT(E_P | E_R) },
	{ "reserved: bit 20 of a 2M page", THREE(T2 | P, 0x300000 | RWU | PS, 0),
	  FAULT(E_P | E_R) },
	{ "reserved: NX without NXE", THREE(T2 | P, T1 | RWU | NX, 0), .no_nxe = true,
	  FAULT(E_P | E_R) },
	{ "the PDPTE's bits are no rights", THREE(T2 | P, T1 | RWU, PAGE | RWU),
	  .access = WALK_USER | WALK_WRITE, MAPPED32, .rights = ALL_RIGHTS },
};

static void check_row(struct kunit *test, const struct walk_row *row, struct walk_mode *mode,
		      u64 gva)
{
	struct walk_result out = {};

	mode->cr0 = PG | (row->no_wp ? 0 : WP);
	mode->cr4 |= row->cr4;
	mode->efer |= row->no_nxe ? 0 : EFER_NX;
	mode->rflags = row->rflags;
	mode->maxphyaddr = 40;
	mode->page_1g = !row->no_1g;
	mode->read = fake_read;

	KUNIT_EXPECT_EQ_MSG(test, walk_page_tables(mode, gva, row->access, &out), row->ret,
			    "%s", row->what);
	if (row->ret == 1) {
		KUNIT_EXPECT_EQ_MSG(test, out.fault_error, row->error, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, out.linear, mode->efer & EFER_LMA ? gva : (u32)gva,
				    "%s", row->what);
		return;
	}
	KUNIT_EXPECT_EQ_MSG(test, out.gpa, row->gpa, "%s", row->what);
	if (row->ret)
		return;
	KUNIT_EXPECT_EQ_MSG(test, out.page_size, row->size, "%s", row->what);
	KUNIT_EXPECT_EQ_MSG(test, out.rights, row->rights, "%s", row->what);
}

static void walk_four_levels(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(long_rows); i++) {
		const struct walk_row *row = &long_rows[i];
		struct fake *fake = new_fake(test);
		/* bits 11:0 and 63:40 of CR3 are no address */
		struct walk_mode mode = {
			.cr3 = T4 | 0xfff, .cr4 = PAE, .efer = LM, .ctx = fake,
		};

		put_entry(fake, T4 + I4, row->e4, 8);
		put_entry(fake, T3 + I3, row->e3, 8);
		put_entry(fake, T2 + I2, row->e2, 8);
		put_entry(fake, T1 + I1, row->e1, 8);
		check_row(test, row, &mode, GVA);
	}
}

static void walk_two_levels(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(narrow_rows); i++) {
		const struct walk_row *row = &narrow_rows[i];
		struct fake *fake = new_fake(test);
		struct walk_mode mode = {
			.cr3 = T2 | 0xfff, .cr4 = row->no_pse ? 0 : PSE, .ctx = fake,
		};

		put_entry(fake, T2 + J2, row->e2, 4);
		put_entry(fake, T1 + J1, row->e1, 4);
		/* linear addresses have 32 bits there */
		check_row(test, row, &mode, 0xffffffff00000000ull | GVA32);
	}
}

static void walk_pae(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(pae_rows); i++) {
		const struct walk_row *row = &pae_rows[i];
		struct fake *fake = new_fake(test);
		struct walk_mode mode = {
			.pdpte[GVA32 >> 30] = row->e3, .cr4 = PAE, .ctx = fake,
		};

		put_entry(fake, T2 + PAE_J2, row->e2, 8);
		put_entry(fake, T1 + PAE_J1, row->e1, 8);
		check_row(test, row, &mode, GVA32);
	}
}

static void walk_no_paging(struct kunit *test)
{
	const struct walk_mode mode = { .cr0 = X86_CR0_PE, .cr3 = ~0ull };
	struct walk_result out;

	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, 0x123456789abull, WALK_WRITE | WALK_USER,
					       &out), 0);
	KUNIT_EXPECT_EQ(test, out.gpa, 0x456789abull);
	KUNIT_EXPECT_EQ(test, out.rights, ALL_RIGHTS);
}

static void walk_canonical(struct kunit *test)
{
	static const struct {
		u64 gva;
		int ret;
	} rows[] = {
		{ 0x00007fffffffffff, 1 },
		{ 0x0000800000000000, -EINVAL },
		{ 0xffff7fffffffffff, -EINVAL },
		{ 0xffff800000000000, 1 },
	};
	const struct walk_mode mode = {
		.cr0 = PG, .cr3 = T4, .cr4 = PAE, .efer = LM, .maxphyaddr = 40,
		.read = fake_read, .ctx = new_fake(test),
	};
	struct walk_result out;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, walk_page_tables(&mode, rows[i].gva, 0, &out),
				    rows[i].ret, "%llx", rows[i].gva);
}

static struct fake *flags_fake(struct kunit *test, struct walk_mode *mode)
{
	struct fake *fake = new_fake(test);

	*mode = (struct walk_mode) {
		.cr0 = PG | WP, .cr3 = T4, .cr4 = PAE, .efer = LM, .maxphyaddr = 40,
		.read = fake_read, .update = fake_update, .ctx = fake,
	};
	put_entry(fake, T4 + I4, T3 | RWU, 8);
	put_entry(fake, T3 + I3, T2 | RWU | A, 8);
	put_entry(fake, T2 + I2, T1 | RWU, 8);
	put_entry(fake, T1 + I1, PAGE | P | U, 8);
	return fake;
}

/* A read sets accessed everywhere, a write dirty in the last entry, a fault nothing. */
static void walk_sets_flags(struct kunit *test)
{
	struct walk_mode mode;
	struct fake *fake = flags_fake(test, &mode);
	struct walk_result out;

	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, GVA, WALK_WRITE, &out), 1);
	KUNIT_EXPECT_EQ(test, fake->updates, 0);
	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, GVA, 0, &out), 0);
	KUNIT_EXPECT_EQ(test, fake->updates, 3);
	KUNIT_EXPECT_EQ(test, get_entry(fake, T4 + I4, 8), T3 | RWU | A);
	KUNIT_EXPECT_EQ(test, get_entry(fake, T3 + I3, 8), T2 | RWU | A);
	KUNIT_EXPECT_EQ(test, get_entry(fake, T2 + I2, 8), T1 | RWU | A);
	KUNIT_EXPECT_EQ(test, get_entry(fake, T1 + I1, 8), PAGE | P | U | A);
	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, GVA, 0, &out), 0);
	KUNIT_EXPECT_EQ(test, fake->updates, 3);

	put_entry(fake, T1 + I1, PAGE | RWU, 8);
	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, GVA, WALK_WRITE, &out), 0);
	KUNIT_EXPECT_EQ(test, get_entry(fake, T1 + I1, 8), PAGE | RWU | A | D);
	KUNIT_EXPECT_EQ(test, fake->updates, 4);
}

/* With nothing to set them by, they stay. */
static void walk_leaves_flags(struct kunit *test)
{
	struct walk_mode mode;
	struct fake *fake = flags_fake(test, &mode), *before = new_fake(test);
	struct walk_result out;

	put_entry(fake, T1 + I1, PAGE | RWU, 8);
	*before = *fake;
	mode.update = NULL;
	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, GVA, WALK_WRITE, &out), 0);
	KUNIT_EXPECT_EQ(test, out.gpa, PAGE + 0xabc);
	KUNIT_EXPECT_TRUE(test, !memcmp(before->memory, fake->memory, MEMORY));
}

/* Another CPU changes an entry under the walk: it begins again, but not for ever. */
static void walk_disturbed(struct kunit *test)
{
	struct walk_mode mode;
	struct fake *fake = flags_fake(test, &mode);
	struct walk_result out;

	fake->disturb = 3;
	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, GVA, 0, &out), 0);
	KUNIT_EXPECT_EQ(test, out.gpa, PAGE + 0xabc);
	put_entry(fake, T4 + I4, T3 | RWU, 8);
	fake->disturb = 1000;
	KUNIT_EXPECT_EQ(test, walk_page_tables(&mode, GVA, 0, &out), -EAGAIN);
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(walk_four_levels),
	KUNIT_CASE(walk_two_levels),
	KUNIT_CASE(walk_pae),
	KUNIT_CASE(walk_no_paging),
	KUNIT_CASE(walk_canonical),
	KUNIT_CASE(walk_sets_flags),
	KUNIT_CASE(walk_leaves_flags),
	KUNIT_CASE(walk_disturbed),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "vmxhv-walk",
	.test_cases = walk_cases,
};

kunit_test_suite(walk_suite);
