// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC's registers, modes and priorities. */
#include "lapic_fixture.h"

static void after_reset(struct kunit *test)
{
	static const struct { u32 offset, value; } table[] = {
		{ APIC_ID, 3u << 24 }, { APIC_LVR, 0x50014 }, { APIC_TASKPRI, 0 },
		{ APIC_PROCPRI, 0 }, { APIC_LDR, 0 }, { APIC_DFR, U32_MAX }, { APIC_SPIV, 0xff },
		{ APIC_ISR, 0 }, { APIC_TMR + 0x70, 0 }, { APIC_IRR, 0 }, { APIC_ESR, 0 },
		{ APIC_ICR, 0 }, { APIC_ICR2, 0 }, { APIC_LVTT, 0x10000 },
		{ APIC_LVTTHMR, 0x10000 }, { APIC_LVTPC, 0x10000 }, { APIC_LVT0, 0x10000 },
		{ APIC_LVT1, 0x10000 }, { APIC_LVTERR, 0x10000 }, { APIC_TMICT, 0 },
		{ APIC_TMCCT, 0 }, { APIC_TDCR, 0 },
	};
	struct lapic *apic = fixture_vm(test, 4)->vcpus[3]->lapic;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_page_read(apic, table[i].offset), table[i].value,
				    "offset %x", table[i].offset);
	KUNIT_EXPECT_EQ(test, apic->base, 0xfee00800ull);
	KUNIT_EXPECT_EQ(test, apic->vcpu->vm->vcpus[0]->lapic->base, 0xfee00900ull);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
}

