/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the MMIO completion share.
 *
 * An instruction is decoded; each of its operands in memory becomes a struct mmio_operand, and all
 * of them are checked, translated and told apart (memory or device, page by page) before the
 * instruction reads or writes anything. What performs an instruction sees values only.
 */
#ifndef LIBVMXHV_MMIO_H
#define LIBVMXHV_MMIO_H

#include <stdbool.h>

#include <Zydis/Zydis.h>

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
#define FLAG_RF		BIT_ULL(16)
#define FLAG_AC		BIT_ULL(18)
#define FLAGS_STATUS	(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define CR0_AM		BIT_ULL(18)
#define CR4_PAE		BIT_ULL(5)
#define EFER_LMA	BIT_ULL(10)

/* SDM: "Exception and Interrupt Reference" */
enum mmio_exception_vector {
	EXCEPTION_DE = 0, EXCEPTION_NP = 11, EXCEPTION_SS = 12, EXCEPTION_GP = 13,
	EXCEPTION_PF = 14, EXCEPTION_AC = 17,
};

#define CPU_INSN_MAX	15

struct mmio_insn {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisMachineMode machine;
};

/* The part of an operand that lies in one page. */
struct mmio_piece {
	uint64_t linear;
	uint64_t gpa;
	unsigned int length;
	bool own;		/* the access that exited */
	void *ram;		/* where the caller has it; NULL: a device */
};

#define OPERAND_MAX	64	/* bytes */

/**
 * struct mmio_operand - one operand in memory
 * @op: its index among Zydis' operands
 * @width: bytes, at most OPERAND_MAX
 * @access: VMXHV_ACCESS_READ, _WRITE or both
 * @implicit: the CPU accesses it by itself, as a supervisor
 * @segment: through which it is addressed
 * @offset: in that segment
 * @linear: base plus offset
 */
struct mmio_operand {
	unsigned int op;
	unsigned int width;
	uint32_t access;
	bool implicit;
	ZydisRegister segment;
	uint64_t offset;
	uint64_t linear;
	struct mmio_piece piece[2];
	unsigned int pieces;
};

#define OPERANDS_MAX	2

/**
 * struct mmio_ctx - one exit being completed
 * @d: the instruction
 * @operand: those in memory
 * @gprs: registers, which change here and are published at the end
 * @sregs: the others, if @has_sregs; if @sregs_changed, published too
 * @rip: of the instruction; @gprs.rip is that of the next one
 * @again: REP: more iterations to do
 * @fault: the answer is an exception, already in the run area
 */
struct mmio_ctx {
	struct vmxhv_vcpu *vcpu;
	struct vmxhv_run *run;
	const struct vmxhv_mmio_ops *ops;
	void *opaque;
	struct mmio_insn d;
	struct mmio_operand operand[OPERANDS_MAX];
	unsigned int operands;
	struct vmxhv_gprs gprs;
	uint64_t rip;
	struct vmxhv_sregs sregs;
	bool has_sregs, sregs_changed;
	bool again;
	bool fault;
};

typedef int (*mmio_fn)(struct mmio_ctx *ctx, unsigned int arg);

/* Functions here return 0 or a negative errno; -EFAULT with ctx->fault: the guest's exception. */

/* ---- mmio.c ---- */

/* Have ctx->sregs: few instructions need them, so they are fetched when one does. */
int mmio_sregs(struct mmio_ctx *ctx);
/* Refuse with a sentence: -EOPNOTSUPP. */
int mmio_refuse(struct mmio_ctx *ctx, const char *format, ...) __printf(2, 3);
int mmio_exception(struct mmio_ctx *ctx, enum mmio_exception_vector vector, uint32_t error);
int mmio_page_fault(struct mmio_ctx *ctx, uint32_t error, uint64_t address);

static inline bool mmio_is_64(const struct mmio_ctx *ctx)
{
	return ctx->run->u.mmio.mode == VMXHV_MODE_64;
}

/* the bits that an address has after all additions */
static inline uint64_t mmio_wrap(const struct mmio_ctx *ctx, uint64_t linear)
{
	return mmio_is_64(ctx) ? linear : (uint32_t)linear;
}

/* ---- mmio_value.c: operands as values ---- */

unsigned int mmio_width(const struct mmio_ctx *ctx, unsigned int op);
bool mmio_is_gpr(ZydisRegister reg);
uint64_t mmio_reg(const struct mmio_ctx *ctx, ZydisRegister reg, unsigned int width);
void mmio_reg_set(struct mmio_ctx *ctx, ZydisRegister reg, unsigned int width, uint64_t value);
/* of up to 8 bytes: a register, a constant or memory */
int mmio_get(struct mmio_ctx *ctx, unsigned int op, uint64_t *value);
int mmio_set(struct mmio_ctx *ctx, unsigned int op, uint64_t value);

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

/* ---- mmio_operand.c: where operands are ---- */

