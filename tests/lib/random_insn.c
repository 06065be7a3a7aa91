// SPDX-License-Identifier: GPL-2.0-only
/* Random instructions: a table of forms, and what is drawn for each of them. */
#include <string.h>

#include "random_insn.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

enum {
	SIZES = 1 << 0,		/* 66H and REX.W change the operands */
	WIDE = 1 << 1,		/* only REX.W does */
	LOCKED = 1 << 2,	/* LOCK may stand before it */
	STRING = 1 << 3,	/* addressed by RSI and RDI */
	STACK = 1 << 4,		/* uses RSP */
	TARGET = 1 << 5,	/* its operand is an address: the one behind it */
	ALIGNED = 1 << 6,	/* to the vector's length */
	BITS = 1 << 7,		/* the register operand moves the address */
	VEX = 1 << 8,		/* op[0] is the map, op[1] the prefix number, op[2] the opcode */
	YMM = 1 << 9,		/* of 256 bits, too */
	TABLE = 1 << 10,	/* XLAT */
	MOVBE = 1 << 11,
	THREE = 1 << 12,	/* VEX with a second source */
	ONLY_YMM = 1 << 13,
};

/* what follows the displacement */
enum { NONE, BYTE, FULL };

#define ANY	-1		/* the register of ModRM is an operand */
#define PLAIN	-2		/* there is no ModRM */

