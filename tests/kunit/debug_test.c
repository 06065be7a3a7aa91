// SPDX-License-Identifier: GPL-2.0-only
/* How instructions are stepped over, and how the debug registers are shared. */
#include <kunit/test.h>

#include "vcpu/cpu.h"
#include "vcpu/x86.h"

struct insn {
	u32 count;
	u8 bytes[15];
};

struct decode_row {
	const char *what;
	enum vmxhv_cpu_mode mode;
	struct insn insn;
	struct step step;
};

#define INSN(...)	((struct insn){ sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ } })
#define M16		VMXHV_MODE_16
#define M32		VMXHV_MODE_32
#define M64		VMXHV_MODE_64

static const struct decode_row decode_rows[] = {
	{ "nothing could be read", M64, {}, { STEP_TRAP } },
	{ "prefixes only", M64, INSN(0x66, 0x48), { STEP_TRAP } },
	{ "nop", M64, INSN(0x90), { STEP_TRAP } },
	{ "pushf", M64, INSN(0x9c, 0x90), { STEP_NEXT, 1 } },
	{ "pushf, 16 bits", M64, INSN(0x66, 0x9c), { STEP_NEXT, 2 } },
	{ "popf with prefixes", M64, INSN(0x2e, 0x48, 0x9d), { STEP_NEXT, 3 } },
	{ "40H is no prefix outside 64-bit mode", M32, INSN(0x48, 0x9d), { STEP_TRAP } },
	{ "iret", M32, INSN(0xcf), { STEP_TRAP, .loads_tf = true } },
	{ "iretq", M64, INSN(0x48, 0xcf), { STEP_TRAP, .loads_tf = true } },
	{ "int n", M16, INSN(0xcd, 0x21), { STEP_INT, 2, 0x21 } },
	{ "int without its number", M16, INSN(0xcd), { STEP_TRAP } },
	{ "int n in virtual-8086 mode", VMXHV_MODE_VM86, INSN(0xcd, 0x21), { STEP_TRAP } },
	{ "syscall", M64, INSN(0x0f, 0x05), { STEP_SYSCALL } },
	{ "syscall is none in 32-bit mode", M32, INSN(0x0f, 0x05), { STEP_TRAP } },
	{ "sysret", M64, INSN(0x0f, 0x07), { STEP_SYSRET } },
	{ "sysret to 64 bits", M64, INSN(0x48, 0x0f, 0x07), { STEP_SYSRET, .wide = true } },
	{ "mov to ds", M64, INSN(0x8e, 0xda, 0x9c), { STEP_TRAP } },
	{ "mov ss; nop", M64, INSN(0x8e, 0xd2, 0x90), { STEP_TRAP, 2 } },
	{ "mov ss; pushf", M64, INSN(0x8e, 0xd2, 0x9c), { STEP_NEXT, 3 } },
	{ "mov ss; iret", M64, INSN(0x8e, 0xd2, 0xcf), { STEP_TRAP, 2, .loads_tf = true } },
	{ "mov ss; int n", M64, INSN(0x8e, 0xd2, 0xcd, 0x80), { STEP_TRAP, 2 } },
	{ "mov ss twice", M64, INSN(0x8e, 0xd2, 0x8e, 0xd2, 0x9c), { STEP_TRAP, 2 } },
	{ "mov ss alone", M64, INSN(0x8e, 0xd2), { STEP_TRAP } },
	{ "mov ss from [rax]", M64, INSN(0x8e, 0x10, 0x9c), { STEP_NEXT, 3 } },
	{ "from [rip+d]", M64, INSN(0x8e, 0x15, 0, 0, 0, 0, 0x9c), { STEP_NEXT, 7 } },
	{ "from [rsp]", M64, INSN(0x8e, 0x14, 0x24, 0x9c), { STEP_NEXT, 4 } },
	{ "from [d]", M64, INSN(0x8e, 0x14, 0x25, 0, 0, 0, 0, 0x9c), { STEP_NEXT, 8 } },
	{ "from [rax+d8]", M64, INSN(0x8e, 0x50, 1, 0x9c), { STEP_NEXT, 4 } },
	{ "from [rsp+d32]", M64, INSN(0x8e, 0x94, 0x24, 0, 0, 0, 0, 0x9c), { STEP_NEXT, 8 } },
	{ "16-bit [bx+si]", M16, INSN(0x8e, 0x10, 0x9c), { STEP_NEXT, 3 } },
	{ "16-bit [d]", M16, INSN(0x8e, 0x16, 0, 0, 0x9c), { STEP_NEXT, 5 } },
	{ "16-bit [bp+d16]", M16, INSN(0x8e, 0x96, 0, 0, 0x9c), { STEP_NEXT, 5 } },
	{ "16-bit, wide address", M16, INSN(0x67, 0x8e, 0x15, 0, 0, 0, 0, 0x9c),
	  { STEP_NEXT, 8 } },
	{ "32-bit, narrow address", M32, INSN(0x67, 0x8e, 0x16, 0, 0, 0x9c), { STEP_NEXT, 6 } },
	{ "pop ss; pushf", M32, INSN(0x17, 0x9c), { STEP_NEXT, 2 } },
	{ "17H is nothing in 64-bit mode", M64, INSN(0x17, 0x9c), { STEP_TRAP } },
};

