/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the MMIO completion share. Nothing here needs Zydis but struct mmio_insn. */
#ifndef LIBVMXHV_MMIO_H
#define LIBVMXHV_MMIO_H

#include <stdbool.h>

#include "internal.h"
#include "util.h"

enum mmio_gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

#define FLAG_CF		BIT_ULL(0)
#define FLAG_PF		BIT_ULL(2)
#define FLAG_AF		BIT_ULL(4)
#define FLAG_ZF		BIT_ULL(6)
#define FLAG_SF		BIT_ULL(7)
#define FLAG_DF		BIT_ULL(10)
#define FLAG_OF		BIT_ULL(11)

enum alu_op {
	ALU_ADD, ALU_ADC, ALU_SUB, ALU_SBB, ALU_AND, ALU_OR, ALU_XOR, ALU_INC, ALU_DEC, ALU_NEG,
	ALU_NOT, ALU_BT, ALU_BTS, ALU_BTR, ALU_BTC,
};

/* @a op @b in @width bytes, with the flags of *@rflags as the instruction leaves them. */
uint64_t alu(enum alu_op op, unsigned int width, uint64_t a, uint64_t b, __u64 *rflags);

static inline uint64_t sign_extend(uint64_t value, unsigned int width)
{
	const unsigned int shift = 64 - 8 * width;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

/* What a register of @width bytes becomes: 32 bits clear the upper half, less leaves the rest. */
static inline uint64_t merge(uint64_t old, uint64_t value, unsigned int width)
{
	const uint64_t mask = width_mask(width);

	return (value & mask) | (width < 4 ? old & ~mask : 0);
}

/* One exit being completed. Registers change in @gprs and are published at the end. */
struct mmio_ctx {
	struct vmxhv_vcpu *vcpu;
	struct vmxhv_run *run;
	const struct vmxhv_mmio_ops *ops;
	void *opaque;
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;
	bool has_sregs;
	bool again;		/* rep: more iterations to do */
	bool fault;		/* the answer is a #PF, already in the run area */
};

/* Have ctx->sregs: few instructions need them, so they are fetched when one does. */
int mmio_sregs(struct mmio_ctx *ctx);
int mmio_read(struct mmio_ctx *ctx, uint64_t gpa, unsigned int width, uint64_t *value);
int mmio_write(struct mmio_ctx *ctx, uint64_t gpa, unsigned int width, uint64_t value);

enum string_op { STRING_MOVS, STRING_STOS, STRING_LODS };

/* One iteration of a string instruction; @source_base is the base of the source's segment. */
struct string_insn {
	enum string_op op;
	unsigned int width;
	unsigned int address_width;
	bool rep;
	uint64_t source_base;
};

int mmio_string(struct mmio_ctx *ctx, const struct string_insn *insn);

#endif /* LIBVMXHV_MMIO_H */
