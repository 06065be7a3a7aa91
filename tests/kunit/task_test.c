// SPDX-License-Identifier: GPL-2.0-only
/* Task switches: both formats of a TSS, and which descriptors may be loaded. */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"

#define TS	X86_TRAP_TS
#define NP	X86_TRAP_NP
#define SS	X86_TRAP_SS
#define GP	X86_TRAP_GP

/* a descriptor of @access, flat */
#define FLAT(access)	(0x00cf00000000ffffull | (u64)(access) << 40)
/* a system descriptor of @access and @limit */
#define SYSTEM(access, limit)	((u64)(access) << 40 | (limit))
#define ABSENT(raw)	((raw) & ~BIT_ULL(47))

static const struct state_limits limits = { .linear_bits = 48 };

static void wide_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, offsetof(struct tss32, cr3), 0x1c);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss32, eip), 0x20);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss32, gpr), 0x28);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss32, selector), 0x48);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss32, ldt), 0x60);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss32, trap), 0x64);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss16, ip), 0xe);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss16, gpr), 0x12);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss16, selector), 0x22);
	KUNIT_EXPECT_EQ(test, offsetof(struct tss16, ldt), 0x2a);
}

static struct task_image some_image(void)
{
	struct task_image image = { .eip = 0x12345, .eflags = 0x3202 };
	int i;

	for (i = 0; i < ARRAY_SIZE(image.gpr); i++)
		image.gpr[i] = 0xabcd0000 + i;
	for (i = 0; i < TASK_LDTR; i++)
		image.selector[i] = 8 * (i + 1);
	return image;
}

/* What is saved comes back, and nothing else has been written. */
static void saved_and_loaded(struct kunit *test)
{
	const struct task_image image = some_image();
	struct task_image back;
	u32 offset, length, i;
	union tss tss;
	u8 *bytes = (u8 *)&tss;
	int wide;

	for (wide = 0; wide <= 1; wide++) {
		memset(&tss, 0x5a, sizeof(tss));
		tss_format(&image, wide, &tss);
		tss_saved_range(wide, &offset, &length);
		KUNIT_EXPECT_LE(test, offset + length, tss_size(wide));
		for (i = 0; i < sizeof(tss); i++)
			if (i < offset || i >= offset + length)
				KUNIT_EXPECT_EQ_MSG(test, bytes[i], 0x5a, "byte %u", i);
		tss_parse(&tss, wide, &back);
		KUNIT_EXPECT_EQ(test, back.eip, wide ? image.eip : (u16)image.eip);
		KUNIT_EXPECT_EQ(test, back.eflags, image.eflags);
		for (i = 0; i < ARRAY_SIZE(image.gpr); i++)
			KUNIT_EXPECT_EQ(test, back.gpr[i],
					wide ? image.gpr[i] : (u16)image.gpr[i]);
		for (i = 0; i < (wide ? 6 : 4); i++)
			KUNIT_EXPECT_EQ(test, back.selector[i], image.selector[i]);
		KUNIT_EXPECT_EQ(test, back.selector[TASK_LDTR], 0x5a5a);
		KUNIT_EXPECT_EQ(test, back.cr3, wide ? 0x5a5a5a5a : 0);
		KUNIT_EXPECT_EQ(test, back.trap, false);
	}
}

static void flags_that_exist(struct kunit *test)
{
	union tss tss = { .wide = { .eflags = ~0u, .trap = 0xffff } };
	struct task_image image;

	tss_parse(&tss, true, &image);
	KUNIT_EXPECT_EQ(test, image.eflags, 0x3f7fd7);
	KUNIT_EXPECT_TRUE(test, image.trap);
	tss = (union tss){ .narrow = { .flags = 0 } };
	tss_parse(&tss, false, &image);
	KUNIT_EXPECT_EQ(test, image.eflags, X86_EFLAGS_FIXED);
}

static void descriptors(struct kunit *test)
{
	struct task_segment from = { .selector = 0x2b, .raw = 0x12df92345678abcdull };
	struct vmxhv_segment to;

	task_descriptor(&from, &to);
	KUNIT_EXPECT_EQ(test, to.selector, 0x2b);
	KUNIT_EXPECT_EQ(test, to.base, 0x12345678);
	KUNIT_EXPECT_EQ(test, to.limit, 0xfabcdfff);
	KUNIT_EXPECT_EQ(test, to.access, 0xd093);
	from.raw = SYSTEM(0x89, 0x67);
	task_descriptor(&from, &to);
	KUNIT_EXPECT_EQ(test, to.limit, 0x67);
	KUNIT_EXPECT_EQ(test, to.access, 0x89);
}

