// SPDX-License-Identifier: GPL-2.0-only
/* How many units of INS and OUTS a segment lets through. */
#include <kunit/test.h>

#include "vcpu/x86.h"
#include "vmx/arch.h"

#define DATA		0x4093u
#define DATA_16		0x93u
#define READ_ONLY	0x4091u
#define DOWN		0x4097u
#define DOWN_16		0x97u
#define CODE		0xc09bu
#define EXECUTE_ONLY	0xc099u
#define CONFORMING	0xc09fu
#define P32		VMXHV_MODE_32

struct units_case {
	const char *what;
	struct io_segment segment;
	u64 offset, mask, units;
	u32 width;
};

static const struct units_case cases[] = {
	{ "the last byte", { P32, DATA, 0xff }, 0xff, U32_MAX, 1, 1 },
	{ "behind the last byte", { P32, DATA, 0xff }, 0x100, U32_MAX, 0, 1 },
	{ "a word across the limit", { P32, DATA, 0xff }, 0xff, U32_MAX, 0, 2 },
	{ "words up to the limit", { P32, DATA, 0xff }, 0xf0, U32_MAX, 8, 2 },
	{ "words, the last across", { P32, DATA, 0xff }, 0xf1, U32_MAX, 7, 2 },
	{ "dwords in 4 GiB", { P32, DATA, U32_MAX }, 0, U32_MAX, 1ull << 30, 4 },
	{ "a dword across 4 GiB", { P32, DATA, U32_MAX }, 0xfffffffe, U32_MAX, 0, 4 },
	{ "unusable", { P32, DATA | VMX_AR_UNUSABLE, U32_MAX }, 0, U32_MAX, 0, 1 },
	{ "from read-only", { P32, READ_ONLY, 0xff }, 0, U32_MAX, 0x100, 1 },
	{ "to read-only", { P32, READ_ONLY, 0xff, true }, 0, U32_MAX, 0, 1 },
	{ "to writable", { P32, DATA, 0xff, true }, 0, U32_MAX, 0x100, 1 },
	{ "from code", { P32, CODE, 0xff }, 0, U32_MAX, 0x100, 1 },
	{ "to code", { P32, CODE, 0xff, true }, 0, U32_MAX, 0, 1 },
	{ "from execute-only", { P32, EXECUTE_ONLY, 0xff }, 0, U32_MAX, 0, 1 },
	{ "conforming is not expand-down", { P32, CONFORMING, 0xff }, 0, U32_MAX, 0x100, 1 },
	{ "expand-down: at the limit", { P32, DOWN, 0xff }, 0xff, U32_MAX, 0, 1 },
	{ "expand-down: above it", { P32, DOWN, 0xff }, 0xfffffff0, U32_MAX, 4, 4 },
	{ "expand-down to 64 KiB", { P32, DOWN_16, 0xff }, 0xfff0, U32_MAX, 16, 1 },
	{ "expand-down, above 64 KiB", { P32, DOWN_16, 0xff }, 0x10000, U32_MAX, 0, 1 },
	{ "expand-down, nothing left", { P32, DOWN, U32_MAX }, U32_MAX, U32_MAX, 0, 1 },
	{ "16-bit index: bytes to its end", { P32, DATA, U32_MAX }, 0xfff0, U16_MAX, 16, 1 },
	{ "16-bit index: a dword beyond", { P32, DATA, U32_MAX }, 0xfffe, U16_MAX, 1, 4 },
	{ "real mode", { VMXHV_MODE_REAL, DATA_16, U16_MAX }, 0xfffe, U16_MAX, 1, 2 },
	{ "real mode, across", { VMXHV_MODE_REAL, DATA_16, U16_MAX }, U16_MAX, U16_MAX, 0, 2 },
	{ "real mode knows no types", { VMXHV_MODE_REAL, READ_ONLY, U16_MAX, true }, 0, U16_MAX,
	  0x10000, 1 },
	{ "virtual-8086 mode", { VMXHV_MODE_VM86, 0xf3, U16_MAX, true }, U16_MAX, U16_MAX, 1, 1 },
	{ "64-bit mode: no limit", { VMXHV_MODE_64, VMX_AR_UNUSABLE, 0, true }, 0, U32_MAX,
	  1ull << 32, 1 },
	{ "64-bit mode: the last byte", { VMXHV_MODE_64 }, ~0ull, ~0ull, 1, 1 },
};

static void units(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct units_case *c = &cases[i];

		KUNIT_EXPECT_EQ_MSG(test, io_segment_units(&c->segment, c->offset, c->mask,
							   c->width), c->units, "%s", c->what);
	}
}

static struct kunit_case io_segment_cases[] = {
	KUNIT_CASE(units),
	{}
};

static struct kunit_suite io_segment_suite = {
	.name = "vcpu_io_segment",
	.test_cases = io_segment_cases,
};

kunit_test_suite(io_segment_suite);
