// SPDX-License-Identifier: GPL-2.0-only
/* Which instructions are known, and who performs them. */
#include "mmio.h"

#define ROW(name, fn_, arg_)	{ .mnemonic = ZYDIS_MNEMONIC_##name, .fn = (fn_), .arg = (arg_) }

/* by the four lowest bits of the opcode */
#define CONDITIONS(prefix, fn)							\
	ROW(prefix##O, fn, 0), ROW(prefix##NO, fn, 1),		\
	ROW(prefix##B, fn, 2), ROW(prefix##NB, fn, 3),		\
	ROW(prefix##Z, fn, 4), ROW(prefix##NZ, fn, 5),		\
	ROW(prefix##BE, fn, 6), ROW(prefix##NBE, fn, 7),		\
	ROW(prefix##S, fn, 8), ROW(prefix##NS, fn, 9),		\
	ROW(prefix##P, fn, 10), ROW(prefix##NP, fn, 11),		\
	ROW(prefix##L, fn, 12), ROW(prefix##NL, fn, 13),		\
	ROW(prefix##LE, fn, 14), ROW(prefix##NLE, fn, 15)

/* four widths; MOVSD and CMPSD are names of vector instructions, too */
#define STRING(name, op)							\
	ROW(name##B, mmio_string, op), ROW(name##W, mmio_string, op),	\
	ROW(name##D, mmio_string, op), ROW(name##Q, mmio_string, op)

/* the name and its VEX form */
#define VECTOR(name, kind)							\
	ROW(name, mmio_vector, kind), ROW(V##name, mmio_vector, kind)

static const struct mmio_row rows[] = {
	ROW(MOV, mmio_mov, MOVE_PLAIN),
	ROW(MOVZX, mmio_mov, MOVE_PLAIN),
	ROW(MOVSX, mmio_mov, MOVE_SIGNED),
	ROW(MOVSXD, mmio_mov, MOVE_SIGNED),
	ROW(MOVNTI, mmio_mov, MOVE_PLAIN),
	ROW(MOVDIRI, mmio_mov, MOVE_PLAIN),
	ROW(MOVBE, mmio_mov, MOVE_SWAPPED),
	ROW(ADD, mmio_alu, ALU_ADD),
	ROW(ADC, mmio_alu, ALU_ADC),
	ROW(SUB, mmio_alu, ALU_SUB),
	ROW(SBB, mmio_alu, ALU_SBB),
	ROW(AND, mmio_alu, ALU_AND),
	ROW(OR, mmio_alu, ALU_OR),
	ROW(XOR, mmio_alu, ALU_XOR),
	ROW(CMP, mmio_alu, ALU_CMP),
	ROW(TEST, mmio_alu, ALU_TEST),
	ROW(INC, mmio_alu, ALU_INC),
	ROW(DEC, mmio_alu, ALU_DEC),
	ROW(NEG, mmio_alu, ALU_NEG),
	ROW(NOT, mmio_alu, ALU_NOT),
	ROW(BT, mmio_alu, ALU_BT),
	ROW(BTS, mmio_alu, ALU_BTS),
	ROW(BTR, mmio_alu, ALU_BTR),
	ROW(BTC, mmio_alu, ALU_BTC),
	ROW(ROL, mmio_alu, ALU_ROL),
	ROW(ROR, mmio_alu, ALU_ROR),
	ROW(RCL, mmio_alu, ALU_RCL),
	ROW(RCR, mmio_alu, ALU_RCR),
	ROW(SHL, mmio_alu, ALU_SHL),
	ROW(SHR, mmio_alu, ALU_SHR),
	ROW(SAR, mmio_alu, ALU_SAR),
	ROW(SHLD, mmio_alu, ALU_SHLD),
	ROW(SHRD, mmio_alu, ALU_SHRD),
	ROW(IMUL, mmio_alu3, ALU_IMUL),
	ROW(MUL, mmio_wide, WIDE_MUL),
	ROW(DIV, mmio_wide, WIDE_DIV),
	ROW(IDIV, mmio_wide, WIDE_IDIV),
	ROW(BSF, mmio_scan, ALU_BSF),
	ROW(BSR, mmio_scan, ALU_BSR),
	ROW(TZCNT, mmio_scan, ALU_TZCNT),
	ROW(LZCNT, mmio_scan, ALU_LZCNT),
	ROW(POPCNT, mmio_scan, ALU_POPCNT),
	ROW(XCHG, mmio_exchange, 0),
	ROW(XADD, mmio_exchange, 1),
	ROW(CMPXCHG, mmio_cmpxchg, 0),
	ROW(CMPXCHG8B, mmio_cmpxchg_pair, 4),
	ROW(CMPXCHG16B, mmio_cmpxchg_pair, 8),
	ROW(XLAT, mmio_xlat, 0),
	CONDITIONS(CMOV, mmio_cmov),
	CONDITIONS(SET, mmio_setcc),

	STRING(MOVS, STRING_MOVS),
	STRING(STOS, STRING_STOS),
	STRING(LODS, STRING_LODS),
	STRING(CMPS, STRING_CMPS),
	STRING(SCAS, STRING_SCAS),

	ROW(PUSH, mmio_stack, STACK_PUSH),
	ROW(POP, mmio_stack, STACK_POP),
	ROW(PUSHF, mmio_stack, STACK_PUSHF),
	ROW(PUSHFD, mmio_stack, STACK_PUSHF),
	ROW(PUSHFQ, mmio_stack, STACK_PUSHF),
	ROW(CALL, mmio_branch, BRANCH_CALL),
	ROW(JMP, mmio_branch, BRANCH_JMP),
	ROW(RET, mmio_branch, BRANCH_RET),

	ROW(SGDT, mmio_table_store, 0),
	ROW(SIDT, mmio_table_store, 1),
	ROW(LGDT, mmio_table_load, 0),
	ROW(LIDT, mmio_table_load, 1),
	ROW(SMSW, mmio_sreg_store, ZYDIS_REGISTER_CR0),
	ROW(STR, mmio_sreg_store, ZYDIS_REGISTER_TR),
	ROW(SLDT, mmio_sreg_store, ZYDIS_REGISTER_LDTR),
	ROW(LTR, mmio_sreg_load, ZYDIS_REGISTER_TR),
	ROW(LLDT, mmio_sreg_load, ZYDIS_REGISTER_LDTR),
	ROW(LMSW, mmio_lmsw, 0),

	VECTOR(MOVUPS, VECTOR_WHOLE),
	VECTOR(MOVUPD, VECTOR_WHOLE),
	VECTOR(MOVAPS, VECTOR_WHOLE),
	VECTOR(MOVAPD, VECTOR_WHOLE),
	VECTOR(MOVDQU, VECTOR_WHOLE),
	VECTOR(MOVDQA, VECTOR_WHOLE),
	VECTOR(MOVNTPS, VECTOR_WHOLE),
	VECTOR(MOVNTPD, VECTOR_WHOLE),
	VECTOR(MOVNTDQ, VECTOR_WHOLE),
	VECTOR(MOVNTDQA, VECTOR_WHOLE),
	VECTOR(LDDQU, VECTOR_WHOLE),
	VECTOR(MOVD, VECTOR_WHOLE),
	VECTOR(MOVQ, VECTOR_WHOLE),
	VECTOR(MOVSS, VECTOR_WHOLE),
	VECTOR(MOVSD, VECTOR_WHOLE),
	VECTOR(MOVLPS, VECTOR_LOW),
	VECTOR(MOVLPD, VECTOR_LOW),
	VECTOR(MOVHPS, VECTOR_HIGH),
	VECTOR(MOVHPD, VECTOR_HIGH),
	ROW(MOVDDUP, mmio_vector, VECTOR_REPEAT),
	ROW(VBROADCASTSS, mmio_vector, VECTOR_REPEAT),
	ROW(VBROADCASTSD, mmio_vector, VECTOR_REPEAT),
	ROW(VBROADCASTF128, mmio_vector, VECTOR_REPEAT),
	ROW(VBROADCASTI128, mmio_vector, VECTOR_REPEAT),
	ROW(VPBROADCASTB, mmio_vector, VECTOR_REPEAT),
	ROW(VPBROADCASTW, mmio_vector, VECTOR_REPEAT),
	ROW(VPBROADCASTD, mmio_vector, VECTOR_REPEAT),
	ROW(VPBROADCASTQ, mmio_vector, VECTOR_REPEAT),
	ROW(LDMXCSR, mmio_mxcsr, 1),
	ROW(VLDMXCSR, mmio_mxcsr, 1),
	ROW(STMXCSR, mmio_mxcsr, 0),
	ROW(VSTMXCSR, mmio_mxcsr, 0),

	ROW(CLFLUSH, mmio_nothing, 0),
	ROW(CLFLUSHOPT, mmio_nothing, 0),
	ROW(CLWB, mmio_nothing, 0),
	ROW(PREFETCHW, mmio_nothing, 0),
	ROW(PREFETCHNTA, mmio_nothing, 0),
	ROW(PREFETCHT0, mmio_nothing, 0),
	ROW(PREFETCHT1, mmio_nothing, 0),
	ROW(PREFETCHT2, mmio_nothing, 0),
};

/* Names that stand for more than one instruction: which it is, the operands say. */
static const struct mmio_row vector_rows[] = {
	ROW(MOVSD, mmio_vector, VECTOR_WHOLE),
};

static const struct mmio_row to_sreg = ROW(MOV, mmio_mov_to_sreg, 0);
static const struct mmio_row from_sreg = ROW(MOV, mmio_mov_from_sreg, 0);

static const struct mmio_row *find_in(const struct mmio_row *row, unsigned int count,
				      ZydisMnemonic mnemonic)
{
	const struct mmio_row *end = row + count;

	for (; row < end; row++) {
		if (row->mnemonic == mnemonic)
			return row;
	}
	return NULL;
}

static ZydisRegisterClass class_of(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER ? ZydisRegisterGetClass(o->reg.value) :
	       ZYDIS_REGCLASS_INVALID;
}

const struct mmio_row *mmio_find(const struct mmio_insn *d)
{
	const ZydisMnemonic mnemonic = d->insn.mnemonic;
	const struct mmio_row *row = NULL;

	/* to another code segment: no use of a device's */
	if (d->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return NULL;
	if (mnemonic == ZYDIS_MNEMONIC_MOV && class_of(&d->op[0]) == ZYDIS_REGCLASS_SEGMENT)
		return &to_sreg;
	if (mnemonic == ZYDIS_MNEMONIC_MOV && class_of(&d->op[1]) == ZYDIS_REGCLASS_SEGMENT)
		return &from_sreg;
	if (class_of(&d->op[0]) == ZYDIS_REGCLASS_XMM ||
	    class_of(&d->op[1]) == ZYDIS_REGCLASS_XMM)
		row = find_in(vector_rows, ARRAY_SIZE(vector_rows), mnemonic);
	return row ? row : find_in(rows, ARRAY_SIZE(rows), mnemonic);
}