struct tss_case {
	const char *name;
	struct task_segment tss;
	enum task_source source;
	u8 vector;
};

#define TSS(...)	{ .selector = 0x28, __VA_ARGS__ }

static const struct tss_case tss_cases[] = {
	{ "CALL", TSS(.raw = SYSTEM(0x89, 0x67)), TASK_CALL, 0 },
	{ "16-bit", TSS(.raw = SYSTEM(0x81, 0x2b)), TASK_JMP, 0 },
	{ "IRET", TSS(.raw = SYSTEM(0x8b, 0x67)), TASK_IRET, 0 },
	{ "null", { .null = true }, TASK_GATE, GP },
	{ "null, by IRET", { .null = true }, TASK_IRET, TS },
	{ "outside", TSS(.outside = true), TASK_CALL, GP },
	{ "outside, by IRET", TSS(.outside = true), TASK_IRET, TS },
	{ "in the LDT", { .selector = 0x2c, .raw = SYSTEM(0x89, 0x67) }, TASK_JMP, GP },
	{ "an LDT", TSS(.raw = SYSTEM(0x82, 0x67)), TASK_JMP, GP },
	{ "an interrupt gate", TSS(.raw = SYSTEM(0x8e, 0x67)), TASK_JMP, GP },
	{ "code", TSS(.raw = FLAT(0x99)), TASK_JMP, GP },
	{ "not present", TSS(.raw = SYSTEM(0x09, 0x67)), TASK_JMP, NP },
	{ "not present, by IRET", TSS(.raw = SYSTEM(0x0b, 0x67)), TASK_IRET, NP },
	{ "busy", TSS(.raw = SYSTEM(0x8b, 0x67)), TASK_JMP, GP },
	{ "busy, by a gate", TSS(.raw = SYSTEM(0x83, 0x2b)), TASK_GATE, GP },
	{ "free, by IRET", TSS(.raw = SYSTEM(0x89, 0x67)), TASK_IRET, TS },
	{ "too short", TSS(.raw = SYSTEM(0x89, 0x66)), TASK_CALL, TS },
	{ "16-bit, too short", TSS(.raw = SYSTEM(0x81, 0x2a)), TASK_CALL, TS },
};

static void which_tss(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tss_cases); i++) {
		const struct tss_case *c = &tss_cases[i];
		struct task_fault fault = {};
		int ret = task_check_tss(&c->tss, c->source, &fault);

		KUNIT_EXPECT_EQ_MSG(test, ret, !!c->vector, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, fault.vector, c->vector, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, fault.selector, c->vector ? c->tss.selector : 0, "%s",
				    c->name);
	}
}

/* A task of ring 3 that is right; a case changes one segment, or two. */
static const struct task_segment good[TASK_SEGMENTS] = {
	[TASK_ES] = { .selector = 0x23, .raw = FLAT(0xf3) },
	[TASK_CS] = { .selector = 0x1b, .raw = FLAT(0xfb) },
	[TASK_SS] = { .selector = 0x23, .raw = FLAT(0xf3) },
	[TASK_DS] = { .selector = 0x23, .raw = FLAT(0xf3) },
	[TASK_FS] = { .null = true },
	[TASK_GS] = { .null = true },
	[TASK_LDTR] = { .selector = 0x30, .raw = SYSTEM(0x82, 0xff) },
};

#define NONE	TASK_SEGMENTS

struct segment_case {
	const char *name;
	enum task_segment_index index;
	struct task_segment segment;
	u8 vector;
	enum task_segment_index also;
	struct task_segment other;
};

#define AT(sel, descriptor)	{ .selector = (sel), .raw = (descriptor) }
#define OUTSIDE(sel)		{ .selector = (sel), .outside = true }

