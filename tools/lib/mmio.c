// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completing an MMIO exit: Zydis decodes the instruction, we perform it on the device and on the
 * published registers. The exit names the guest-physical address, so that a plain memory operand
 * needs no address computation.
 */
#include <errno.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "mmio.h"
#include "util.h"

#define CPU_INSN_MAX	15

struct decoded {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisMachineMode machine;
};

typedef int (*insn_fn)(struct mmio_ctx *ctx, const struct decoded *d, unsigned int arg);

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

int mmio_read(struct mmio_ctx *ctx, uint64_t gpa, unsigned int width, uint64_t *value)
{
	int err;

	*value = 0;
	err = ctx->ops->read(ctx->opaque, gpa, width, value);
	*value &= width_mask(width);
	return err;
}

int mmio_write(struct mmio_ctx *ctx, uint64_t gpa, unsigned int width, uint64_t value)
{
	return ctx->ops->write(ctx->opaque, gpa, width, value & width_mask(width));
}

/* ---- operands ----------------------------------------------------------------------------- */

static bool is_high_byte(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

static unsigned int gpr_index(const struct decoded *d, ZydisRegister reg)
{
	if (is_high_byte(reg))
		return reg - ZYDIS_REGISTER_AH;
	return ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(d->machine, reg));
}

static bool is_gpr(ZydisRegister reg)
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

static uint64_t reg_get(const struct mmio_ctx *ctx, const struct decoded *d, ZydisRegister reg,
			unsigned int width)
{
	const uint64_t value = ctx->gprs.gpr[gpr_index(d, reg)];

	return (is_high_byte(reg) ? value >> 8 : value) & width_mask(width);
}

static void reg_set(struct mmio_ctx *ctx, const struct decoded *d, ZydisRegister reg,
		    unsigned int width, uint64_t value)
{
	__u64 *gpr = &ctx->gprs.gpr[gpr_index(d, reg)];

	if (is_high_byte(reg))
		*gpr = (*gpr & ~0xff00ull) | (value & 0xff) << 8;
	else
		*gpr = merge(*gpr, value, width);
}

static unsigned int op_width(const struct decoded *d, unsigned int i)
{
	return d->op[i].size / 8;
}

static int op_get(struct mmio_ctx *ctx, const struct decoded *d, unsigned int i, uint64_t *value)
{
	const ZydisDecodedOperand *op = &d->op[i];

	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		*value = reg_get(ctx, d, op->reg.value, op_width(d, i));
		return 0;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		*value = op->imm.value.u;
		return 0;
	default:
		return mmio_read(ctx, ctx->run->u.mmio.gpa, op_width(d, i), value);
	}
}

static int op_set(struct mmio_ctx *ctx, const struct decoded *d, unsigned int i, uint64_t value)
{
	const ZydisDecodedOperand *op = &d->op[i];

	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return mmio_write(ctx, ctx->run->u.mmio.gpa, op_width(d, i), value);
	reg_set(ctx, d, op->reg.value, op_width(d, i), value);
	return 0;
}

/* ---- instructions ------------------------------------------------------------------------- */

static uint64_t swap_bytes(uint64_t value, unsigned int width)
{
	return __builtin_bswap64(value) >> (64 - 8 * width);
}

enum move_kind { MOVE_PLAIN, MOVE_SIGNED, MOVE_SWAPPED };

static int do_mov(struct mmio_ctx *ctx, const struct decoded *d, unsigned int kind)
{
	uint64_t value;
	int err;

	err = op_get(ctx, d, 1, &value);
	if (err)
		return err;
	if (kind == MOVE_SIGNED)
		value = sign_extend(value, op_width(d, 1));
	else if (kind == MOVE_SWAPPED)
		value = swap_bytes(value, op_width(d, 1));
	return op_set(ctx, d, 0, value);
}

