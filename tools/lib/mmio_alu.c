// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic, done by the instruction itself on registers of ours: results and flags, those that
 * the SDM leaves undefined included, are this CPU's, which is the guest's too.
 */
#include <errno.h>

#include "mmio.h"

/*
 * One instruction between a load and a store of the flags. The red zone below the stack pointer may
 * hold what the compiler keeps there.
 */
#define RUN(insn)								\
	asm volatile("lea -128(%%rsp), %%rsp\n\t"				\
		     "push %[flags]\n\tpopf\n\t"				\
		     insn "\n\t"						\
		     "pushf\n\tpop %[flags]\n\t"				\
		     "lea 128(%%rsp), %%rsp"					\
		     : [flags] "+&r" (flags), [a] "+&r" (a)			\
		     : [b] "r" (x->b), "c" (x->c)				\
		     : "cc", "memory")

/* the widths that an operation has, its operands by the letter of each */
#define WORDS(insn, from, to)							\
	case 2:									\
		RUN(insn "w " from("w") to("w"));				\
		break;								\
	case 4:									\
		RUN(insn "l " from("k") to("k"));				\
		break;								\
	default:								\
		RUN(insn "q " from("q") to("q"));				\
		break

#define WIDTHS(insn, from, to)							\
	case 1:									\
		RUN(insn "b " from("b") to("b"));				\
		break;								\
	WORDS(insn, from, to)

/* the same with one operand that has a width */
#define WIDTHS_OF_A(insn, from)							\
	case 1:									\
		RUN(insn "b " from "%b[a]");					\
		break;								\
	case 2:									\
		RUN(insn "w " from "%w[a]");					\
		break;								\
	case 4:									\
		RUN(insn "l " from "%k[a]");					\
		break;								\
	default:								\
		RUN(insn "q " from "%q[a]");					\
		break

#define A(w)		"%" w "[a]"
#define B_TO(w)		"%" w "[b], "
#define CL_B_TO(w)	"%%cl, %" w "[b], "

#define OPERATION(op, list)							\
	case op:								\
		switch (width) {						\
		list;								\
		}								\
		break

#define BINARY(op, insn)	OPERATION(op, WIDTHS(insn, B_TO, A))
#define UNARY(op, insn)		OPERATION(op, WIDTHS_OF_A(insn, ""))
#define SHIFT(op, insn)		OPERATION(op, WIDTHS_OF_A(insn, "%%cl, "))
#define BINARY_WORDS(op, insn)	OPERATION(op, WORDS(insn, B_TO, A))
#define SHIFT_DOUBLE(op, insn)	OPERATION(op, WORDS(insn, CL_B_TO, A))

/* IF, so that nothing else is asked for than what userspace has */
#define FLAGS_ELSE	0x202ull

/**
 * mmio_alu_do() - perform one operation
 * @op: which
 * @width: bytes of the operands: 1, 2, 4, 8; those with WORDS above: not 1
 * @x: registers; @x->a is the result, with bits above @width left as they were or cleared
 */
void mmio_alu_do(enum alu_op op, unsigned int width, struct alu *x)
{
	uint64_t flags = (x->flags & FLAGS_STATUS) | FLAGS_ELSE, a = x->a;

	switch (op) {
	BINARY(ALU_ADD, "add");
	BINARY(ALU_ADC, "adc");
	BINARY(ALU_SUB, "sub");
	BINARY(ALU_SBB, "sbb");
	BINARY(ALU_AND, "and");
	BINARY(ALU_OR, "or");
	BINARY(ALU_XOR, "xor");
	BINARY(ALU_CMP, "cmp");
	BINARY(ALU_TEST, "test");
	UNARY(ALU_INC, "inc");
	UNARY(ALU_DEC, "dec");
	UNARY(ALU_NEG, "neg");
	UNARY(ALU_NOT, "not");
	SHIFT(ALU_ROL, "rol");
	SHIFT(ALU_ROR, "ror");
	SHIFT(ALU_RCL, "rcl");
	SHIFT(ALU_RCR, "rcr");
	SHIFT(ALU_SHL, "shl");
	SHIFT(ALU_SHR, "shr");
	SHIFT(ALU_SAR, "sar");
	SHIFT_DOUBLE(ALU_SHLD, "shld");
	SHIFT_DOUBLE(ALU_SHRD, "shrd");
	BINARY_WORDS(ALU_BT, "bt");
	BINARY_WORDS(ALU_BTS, "bts");
	BINARY_WORDS(ALU_BTR, "btr");
	BINARY_WORDS(ALU_BTC, "btc");
	BINARY_WORDS(ALU_IMUL, "imul");
	BINARY_WORDS(ALU_BSF, "bsf");
	BINARY_WORDS(ALU_BSR, "bsr");
	BINARY_WORDS(ALU_TZCNT, "tzcnt");
	BINARY_WORDS(ALU_LZCNT, "lzcnt");
	BINARY_WORDS(ALU_POPCNT, "popcnt");
	case ALU_OPS:
		break;
	}
	x->a = a;
	x->flags = (x->flags & ~FLAGS_STATUS) | (flags & FLAGS_STATUS);
}

