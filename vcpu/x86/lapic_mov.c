// SPDX-License-Identifier: GPL-2.0-only
/*
 * The length and the register of a 32-bit MOV to or from memory, which is what software uses on the
 * APIC page. The address is of no interest: the exit has said it. A pure function of its arguments.
 * SDM volume 2: "Instruction Format", "MOV—Move".
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "compat.h"
#include "vcpu/x86.h"
#include "opcodes.h"

#define MAX_INSN	15

/* What the prefixes say. */
struct prefixes {
	u32 count;	/* bytes */
	bool operand;	/* 66H */
	bool address;	/* 67H */
	u8 rex;		/* 0: none */
};

/* Prefixes that leave a MOV of this kind as it is; LOCK and REP are none of them. */
static u32 read_prefixes(const u8 *bytes, u32 count, bool long_mode, struct prefixes *p)
{
	for (p->count = 0; p->count < count; p->count++) {
		u8 byte = bytes[p->count];

		switch (byte) {
		case PREFIX_OPERAND_SIZE:
			p->operand = true;
			break;
		case PREFIX_ADDRESS_SIZE:
			p->address = true;
			break;
		case PREFIX_ES:
		case PREFIX_CS:
		case PREFIX_SS:
		case PREFIX_DS:
		case PREFIX_FS:
		case PREFIX_GS:
			break;
		default:
			if (!long_mode || !is_rex(byte))
				return p->count;
			p->rex = byte;
			continue;
		}
		p->rex = 0;	/* counts only just before the opcode */
	}
	return p->count;
}

/* Bytes of SIB and displacement, or -1: not memory, or the SIB byte is beyond the end. */
static int address_length(u8 modrm, const u8 *sib, bool has_sib_byte, u32 address_size)
{
	u8 mod = MODRM_MOD(modrm), rm = MODRM_RM(modrm);

	if (mod == MOD_REGISTER)
		return -1;
	if (address_size == 2) {
		if (mod == 0)
			return rm == 6 ? 2 : 0;
		return mod;
	}
	if (rm == RM_SIB) {
		if (!has_sib_byte)
			return -1;
		if (mod == 0)
			return SIB_BASE(*sib) == 5 ? 5 : 1;
		return mod == 1 ? 2 : 5;
	}
	if (mod == 0)
		return rm == 5 ? 4 : 0;
	return mod == 1 ? 1 : 4;
}

static u32 address_size(enum vmxhv_cpu_mode mode, bool prefix)
{
	switch (mode) {
	case VMXHV_MODE_64:
		return prefix ? 4 : 8;
	case VMXHV_MODE_32:
		return prefix ? 2 : 4;
	default:
		return prefix ? 4 : 2;
	}
}

static bool operand_is_32(enum vmxhv_cpu_mode mode, const struct prefixes *p)
{
	if (mode == VMXHV_MODE_64 || mode == VMXHV_MODE_32)
		return !p->operand && !(p->rex & REX_W);
	return p->operand;
}

/* 88H-8BH and C7H: @at is the ModRM byte. Returns the length, or -1. */
static int decode_modrm(const u8 *bytes, u32 count, u32 at, u32 size, u8 rex, struct lapic_mov *out)
{
	int more;

	if (at >= count)
		return -1;
	more = address_length(bytes[at], bytes + at + 1, at + 1 < count, size);
	if (more < 0)
		return -1;
	out->reg = MODRM_REG(bytes[at]) | (rex & REX_R) << 1;
	at += 1 + more;
	if (!out->has_imm)
		return at;
	if (out->reg & 7)	/* C7 has only /0 */
		return -1;
	out->reg = 0;
	if (at + 4 > count)
		return -1;
	memcpy(&out->imm, bytes + at, 4);
	return at + 4;
}

/**
 * lapic_decode_mov() - decode a 32-bit MOV between memory and a register, or from an immediate
 * @bytes: the instruction
 * @count: how many bytes of it there are; more than the instruction has do no harm
 * @mode: the mode that it executes in
 * @out: what it is
 *
 * Known: 8BH, 89H, A1H, A3H, C7H /0, with segment, address-size, operand-size and REX prefixes.
 *
 * Context: Any.
 * Return: 0, or -EINVAL: another instruction, another operand size, or it is not all there.
 */
int lapic_decode_mov(const u8 *bytes, u32 count, enum vmxhv_cpu_mode mode, struct lapic_mov *out)
{
	struct prefixes p = {};
	u32 at, size;
	int end;

	count = min_t(u32, count, MAX_INSN);
	at = read_prefixes(bytes, count, mode == VMXHV_MODE_64, &p);
	if (at >= count || !operand_is_32(mode, &p))
		return -EINVAL;
	size = address_size(mode, p.address);
	*out = (struct lapic_mov){};

	switch (bytes[at++]) {
	case OP_MOV_IMM:
		out->has_imm = true;
		fallthrough;
	case OP_MOV_STORE:
		out->store = true;
		fallthrough;
	case OP_MOV_LOAD:
		end = decode_modrm(bytes, count, at, size, p.rex, out);
		break;
	case OP_MOV_STORE_AX:
		out->store = true;
		fallthrough;
	case OP_MOV_LOAD_AX:
		end = at + size;	/* the register is EAX */
		break;
	default:
		return -EINVAL;
	}
	if (end < 0 || end > count)
		return -EINVAL;
	out->length = end;
	return 0;
}

VMXHV_EXPORT_FOR_TEST(lapic_decode_mov);