/* All ones written: what the page keeps. */
static void page_write_masks(struct kunit *test)
{
	static const struct { u32 offset, kept; } table[] = {
		{ APIC_ID, 0 }, { APIC_LVR, 0x50014 }, { APIC_TASKPRI, 0xff },
		{ APIC_LDR, 0xff000000 }, { APIC_DFR, U32_MAX }, { APIC_SPIV, 0x3ff },
		{ APIC_ICR2, 0xff000000 }, { APIC_LVTT, 0x700ff }, { APIC_LVTTHMR, 0x107ff },
		{ APIC_LVTPC, 0x107ff }, { APIC_LVT0, 0x1a7ff }, { APIC_LVT1, 0x1a7ff },
		{ APIC_LVTERR, 0x100ff }, { APIC_TMICT, U32_MAX }, { APIC_TDCR, 0xb },
		{ APIC_IRR, 0 }, { APIC_ISR, 0 }, { APIC_TMR, 0 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct lapic *apic = fixture_one(test);

		lapic_page_write(apic, table[i].offset, U32_MAX);
		KUNIT_EXPECT_EQ_MSG(test, lapic_page_read(apic, table[i].offset), table[i].kept,
				    "offset %x", table[i].offset);
		lapic_timer_stop(apic);
	}
}

struct x2_case {
	u32 reg;
	bool readable;
	bool writable;		/* with @good */
	u64 good;
	u64 bad;		/* refused for one bit; 0: none is */
};

static const struct x2_case x2_cases[] = {
	{ 0x02, true, false }, { 0x03, true, false },
	{ 0x08, true, true, 0x50, 0x100 }, { 0x09, false, false }, { 0x0a, true, false },
	{ 0x0b, false, true, 0, 1 }, { 0x0c, false, false }, { 0x0d, true, false },
	{ 0x0e, false, false }, { 0x0f, true, true, 0x1ff, 0x11ff },
	{ 0x10, true, false }, { 0x18, true, false }, { 0x20, true, false },
	{ 0x28, true, true, 0, 1 }, { 0x2f, false, false },
	{ 0x30, true, true, 0x5ull << 32 | 0x40030, 0x40030 | BIT(20) }, { 0x31, false, false },
	{ 0x32, true, true, 0x10020, 0x10120 }, { 0x33, true, true, 0x10420, 0x30420 },
	{ 0x34, true, true, 0x10420, 0x18420 }, { 0x35, true, true, 0x18720, 0x80018720 },
	{ 0x36, true, true, 0x10400, 0x110400 }, { 0x37, true, true, 0x100fe, 0x104fe },
	{ 0x38, true, true, 0, BIT_ULL(32) }, { 0x39, true, false },
	{ 0x3a, false, false }, { 0x3e, true, true, 0xb, 0xf }, { 0x3f, false, true, 0x30, 0x130 },
	{ 0x40, false, false }, { 0xff, false, false },
};

static void x2apic_access(struct kunit *test)
{
	const struct x2_case *c;
	u64 value;

	for (c = x2_cases; c < x2_cases + ARRAY_SIZE(x2_cases); c++) {
		struct lapic *apic = fixture_one(test);

		/* no such MSR in xAPIC mode */
		KUNIT_EXPECT_EQ(test, lapic_x2_read(apic, c->reg, &value), 1);
		KUNIT_EXPECT_EQ(test, lapic_x2_write(apic, c->reg, c->good), 1);
		fixture_x2apic(apic);
		KUNIT_EXPECT_EQ_MSG(test, lapic_x2_read(apic, c->reg, &value), !c->readable,
				    "read %x", c->reg);
		KUNIT_EXPECT_EQ_MSG(test, lapic_x2_write(apic, c->reg, c->good), !c->writable,
				    "write %x", c->reg);
		if (c->bad)
			KUNIT_EXPECT_EQ_MSG(test, lapic_x2_write(apic, c->reg, c->bad), 1,
					    "reserved bit in %x", c->reg);
	}
}

/* ICR is one 64-bit register; delivery status is ignored and reads as idle. */
static void x2apic_icr(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	u64 value;

	fixture_x2apic(apic);
	KUNIT_EXPECT_EQ(test, lapic_x2_write(apic, 0x30, 0x23456789000c1031ull), 0);
	KUNIT_EXPECT_EQ(test, lapic_x2_read(apic, 0x30, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x23456789000c0031ull);
}

static void identity_by_mode(struct kunit *test)
{
	struct vm *vm = fixture_vm(test, 0);
	struct lapic *apic = fixture_apic(test, vm, 0x25);

	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_ID), 0x25000000u);
	lapic_page_write(apic, APIC_LDR, 0x04000000);
	lapic_page_write(apic, APIC_TASKPRI, 0x30);
	fixture_x2apic(apic);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_ID), 0x25u);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_LDR), 0x00020020u);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_TASKPRI), 0x30u);
}

static void legal_bases(struct kunit *test)
{
	static const struct { u64 base; u8 bits; bool x2apic, legal; } table[] = {
		{ 0xfee00900, 36, true, true },
		{ 0xfee00000, 36, true, true },
		{ 0xfee00d00, 36, true, true },
		{ 0xfee00d00, 36, false, false },	/* no x2APIC */
		{ 0xfee00400, 36, true, false },	/* EXTD without EN */
		{ 0xfee00901, 36, true, false },
		{ 0xfee00a00, 36, true, false },	/* bit 9 */
		{ 0xffee00900, 36, true, true },
		{ 0x1000000900, 36, true, false },	/* bit 36 */
		{ 0x1000000900, 40, true, true },
		{ BIT_ULL(63) | 0x900, 52, true, false },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_base_legal(table[i].base, table[i].bits,
							   table[i].x2apic),
				    table[i].legal, "%llx", table[i].base);
}

static void mode_transitions(struct kunit *test)
{
	static const u64 off = 0xfee00000, x1 = 0xfee00800, x2 = 0xfee00c00;
	const struct { u64 from, to; bool legal; } table[] = {
		{ off, off, true }, { off, x1, true }, { off, x2, false },
		{ x1, off, true }, { x1, x1, true }, { x1, x2, true },
		{ x2, off, true }, { x2, x1, false }, { x2, x2, true },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_base_step(table[i].from, table[i].to),
				    table[i].legal, "%llx to %llx", table[i].from, table[i].to);
}

