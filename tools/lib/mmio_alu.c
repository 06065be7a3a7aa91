// SPDX-License-Identifier: GPL-2.0-only
/* Arithmetic with the flags that the instruction set defines; undefined ones stay as they were. */
#include "mmio.h"

static uint64_t result_flags(unsigned int width, uint64_t result)
{
	uint64_t flags = 0;

	if (!result)
		flags |= FLAG_ZF;
	if (result >> (8 * width - 1) & 1)
		flags |= FLAG_SF;
	if (!(__builtin_popcount(result & 0xff) & 1))
		flags |= FLAG_PF;
	return flags;
}

static uint64_t add(unsigned int width, uint64_t a, uint64_t b, bool carry, uint64_t *flags)
{
	const uint64_t mask = width_mask(width);
	const uint64_t result = (a + b + carry) & mask;

	*flags = result_flags(width, result);
	if (result < a || (carry && result == a))
		*flags |= FLAG_CF;
	if ((a ^ b ^ result) & 0x10)
		*flags |= FLAG_AF;
	if (((a ^ result) & (b ^ result)) >> (8 * width - 1) & 1)
		*flags |= FLAG_OF;
	return result;
}

static uint64_t sub(unsigned int width, uint64_t a, uint64_t b, bool borrow, uint64_t *flags)
{
	const uint64_t mask = width_mask(width);
	const uint64_t result = (a - b - borrow) & mask;

	*flags = result_flags(width, result);
	if (a < b || (borrow && a == b))
		*flags |= FLAG_CF;
	if ((a ^ b ^ result) & 0x10)
		*flags |= FLAG_AF;
	if (((a ^ b) & (a ^ result)) >> (8 * width - 1) & 1)
		*flags |= FLAG_OF;
	return result;
}

static uint64_t bit_op(enum alu_op op, uint64_t a, uint64_t bit)
{
	switch (op) {
	case ALU_BTS:
		return a | bit;
	case ALU_BTR:
		return a & ~bit;
	case ALU_BTC:
		return a ^ bit;
	default:
		return a;
	}
}

static uint64_t bits(enum alu_op op, unsigned int width, uint64_t a, uint64_t b, __u64 *rflags)
{
	const uint64_t bit = 1ull << (b & (8 * width - 1));

	*rflags = (*rflags & ~FLAG_CF) | (a & bit ? FLAG_CF : 0);
	return bit_op(op, a, bit);
}

static uint64_t logic(enum alu_op op, uint64_t a, uint64_t b)
{
	switch (op) {
	case ALU_AND:
		return a & b;
	case ALU_OR:
		return a | b;
	default:
		return a ^ b;
	}
}

uint64_t alu(enum alu_op op, unsigned int width, uint64_t a, uint64_t b, __u64 *rflags)
{
	uint64_t changed = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF;
	const bool carry = *rflags & FLAG_CF;
	uint64_t flags = 0, result;

	a &= width_mask(width);
	b &= width_mask(width);
	switch (op) {
	case ALU_ADD:
	case ALU_ADC:
		result = add(width, a, b, op == ALU_ADC && carry, &flags);
		break;
	case ALU_SUB:
	case ALU_SBB:
		result = sub(width, a, b, op == ALU_SBB && carry, &flags);
		break;
	case ALU_INC:
		result = add(width, a, 1, false, &flags);
		changed &= ~FLAG_CF;
		break;
	case ALU_DEC:
		result = sub(width, a, 1, false, &flags);
		changed &= ~FLAG_CF;
		break;
	case ALU_NEG:
		result = sub(width, 0, a, false, &flags);
		break;
	case ALU_NOT:
		return ~a & width_mask(width);
	case ALU_AND:
	case ALU_OR:
	case ALU_XOR:
		result = logic(op, a, b);
		flags = result_flags(width, result);
		changed &= ~FLAG_AF;
		break;
	default:
		return bits(op, width, a, b, rflags);
	}
	*rflags = (*rflags & ~changed) | (flags & changed);
	return result;
}