/* ---- double width ------------------------------------------------------------------------- */

#define RUN_WIDE(insn)								\
	asm volatile("lea -128(%%rsp), %%rsp\n\t"				\
		     "push %[flags]\n\tpopf\n\t"				\
		     insn "\n\t"						\
		     "pushf\n\tpop %[flags]\n\t"				\
		     "lea 128(%%rsp), %%rsp"					\
		     : [flags] "+&r" (flags), "+&a" (a), "+&d" (d)		\
		     : [b] "r" (x->b)						\
		     : "cc", "memory")

#define WIDE(op, insn)								\
	case op:								\
		switch (width) {						\
		case 1:								\
			RUN_WIDE(insn "b %b[b]");				\
			break;							\
		case 2:								\
			RUN_WIDE(insn "w %w[b]");				\
			break;							\
		case 4:								\
			RUN_WIDE(insn "l %k[b]");				\
			break;							\
		default:							\
			RUN_WIDE(insn "q %q[b]");				\
			break;							\
		}								\
		break

typedef __int128 s128;
typedef unsigned __int128 u128;

static u128 dividend(unsigned int width, uint64_t a, uint64_t d)
{
	const uint64_t mask = width_mask(width);

	return width == 1 ? a & 0xffff : (u128)(d & mask) << (8 * width) | (a & mask);
}

/* SDM: "DIV—Unsigned Divide", "IDIV—Signed Divide": the quotient fits, or #DE */
static bool divides(unsigned int width, bool is_signed, u128 n, uint64_t by)
{
	const unsigned int bits = 8 * width;
	s128 value, divisor, quotient;

	by &= width_mask(width);
	if (!by)
		return false;
	if (!is_signed)
		return !((n / by) >> bits);
	value = (s128)(n << (128 - 2 * bits)) >> (128 - 2 * bits);
	divisor = (int64_t)sign_extend(by, width);
	/* -value: of the least value 128 bits hold none */
	if (divisor == -1)
		return value <= (s128)1 << (bits - 1) && value > -((s128)1 << (bits - 1));
	quotient = value / divisor;
	return quotient >= -((s128)1 << (bits - 1)) && quotient < (s128)1 << (bits - 1);
}

int mmio_alu_wide(enum alu_wide_op op, unsigned int width, uint64_t *rax, uint64_t *rdx,
		  struct alu *x)
{
	uint64_t flags = (x->flags & FLAGS_STATUS) | FLAGS_ELSE, a = *rax, d = *rdx;
	const bool divide = op == WIDE_DIV || op == WIDE_IDIV;

	if (divide && !divides(width, op == WIDE_IDIV, dividend(width, a, d), x->b))
		return -EDOM;
	switch (op) {
	WIDE(WIDE_MUL, "mul");
	WIDE(WIDE_IMUL, "imul");
	WIDE(WIDE_DIV, "div");
	WIDE(WIDE_IDIV, "idiv");
	}
	*rax = a;
	*rdx = d;
	x->flags = (x->flags & ~FLAGS_STATUS) | (flags & FLAGS_STATUS);
	return 0;
}