static void disabling_loses_all(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	lapic_accept(apic, 0x50, false, true);
	lapic_page_write(apic, APIC_TASKPRI, 0x20);
	lapic_enter_mode(apic, LAPIC_DEFAULT_BASE);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
	KUNIT_EXPECT_FALSE(test, lapic_accept(apic, 0x50, false, true));
	lapic_enter_mode(apic, LAPIC_DEFAULT_BASE | LAPIC_BASE_EN);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_TASKPRI), 0u);
	KUNIT_EXPECT_EQ(test, lapic_get(apic, APIC_SPIV), 0xffu);
}

struct priority_case {
	u8 tpr;
	u8 in_service;		/* 0: none */
	u8 requested;
	u8 ppr;
	int pending;
};

/* SDM: "Task and Processor Priorities" */
static const struct priority_case priorities[] = {
	{ 0x00, 0x00, 0x31, 0x00, 0x31 },
	{ 0x00, 0x00, 0x10, 0x00, 0x10 },
	{ 0x0f, 0x00, 0x10, 0x0f, 0x10 },
	{ 0x10, 0x00, 0x1f, 0x10, -1 },
	{ 0x30, 0x00, 0x3f, 0x30, -1 },
	{ 0x30, 0x00, 0x40, 0x30, 0x40 },
	{ 0xff, 0x00, 0xff, 0xff, -1 },
	{ 0x00, 0x45, 0x4f, 0x40, -1 },
	{ 0x00, 0x45, 0x50, 0x40, 0x50 },
	{ 0x43, 0x45, 0x4f, 0x43, -1 },
	{ 0x3f, 0x45, 0x50, 0x40, 0x50 },
	{ 0x51, 0x45, 0x5f, 0x51, -1 },
	{ 0x00, 0xef, 0xf0, 0xe0, 0xf0 },
};

static void priority_rules(struct kunit *test)
{
	const struct priority_case *c;

	for (c = priorities; c < priorities + ARRAY_SIZE(priorities); c++) {
		struct lapic *apic = fixture_one(test);

		if (c->in_service) {
			lapic_accept(apic, c->in_service, false, true);
			lapic_irr_to_isr(apic, c->in_service);
		}
		lapic_page_write(apic, APIC_TASKPRI, c->tpr);
		lapic_accept(apic, c->requested, false, true);
		KUNIT_EXPECT_EQ_MSG(test, lapic_page_read(apic, APIC_PROCPRI), c->ppr,
				    "case %td", c - priorities);
		KUNIT_EXPECT_EQ_MSG(test, lapic_pending(apic->vcpu), c->pending, "case %td",
				    c - priorities);
	}
}

static void interrupts_nest(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	struct vcpu *v = apic->vcpu;

	lapic_accept(apic, 0x31, false, true);
	lapic_irr_to_isr(apic, 0x31);
	lapic_accept(apic, 0x32, false, true);
	lapic_accept(apic, 0xa0, false, true);
	KUNIT_EXPECT_EQ(test, lapic_pending(v), 0xa0);
	lapic_irr_to_isr(apic, 0xa0);
	KUNIT_EXPECT_EQ(test, lapic_pending(v), -1);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_ISR + 0x10), BIT(0x31 - 32));
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_IRR + 0x10), BIT(0x32 - 32));
	lapic_eoi(apic);		/* a0H */
	KUNIT_EXPECT_EQ(test, lapic_pending(v), -1);
	v->recheck = false;
	lapic_eoi(apic);		/* 31H: now 32H can come, and the run loop must look */
	KUNIT_EXPECT_TRUE(test, v->recheck);
	KUNIT_EXPECT_EQ(test, lapic_pending(v), 0x32);
	lapic_irr_to_isr(apic, 0x32);
	lapic_eoi(apic);
	KUNIT_EXPECT_EQ(test, lapic_pending(v), -1);
	KUNIT_EXPECT_EQ(test, apic->irr_words, 0ul);
	KUNIT_EXPECT_EQ(test, apic->isr_count, 0);
	lapic_eoi(apic);		/* one too many does nothing */
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_PROCPRI), 0u);
}

