// SPDX-License-Identifier: GPL-2.0-only
/* The stack, and near branches: operand, stack or both may be a device's. */
#include <errno.h>
#include <string.h>

#include "mmio.h"

/* The operand that the stack pointer addresses. */
static const struct mmio_operand *stack_operand(struct mmio_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ctx->operands; i++) {
		const struct mmio_operand *o = &ctx->operand[i];

		if (ctx->d.op[o->op].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
			return o;
	}
	return NULL;
}

static void move_stack(struct mmio_ctx *ctx, uint64_t by)
{
	const uint64_t old = ctx->gprs.gpr[RSP];
	const uint64_t mask = width_mask(mmio_stack_width(ctx));

	ctx->gprs.gpr[RSP] = (old & ~mask) | ((old + by) & mask);
}

static int push(struct mmio_ctx *ctx, uint64_t value)
{
	const struct mmio_operand *o = stack_operand(ctx);
	int err;

	if (!o)
		return -EOPNOTSUPP;
	err = mmio_store(ctx, o, &value);
	if (!err)
		move_stack(ctx, -(uint64_t)o->width);
	return err;
}

static int pop(struct mmio_ctx *ctx, uint64_t *value, uint64_t more)
{
	const struct mmio_operand *o = stack_operand(ctx);
	int err;

	*value = 0;
	if (!o)
		return -EOPNOTSUPP;
	err = mmio_load(ctx, o, value);
	if (!err)
		move_stack(ctx, o->width + more);
	return err;
}

int mmio_stack(struct mmio_ctx *ctx, unsigned int op)
{
	uint64_t value, rsp = ctx->gprs.gpr[RSP];
	int err;

	if (!mmio_is_64(ctx)) {
		err = mmio_sregs(ctx);
		if (err)
			return err;
	}
	switch (op) {
	case STACK_PUSH:
		err = mmio_get(ctx, 0, &value);
		return err ? err : push(ctx, value);
	case STACK_POP:
		err = pop(ctx, &value, 0);
		if (!err)
			err = mmio_set(ctx, 0, value);
		if (err)
			ctx->gprs.gpr[RSP] = rsp;
		return err;
	default:
		/* neither VM nor RF is pushed */
		return push(ctx, ctx->gprs.rflags & ~(FLAG_RF | 1ull << 17));
	}
}

/* SDM: "JMP—Jump": the target is canonical, or within the limit of CS */
static int set_target(struct mmio_ctx *ctx, uint64_t target, unsigned int width)
{
	target &= width_mask(width);
	if (mmio_is_64(ctx)) {
		if (!linear_canonical(target, LINEAR_BITS_LA48))
			return mmio_exception(ctx, EXCEPTION_GP, 0);
	} else if (target > ctx->sregs.cs.limit) {
		return mmio_exception(ctx, EXCEPTION_GP, 0);
	}
	ctx->gprs.rip = target;
	return 0;
}

static int target_of(struct mmio_ctx *ctx, uint64_t *target, unsigned int *width)
{
	const ZydisDecodedOperand *o = &ctx->d.op[0];

	*width = mmio_is_64(ctx) ? 8 : ctx->d.insn.operand_width / 8;
	if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		*target = ctx->gprs.rip + o->imm.value.u;
		return 0;
	}
	*width = mmio_width(ctx, 0);
	return mmio_get(ctx, 0, target);
}

static int ret(struct mmio_ctx *ctx)
{
	const struct mmio_operand *o = stack_operand(ctx);
	uint64_t more = 0, target;
	int err;

	if (!o)
		return -EOPNOTSUPP;
	if (ctx->d.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		more = ctx->d.op[0].imm.value.u;
	err = pop(ctx, &target, more);
	return err ? err : set_target(ctx, target, o->width);
}

/* The target is looked at before anything is pushed. */
int mmio_branch(struct mmio_ctx *ctx, unsigned int op)
{
	const uint64_t back = ctx->gprs.rip;
	unsigned int width;
	uint64_t target;
	int err;

	if (!mmio_is_64(ctx)) {
		err = mmio_sregs(ctx);
		if (err)
			return err;
	}
	if (op == BRANCH_RET)
		return ret(ctx);
	err = target_of(ctx, &target, &width);
	if (!err)
		err = set_target(ctx, target, width);
	if (!err && op == BRANCH_CALL)
		err = push(ctx, back);
	return err;
}
