/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes of instructions by name (SDM volume 2: "Instruction Format", "One-Byte Opcode Map"). */
#ifndef VCPU_X86_OPCODES_H
#define VCPU_X86_OPCODES_H

#include <linux/types.h>

enum insn_prefix {
	PREFIX_ES = 0x26,
	PREFIX_CS = 0x2e,
	PREFIX_SS = 0x36,
	PREFIX_DS = 0x3e,
	PREFIX_FS = 0x64,
	PREFIX_GS = 0x65,
	PREFIX_OPERAND_SIZE = 0x66,
	PREFIX_ADDRESS_SIZE = 0x67,
	PREFIX_LOCK = 0xf0,
	PREFIX_REPNE = 0xf2,
	PREFIX_REP = 0xf3,
};

#define REX_W		8u	/* 64-bit operands */
#define REX_R		4u	/* bit 3 of ModRM's reg */

/* SDM volume 2: "REX Prefixes". In 64-bit mode only; elsewhere 40H to 4FH are INC and DEC. */
static inline bool is_rex(u8 byte)
{
	return (byte & 0xf0) == 0x40;
}

static inline bool is_rex_w(u8 byte)
{
	return (byte & (0xf0 | REX_W)) == (0x40 | REX_W);
}

enum insn_opcode {
	OP_ESCAPE = 0x0f,	/* the next byte is of another map: OP2_* */
	OP_POP_SS = 0x17,
	OP_MOV_STORE = 0x89,
	OP_MOV_LOAD = 0x8b,
	OP_MOV_SREG = 0x8e,	/* to a segment register */
	OP_PUSHF = 0x9c,
	OP_POPF = 0x9d,
	OP_MOV_LOAD_AX = 0xa1,	/* its address is in the instruction, without ModRM */
	OP_MOV_STORE_AX = 0xa3,
	OP_MOV_IMM = 0xc7,	/* with /0 */
	OP_INT_N = 0xcd,
	OP_IRET = 0xcf,
};

enum insn_opcode2 {
	OP2_SYSCALL = 0x05,
	OP2_SYSRET = 0x07,
};

/* The fields of a byte (SDM volume 2: "ModR/M and SIB Bytes") */
#define MODRM_MOD(byte)	((byte) >> 6)
#define MODRM_REG(byte)	((byte) >> 3 & 7)
#define MODRM_RM(byte)	((byte) & 7)
#define SIB_BASE(byte)	((byte) & 7)

#define MOD_REGISTER	3	/* no memory operand */
#define RM_SIB		4	/* a SIB byte follows, but with 16-bit addresses */
#define SREG_SS		2	/* where reg names a segment register */

#endif /* VCPU_X86_OPCODES_H */