int mmio_operands_find(struct mmio_ctx *ctx);		/* addresses; nothing is looked at */
int mmio_operands_check(struct mmio_ctx *ctx);		/* all of it can be accessed, and where */
struct mmio_operand *mmio_operand_of(struct mmio_ctx *ctx, unsigned int op);
/* an operand that the CPU accesses by itself: its linear address, width and access are there */
int mmio_operand_implicit(struct mmio_ctx *ctx, struct mmio_operand *o);
int mmio_load(struct mmio_ctx *ctx, const struct mmio_operand *o, void *data);
int mmio_store(struct mmio_ctx *ctx, const struct mmio_operand *o, const void *data);
uint32_t mmio_who(const struct mmio_ctx *ctx);		/* VMXHV_ACCESS_USER at CPL 3 */
unsigned int mmio_stack_width(const struct mmio_ctx *ctx);

/* ---- mmio_walk.c: page walks that met a device ---- */

int mmio_walk(struct mmio_ctx *ctx, bool decoded);
/* the guest's page walk for an access to @linear met no memory at @entry */
int mmio_walk_fault(struct mmio_ctx *ctx, uint64_t entry, uint64_t linear, uint32_t access);

/* ---- instructions ---- */

/* A row; with @arg for the function. */
struct mmio_row {
	ZydisMnemonic mnemonic;
	mmio_fn fn;
	unsigned int arg;
};

const struct mmio_row *mmio_find(const struct mmio_insn *d);	/* mmio_table.c; NULL: not known */

int mmio_mov(struct mmio_ctx *ctx, unsigned int kind);
int mmio_alu(struct mmio_ctx *ctx, unsigned int op);
int mmio_alu3(struct mmio_ctx *ctx, unsigned int op);
int mmio_wide(struct mmio_ctx *ctx, unsigned int op);
int mmio_scan(struct mmio_ctx *ctx, unsigned int op);
int mmio_exchange(struct mmio_ctx *ctx, unsigned int add);
int mmio_cmpxchg(struct mmio_ctx *ctx, unsigned int arg);
int mmio_cmpxchg_pair(struct mmio_ctx *ctx, unsigned int width);
int mmio_cmov(struct mmio_ctx *ctx, unsigned int condition);
int mmio_setcc(struct mmio_ctx *ctx, unsigned int condition);
int mmio_string(struct mmio_ctx *ctx, unsigned int op);
int mmio_xlat(struct mmio_ctx *ctx, unsigned int arg);
int mmio_nothing(struct mmio_ctx *ctx, unsigned int arg);
int mmio_stack(struct mmio_ctx *ctx, unsigned int op);
int mmio_branch(struct mmio_ctx *ctx, unsigned int op);
int mmio_vector(struct mmio_ctx *ctx, unsigned int kind);
int mmio_mxcsr(struct mmio_ctx *ctx, unsigned int load);
int mmio_table_store(struct mmio_ctx *ctx, unsigned int idt);
int mmio_table_load(struct mmio_ctx *ctx, unsigned int idt);
int mmio_sreg_store(struct mmio_ctx *ctx, unsigned int which);
int mmio_sreg_load(struct mmio_ctx *ctx, unsigned int which);
int mmio_mov_to_sreg(struct mmio_ctx *ctx, unsigned int arg);
int mmio_mov_from_sreg(struct mmio_ctx *ctx, unsigned int arg);
int mmio_lmsw(struct mmio_ctx *ctx, unsigned int arg);

enum mmio_move { MOVE_PLAIN, MOVE_SIGNED, MOVE_SWAPPED };
enum mmio_string_op { STRING_MOVS, STRING_STOS, STRING_LODS, STRING_CMPS, STRING_SCAS };
enum mmio_stack_op { STACK_PUSH, STACK_POP, STACK_PUSHF };
enum mmio_branch_op { BRANCH_CALL, BRANCH_JMP, BRANCH_RET };
/* all of it, zeros behind; a half; repeated */
enum mmio_vector_kind { VECTOR_WHOLE, VECTOR_LOW, VECTOR_HIGH, VECTOR_REPEAT };

/* ---- mmio_alu.c: arithmetic, done by the CPU that this runs on ---- */

enum alu_op {
	ALU_ADD, ALU_ADC, ALU_SUB, ALU_SBB, ALU_AND, ALU_OR, ALU_XOR, ALU_CMP, ALU_TEST,
	ALU_INC, ALU_DEC, ALU_NEG, ALU_NOT, ALU_BT, ALU_BTS, ALU_BTR, ALU_BTC,
	ALU_ROL, ALU_ROR, ALU_RCL, ALU_RCR, ALU_SHL, ALU_SHR, ALU_SAR, ALU_SHLD, ALU_SHRD,
	ALU_IMUL, ALU_BSF, ALU_BSR, ALU_TZCNT, ALU_LZCNT, ALU_POPCNT,
	ALU_OPS
};

enum alu_wide_op { WIDE_MUL, WIDE_IMUL, WIDE_DIV, WIDE_IDIV };

/**
 * struct alu - the registers of an operation
 * @a: destination and first source
 * @b: second source
 * @c: third: a count
 * @flags: RFLAGS; the status flags change as the instruction leaves them
 */
struct alu {
	uint64_t a, b, c;
	uint64_t flags;
};

void mmio_alu_do(enum alu_op op, unsigned int width, struct alu *x);
/* RDX:RAX, or AX, by @x->b; -EDOM: #DE */
int mmio_alu_wide(enum alu_wide_op op, unsigned int width, uint64_t *rax, uint64_t *rdx,
		  struct alu *x);

#endif /* LIBVMXHV_MMIO_H */