/* The summary of IRR may say too much, never too little. */
static void stale_summary(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	apic->irr_words = 0xff;
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
	KUNIT_EXPECT_EQ(test, apic->irr_words, 0ul);
	lapic_accept(apic, 0x41, false, true);
	apic->irr_words |= BIT(7);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0x41);
	KUNIT_EXPECT_EQ(test, apic->irr_words, BIT(2));
}

static void every_vector(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	int vector;

	for (vector = 16; vector < 256; vector++)
		KUNIT_EXPECT_TRUE(test, lapic_accept(apic, vector, false, true));
	for (vector = 255; vector >= 16; vector--) {
		KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), vector);
		lapic_irr_to_isr(apic, vector);
		lapic_eoi(apic);
	}
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
}

static void level_eoi_goes_to_user(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);
	struct vcpu *v = apic->vcpu;
	u8 vector = 0;

	lapic_accept(apic, 0x61, true, true);
	lapic_accept(apic, 0x72, true, true);
	lapic_accept(apic, 0x83, false, true);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_TMR + 0x30), BIT(1) | BIT(0x12));
	lapic_irr_to_isr(apic, 0x83);
	lapic_eoi(apic);
	KUNIT_EXPECT_FALSE(test, lapic_eoi_exit(v, &vector));
	lapic_irr_to_isr(apic, 0x72);
	lapic_eoi(apic);
	lapic_irr_to_isr(apic, 0x61);
	v->recheck = false;
	lapic_eoi(apic);
	KUNIT_EXPECT_TRUE(test, v->recheck);	/* the run loop must leave its burst */
	KUNIT_EXPECT_TRUE(test, lapic_eoi_exit(v, &vector));
	KUNIT_EXPECT_EQ(test, vector, 0x61);
	KUNIT_EXPECT_TRUE(test, lapic_eoi_exit(v, &vector));
	KUNIT_EXPECT_EQ(test, vector, 0x72);
	KUNIT_EXPECT_FALSE(test, lapic_eoi_exit(v, &vector));
	/* the same vector as an edge: no longer reported */
	lapic_accept(apic, 0x61, false, true);
	lapic_irr_to_isr(apic, 0x61);
	lapic_eoi(apic);
	KUNIT_EXPECT_FALSE(test, lapic_eoi_exit(v, &vector));
}

static void software_disable(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	lapic_page_write(apic, APIC_LVT0, APIC_DM_EXTINT);
	KUNIT_EXPECT_TRUE(test, lapic_takes_extint(apic->vcpu));
	lapic_accept(apic, 0x50, false, true);
	lapic_page_write(apic, APIC_SPIV, 0xff);
	KUNIT_EXPECT_FALSE(test, lapic_takes_extint(apic->vcpu));
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_LVT0), 0x10700u);
	lapic_page_write(apic, APIC_LVT0, APIC_DM_EXTINT);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_LVT0), 0x10700u);
	KUNIT_EXPECT_FALSE(test, lapic_accept(apic, 0x51, false, true));
	/* what was pending stays so */
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0x50);
}

