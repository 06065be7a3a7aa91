// SPDX-License-Identifier: GPL-2.0-only
/*
 * MOVS, STOS, LODS, CMPS and SCAS: one iteration for each exit. A REP that has more to do leaves
 * RIP where it is, and comes back with the next exit.
 */
#include "mmio.h"

static unsigned int address_width(const struct mmio_ctx *ctx)
{
	return ctx->d.insn.address_width / 8;
}

static void step(struct mmio_ctx *ctx, enum mmio_gpr reg)
{
	const uint64_t width = ctx->d.insn.operand_width / 8;
	const uint64_t by = ctx->gprs.rflags & FLAG_DF ? -width : width;
	const uint64_t old = ctx->gprs.gpr[reg];

	ctx->gprs.gpr[reg] = merge(old, old + by, address_width(ctx));
}

/* REPE goes on while ZF is set, REPNE while it is clear; MOVS, STOS and LODS do not look. */
static bool goes_on(const struct mmio_ctx *ctx, bool compares)
{
	const bool zero = ctx->gprs.rflags & FLAG_ZF;

	if (!compares)
		return true;
	return ctx->d.insn.attributes & ZYDIS_ATTRIB_HAS_REPNE ? !zero : zero;
}

static void count_down(struct mmio_ctx *ctx, bool compares)
{
	const ZydisInstructionAttributes rep = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
					       ZYDIS_ATTRIB_HAS_REPNE;
	const uint64_t old = ctx->gprs.gpr[RCX];
	const uint64_t left = merge(old, old - 1, address_width(ctx));

	if (!(ctx->d.insn.attributes & rep))
		return;
	ctx->gprs.gpr[RCX] = left;
	ctx->again = (left & width_mask(address_width(ctx))) && goes_on(ctx, compares);
}

/* CMPS compares source with target, SCAS the accumulator with the target. */
static int compare(struct mmio_ctx *ctx)
{
	struct alu x = { .flags = ctx->gprs.rflags };
	int err;

	err = mmio_get(ctx, 0, &x.a);
	if (!err)
		err = mmio_get(ctx, 1, &x.b);
	if (err)
		return err;
	mmio_alu_do(ALU_CMP, mmio_width(ctx, 0), &x);
	ctx->gprs.rflags = x.flags;
	return 0;
}

/* Zydis lists the destination first, as elsewhere; CMPS has the source there. */
static int transfer(struct mmio_ctx *ctx)
{
	uint64_t value;
	const int err = mmio_get(ctx, 1, &value);

	return err ? err : mmio_set(ctx, 0, value);
}

int mmio_string(struct mmio_ctx *ctx, unsigned int op)
{
	const bool compares = op == STRING_CMPS || op == STRING_SCAS;
	const int err = compares ? compare(ctx) : transfer(ctx);

	if (err)
		return err;
	if (op != STRING_STOS && op != STRING_SCAS)
		step(ctx, RSI);
	if (op != STRING_LODS)
		step(ctx, RDI);
	count_down(ctx, compares);
	return 0;
}
