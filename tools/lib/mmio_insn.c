// SPDX-License-Identifier: GPL-2.0-only
/* General-purpose instructions: moves, arithmetic, exchanges, conditions. */
#include <errno.h>

#include "mmio.h"

static uint64_t swap_bytes(uint64_t value, unsigned int width)
{
	return __builtin_bswap64(value) >> (64 - 8 * width);
}

int mmio_mov(struct mmio_ctx *ctx, unsigned int kind)
{
	uint64_t value;
	int err;

	err = mmio_get(ctx, 1, &value);
	if (err)
		return err;
	if (kind == MOVE_SIGNED)
		value = sign_extend(value, mmio_width(ctx, 1));
	else if (kind == MOVE_SWAPPED)
		value = swap_bytes(value, mmio_width(ctx, 1));
	return mmio_set(ctx, 0, value);
}

static bool is_visible(const struct mmio_ctx *ctx, unsigned int op)
{
	return op < ctx->d.insn.operand_count &&
	       ctx->d.op[op].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN;
}

/* A shift's second operand is its count; SHLD's and SHRD's is the third. */
static bool counts(unsigned int op)
{
	return op >= ALU_ROL && op <= ALU_SAR;
}

/* The destination is the first operand, and written to unless only the flags are wanted. */
int mmio_alu(struct mmio_ctx *ctx, unsigned int op)
{
	struct alu x = { .flags = ctx->gprs.rflags };
	int err;

	err = mmio_get(ctx, 0, &x.a);
	if (!err && is_visible(ctx, 1))
		err = mmio_get(ctx, 1, &x.b);
	if (!err && is_visible(ctx, 2))
		err = mmio_get(ctx, 2, &x.c);
	if (err)
		return err;
	if (counts(op))
		x.c = x.b;
	mmio_alu_do(op, mmio_width(ctx, 0), &x);
	if (ctx->d.op[0].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		err = mmio_set(ctx, 0, x.a);
	if (!err)
		ctx->gprs.rflags = x.flags;
	return err;
}

/* IMUL: by the first operand, by the third, or all of it twice as wide. */
int mmio_alu3(struct mmio_ctx *ctx, unsigned int op)
{
	struct alu x = { .flags = ctx->gprs.rflags };
	int err;

	if (!is_visible(ctx, 1))
		return mmio_wide(ctx, WIDE_IMUL);
	if (!is_visible(ctx, 2))
		return mmio_alu(ctx, op);
	err = mmio_get(ctx, 1, &x.a);
	if (!err)
		err = mmio_get(ctx, 2, &x.b);
	if (err)
		return err;
	mmio_alu_do(op, mmio_width(ctx, 0), &x);
	ctx->gprs.rflags = x.flags;
	return mmio_set(ctx, 0, x.a);
}

/* MUL, IMUL, DIV, IDIV of RDX:RAX, or of AX */
int mmio_wide(struct mmio_ctx *ctx, unsigned int op)
{
	const unsigned int width = mmio_width(ctx, 0);
	uint64_t a = ctx->gprs.gpr[RAX], d = ctx->gprs.gpr[RDX];
	struct alu x = { .flags = ctx->gprs.rflags };
	int err;

	err = mmio_get(ctx, 0, &x.b);
	if (err)
		return err;
	if (mmio_alu_wide(op, width, &a, &d, &x))
		return mmio_exception(ctx, EXCEPTION_DE, 0);
	ctx->gprs.gpr[RAX] = merge(ctx->gprs.gpr[RAX], a, width == 1 ? 2 : width);
	if (width > 1)
		ctx->gprs.gpr[RDX] = merge(ctx->gprs.gpr[RDX], d, width);
	ctx->gprs.rflags = x.flags;
	return 0;
}

/* Of no bit BSF and BSR leave the register as it was, all of it. */
int mmio_scan(struct mmio_ctx *ctx, unsigned int op)
{
	struct alu x = { .flags = ctx->gprs.rflags };
	int err;

	if (op == ALU_POPCNT && !__builtin_cpu_supports("popcnt"))
		return -EOPNOTSUPP;
	err = mmio_get(ctx, 0, &x.a);
	if (!err)
		err = mmio_get(ctx, 1, &x.b);
	if (err)
		return err;
	mmio_alu_do(op, mmio_width(ctx, 0), &x);
	ctx->gprs.rflags = x.flags;
	if ((op == ALU_BSF || op == ALU_BSR) && (x.flags & FLAG_ZF))
		return 0;
	return mmio_set(ctx, 0, x.a);
}

/* XCHG and XADD; the memory operand is written first, so that a refusal changes no register. */
int mmio_exchange(struct mmio_ctx *ctx, unsigned int add)
{
	const unsigned int mem = ctx->d.op[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : 1;
	struct alu x = { .flags = ctx->gprs.rflags };
	uint64_t old;
	int err;

	err = mmio_get(ctx, mem, &old);
	if (!err)
		err = mmio_get(ctx, !mem, &x.a);
	if (err)
		return err;
	x.b = old;
	if (add)
		mmio_alu_do(ALU_ADD, mmio_width(ctx, mem), &x);
	err = mmio_set(ctx, mem, x.a);
	if (err)
		return err;
	ctx->gprs.rflags = x.flags;
	return mmio_set(ctx, !mem, old);
}

int mmio_cmpxchg(struct mmio_ctx *ctx, unsigned int arg)
{
	const unsigned int width = mmio_width(ctx, 0);
	__u64 *rax = &ctx->gprs.gpr[RAX];
	struct alu x = { .a = *rax, .flags = ctx->gprs.rflags };
	uint64_t reg;
	int err;

	(void)arg;
	err = mmio_get(ctx, 0, &x.b);
	if (!err)
		err = mmio_get(ctx, 1, &reg);
	if (err)
		return err;
	mmio_alu_do(ALU_CMP, width, &x);
	/* The destination is written either way. */
	err = mmio_set(ctx, 0, x.flags & FLAG_ZF ? reg : x.b);
	if (err)
		return err;
	if (!(x.flags & FLAG_ZF))
		*rax = merge(*rax, x.b, width);
	ctx->gprs.rflags = x.flags;
	return 0;
}

/* CMPXCHG8B and CMPXCHG16B: two halves of @width each */
int mmio_cmpxchg_pair(struct mmio_ctx *ctx, unsigned int width)
{
	const struct mmio_operand *o = mmio_operand_of(ctx, 0);
	__u64 *gpr = ctx->gprs.gpr;
	const uint64_t mask = width_mask(width);
	uint8_t bytes[16] = { 0 };
	uint64_t old[2] = { 0, 0 }, put[2];
	bool same;
	int err;

	if (!o || o->width != 2 * width)
		return -EOPNOTSUPP;
	err = mmio_load(ctx, o, bytes);
	if (err)
		return err;
	__builtin_memcpy(&old[0], bytes, width);
	__builtin_memcpy(&old[1], bytes + width, width);
	same = old[0] == (gpr[RAX] & mask) && old[1] == (gpr[RDX] & mask);
	put[0] = same ? gpr[RBX] : old[0];
	put[1] = same ? gpr[RCX] : old[1];
	__builtin_memcpy(bytes, &put[0], width);
	__builtin_memcpy(bytes + width, &put[1], width);
	err = mmio_store(ctx, o, bytes);
	if (err)
		return err;
	ctx->gprs.rflags = (ctx->gprs.rflags & ~FLAG_ZF) | (same ? FLAG_ZF : 0);
	if (!same) {
		gpr[RAX] = merge(gpr[RAX], old[0], width);
		gpr[RDX] = merge(gpr[RDX], old[1], width);
	}
	return 0;
}

/* SDM: "Condition Test Field"; the lowest bit negates. */
static bool holds(uint64_t flags, unsigned int condition)
{
	const bool below = flags & FLAG_CF, zero = flags & FLAG_ZF;
	const bool less = !(flags & FLAG_SF) != !(flags & FLAG_OF);
	const bool is[8] = {
		flags & FLAG_OF, below, zero, below || zero,
		flags & FLAG_SF, flags & FLAG_PF, less, less || zero,
	};

	return is[condition >> 1] != (condition & 1);
}

/* Memory is read, and the upper half of a 32-bit register cleared, either way. */
int mmio_cmov(struct mmio_ctx *ctx, unsigned int condition)
{
	uint64_t value, old;
	int err;

	err = mmio_get(ctx, 1, &value);
	if (!err)
		err = mmio_get(ctx, 0, &old);
	if (err)
		return err;
	return mmio_set(ctx, 0, holds(ctx->gprs.rflags, condition) ? value : old);
}

int mmio_setcc(struct mmio_ctx *ctx, unsigned int condition)
{
	return mmio_set(ctx, 0, holds(ctx->gprs.rflags, condition));
}

int mmio_xlat(struct mmio_ctx *ctx, unsigned int arg)
{
	uint64_t value;
	const int err = mmio_get(ctx, 0, &value);

	(void)arg;
	if (!err)
		ctx->gprs.gpr[RAX] = merge(ctx->gprs.gpr[RAX], value, 1);
	return err;
}

/* Hints, and flushes of caches that a device has not. */
int mmio_nothing(struct mmio_ctx *ctx, unsigned int arg)
{
	(void)ctx;
	(void)arg;
	return 0;
}
