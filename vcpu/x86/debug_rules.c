// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of stepping and of sharing the debug registers. Pure.
 *
 * With RFLAGS.TF an instruction traps behind it. That would show where TF is stored (PUSHF,
 * SYSCALL, INT n) or loaded (POPF, SYSRET): those are stepped over with the guest's own TF, by a
 * breakpoint where they lead, or by injecting their event. IRET keeps TF's trap: where it leads is
 * on a stack.
 */
#include <linux/bits.h>
#include <linux/kernel.h>

#include "compat.h"
#include "vcpu/x86.h"
#include "opcodes.h"

#define DR7_ENABLE(i)	(3ull << ((i) * 2))
#define DR7_LOCAL(i)	(1ull << ((i) * 2))
#define DR7_FIELD(i)	(0xfull << (16 + (i) * 4))

/* SDM "Instruction Prefixes"; REX counts in 64-bit mode only. */
static bool is_prefix(u8 byte, enum vmxhv_cpu_mode mode)
{
	switch (byte) {
	case PREFIX_ES:
	case PREFIX_CS:
	case PREFIX_SS:
	case PREFIX_DS:
	case PREFIX_FS:
	case PREFIX_GS:
	case PREFIX_OPERAND_SIZE:
	case PREFIX_ADDRESS_SIZE:
	case PREFIX_LOCK:
	case PREFIX_REPNE:
	case PREFIX_REP:
		return true;
	}
	return mode == VMXHV_MODE_64 && is_rex(byte);
}

/* Bytes from ModRM on: SDM "ModR/M and SIB Bytes". */
static u32 modrm_length(const u8 *at, u32 count, bool address16)
{
	u8 mod, rm;
	u32 length = 1;

	if (!count)
		return 1;
	mod = MODRM_MOD(at[0]);
	rm = MODRM_RM(at[0]);
	if (mod == MOD_REGISTER)
		return 1;
	if (address16)
		return 1 + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
	if (rm == RM_SIB) {
		rm = count > 1 ? SIB_BASE(at[1]) : 0;
		length = 2;
	}
	return length + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
}

/* MOV to SS or POP SS: its length, or 0. Both hold debug exceptions back for an instruction. */
static u32 loads_ss(const u8 *insn, u32 count, u32 opcode, bool address16,
		    enum vmxhv_cpu_mode mode)
{
	if (insn[opcode] == OP_POP_SS && mode != VMXHV_MODE_64)
		return opcode + 1;
	if (insn[opcode] != OP_MOV_SREG || opcode + 1 >= count ||
	    MODRM_REG(insn[opcode + 1]) != SREG_SS)
		return 0;
	return opcode + 1 + modrm_length(insn + opcode + 1, count - opcode - 1, address16);
}

static struct step decode(const u8 *insn, u32 count, enum vmxhv_cpu_mode mode, bool shadowed)
{
	bool address16 = mode != VMXHV_MODE_64 && mode != VMXHV_MODE_32;
	struct step step = { .kind = STEP_TRAP };
	bool wide = false;
	u32 i, ss;

	for (i = 0; i < count && is_prefix(insn[i], mode); i++) {
		if (insn[i] == PREFIX_ADDRESS_SIZE)
			address16 = mode == VMXHV_MODE_32;
		wide = is_rex_w(insn[i]);
	}
	if (i >= count)
		return step;

	switch (insn[i]) {
	case OP_PUSHF:
	case OP_POPF:
		step.kind = STEP_NEXT;
		step.length = i + 1;
		return step;
	case OP_IRET:
		step.loads_tf = true;
		return step;
	case OP_INT_N:
		if (shadowed || i + 1 >= count || mode == VMXHV_MODE_VM86)
			return step;
		step.kind = STEP_INT;
		step.vector = insn[i + 1];
		step.length = i + 2;
		return step;
	case OP_ESCAPE:
		if (mode != VMXHV_MODE_64 || i + 1 >= count)
			return step;
		if (insn[i + 1] == OP2_SYSCALL)
			step.kind = STEP_SYSCALL;
		if (insn[i + 1] == OP2_SYSRET) {
			step.kind = STEP_SYSRET;
			step.wide = wide;
		}
		return step;
	}
	ss = shadowed ? 0 : loads_ss(insn, count, i, address16, mode);
	if (!ss || ss >= count)
		return step;
	step = decode(insn + ss, count - ss, mode, true);
	step.length += ss;
	return step;
}