static int do_alu(struct mmio_ctx *ctx, const struct decoded *d, unsigned int op)
{
	const bool unary = op == ALU_INC || op == ALU_DEC || op == ALU_NEG || op == ALU_NOT;
	__u64 flags = ctx->gprs.rflags;
	uint64_t a, b = 0;
	int err;

	err = op_get(ctx, d, 0, &a);
	if (!err && !unary)
		err = op_get(ctx, d, 1, &b);
	if (err)
		return err;
	a = alu(op, op_width(d, 0), a, b, &flags);
	if (op != ALU_BT)
		err = op_set(ctx, d, 0, a);
	if (!err)
		ctx->gprs.rflags = flags;
	return err;
}

/* CMP and TEST: the flags only. */
static int do_compare(struct mmio_ctx *ctx, const struct decoded *d, unsigned int op)
{
	uint64_t a, b;
	int err;

	err = op_get(ctx, d, 0, &a);
	if (!err)
		err = op_get(ctx, d, 1, &b);
	if (!err)
		alu(op, op_width(d, 0), a, b, &ctx->gprs.rflags);
	return err;
}

/* XCHG and XADD; the memory operand is written first, so that a refusal changes no register. */
static int do_exchange(struct mmio_ctx *ctx, const struct decoded *d, unsigned int add)
{
	const unsigned int mem = d->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : 1;
	__u64 flags = ctx->gprs.rflags;
	uint64_t old, reg;
	int err;

	err = op_get(ctx, d, mem, &old);
	if (!err)
		err = op_get(ctx, d, !mem, &reg);
	if (err)
		return err;
	if (add)
		reg = alu(ALU_ADD, op_width(d, mem), old, reg, &flags);
	err = op_set(ctx, d, mem, reg);
	if (err)
		return err;
	ctx->gprs.rflags = flags;
	return op_set(ctx, d, !mem, old);
}

static int do_cmpxchg(struct mmio_ctx *ctx, const struct decoded *d, unsigned int arg)
{
	const unsigned int width = op_width(d, 0);
	__u64 *rax = &ctx->gprs.gpr[RAX];
	__u64 flags = ctx->gprs.rflags;
	uint64_t old, reg;
	int err;

	(void)arg;
	err = op_get(ctx, d, 0, &old);
	if (!err)
		err = op_get(ctx, d, 1, &reg);
	if (err)
		return err;
	alu(ALU_SUB, width, *rax, old, &flags);
	/* The destination is written either way. */
	err = op_set(ctx, d, 0, flags & FLAG_ZF ? reg : old);
	if (err)
		return err;
	if (!(flags & FLAG_ZF))
		*rax = merge(*rax, old, width);
	ctx->gprs.rflags = flags;
	return 0;
}

static uint64_t segment_base(const struct mmio_ctx *ctx, ZydisRegister segment)
{
	const struct vmxhv_sregs *sregs = &ctx->sregs;
	const bool flat = ctx->run->u.mmio.mode == VMXHV_MODE_64;

	switch (segment) {
	case ZYDIS_REGISTER_FS:
		return sregs->fs.base;
	case ZYDIS_REGISTER_GS:
		return sregs->gs.base;
	case ZYDIS_REGISTER_ES:
		return flat ? 0 : sregs->es.base;
	case ZYDIS_REGISTER_CS:
		return flat ? 0 : sregs->cs.base;
	case ZYDIS_REGISTER_SS:
		return flat ? 0 : sregs->ss.base;
	default:
		return flat ? 0 : sregs->ds.base;
	}
}

static int do_string(struct mmio_ctx *ctx, const struct decoded *d, unsigned int op)
{
	const ZydisInstructionAttributes rep = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
					       ZYDIS_ATTRIB_HAS_REPNE;
	const int err = op == STRING_MOVS ? mmio_sregs(ctx) : 0;
	const struct string_insn insn = {
		.op = op,
		.width = d->insn.operand_width / 8,
		.address_width = d->insn.address_width / 8,
		.rep = d->insn.attributes & rep,
		.source_base = segment_base(ctx, d->op[1].mem.segment),
	};

	return err ? err : mmio_string(ctx, &insn);
}