/* Every LVT entry is masked, and none can be unmasked meanwhile. */
static void software_disable_masks_all(struct kunit *test)
{
	static const u32 lvt[] = {
		APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
	};
	struct lapic *apic = fixture_one(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lvt); i++) {
		lapic_page_write(apic, lvt[i], 0x40 + i);
		KUNIT_EXPECT_EQ_MSG(test, lapic_page_read(apic, lvt[i]), 0x40 + i, "%x", lvt[i]);
	}
	lapic_page_write(apic, APIC_SPIV, 0xff);
	for (i = 0; i < ARRAY_SIZE(lvt); i++) {
		KUNIT_EXPECT_EQ_MSG(test, lapic_page_read(apic, lvt[i]),
				    APIC_LVT_MASKED | (0x40 + i), "%x", lvt[i]);
		lapic_page_write(apic, lvt[i], 0x50 + i);
		KUNIT_EXPECT_EQ_MSG(test, lapic_page_read(apic, lvt[i]),
				    APIC_LVT_MASKED | (0x50 + i), "%x", lvt[i]);
	}
}

static void extint_without_apic(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	KUNIT_EXPECT_FALSE(test, lapic_takes_extint(apic->vcpu));
	lapic_page_write(apic, APIC_LVT0, APIC_DM_FIXED | 0x30);
	KUNIT_EXPECT_FALSE(test, lapic_takes_extint(apic->vcpu));
	lapic_enter_mode(apic, LAPIC_DEFAULT_BASE);
	KUNIT_EXPECT_TRUE(test, lapic_takes_extint(apic->vcpu));
}

static void cr8_is_tpr(struct kunit *test)
{
	struct lapic *apic = fixture_one(test);

	lapic_accept(apic, 0x50, false, true);
	lapic_set_cr8(apic->vcpu, 5);
	KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_TASKPRI), 0x50u);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), -1);
	lapic_page_write(apic, APIC_TASKPRI, 0x4f);
	KUNIT_EXPECT_EQ(test, lapic_cr8(apic->vcpu), 4ull);
	KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0x50);
}

static void illegal_register_address(struct kunit *test)
{
	static const u32 offsets[] = { 0x00, 0x40, 0x290, 0x2f0, 0x3a0, 0x3f0, 0x400, 0xff0 };
	struct lapic *apic = fixture_one(test);
	u32 i;

	lapic_page_write(apic, APIC_LVTERR, 0xfe);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		lapic_page_write(apic, APIC_ESR, 0);
		lapic_page_write(apic, APIC_ESR, 0);
		KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_ESR), 0u);
		KUNIT_EXPECT_EQ(test, lapic_page_read(apic, offsets[i]), 0u);
		lapic_page_write(apic, offsets[i], 0);
		/* shown by the write to ESR only, interrupts at once */
		KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_ESR), 0u);
		KUNIT_EXPECT_EQ(test, lapic_pending(apic->vcpu), 0xfe);
		lapic_page_write(apic, APIC_ESR, 0);
		KUNIT_EXPECT_EQ(test, lapic_page_read(apic, APIC_ESR), (u32)APIC_ESR_ILLREGA);
		lapic_irr_to_isr(apic, 0xfe);
		lapic_eoi(apic);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(after_reset),
	KUNIT_CASE(page_write_masks),
	KUNIT_CASE(x2apic_access),
	KUNIT_CASE(x2apic_icr),
	KUNIT_CASE(identity_by_mode),
	KUNIT_CASE(legal_bases),
	KUNIT_CASE(mode_transitions),
	KUNIT_CASE(disabling_loses_all),
	KUNIT_CASE(priority_rules),
	KUNIT_CASE(interrupts_nest),
	KUNIT_CASE(stale_summary),
	KUNIT_CASE(every_vector),
	KUNIT_CASE(level_eoi_goes_to_user),
	KUNIT_CASE(software_disable),
	KUNIT_CASE(software_disable_masks_all),
	KUNIT_CASE(extint_without_apic),
	KUNIT_CASE(cr8_is_tpr),
	KUNIT_CASE(illegal_register_address),
	{}
};

static struct kunit_suite suite = {
	.name = "vmxhv_lapic",
	.test_cases = cases,
};

kunit_test_suites(&suite);