static const struct segment_case segment_cases[] = {
	{ "all is right", NONE, {}, 0, NONE, {} },
	{ "no LDT", TASK_LDTR, { .null = true }, 0, NONE, {} },
	{ "LDT outside", TASK_LDTR, OUTSIDE(0x100), TS, NONE, {} },
	{ "LDT in an LDT", TASK_LDTR, AT(0x34, SYSTEM(0x82, 0xff)), TS, NONE, {} },
	{ "LDT is a TSS", TASK_LDTR, AT(0x30, SYSTEM(0x89, 0xff)), TS, NONE, {} },
	{ "LDT is data", TASK_LDTR, AT(0x30, FLAT(0x92)), TS, NONE, {} },
	{ "LDT not present", TASK_LDTR, AT(0x30, SYSTEM(0x02, 0xff)), TS, NONE, {} },
	{ "CS null", TASK_CS, { .null = true, .selector = 3 }, TS, NONE, {} },
	{ "CS outside", TASK_CS, OUTSIDE(0x103), TS, NONE, {} },
	{ "CS data", TASK_CS, AT(0x23, FLAT(0xf3)), TS, NONE, {} },
	{ "CS of ring 0", TASK_CS, AT(0x1b, FLAT(0x9b)), TS, NONE, {} },
	{ "CS conforming of ring 0", TASK_CS, AT(0x1b, FLAT(0x9f)), 0, NONE, {} },
	{ "CS conforming, too high", TASK_CS, AT(0x1a, FLAT(0xff)), TS, NONE, {} },
	{ "CS not present", TASK_CS, AT(0x1b, ABSENT(FLAT(0xfb))), NP, NONE, {} },
	{ "SS null", TASK_SS, { .null = true }, TS, NONE, {} },
	{ "SS outside", TASK_SS, OUTSIDE(0x103), TS, NONE, {} },
	{ "SS code", TASK_SS, AT(0x1b, FLAT(0xfb)), TS, NONE, {} },
	{ "SS read-only", TASK_SS, AT(0x23, FLAT(0xf1)), TS, NONE, {} },
	{ "SS not present", TASK_SS, AT(0x23, ABSENT(FLAT(0xf3))), SS, NONE, {} },
	{ "SS of ring 0", TASK_SS, AT(0x23, FLAT(0x93)), TS, NONE, {} },
	{ "SS RPL 0", TASK_SS, AT(0x20, FLAT(0xf3)), TS, NONE, {} },
	{ "DS null", TASK_DS, { .null = true }, 0, NONE, {} },
	{ "DS null with an RPL", TASK_DS, { .null = true, .selector = 3 }, 0, NONE, {} },
	{ "DS outside", TASK_DS, OUTSIDE(0x103), TS, NONE, {} },
	{ "DS execute-only", TASK_DS, AT(0x1b, FLAT(0xf9)), TS, NONE, {} },
	{ "DS readable code", TASK_DS, AT(0x1b, FLAT(0xfb)), 0, NONE, {} },
	{ "DS read-only", TASK_DS, AT(0x23, FLAT(0xf1)), 0, NONE, {} },
	{ "DS system", TASK_DS, AT(0x33, SYSTEM(0xe2, 0xff)), TS, NONE, {} },
	{ "ES not present", TASK_ES, AT(0x23, ABSENT(FLAT(0xf3))), NP, NONE, {} },
	{ "FS of ring 0", TASK_FS, AT(0x23, FLAT(0x93)), TS, NONE, {} },
	{ "FS of ring 0, RPL too", TASK_FS, AT(0x20, FLAT(0x93)), TS, NONE, {} },
	{ "GS conforming of ring 0", TASK_GS, AT(0x1b, FLAT(0x9f)), 0, NONE, {} },
	/* the order of the SDM's table; the first named is the one that faults */
	{ "SS absent before CS absent", TASK_SS, AT(0x23, ABSENT(FLAT(0xf3))), SS,
	  TASK_CS, AT(0x1b, ABSENT(FLAT(0xfb))) },
	{ "CS privilege before SS", TASK_CS, AT(0x1b, FLAT(0x9b)), TS, TASK_SS, OUTSIDE(0x103) },
	{ "SS before an absent LDT", TASK_SS, AT(0x23, FLAT(0x93)), TS,
	  TASK_LDTR, AT(0x30, SYSTEM(0x02, 0xff)) },
	{ "a bad LDT before SS", TASK_LDTR, OUTSIDE(0x100), TS, TASK_SS, OUTSIDE(0x103) },
	{ "GS invalid before ES absent", TASK_GS, OUTSIDE(0x103), TS,
	  TASK_ES, AT(0x23, ABSENT(FLAT(0xf3))) },
};

