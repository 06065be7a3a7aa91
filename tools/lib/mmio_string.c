// SPDX-License-Identifier: GPL-2.0-only
/*
 * MOVS, STOS and LODS to and from MMIO: one iteration for each exit. A rep that has more to do
 * leaves RIP where it is, and comes back with the next exit.
 */
#include <errno.h>
#include <string.h>

#include "mmio.h"

static void step(struct mmio_ctx *ctx, enum mmio_gpr reg, const struct string_insn *insn)
{
	const uint64_t by = ctx->gprs.rflags & FLAG_DF ? -(uint64_t)insn->width : insn->width;
	const uint64_t old = ctx->gprs.gpr[reg];

	ctx->gprs.gpr[reg] = merge(old, old + by, insn->address_width);
}

static void count_down(struct mmio_ctx *ctx, const struct string_insn *insn)
{
	const uint64_t old = ctx->gprs.gpr[RCX];
	const uint64_t left = merge(old, old - 1, insn->address_width);

	if (!insn->rep)
		return;
	ctx->gprs.gpr[RCX] = left;
	ctx->again = left & width_mask(insn->address_width);
}

/* The guest-physical address of a byte of the operand that did not fault, or the guest's #PF. */
static int translate(struct mmio_ctx *ctx, uint64_t gva, bool write, uint64_t *gpa)
{
	struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	uint32_t pf_error;
	int err;

	err = vmxhv_walk(&ctx->sregs, ctx->ops, ctx->opaque, gva, write, gpa, &pf_error);
	if (err != -EFAULT)
		return err;
	exit->completion = VMXHV_MMIO_FAULT;
	exit->fault_vector = 14;
	exit->fault_has_error = 1;
	exit->fault_error = pf_error;
	exit->fault_address = gva;
	ctx->fault = true;
	return -EFAULT;
}

static int access_part(struct mmio_ctx *ctx, uint64_t gpa, bool write, unsigned int width,
		       uint8_t *data)
{
	void *ram = ctx->ops->ram ? ctx->ops->ram(ctx->opaque, gpa, width) : NULL;
	uint64_t value = 0;
	int err;

	if (ram && write)
		memcpy(ram, data, width);
	else if (ram)
		memcpy(data, ram, width);
	if (ram)
		return 0;
	memcpy(&value, data, width);
	if (write)
		return mmio_write(ctx, gpa, width, value);
	err = mmio_read(ctx, gpa, width, &value);
	memcpy(data, &value, width);
	return err;
}

/* The operand of MOVS that did not fault: RAM as a rule, perhaps in two pages, perhaps MMIO too. */
static int access_other(struct mmio_ctx *ctx, uint64_t gva, bool write, unsigned int width,
			uint8_t *data)
{
	const unsigned int room = VMXHV_PAGE_SIZE - (gva & (VMXHV_PAGE_SIZE - 1));
	const unsigned int first = width < room ? width : room;
	uint64_t gpa[2] = { 0, 0 };
	int err;

	err = translate(ctx, gva, write, &gpa[0]);
	if (!err && first < width)
		err = translate(ctx, gva + first, write, &gpa[1]);
	if (!err)
		err = access_part(ctx, gpa[0], write, first, data);
	if (!err && first < width)
		err = access_part(ctx, gpa[1], write, width - first, data + first);
	return err;
}

static int move(struct mmio_ctx *ctx, const struct string_insn *insn)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	const uint64_t mask = width_mask(insn->address_width);
	const uint64_t es = exit->mode == VMXHV_MODE_64 ? 0 : ctx->sregs.es.base;
	const uint64_t source = insn->source_base + (ctx->gprs.gpr[RSI] & mask);
	const uint64_t target = es + (ctx->gprs.gpr[RDI] & mask);
	uint64_t value = 0;
	int err;

	if (exit->access & VMXHV_MMIO_WRITE) {
		err = access_other(ctx, source, false, insn->width, (uint8_t *)&value);
		return err ? err : mmio_write(ctx, exit->gpa, insn->width, value);
	}
	/* The target is probed first: reading a device may have an effect, so it is read once. */
	if (translate(ctx, target, true, &value))
		return -EFAULT;
	err = mmio_read(ctx, exit->gpa, insn->width, &value);
	return err ? err : access_other(ctx, target, true, insn->width, (uint8_t *)&value);
}

int mmio_string(struct mmio_ctx *ctx, const struct string_insn *insn)
{
	const uint64_t gpa = ctx->run->u.mmio.gpa;
	__u64 *rax = &ctx->gprs.gpr[RAX];
	uint64_t value;
	int err;

	switch (insn->op) {
	case STRING_STOS:
		err = mmio_write(ctx, gpa, insn->width, *rax & width_mask(insn->width));
		break;
	case STRING_LODS:
		err = mmio_read(ctx, gpa, insn->width, &value);
		if (!err)
			*rax = merge(*rax, value, insn->width);
		break;
	default:
		err = move(ctx, insn);
	}
	if (err)
		return err;
	if (insn->op != STRING_STOS)
		step(ctx, RSI, insn);
	if (insn->op != STRING_LODS)
		step(ctx, RDI, insn);
	count_down(ctx, insn);
	return 0;
}