/**
 * debug_decode() - how to step over an instruction
 * @insn: its bytes, as far as they could be fetched
 * @count: how many
 * @mode: how the CPU reads them
 *
 * MOV SS and POP SS are one step with the instruction behind them: the CPU traps after both (SDM:
 * "Masking Exceptions and Interrupts When Switching Stacks").
 *
 * Context: Any.
 * Return: the way. What is not known to store or load TF is stepped over by TF.
 */
struct step debug_decode(const u8 *insn, u32 count, enum vmxhv_cpu_mode mode)
{
	return decode(insn, count, mode, false);
}

VMXHV_EXPORT_FOR_TEST(debug_decode);

/* By LEN: bytes */
static const u8 point_length[] = { 1, 2, 8, 4 };

/* By R/W, what a point that is enabled watches */
static bool watches(u32 rw, enum debug_access access, bool io_points)
{
	switch (rw) {
	case 1:
		return access == DEBUG_WRITES;
	case 2:
		return access == DEBUG_PORT && io_points;
	case 3:
		return access != DEBUG_PORT;
	}
	return false;
}

/**
 * debug_hits() - which breakpoints an access meets
 * @dr: DR0 to DR3
 * @dr7: DR7
 * @io_points: CR4.DE is set: there are breakpoints on ports
 * @access: what is done
 * @at: the linear address, or the port
 * @length: bytes
 *
 * Context: Any. SDM: "Breakpoint Field Recognition".
 * Return: the bits that DR6 gets.
 */
u32 debug_hits(const u64 *dr, u64 dr7, bool io_points, enum debug_access access, u64 at, u32 length)
{
	u32 hits = 0;
	int i;

	for (i = 0; i < DEBUG_POINTS; i++) {
		u32 field = dr7 >> (16 + i * 4) & 0xf;
		u32 bytes = point_length[field >> 2];
		u64 from = dr[i] & ~(u64)(bytes - 1);

		if (dr7 & DR7_ENABLE(i) && watches(field & 3, access, io_points) &&
		    (at - from < bytes || from - at < length))
			hits |= BIT(i);
	}
	return hits;
}

VMXHV_EXPORT_FOR_TEST(debug_hits);

static int free_slot(const struct debug_slots *slots)
{
	int i;

	for (i = 0; i < DEBUG_POINTS; i++)
		if (slots->owner[i] == OWNER_NONE)
			return i;
	return -1;
}

/* SDM "Debug Control Register (DR7)": R/W and LEN; a length of 8 is encoded as 2 */
static void put_slot(struct debug_slots *slots, int i, u8 owner, u64 address, u8 kind, u8 length)
{
	static const u8 rw[] = { [VMXHV_POINT_EXEC] = 0, [VMXHV_POINT_WRITE] = 1,
				 [VMXHV_POINT_ACCESS] = 3 };
	u64 field = rw[kind] | (length == 8 ? 2 : length - 1) << 2;

	slots->dr[i] = address;
	slots->dr7 &= ~(DR7_ENABLE(i) | DR7_FIELD(i));
	slots->dr7 |= DR7_LOCAL(i) | field << (16 + i * 4);
	slots->owner[i] = owner;
}

/**
 * debug_share() - the guest's breakpoints and the debugger's in the four registers that there are
 * @guest_dr: the guest's DR0 to DR3
 * @guest_dr7: its DR7
 * @points: the debugger's
 * @stop_at: where a step ends, or NULL
 * @slots: what goes into the CPU
 *
 * Those that the guest enabled stay where they are, points take what is free. A point for which
 * nothing is free is not watched; a step takes the last register from whoever has it.
 *
 * Context: Any.
 */
void debug_share(const u64 *guest_dr, u64 guest_dr7, const struct vmxhv_debug_point *points,
		 const u64 *stop_at, struct debug_slots *slots)
{
	int i, free;

	*slots = (struct debug_slots){ .dr7 = guest_dr7 };
	for (i = 0; i < DEBUG_POINTS; i++) {
		slots->dr[i] = guest_dr[i];
		if (guest_dr7 & DR7_ENABLE(i))
			slots->owner[i] = OWNER_GUEST;
	}
	for (i = 0; i < DEBUG_POINTS; i++) {
		free = free_slot(slots);
		if (!points[i].kind)
			continue;
		if (free >= 0)
			put_slot(slots, free, OWNER_POINT + i, points[i].address, points[i].kind,
				 points[i].length);
		else
			slots->unwatched |= BIT(i);
	}
	free = free_slot(slots);
	if (stop_at)
		put_slot(slots, free < 0 ? DEBUG_POINTS - 1 : free, OWNER_STEP, *stop_at,
			 VMXHV_POINT_EXEC, 1);
}

VMXHV_EXPORT_FOR_TEST(debug_share);
