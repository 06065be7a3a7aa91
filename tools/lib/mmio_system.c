// SPDX-License-Identifier: GPL-2.0-only
/* Control and descriptor-table registers, and segment selectors, to and from memory. */
#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "mmio.h"

/* SGDT, SIDT, LGDT, LIDT: a limit and a base */
struct pseudo_descriptor {
	uint16_t limit;
	uint64_t base;
} __attribute__((__packed__));

int mmio_table_store(struct mmio_ctx *ctx, unsigned int idt)
{
	const struct mmio_operand *o = mmio_operand_of(ctx, 0);
	struct pseudo_descriptor data;
	const struct vmxhv_table *table;
	int err = mmio_sregs(ctx);

	if (err || !o || o->width > sizeof(data))
		return err ? err : -EOPNOTSUPP;
	table = idt ? &ctx->sregs.idtr : &ctx->sregs.gdtr;
	data = (struct pseudo_descriptor){ .limit = table->limit, .base = table->base };
	return mmio_store(ctx, o, &data);
}

/* For what is loaded, and not accessed. */
static unsigned int cpu_linear_bits(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx) ? eax >> 8 & 0xff :
		LINEAR_BITS_LA48;
}

/* With 16-bit operands the base has 24 bits. */
int mmio_table_load(struct mmio_ctx *ctx, unsigned int idt)
{
	const struct mmio_operand *o = mmio_operand_of(ctx, 0);
	struct pseudo_descriptor data = { 0 };
	struct vmxhv_table *table;
	int err = mmio_sregs(ctx);

	if (err || !o || o->width > sizeof(data))
		return err ? err : -EOPNOTSUPP;
	err = mmio_load(ctx, o, &data);
	if (err)
		return err;
	if (mmio_is_64(ctx) && !linear_canonical(data.base, cpu_linear_bits()))
		return mmio_exception(ctx, EXCEPTION_GP, 0);
	if (!mmio_is_64(ctx) && ctx->d.insn.operand_width == 16)
		data.base &= 0xffffff;
	table = idt ? &ctx->sregs.idtr : &ctx->sregs.gdtr;
	table->limit = data.limit;
	table->base = data.base;
	ctx->sregs_changed = true;
	return 0;
}

/* What is stored in 16 bits: a selector, or the low half of CR0. */
int mmio_sreg_store(struct mmio_ctx *ctx, unsigned int which)
{
	const struct vmxhv_sregs *s = &ctx->sregs;
	int err = mmio_sregs(ctx);

	if (err)
		return err;
	switch (which) {
	case ZYDIS_REGISTER_CR0:
		return mmio_set(ctx, 0, s->cr0 & 0xffff);
	case ZYDIS_REGISTER_TR:
		return mmio_set(ctx, 0, s->tr.selector);
	case ZYDIS_REGISTER_LDTR:
		return mmio_set(ctx, 0, s->ldtr.selector);
	case ZYDIS_REGISTER_ES:
		return mmio_set(ctx, 0, s->es.selector);
	case ZYDIS_REGISTER_CS:
		return mmio_set(ctx, 0, s->cs.selector);
	case ZYDIS_REGISTER_SS:
		return mmio_set(ctx, 0, s->ss.selector);
	case ZYDIS_REGISTER_DS:
		return mmio_set(ctx, 0, s->ds.selector);
	case ZYDIS_REGISTER_FS:
		return mmio_set(ctx, 0, s->fs.selector);
	case ZYDIS_REGISTER_GS:
		return mmio_set(ctx, 0, s->gs.selector);
	default:
		return -EOPNOTSUPP;
	}
}

/* SDM: "LMSW—Load Machine Status Word": PE can be set, not cleared */
int mmio_lmsw(struct mmio_ctx *ctx, unsigned int arg)
{
	uint64_t value;
	int err = mmio_sregs(ctx);

	(void)arg;
	if (!err)
		err = mmio_get(ctx, 0, &value);
	if (err)
		return err;
	ctx->sregs.cr0 = (ctx->sregs.cr0 & ~0xeull) | (value & 0xf);
	ctx->sregs_changed = true;
	return 0;
}