static const struct {
	ZydisMnemonic mnemonic;
	insn_fn fn;
	unsigned int arg;
} insns[] = {
	{ ZYDIS_MNEMONIC_MOV, do_mov, MOVE_PLAIN },
	{ ZYDIS_MNEMONIC_MOVZX, do_mov, MOVE_PLAIN },
	{ ZYDIS_MNEMONIC_MOVSX, do_mov, MOVE_SIGNED },
	{ ZYDIS_MNEMONIC_MOVSXD, do_mov, MOVE_SIGNED },
	{ ZYDIS_MNEMONIC_MOVNTI, do_mov, MOVE_PLAIN },
	{ ZYDIS_MNEMONIC_MOVBE, do_mov, MOVE_SWAPPED },
	{ ZYDIS_MNEMONIC_ADD, do_alu, ALU_ADD },
	{ ZYDIS_MNEMONIC_ADC, do_alu, ALU_ADC },
	{ ZYDIS_MNEMONIC_SUB, do_alu, ALU_SUB },
	{ ZYDIS_MNEMONIC_SBB, do_alu, ALU_SBB },
	{ ZYDIS_MNEMONIC_AND, do_alu, ALU_AND },
	{ ZYDIS_MNEMONIC_OR, do_alu, ALU_OR },
	{ ZYDIS_MNEMONIC_XOR, do_alu, ALU_XOR },
	{ ZYDIS_MNEMONIC_INC, do_alu, ALU_INC },
	{ ZYDIS_MNEMONIC_DEC, do_alu, ALU_DEC },
	{ ZYDIS_MNEMONIC_NEG, do_alu, ALU_NEG },
	{ ZYDIS_MNEMONIC_NOT, do_alu, ALU_NOT },
	{ ZYDIS_MNEMONIC_BT, do_alu, ALU_BT },
	{ ZYDIS_MNEMONIC_BTS, do_alu, ALU_BTS },
	{ ZYDIS_MNEMONIC_BTR, do_alu, ALU_BTR },
	{ ZYDIS_MNEMONIC_BTC, do_alu, ALU_BTC },
	{ ZYDIS_MNEMONIC_CMP, do_compare, ALU_SUB },
	{ ZYDIS_MNEMONIC_TEST, do_compare, ALU_AND },
	{ ZYDIS_MNEMONIC_XCHG, do_exchange, 0 },
	{ ZYDIS_MNEMONIC_XADD, do_exchange, 1 },
	{ ZYDIS_MNEMONIC_CMPXCHG, do_cmpxchg, 0 },
	{ ZYDIS_MNEMONIC_MOVSB, do_string, STRING_MOVS },
	{ ZYDIS_MNEMONIC_MOVSW, do_string, STRING_MOVS },
	{ ZYDIS_MNEMONIC_MOVSD, do_string, STRING_MOVS },
	{ ZYDIS_MNEMONIC_MOVSQ, do_string, STRING_MOVS },
	{ ZYDIS_MNEMONIC_STOSB, do_string, STRING_STOS },
	{ ZYDIS_MNEMONIC_STOSW, do_string, STRING_STOS },
	{ ZYDIS_MNEMONIC_STOSD, do_string, STRING_STOS },
	{ ZYDIS_MNEMONIC_STOSQ, do_string, STRING_STOS },
	{ ZYDIS_MNEMONIC_LODSB, do_string, STRING_LODS },
	{ ZYDIS_MNEMONIC_LODSW, do_string, STRING_LODS },
	{ ZYDIS_MNEMONIC_LODSD, do_string, STRING_LODS },
	{ ZYDIS_MNEMONIC_LODSQ, do_string, STRING_LODS },
};

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