static const struct form {
	const char *name;
	uint8_t op[4];
	uint8_t count;
	int8_t reg;
	uint8_t immediate;
	uint16_t how;
} forms[] = {
#define ALU(name, opcode, digit, lock)						\
	{ name " m8, r8", { opcode }, 1, ANY, NONE, lock },			\
	{ name " m, r", { opcode + 1 }, 1, ANY, NONE, SIZES | (lock) },		\
	{ name " r8, m8", { opcode + 2 }, 1, ANY, NONE, 0 },			\
	{ name " r, m", { opcode + 3 }, 1, ANY, NONE, SIZES },			\
	{ name " m8, imm8", { 0x80 }, 1, digit, BYTE, lock },			\
	{ name " m, imm", { 0x81 }, 1, digit, FULL, SIZES | (lock) },		\
	{ name " m, imm8", { 0x83 }, 1, digit, BYTE, SIZES | (lock) }
	ALU("add", 0x00, 0, LOCKED), ALU("or", 0x08, 1, LOCKED), ALU("adc", 0x10, 2, LOCKED),
	ALU("sbb", 0x18, 3, LOCKED), ALU("and", 0x20, 4, LOCKED), ALU("sub", 0x28, 5, LOCKED),
	ALU("xor", 0x30, 6, LOCKED), ALU("cmp", 0x38, 7, 0),
#define PAIR(name, opcode, digit, lock)						\
	{ name " m8", { opcode }, 1, digit, NONE, lock },			\
	{ name " m", { opcode + 1 }, 1, digit, NONE, SIZES | (lock) }
	PAIR("test r", 0x84, ANY, 0), PAIR("xchg r", 0x86, ANY, LOCKED),
	PAIR("mov to", 0x88, ANY, 0), PAIR("mov from", 0x8a, ANY, 0),
	PAIR("not", 0xf6, 2, LOCKED), PAIR("neg", 0xf6, 3, LOCKED), PAIR("mul", 0xf6, 4, 0),
	PAIR("imul", 0xf6, 5, 0), PAIR("div", 0xf6, 6, 0), PAIR("idiv", 0xf6, 7, 0),
	PAIR("inc", 0xfe, 0, LOCKED), PAIR("dec", 0xfe, 1, LOCKED),
	{ "test m8, imm8", { 0xf6 }, 1, 0, BYTE, 0 },
	{ "test m, imm", { 0xf7 }, 1, 0, FULL, SIZES },
	{ "mov m8, imm8", { 0xc6 }, 1, 0, BYTE, 0 },
	{ "mov m, imm", { 0xc7 }, 1, 0, FULL, SIZES },
#define SHIFT(name, digit)							\
	PAIR(name " 1", 0xd0, digit, 0), PAIR(name " cl", 0xd2, digit, 0),	\
	{ name " m8, imm8", { 0xc0 }, 1, digit, BYTE, 0 },			\
	{ name " m, imm8", { 0xc1 }, 1, digit, BYTE, SIZES }
	SHIFT("rol", 0), SHIFT("ror", 1), SHIFT("rcl", 2), SHIFT("rcr", 3), SHIFT("shl", 4),
	SHIFT("shr", 5), SHIFT("sal", 6), SHIFT("sar", 7),
	{ "imul r, m, imm", { 0x69 }, 1, ANY, FULL, SIZES },
	{ "imul r, m, imm8", { 0x6b }, 1, ANY, BYTE, SIZES },
	{ "movsxd", { 0x63 }, 1, ANY, NONE, WIDE },
#define TWO(name, opcode, digit, imm, how)					\
	{ name, { 0x0f, opcode }, 2, digit, imm, how }
	TWO("imul r, m", 0xaf, ANY, NONE, SIZES),
	TWO("shld imm8", 0xa4, ANY, BYTE, SIZES), TWO("shld cl", 0xa5, ANY, NONE, SIZES),
	TWO("shrd imm8", 0xac, ANY, BYTE, SIZES), TWO("shrd cl", 0xad, ANY, NONE, SIZES),
	TWO("bt r", 0xa3, ANY, NONE, SIZES | BITS),
	TWO("bts r", 0xab, ANY, NONE, SIZES | BITS | LOCKED),
	TWO("btr r", 0xb3, ANY, NONE, SIZES | BITS | LOCKED),
	TWO("btc r", 0xbb, ANY, NONE, SIZES | BITS | LOCKED),
	TWO("bt imm8", 0xba, 4, BYTE, SIZES), TWO("bts imm8", 0xba, 5, BYTE, SIZES | LOCKED),
	TWO("btr imm8", 0xba, 6, BYTE, SIZES | LOCKED),
	TWO("btc imm8", 0xba, 7, BYTE, SIZES | LOCKED),
	TWO("bsf", 0xbc, ANY, NONE, SIZES), TWO("bsr", 0xbd, ANY, NONE, SIZES),
	{ "tzcnt", { 0xf3, 0x0f, 0xbc }, 3, ANY, NONE, SIZES },
	{ "lzcnt", { 0xf3, 0x0f, 0xbd }, 3, ANY, NONE, SIZES },
	{ "popcnt", { 0xf3, 0x0f, 0xb8 }, 3, ANY, NONE, SIZES },
	TWO("movzx m8", 0xb6, ANY, NONE, SIZES), TWO("movzx m16", 0xb7, ANY, NONE, SIZES),
	TWO("movsx m8", 0xbe, ANY, NONE, SIZES), TWO("movsx m16", 0xbf, ANY, NONE, SIZES),
	TWO("xadd m8", 0xc0, ANY, NONE, LOCKED), TWO("xadd m", 0xc1, ANY, NONE, SIZES | LOCKED),
	TWO("cmpxchg m8", 0xb0, ANY, NONE, LOCKED),
	TWO("cmpxchg m", 0xb1, ANY, NONE, SIZES | LOCKED),
	TWO("cmpxchg8b", 0xc7, 1, NONE, LOCKED), TWO("movnti", 0xc3, ANY, NONE, WIDE),
#define CONDITION(n)								\
	TWO("cmov " #n, 0x40 + (n), ANY, NONE, SIZES), TWO("set " #n, 0x90 + (n), ANY, NONE, 0)
	CONDITION(0), CONDITION(1), CONDITION(2), CONDITION(3), CONDITION(4), CONDITION(5),
	CONDITION(6), CONDITION(7), CONDITION(8), CONDITION(9), CONDITION(10), CONDITION(11),
	CONDITION(12), CONDITION(13), CONDITION(14), CONDITION(15),
	{ "movbe from", { 0x0f, 0x38, 0xf0 }, 3, ANY, NONE, SIZES | MOVBE },
	{ "movbe to", { 0x0f, 0x38, 0xf1 }, 3, ANY, NONE, SIZES | MOVBE },
#define STRINGS(name, opcode)							\
	{ name "b", { opcode }, 1, PLAIN, NONE, STRING },			\
	{ name, { opcode + 1 }, 1, PLAIN, NONE, STRING | SIZES }
	STRINGS("movs", 0xa4), STRINGS("cmps", 0xa6), STRINGS("stos", 0xaa),
	STRINGS("lods", 0xac), STRINGS("scas", 0xae),
	{ "xlat", { 0xd7 }, 1, PLAIN, NONE, TABLE },
	{ "push m", { 0xff }, 1, 6, NONE, STACK }, { "pop m", { 0x8f }, 1, 0, NONE, STACK },
	{ "call m", { 0xff }, 1, 2, NONE, STACK | TARGET },
	{ "jmp m", { 0xff }, 1, 4, NONE, TARGET },
	{ "push r", { 0x52 }, 1, PLAIN, NONE, STACK }, { "pop r", { 0x5a }, 1, PLAIN, NONE, STACK },
	{ "push imm8", { 0x6a }, 1, PLAIN, BYTE, STACK },
	{ "push imm", { 0x68 }, 1, PLAIN, FULL, STACK },
	{ "call", { 0xe8, 0, 0, 0 }, 4, PLAIN, NONE, STACK },
	{ "ret", { 0xc3 }, 1, PLAIN, NONE, STACK | TARGET | TABLE },
#define SSE(name, prefix, opcode, how)						\
	{ name, { prefix, 0x0f, opcode }, 3, ANY, NONE, how }
	TWO("movups from", 0x10, ANY, NONE, 0), TWO("movups to", 0x11, ANY, NONE, 0),
	SSE("movupd from", 0x66, 0x10, 0), SSE("movupd to", 0x66, 0x11, 0),
	SSE("movss from", 0xf3, 0x10, 0), SSE("movss to", 0xf3, 0x11, 0),
	SSE("movsd from", 0xf2, 0x10, 0), SSE("movsd to", 0xf2, 0x11, 0),
	TWO("movlps from", 0x12, ANY, NONE, 0), TWO("movlps to", 0x13, ANY, NONE, 0),
	TWO("movhps from", 0x16, ANY, NONE, 0), TWO("movhps to", 0x17, ANY, NONE, 0),
	SSE("movlpd from", 0x66, 0x12, 0), SSE("movlpd to", 0x66, 0x13, 0),
	SSE("movhpd from", 0x66, 0x16, 0), SSE("movhpd to", 0x66, 0x17, 0),
	SSE("movddup", 0xf2, 0x12, 0),
	TWO("movaps from", 0x28, ANY, NONE, ALIGNED), TWO("movaps to", 0x29, ANY, NONE, ALIGNED),
	SSE("movapd from", 0x66, 0x28, ALIGNED), SSE("movapd to", 0x66, 0x29, ALIGNED),
	TWO("movntps", 0x2b, ANY, NONE, ALIGNED), SSE("movntpd", 0x66, 0x2b, ALIGNED),
	SSE("movntdq", 0x66, 0xe7, ALIGNED),
	SSE("movdqa from", 0x66, 0x6f, ALIGNED), SSE("movdqa to", 0x66, 0x7f, ALIGNED),
	SSE("movdqu from", 0xf3, 0x6f, 0), SSE("movdqu to", 0xf3, 0x7f, 0),
	SSE("movd from", 0x66, 0x6e, WIDE), SSE("movd to", 0x66, 0x7e, WIDE),
	SSE("movq from", 0xf3, 0x7e, 0), SSE("movq to", 0x66, 0xd6, 0),
	SSE("lddqu", 0xf2, 0xf0, 0),
#define AVX(name, map, prefix, opcode, how)					\
	{ name, { map, prefix, opcode }, 3, ANY, NONE, VEX | (how) }
	AVX("vmovups from", 1, 0, 0x10, YMM), AVX("vmovups to", 1, 0, 0x11, YMM),
	AVX("vmovss from", 1, 2, 0x10, 0), AVX("vmovss to", 1, 2, 0x11, 0),
	AVX("vmovsd from", 1, 3, 0x10, 0), AVX("vmovsd to", 1, 3, 0x11, 0),
	AVX("vmovlps from", 1, 0, 0x12, THREE), AVX("vmovlps to", 1, 0, 0x13, 0),
	AVX("vmovhps from", 1, 0, 0x16, THREE), AVX("vmovhps to", 1, 0, 0x17, 0),
	AVX("vmovdqu from", 1, 2, 0x6f, YMM), AVX("vmovdqu to", 1, 2, 0x7f, YMM),
	AVX("vmovdqa from", 1, 1, 0x6f, YMM | ALIGNED),
	AVX("vmovdqa to", 1, 1, 0x7f, YMM | ALIGNED),
	AVX("vmovntps", 1, 0, 0x2b, YMM | ALIGNED),
	AVX("vmovd from", 1, 1, 0x6e, WIDE), AVX("vmovd to", 1, 1, 0x7e, WIDE),
	AVX("vmovq from", 1, 2, 0x7e, 0), AVX("vmovq to", 1, 1, 0xd6, 0),
	AVX("vbroadcastss", 2, 1, 0x18, YMM), AVX("vbroadcastsd", 2, 1, 0x19, ONLY_YMM),
	AVX("vbroadcastf128", 2, 1, 0x1a, ONLY_YMM),
};

enum { AX, CX, DX, BX, SP, BP, SI, DI };

unsigned int random_insn_forms(void)
{
	return ARRAY_SIZE(forms);
}

uint64_t random_next(struct random_world *w)
{
	/* xorshift64* */
	w->seed ^= w->seed >> 12;
	w->seed ^= w->seed << 25;
	w->seed ^= w->seed >> 27;
	return w->seed * 0x2545f4914f6cdd1dull;
}

static unsigned int below(struct random_world *w, unsigned int limit)
{
	return (random_next(w) >> 32) % limit;
}

static bool one_in(struct random_world *w, unsigned int n)
{
	return !below(w, n);
}

/* Values at which flags change, as often as any. */
static uint64_t value(struct random_world *w)
{
	static const uint64_t edges[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ~0ull,
	};

	if (one_in(w, 2))
		return random_next(w) >> below(w, 64);
	return edges[below(w, ARRAY_SIZE(edges))];
}

/* Where the operand is: pages begin at odd places of it, too. */
static uint64_t address(struct random_world *w, unsigned int how)
{
	const unsigned int page = 1 + below(w, w->length / 4096 - 1);
	const unsigned int at = one_in(w, 3) ? page * 4096 - 1 - below(w, 40)
					     : w->length / 4 + below(w, w->length / 2);

	return w->base + (how & ALIGNED ? at & ~31u : at);
}

static void byte(struct random_insn *i, unsigned int value)
{
	i->bytes[i->length++] = value;
}

static void dword(struct random_insn *i, uint32_t value)
{
	memcpy(i->bytes + i->length, &value, 4);
	i->length += 4;
}

/* Base, perhaps an index, and a displacement that lead to @to. */
static void memory_operand(struct random_world *w, struct random_insn *i, const struct form *f,
			   unsigned int reg, unsigned int base, unsigned int index, uint64_t to)
{
	const bool indexed = index != SP;
	const unsigned int scale = below(w, 4);
	const int32_t displacement = (int32_t)random_next(w) >> below(w, 24);

	byte(i, 0x80 | (reg & 7) << 3 | (indexed ? 4 : base & 7));
	if (indexed)
		byte(i, scale << 6 | (index & 7) << 3 | (base & 7));
	dword(i, displacement);
	/* the address is a number of bits away: not far */
	if (f->how & BITS)
		i->gpr[reg] = (int64_t)below(w, 64) - 32;
	if (indexed)
		to -= i->gpr[index] << scale;
	i->gpr[base] = to - displacement;
}

static void prefixes(struct random_world *w, struct random_insn *i, const struct form *f,
		     unsigned int rex, unsigned int *width)
{
	unsigned int op = 0;

	*width = 4;
	if (f->how & LOCKED && one_in(w, 4))
		byte(i, 0xf0);
	if (f->how & STRING && one_in(w, 2))
		byte(i, one_in(w, 2) ? 0xf2 : 0xf3);
	if (f->how & SIZES && one_in(w, 3)) {
		byte(i, 0x66);
		*width = 2;
	}
	if (f->op[0] == 0x66 || f->op[0] == 0xf2 || f->op[0] == 0xf3)
		byte(i, f->op[op++]);
	if (f->how & (SIZES | WIDE) && one_in(w, 2)) {
		rex |= 8;
		*width = 8;
	}
	if (rex)
		byte(i, 0x40 | rex);
	while (op < f->count)
		byte(i, f->op[op++]);
}

static void vex(struct random_world *w, struct random_insn *i, const struct form *f,
		unsigned int rex)
{
	const bool wide = f->how & WIDE && one_in(w, 2);
	const bool long_vector = f->how & ONLY_YMM || (f->how & YMM && one_in(w, 2));
	const unsigned int second = f->how & THREE ? below(w, 16) : 0;

	byte(i, 0xc4);
	byte(i, (~rex & 7) << 5 | f->op[0]);
	byte(i, wide << 7 | (~second & 15) << 3 | long_vector << 2 | f->op[1]);
	byte(i, f->op[2]);
}

/* Registers that an address is made of: not RSP, and not what the instruction uses besides. */
static unsigned int address_register(struct random_world *w, unsigned int not)
{
	unsigned int reg;

	do
		reg = below(w, 16);
	while (reg == SP || reg == CX || reg == AX || reg == DX || reg == 12 || reg == not);
	return reg;
}

static void with_modrm(struct random_world *w, struct random_insn *i, const struct form *f)
{
	const unsigned int digit = f->reg == ANY ? below(w, 16) : (unsigned int)f->reg;
	/* the stack pointer is no operand here: the test runs on another one */
	const unsigned int reg = f->reg == ANY && digit == SP ? 9 : digit;
	const unsigned int base = address_register(w, f->how & BITS ? reg : 16);
	const unsigned int index = one_in(w, 2) ? address_register(w, base) : SP;
	const unsigned int rex = reg >> 3 << 2 | (index >> 3 & 1) << 1 | base >> 3;
	unsigned int width = 4;
	uint64_t to = address(w, f->how);

	if (f->how & VEX)
		vex(w, i, f, rex);
	else
		prefixes(w, i, f, rex, &width);
	memory_operand(w, i, f, reg, base, index, to);
	if (f->immediate == BYTE)
		byte(i, random_next(w));
	else if (f->immediate == FULL && width == 2)
		byte(i, random_next(w)), byte(i, random_next(w));
	else if (f->immediate == FULL)
		dword(i, value(w));
	i->at = to;
}

static void without_modrm(struct random_world *w, struct random_insn *i, const struct form *f)
{
	unsigned int width;

	prefixes(w, i, f, 0, &width);
	if (f->op[0] == 0xe8)
		byte(i, 0);
	if (f->immediate == BYTE)
		byte(i, random_next(w));
	else if (f->immediate == FULL)
		dword(i, value(w));
	if (f->how & STRING) {
		i->gpr[SI] = address(w, 0);
		i->gpr[DI] = address(w, 0);
		i->gpr[CX] = 1 + below(w, 12);
	}
	if (f->how & TABLE)
		i->gpr[BX] = address(w, 0);
}

bool random_insn(struct random_world *w, unsigned int form, struct random_insn *i)
{
	const struct form *f = &forms[form];
	int r;

	if ((f->how & VEX && !w->avx) || (f->how & MOVBE && !w->movbe))
		return false;
	memset(i, 0, sizeof(*i));
	i->name = f->name;
	i->form = form;
	for (r = 0; r < 16; r++)
		i->gpr[r] = value(w);
	i->flags = 2 | (random_next(w) & 0x8d5) | (f->how & STRING ? random_next(w) & 0x400 : 0);
	i->gpr[SP] = f->how & STACK ? address(w, 0) : w->base + 0x100;
	if (f->reg == PLAIN)
		without_modrm(w, i, f);
	else
		with_modrm(w, i, f);
	i->planted = f->how & TARGET || one_in(w, 3);
	i->memory = value(w);
	if (f->how & TARGET)
		i->memory = w->code + i->length;
	if (f->reg == PLAIN && f->how & TARGET)
		i->at = i->gpr[SP];
	else if (f->reg == PLAIN)
		i->planted = false;
	return true;
}