static void debug_decodes(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(decode_rows); i++) {
		const struct decode_row *row = &decode_rows[i];
		struct step step = debug_decode(row->insn.bytes, row->insn.count, row->mode);

		KUNIT_EXPECT_EQ_MSG(test, (int)step.kind, (int)row->step.kind, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, step.length, row->step.length, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, step.vector, row->step.vector, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, step.wide, row->step.wide, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, step.loads_tf, row->step.loads_tf, "%s", row->what);
	}
}

static const u64 guest_dr[] = { 0x10, 0x20, 0x30, 0x40 };
static const struct vmxhv_debug_point no_points[DEBUG_POINTS];
static const struct vmxhv_debug_point points[DEBUG_POINTS] = {
	{ 0x1001, VMXHV_POINT_EXEC, 1 },
	{ 0x1002, VMXHV_POINT_WRITE, 2 },
	{},
	{ 0x1008, VMXHV_POINT_ACCESS, 8 },
};

static void expect_slot(struct kunit *test, const struct debug_slots *slots, int i, u8 owner,
			u64 dr)
{
	KUNIT_EXPECT_EQ_MSG(test, slots->owner[i], owner, "DR%d", i);
	KUNIT_EXPECT_EQ_MSG(test, slots->dr[i], dr, "DR%d", i);
}

/* Nobody but the guest: as it is. */
static void debug_share_guest(struct kunit *test)
{
	struct debug_slots slots;
	int i;

	debug_share(guest_dr, 0xd0407, no_points, NULL, &slots);
	KUNIT_EXPECT_EQ(test, slots.dr7, 0xd0407ull);
	for (i = 0; i < DEBUG_POINTS; i++)
		expect_slot(test, &slots, i, i < 2 ? OWNER_GUEST : OWNER_NONE, guest_dr[i]);
}

/* Points fill what the guest does not use; the fields of what it uses stay. */
static void debug_share_both(struct kunit *test)
{
	const u64 stop_at = 0x5000;
	struct debug_slots slots;

	/* the guest's DR1, globally: a write of four bytes */
	debug_share(guest_dr, 0xd00408, points, NULL, &slots);
	expect_slot(test, &slots, 0, OWNER_POINT + 0, 0x1001);
	expect_slot(test, &slots, 1, OWNER_GUEST, 0x20);
	expect_slot(test, &slots, 2, OWNER_POINT + 1, 0x1002);
	expect_slot(test, &slots, 3, OWNER_POINT + 3, 0x1008);
	KUNIT_EXPECT_EQ(test, slots.dr7, 0xb5d00459ull);

	/* nothing is free: the step takes the last */
	debug_share(guest_dr, 0xd00408, points, &stop_at, &slots);
	expect_slot(test, &slots, 3, OWNER_STEP, 0x5000);
	KUNIT_EXPECT_EQ(test, slots.dr7, 0x05d00459ull);
}

