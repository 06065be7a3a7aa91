// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completing an MMIO exit: Zydis decodes the instruction, and what it names in memory is found
 * (mmio_operand.c) before it is performed on devices, memory and the published registers.
 *
 * Not every exit is an instruction's own access: page walks, the delivery of events and loads of
 * descriptors reach devices, too. The exit says so of the first two, and of others that the address
 * is none of the instruction's operands. For those nothing is performed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mmio.h"
#include "util.h"

int mmio_refuse(struct mmio_ctx *ctx, const char *format, ...)
{
	struct vmxhv_fail *fail = &ctx->vcpu->fail;
	va_list ap;

	*fail = (struct vmxhv_fail){ .error = EOPNOTSUPP };
	va_start(ap, format);
	vsnprintf(fail->text, sizeof(fail->text), format, ap);
	va_end(ap);
	return -EOPNOTSUPP;
}

int mmio_sregs(struct mmio_ctx *ctx)
{
	int err;

	if (ctx->has_sregs)
		return 0;
	if (ctx->run->valid & VMXHV_GROUP_SREGS) {
		ctx->sregs = ctx->run->sregs;
	} else {
		err = vmxhv_vcpu_get_sregs(ctx->vcpu, &ctx->sregs);
		if (err)
			return err;
	}
	ctx->has_sregs = true;
	return 0;
}

static int load_gprs(struct mmio_ctx *ctx)
{
	if (!(ctx->run->valid & VMXHV_GROUP_GPRS))
		return vmxhv_vcpu_get_gprs(ctx->vcpu, &ctx->gprs);
	ctx->gprs = ctx->run->gprs;
	return 0;
}

/* ---- the guest's exceptions --------------------------------------------------------------- */

int mmio_exception(struct mmio_ctx *ctx, enum mmio_exception_vector vector, uint32_t error)
{
	struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;

	exit->completion = VMXHV_MMIO_FAULT;
	exit->fault_vector = vector;
	exit->fault_has_error = vector != EXCEPTION_DE;
	exit->fault_error = error;
	exit->fault_address = 0;
	ctx->fault = true;
	return -EFAULT;
}

int mmio_page_fault(struct mmio_ctx *ctx, uint32_t error, uint64_t address)
{
	mmio_exception(ctx, EXCEPTION_PF, error);
	ctx->run->u.mmio.fault_address = address;
	return -EFAULT;
}

/* ---- decoding ----------------------------------------------------------------------------- */

static const struct {
	ZydisMachineMode machine;
	ZydisStackWidth stack;
} modes[] = {
	[VMXHV_MODE_REAL] = { ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16 },
	[VMXHV_MODE_VM86] = { ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
	[VMXHV_MODE_16] = { ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
	[VMXHV_MODE_32] = { ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
	[VMXHV_MODE_64] = { ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 },
};

static bool decode(struct mmio_ctx *ctx)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	struct mmio_insn *d = &ctx->d;
	unsigned int count = exit->insn_count;
	uint8_t bytes[CPU_INSN_MAX];
	ZydisDecoder decoder;

	if (exit->mode >= ARRAY_SIZE(modes))
		return false;
	if (count > CPU_INSN_MAX)
		count = CPU_INSN_MAX;
	memcpy(bytes, exit->insn, count);
	d->machine = modes[exit->mode].machine;
	ZydisDecoderInit(&decoder, d->machine, modes[exit->mode].stack);
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, count, &d->insn, d->op));
}

static int refuse_unknown(struct mmio_ctx *ctx, bool decoded)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	const char *name = decoded ? ZydisMnemonicGetString(ctx->d.insn.mnemonic) : NULL;
	char bytes[3 * CPU_INSN_MAX + 1] = "";
	unsigned int i;

	for (i = 0; i < exit->insn_count && i < CPU_INSN_MAX; i++)
		snprintf(bytes + 3 * i, 4, " %02x", exit->insn[i]);
	if (!exit->insn_count) {
		mmio_refuse(ctx, "the instruction at RIP %#llx cannot be fetched", ctx->gprs.rip);
		ctx->vcpu->fail.error = EFAULT;
		return -EFAULT;
	}
	return mmio_refuse(ctx, "an instruction that is not known: %s (bytes%s)",
			   name ? name : "none that exists", bytes);
}

/* ---- performing --------------------------------------------------------------------------- */

static int perform(struct mmio_ctx *ctx)
{
	const struct mmio_row *row = mmio_find(&ctx->d);
	int err;

	if (!row || !ctx->operands)
		return refuse_unknown(ctx, true);
	err = mmio_operands_check(ctx);
	if (err)
		return err;
	ctx->rip = ctx->gprs.rip;
	ctx->gprs.rip = mmio_wrap(ctx, ctx->rip + ctx->d.insn.length);
	err = row->fn(ctx, row->arg);
	if (err == -EOPNOTSUPP && ctx->vcpu->fail.error != EOPNOTSUPP)
		return refuse_unknown(ctx, true);
	return err;
}

static int complete(struct mmio_ctx *ctx)
{
	const struct vmxhv_run *run = ctx->run;
	const struct vmxhv_exit_mmio *exit = &run->u.mmio;
	bool decoded;
	int err = 0;

	if ((exit->access & (VMXHV_MMIO_FETCH | VMXHV_MMIO_WALK)) == VMXHV_MMIO_FETCH)
		return mmio_refuse(ctx, "the guest executes at %#llx, which is no memory for that",
				   exit->gpa);
	if ((run->exit_flags & VMXHV_EXITF_DELIVERY) && !(exit->access & VMXHV_MMIO_WALK))
		return mmio_refuse(ctx, "delivering an event accesses %#llx, which is no memory",
				   exit->gpa);
	decoded = decode(ctx);
	if (decoded)
		err = mmio_operands_find(ctx);
	if (err && err != -EOPNOTSUPP)
		return err;
	if (exit->access & VMXHV_MMIO_WALK)
		return mmio_walk(ctx, decoded && !err);
	return decoded && !err ? perform(ctx) : refuse_unknown(ctx, decoded);
}

/* RF: the breakpoint on the instruction was met before its first iteration. */
static void publish(struct mmio_ctx *ctx)
{
	struct vmxhv_run *run = ctx->run;

	if (ctx->again) {
		run->u.mmio.completion = VMXHV_MMIO_ITERATION;
		ctx->gprs.rip = ctx->rip;
		ctx->gprs.rflags |= FLAG_RF;
	} else {
		run->u.mmio.completion = VMXHV_MMIO_RETIRE;
		run->u.mmio.retire_len = ctx->d.insn.length;
	}
	run->gprs = ctx->gprs;
	run->dirty |= VMXHV_GROUP_GPRS;
	if (!ctx->sregs_changed)
		return;
	run->sregs = ctx->sregs;
	run->dirty |= VMXHV_GROUP_SREGS;
}

int vmxhv_mmio_complete(struct vmxhv_vcpu *vcpu, const struct vmxhv_mmio_ops *ops, void *opaque)
{
	struct mmio_ctx ctx = { .vcpu = vcpu, .run = vcpu->run, .ops = ops, .opaque = opaque };
	int err;

	vcpu->fail.error = 0;
	err = load_gprs(&ctx);
	if (!err)
		err = complete(&ctx);
	if (ctx.fault)
		return 0;
	if (!err)
		publish(&ctx);
	return err;
}
