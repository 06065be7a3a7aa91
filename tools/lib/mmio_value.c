// SPDX-License-Identifier: GPL-2.0-only
/* Operands of up to eight bytes as values: registers, constants and memory. */
#include <errno.h>
#include <string.h>

#include "mmio.h"

unsigned int mmio_width(const struct mmio_ctx *ctx, unsigned int op)
{
	return ctx->d.op[op].size / 8;
}

static bool is_high_byte(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

static unsigned int gpr_index(const struct mmio_ctx *ctx, ZydisRegister reg)
{
	if (is_high_byte(reg))
		return reg - ZYDIS_REGISTER_AH;
	return ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(ctx->d.machine, reg));
}

bool mmio_is_gpr(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return true;
	default:
		return false;
	}
}

uint64_t mmio_reg(const struct mmio_ctx *ctx, ZydisRegister reg, unsigned int width)
{
	const uint64_t value = ctx->gprs.gpr[gpr_index(ctx, reg)];

	return (is_high_byte(reg) ? value >> 8 : value) & width_mask(width);
}

void mmio_reg_set(struct mmio_ctx *ctx, ZydisRegister reg, unsigned int width, uint64_t value)
{
	__u64 *gpr = &ctx->gprs.gpr[gpr_index(ctx, reg)];

	if (is_high_byte(reg))
		*gpr = (*gpr & ~0xff00ull) | (value & 0xff) << 8;
	else
		*gpr = merge(*gpr, value, width);
}

int mmio_get(struct mmio_ctx *ctx, unsigned int op, uint64_t *value)
{
	const ZydisDecodedOperand *o = &ctx->d.op[op];
	const struct mmio_operand *memory;

	*value = 0;
	switch (o->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		if (!mmio_is_gpr(o->reg.value))
			return -EOPNOTSUPP;
		*value = mmio_reg(ctx, o->reg.value, mmio_width(ctx, op));
		return 0;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		*value = o->imm.value.u;
		return 0;
	default:
		memory = mmio_operand_of(ctx, op);
		if (!memory || memory->width > sizeof(*value))
			return -EOPNOTSUPP;
		return mmio_load(ctx, memory, value);
	}
}

int mmio_set(struct mmio_ctx *ctx, unsigned int op, uint64_t value)
{
	const ZydisDecodedOperand *o = &ctx->d.op[op];
	const struct mmio_operand *memory;

	if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
		if (!mmio_is_gpr(o->reg.value))
			return -EOPNOTSUPP;
		mmio_reg_set(ctx, o->reg.value, mmio_width(ctx, op), value);
		return 0;
	}
	memory = mmio_operand_of(ctx, op);
	if (!memory || memory->width > sizeof(value))
		return -EOPNOTSUPP;
	return mmio_store(ctx, memory, &value);
}