/* The guest has all four: points go without, a step does not. */
static void debug_share_full(struct kunit *test)
{
	const u64 stop_at = 0x5000;
	struct debug_slots slots;

	debug_share(guest_dr, 0x4ff, points, NULL, &slots);
	KUNIT_EXPECT_EQ(test, slots.dr7, 0x4ffull);
	KUNIT_EXPECT_EQ(test, slots.unwatched, 0xb);
	expect_slot(test, &slots, 3, OWNER_GUEST, 0x40);
	debug_share(guest_dr, 0xf00004ff, points, &stop_at, &slots);
	KUNIT_EXPECT_EQ(test, slots.dr7, 0x47full);
	expect_slot(test, &slots, 2, OWNER_GUEST, 0x30);
	expect_slot(test, &slots, 3, OWNER_STEP, 0x5000);
}

/* SDM "Breakpoint Field Recognition": its table of examples, and ports. Point 0 is at @dr. */
static const struct hit {
	const char *what;
	u64 dr, dr7;
	enum debug_access access;
	u64 at;
	u32 length;
	bool hit, io_points;
} hits[] = {
	{ "a byte", 0xa0001, 0x30001, DEBUG_READS, 0xa0001, 1, true },
	{ "the byte before it", 0xa0001, 0x30001, DEBUG_READS, 0xa0000, 1, false },
	{ "a word around it", 0xa0001, 0x30001, DEBUG_READS, 0xa0000, 2, true },
	{ "what begins behind it", 0xa0001, 0x30001, DEBUG_READS, 0xa0002, 4, false },
	{ "two bytes, aligned", 0xb0003, 0x70001, DEBUG_WRITES, 0xb0002, 1, true },
	{ "a doubleword before four", 0xc0000, 0xf0001, DEBUG_WRITES, 0xbfffd, 4, true },
	{ "and up to them", 0xc0000, 0xf0001, DEBUG_WRITES, 0xbfffc, 4, false },
	{ "eight bytes", 0xc0000, 0xb0001, DEBUG_WRITES, 0xc0007, 1, true },
	{ "behind eight", 0xc0000, 0xb0001, DEBUG_WRITES, 0xc0008, 1, false },
	{ "writes only: a read", 0xa0001, 0x10001, DEBUG_READS, 0xa0001, 1, false },
	{ "writes only: a write", 0xa0001, 0x10001, DEBUG_WRITES, 0xa0001, 1, true },
	{ "instructions", 0xa0001, 0x00001, DEBUG_READS, 0xa0001, 1, false },
	{ "not enabled", 0xa0001, 0x30000, DEBUG_READS, 0xa0001, 1, false },
	{ "globally", 0xa0001, 0x30002, DEBUG_READS, 0xa0001, 1, true },
	{ "a port without CR4.DE", 0x60, 0x20001, DEBUG_PORT, 0x60, 1, false },
	{ "a port", 0x60, 0x20001, DEBUG_PORT, 0x60, 1, true, true },
	{ "not its address in memory", 0x60, 0x20001, DEBUG_READS, 0x60, 1, false, true },
	{ "data, not its port", 0x60, 0x30001, DEBUG_PORT, 0x60, 1, false, true },
	{ "the last bytes of all", ~0ull, 0x30001, DEBUG_READS, ~0ull - 3, 4, true },
};

static void debug_hits_cases(struct kunit *test)
{
	const struct hit *h;

	for (h = hits; h < hits + ARRAY_SIZE(hits); h++) {
		const u64 dr[4] = { h->dr };

		KUNIT_EXPECT_EQ_MSG(test, debug_hits(dr, h->dr7, h->io_points, h->access, h->at,
						     h->length), h->hit, "%s", h->what);
	}
}

static struct kunit_case debug_cases[] = {
	KUNIT_CASE(debug_hits_cases),
	KUNIT_CASE(debug_decodes),
	KUNIT_CASE(debug_share_guest),
	KUNIT_CASE(debug_share_both),
	KUNIT_CASE(debug_share_full),
	{}
};

static struct kunit_suite debug_suite = {
	.name = "vmxhv-debug",
	.test_cases = debug_cases,
};

kunit_test_suite(debug_suite);