static void which_segments(struct kunit *test)
{
	struct task_segment segments[TASK_SEGMENTS + 1];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(segment_cases); i++) {
		const struct segment_case *c = &segment_cases[i];
		struct task_fault fault = {};
		int ret;

		memcpy(segments, good, sizeof(good));
		segments[c->index] = c->segment;
		segments[c->also] = c->other;
		ret = task_check_segments(segments, false, &fault);
		KUNIT_EXPECT_EQ_MSG(test, ret, !!c->vector, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, fault.vector, c->vector, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, fault.selector, c->vector ? c->segment.selector : 0,
				    "%s", c->name);
		if (c->index != NONE)
			KUNIT_EXPECT_EQ_MSG(test, task_segment_good(segments, c->index),
					    !c->vector, "%s", c->name);
	}
}

static void vm86_has_no_descriptors(struct kunit *test)
{
	struct task_segment segments[TASK_SEGMENTS];
	struct vmxhv_sregs s = {};
	struct task_fault fault;
	int i;

	for (i = 0; i < TASK_SEGMENTS; i++)
		segments[i] = (struct task_segment)OUTSIDE(0x1230 + i);
	segments[TASK_LDTR] = good[TASK_LDTR];
	KUNIT_EXPECT_EQ(test, task_check_segments(segments, true, &fault), 0);
	task_place_segments(segments, true, &s);
	KUNIT_EXPECT_EQ(test, s.gs.base, 0x12350);
	KUNIT_EXPECT_EQ(test, s.gs.limit, 0xffff);
	KUNIT_EXPECT_EQ(test, s.ss.access, 0xf3);
	KUNIT_EXPECT_EQ(test, s.ldtr.access, 0x82);
	segments[TASK_LDTR].outside = true;
	KUNIT_EXPECT_EQ(test, task_check_segments(segments, true, &fault), 1);
	KUNIT_EXPECT_EQ(test, fault.vector, TS);
}

/* Whatever the guest's tables hold, VM entry takes what is made of it. */
static void entry_takes_anything(struct kunit *test)
{
	struct task_segment segments[TASK_SEGMENTS];
	struct vmxhv_sregs s = { .cr0 = X86_CR0_PE, .tr = { .limit = 0x67, .access = 0x8b } };
	struct vmxhv_error err = {};
	struct rnd_state rnd;
	int round, i, loaded = 0;

	prandom_seed_state(&rnd, 1);
	for (round = 0; round < 20000; round++) {
		bool vm86 = !(prandom_u32_state(&rnd) & 7);
		struct task_fault fault;

		memcpy(segments, good, sizeof(good));
		for (i = 0; i < TASK_SEGMENTS; i++) {
			u32 how = prandom_u32_state(&rnd) & 15;

			if (how >= 8)
				continue;
			segments[i].selector = prandom_u32_state(&rnd);
			segments[i].null = !how;
			segments[i].outside = how == 1;
			segments[i].raw = prandom_u32_state(&rnd) |
					  (u64)prandom_u32_state(&rnd) << 32;
		}
		loaded += !task_check_segments(segments, vm86, &fault);
		task_place_segments(segments, vm86, &s);
		if (state_check_segments(&s, vm86, &limits, &err))
			break;
	}
	KUNIT_EXPECT_EQ_MSG(test, round, 20000, "%s", err.text);
	KUNIT_EXPECT_GT(test, loaded, 100);
}

static struct kunit_case task_cases[] = {
	KUNIT_CASE(wide_layout),
	KUNIT_CASE(saved_and_loaded),
	KUNIT_CASE(flags_that_exist),
	KUNIT_CASE(descriptors),
	KUNIT_CASE(which_tss),
	KUNIT_CASE(which_segments),
	KUNIT_CASE(vm86_has_no_descriptors),
	KUNIT_CASE(entry_takes_anything),
	{}
};

static struct kunit_suite task_suite = {
	.name = "vcpu_task",
	.test_cases = task_cases,
};

kunit_test_suite(task_suite);
