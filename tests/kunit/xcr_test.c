// SPDX-License-Identifier: GPL-2.0-only
/* XCR0 and XSAVE images: what XSETBV takes, and which images may be restored. */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/page_types.h>
#include <asm/fpu/types.h>

#include "vcpu/cpu.h"
#include "vcpu/x86.h"

#define FULL	0xe7ull		/* x87, SSE, AVX, AVX-512 */

/* XSETBV takes what is valid (it once refused every value), and refuses the rest. */
static const struct {
	u64 value, valid;
	int fault;
} writes[] = {
	{ 0x1, FULL, 0 },	/* x87 alone */
	{ 0x3, FULL, 0 },
	{ 0x7, FULL, 0 },
	{ 0xe7, FULL, 0 },
	{ 0x1, 0x1, 0 },
	{ 0x7, 0x7, 0 },
	{ 0x3, 0x7, 0 },
	{ 0x0, FULL, 1 },	/* x87 must be set */
	{ 0x2, FULL, 1 },
	{ 0x6, FULL, 1 },
	{ 0x5, FULL, 1 },	/* AVX without SSE */
	{ 0xe3, FULL, 1 },	/* AVX-512 without AVX */
	{ 0x27, FULL, 1 },	/* one of AVX-512's three */
	{ 0x67, FULL, 1 },
	{ 0xa7, FULL, 1 },
	{ 0xc7, FULL, 1 },
	{ 0xe7, 0x7, 1 },	/* not in the guest's CPUID */
	{ 0x207, FULL, 1 },	/* PKRU */
	{ 0x9, FULL, 1 },	/* one of MPX's two */
	{ 0x1f, FULL, 1 },
	{ 0xb, 0x1f, 1 },
	{ 0x1b, 0x1f, 0 },
	{ BIT_ULL(63) | 1, FULL, 1 },
	{ 0x60007, FULL, 1 },	/* AMX */
	{ ~0ull, FULL, 1 },
};

static void xcr0_writes(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++)
		KUNIT_EXPECT_EQ_MSG(test, writes[i].fault,
				    xcr0_check(writes[i].value, writes[i].valid), "%llx of %llx",
				    writes[i].value, writes[i].valid);
}

struct image {
	union fpregs_state regs;
	struct vmxhv_error err;
};

static struct image *good_image(struct kunit *test)
{
	struct image *im = kunit_kzalloc(test, sizeof(*im), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, im);
	im->regs.fxsave.cwd = 0x37f;
	im->regs.fxsave.mxcsr = 0x1f80;
	im->regs.xsave.header.xfeatures = FULL;
	return im;
}

static void expect_refused(struct kunit *test, struct image *im, u32 at, u64 seen)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, xstate_check_fields(&im->regs, FULL, 0xffff, &im->err));
	KUNIT_EXPECT_EQ(test, im->err.code, (u32)VMXHV_ERR_STATE);
	KUNIT_EXPECT_EQ(test, im->err.index, (u32)VMXHV_STATE_XSAVE);
	KUNIT_EXPECT_EQ(test, im->err.item, at);
	KUNIT_EXPECT_EQ(test, im->err.value, seen);
}

static void xstate_images(struct kunit *test)
{
	struct image *im = good_image(test);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, xstate_check_fields(&im->regs, FULL, 0xffff, &im->err));
	im->regs.xsave.header.xfeatures = 0;
	KUNIT_EXPECT_EQ(test, 0, xstate_check_fields(&im->regs, FULL, 0xffff, &im->err));

	im->regs.xsave.header.xfeatures = FULL | BIT_ULL(9);
	expect_refused(test, im, 512, FULL | BIT_ULL(9));
	im->regs.xsave.header.xfeatures = FULL;
	im->regs.xsave.header.xcomp_bv = BIT_ULL(63) | FULL;
	expect_refused(test, im, 520, BIT_ULL(63) | FULL);
	im->regs.xsave.header.xcomp_bv = 0;
	for (i = 0; i < 6; i++) {
		im->regs.xsave.header.reserved[i] = 1;
		expect_refused(test, im, 528 + 8 * i, 1);
		im->regs.xsave.header.reserved[i] = 0;
	}
	im->regs.fxsave.mxcsr = 0x11f80;
	expect_refused(test, im, 24, 0x11f80);
}

/* A CPU without denormals-are-zero has a narrower MXCSR. */
static void xstate_mxcsr_mask(struct kunit *test)
{
	struct image *im = good_image(test);

	im->regs.fxsave.mxcsr = 0x1fc0;
	KUNIT_EXPECT_EQ(test, 0, xstate_check_fields(&im->regs, FULL, 0xffff, &im->err));
	KUNIT_EXPECT_EQ(test, -EINVAL, xstate_check_fields(&im->regs, FULL, 0xffbf, &im->err));
}

/* The layout is what was remembered, which CPUID, asked again, need not say of this CPU. */
static void xstate_layout(struct kunit *test)
{
	static const struct xstate_place layout[XSTATE_COMPONENTS] = {
		[2] = { 640, 16 }, [5] = { 704, 64 }, [62] = { 1000, 24 },
	};
	u8 *from = kunit_kzalloc(test, 1024, GFP_KERNEL);
	u8 *to = kunit_kzalloc(test, 1024, GFP_KERNEL);
	unsigned int i, wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, from);
	KUNIT_ASSERT_NOT_NULL(test, to);
	memset(from, 0x5a, 1024);
	xstate_copy_extended(to, from, BIT_ULL(62) | BIT_ULL(2) | 3, layout);
	for (i = 0; i < 1024; i++) {
		bool copied = (i >= 640 && i < 656) || i >= 1000;

		wrong += to[i] != (copied ? 0x5a : 0);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(xcr0_writes),
	KUNIT_CASE(xstate_images),
	KUNIT_CASE(xstate_mxcsr_mask),
	KUNIT_CASE(xstate_layout),
	{}
};

static struct kunit_suite xcr_suite = { .name = "xcr", .test_cases = cases };

kunit_test_suite(xcr_suite);