/* The bytes are in the exit as a rule; where the kernel has none they are fetched here. */
static unsigned int insn_bytes(struct mmio_ctx *ctx, uint8_t bytes[CPU_INSN_MAX])
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	const bool flat = exit->mode == VMXHV_MODE_64;
	uint64_t at;
	unsigned int i;

	if (exit->insn_count) {
		memcpy(bytes, exit->insn, CPU_INSN_MAX);
		return exit->insn_count < CPU_INSN_MAX ? exit->insn_count : CPU_INSN_MAX;
	}
	if (mmio_sregs(ctx))
		return 0;
	at = (flat ? 0 : ctx->sregs.cs.base) + ctx->gprs.rip;
	for (i = 0; i < CPU_INSN_MAX; i++) {
		const uint8_t *ram = NULL;
		uint32_t pf_error;
		uint64_t gpa;

		if (!vmxhv_walk(&ctx->sregs, ctx->ops, ctx->opaque, at + i, 0, &gpa, &pf_error) &&
		    ctx->ops->ram)
			ram = ctx->ops->ram(ctx->opaque, gpa, 1);
		if (!ram)
			break;
		bytes[i] = *ram;
	}
	return i;
}

static int decode(struct mmio_ctx *ctx, struct decoded *d)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	uint8_t bytes[CPU_INSN_MAX];
	ZydisDecoder decoder;
	unsigned int count;

	if (exit->mode >= ARRAY_SIZE(modes) || (exit->access & VMXHV_MMIO_FETCH))
		return -EOPNOTSUPP;
	count = insn_bytes(ctx, bytes);
	if (!count)
		return -EFAULT;
	d->machine = modes[exit->mode].machine;
	ZydisDecoderInit(&decoder, d->machine, modes[exit->mode].stack);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, count, &d->insn, d->op)))
		return -EOPNOTSUPP;
	return 0;
}

/* Every visible operand is one that op_get() and op_set() know, and at least one is in memory. */
static bool operands_known(const struct decoded *d)
{
	bool memory = false;
	unsigned int i;

	for (i = 0; i < d->insn.operand_count; i++) {
		const ZydisDecodedOperand *op = &d->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			memory = true;
			if (op->size == 0 || op->size > 64)
				return false;
		} else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && i < 2 &&
			   op->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
			   !is_gpr(op->reg.value)) {
			return false;
		}
	}
	return memory;
}

static int perform(struct mmio_ctx *ctx, const struct decoded *d)
{
	unsigned int i;

	if (!operands_known(d))
		return -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		if (insns[i].mnemonic == d->insn.mnemonic)
			return insns[i].fn(ctx, d, insns[i].arg);
	}
	return -EOPNOTSUPP;
}

static uint64_t next_rip(const struct mmio_ctx *ctx, unsigned int length)
{
	const uint64_t rip = ctx->gprs.rip + length;

	return ctx->run->u.mmio.mode == VMXHV_MODE_64 ? rip : rip & 0xffffffff;
}

int vmxhv_mmio_complete(struct vmxhv_vcpu *vcpu, const struct vmxhv_mmio_ops *ops, void *opaque)
{
	struct vmxhv_run *run = vcpu->run;
	struct mmio_ctx ctx = { .vcpu = vcpu, .run = run, .ops = ops, .opaque = opaque };
	struct decoded d;
	int err;

	err = load_gprs(&ctx);
	if (!err)
		err = decode(&ctx, &d);
	if (!err)
		err = perform(&ctx, &d);
	if (ctx.fault)
		return 0;
	if (err)
		return err;
	if (ctx.again) {
		run->u.mmio.completion = VMXHV_MMIO_RETRY;
	} else {
		run->u.mmio.completion = VMXHV_MMIO_RETIRE;
		run->u.mmio.retire_len = d.insn.length;
		ctx.gprs.rip = next_rip(&ctx, d.insn.length);
	}
	run->gprs = ctx.gprs;
	run->dirty |= VMXHV_GROUP_GPRS;
	return 0;
}
