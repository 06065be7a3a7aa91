// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands in memory: where each is, whether the guest may access it so, and what is there.
 *
 * An operand is one piece, or two where it crosses a page. The exit has said where one of the
 * pieces is, and that the CPU found nothing wrong with it; of all others the kernel's TRANSLATE
 * says where they are, or how they fault. Only when the last of them is known to be accessible are
 * accessed and dirty flags set, and only then is anything read or written.
 */
#include <errno.h>
#include <string.h>

#include "mmio.h"

#define PAGE_OFFSET	(VMXHV_PAGE_SIZE - 1ull)

/* Access rights as the VMCS holds them (SDM: "Segment Access Rights") */
#define RIGHTS_WRITE_OR_READ	BIT(1)	/* data: can be written; code: can be read */
#define RIGHTS_EXPAND_DOWN	BIT(2)	/* of data */
#define RIGHTS_CODE		BIT(3)
#define RIGHTS_DPL(rights)	((rights) >> 5 & 3)
#define RIGHTS_BIG		BIT(14)
#define RIGHTS_UNUSABLE		BIT(16)

uint32_t mmio_who(const struct mmio_ctx *ctx)
{
	return RIGHTS_DPL(ctx->sregs.ss.access) == 3 ? VMXHV_ACCESS_USER : 0;
}

unsigned int mmio_stack_width(const struct mmio_ctx *ctx)
{
	if (mmio_is_64(ctx))
		return 8;
	return ctx->sregs.ss.access & RIGHTS_BIG ? 4 : 2;
}

/* ---- addresses ---------------------------------------------------------------------------- */

static const struct vmxhv_segment *segment_of(const struct mmio_ctx *ctx, ZydisRegister segment)
{
	const struct vmxhv_sregs *s = &ctx->sregs;

	switch (segment) {
	case ZYDIS_REGISTER_ES:
		return &s->es;
	case ZYDIS_REGISTER_CS:
		return &s->cs;
	case ZYDIS_REGISTER_SS:
		return &s->ss;
	case ZYDIS_REGISTER_FS:
		return &s->fs;
	case ZYDIS_REGISTER_GS:
		return &s->gs;
	default:
		return &s->ds;
	}
}

static bool has_base(const struct mmio_ctx *ctx, ZydisRegister segment)
{
	return !mmio_is_64(ctx) || segment == ZYDIS_REGISTER_FS || segment == ZYDIS_REGISTER_GS;
}

static uint64_t address_part(const struct mmio_ctx *ctx, ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return 0;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return ctx->gprs.rip + ctx->d.insn.length;
	return mmio_reg(ctx, reg, 8);
}

/* The bit that a register names may lie far from the operand (SDM: "BT—Bit Test"). */
static uint64_t bit_string_offset(const struct mmio_ctx *ctx, unsigned int op)
{
	const ZydisDecodedOperand *by = &ctx->d.op[1];
	const unsigned int width = mmio_width(ctx, op);
	int64_t bit;

	switch (ctx->d.insn.mnemonic) {
	case ZYDIS_MNEMONIC_BT:
	case ZYDIS_MNEMONIC_BTS:
	case ZYDIS_MNEMONIC_BTR:
	case ZYDIS_MNEMONIC_BTC:
		break;
	default:
		return 0;
	}
	if (by->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return 0;
	bit = sign_extend(mmio_reg(ctx, by->reg.value, width), width);
	return (bit >> (width == 8 ? 6 : width == 4 ? 5 : 4)) * width;
}

/* What the operand's form does not say: the stack moves, tables are indexed. */
static uint64_t implied_offset(const struct mmio_ctx *ctx, unsigned int op)
{
	const ZydisDecodedOperand *o = &ctx->d.op[op];
	const unsigned int width = mmio_width(ctx, op);
	const bool stack = o->mem.base == ZYDIS_REGISTER_RSP || o->mem.base == ZYDIS_REGISTER_ESP ||
			   o->mem.base == ZYDIS_REGISTER_SP;

	if (ctx->d.insn.mnemonic == ZYDIS_MNEMONIC_XLAT)
		return ctx->gprs.gpr[RAX] & 0xff;
	if (ctx->d.insn.mnemonic == ZYDIS_MNEMONIC_POP && op == 0 && stack)
		return width;
	return bit_string_offset(ctx, op);
}

static bool on_stack(const ZydisDecodedOperand *o)
{
	return o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	       o->mem.segment == ZYDIS_REGISTER_SS;
}

static uint64_t offset_of(const struct mmio_ctx *ctx, unsigned int op)
{
	const ZydisDecodedOperand *o = &ctx->d.op[op];
	const uint64_t mask = width_mask(ctx->d.insn.address_width / 8);
	uint64_t offset = o->mem.disp.has_displacement ? (uint64_t)o->mem.disp.value : 0;

	if (on_stack(o)) {
		offset = ctx->gprs.gpr[RSP];
		if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
			offset -= mmio_width(ctx, op);
		return offset & width_mask(mmio_stack_width(ctx));
	}
	offset += address_part(ctx, o->mem.base);
	offset += address_part(ctx, o->mem.index) * o->mem.scale;
	return (offset + implied_offset(ctx, op)) & mask;
}

static void split(struct mmio_ctx *ctx, struct mmio_operand *o)
{
	const unsigned int room = VMXHV_PAGE_SIZE - (o->linear & PAGE_OFFSET);
	const unsigned int first = o->width < room ? o->width : room;

	o->pieces = first < o->width ? 2 : 1;
	o->piece[0] = (struct mmio_piece){ .linear = o->linear, .length = first };
	o->piece[1] = (struct mmio_piece){
		.linear = mmio_wrap(ctx, o->linear + first), .length = o->width - first,
	};
}

static int find_operand(struct mmio_ctx *ctx, unsigned int op)
{
	const ZydisDecodedOperand *from = &ctx->d.op[op];
	struct mmio_operand *o = &ctx->operand[ctx->operands];
	int err = 0;

	if (from->mem.type != ZYDIS_MEMOP_TYPE_MEM)
		return 0;
	if (ctx->operands == OPERANDS_MAX || !from->size || from->size / 8 > OPERAND_MAX)
		return -EOPNOTSUPP;
	if (has_base(ctx, from->mem.segment))
		err = mmio_sregs(ctx);
	if (err)
		return err;
	*o = (struct mmio_operand){
		.op = op, .width = mmio_width(ctx, op), .segment = from->mem.segment,
		.offset = offset_of(ctx, op),
	};
	if (from->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
		o->access |= VMXHV_ACCESS_READ;
	if (from->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		o->access |= VMXHV_ACCESS_WRITE;
	o->linear = o->offset;
	if (has_base(ctx, o->segment))
		o->linear += segment_of(ctx, o->segment)->base;
	o->linear = mmio_wrap(ctx, o->linear);
	split(ctx, o);
	ctx->operands++;
	return 0;
}

int mmio_operands_find(struct mmio_ctx *ctx)
{
	int err = 0;
	unsigned int i;

	ctx->operands = 0;
	for (i = 0; i < ctx->d.insn.operand_count && !err; i++) {
		if (ctx->d.op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			err = find_operand(ctx, i);
	}
	return err;
}

struct mmio_operand *mmio_operand_of(struct mmio_ctx *ctx, unsigned int op)
{
	unsigned int i;

	for (i = 0; i < ctx->operands; i++) {
		if (ctx->operand[i].op == op)
			return &ctx->operand[i];
	}
	return NULL;
}

/* ---- may the guest do that? --------------------------------------------------------------- */

static int segment_fault(struct mmio_ctx *ctx, const struct mmio_operand *o)
{
	const bool stack = o->segment == ZYDIS_REGISTER_SS;

	return mmio_exception(ctx, stack ? EXCEPTION_SS : EXCEPTION_GP, 0);
}

/* SDM: "Limit Checking" */
static bool within_limit(const struct vmxhv_segment *s, uint64_t first, uint64_t last)
{
	const uint64_t top = s->access & RIGHTS_BIG ? 0xffffffff : 0xffff;

	if ((s->access & (RIGHTS_CODE | RIGHTS_EXPAND_DOWN)) == RIGHTS_EXPAND_DOWN)
		return first > s->limit && last <= top;
	return last <= s->limit;
}

/* SDM: "Type Checking"; in real mode descriptors have no types. */
static bool right_type(const struct mmio_ctx *ctx, const struct vmxhv_segment *s, uint32_t access)
{
	const uint32_t type = s->access & (RIGHTS_CODE | RIGHTS_WRITE_OR_READ);

	if (ctx->run->u.mmio.mode == VMXHV_MODE_REAL)
		return true;
	if (s->access & RIGHTS_UNUSABLE)
		return false;
	if (access & VMXHV_ACCESS_WRITE)
		return type == RIGHTS_WRITE_OR_READ;
	return type != RIGHTS_CODE;
}

static int check_segment(struct mmio_ctx *ctx, const struct mmio_operand *o)
{
	const struct vmxhv_segment *s = segment_of(ctx, o->segment);
	const uint64_t last = o->width - 1;

	if (mmio_is_64(ctx)) {
		if (!linear_canonical(o->linear, LINEAR_BITS_LA48) ||
		    !linear_canonical(o->linear + last, LINEAR_BITS_LA48))
			return segment_fault(ctx, o);
		return 0;
	}
	if (!right_type(ctx, s, o->access) || !within_limit(s, o->offset, o->offset + last))
		return segment_fault(ctx, o);
	return 0;
}

/* SDM: "Interrupt 17—Alignment Check Exception (#AC)" */
static int check_alignment(struct mmio_ctx *ctx, const struct mmio_operand *o)
{
	if (!(ctx->gprs.rflags & FLAG_AC) || !(ctx->sregs.cr0 & CR0_AM) || !mmio_who(ctx))
		return 0;
	if (o->width > 8 || !(o->linear & (o->width - 1)))
		return 0;
	return mmio_exception(ctx, EXCEPTION_AC, 0);
}

/* ---- what is there? ----------------------------------------------------------------------- */

/* Does the exit say where this piece is? Then its address and rights were the CPU's to check. */
static bool exit_names(const struct mmio_ctx *ctx, const struct mmio_piece *p, uint32_t access)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;

	return (ctx->run->hw.valid & VMXHV_HW_GLA) && exit->gva - p->linear < p->length &&
	       (exit->access & access);
}

/* The APIC-access exit knows no linear address: the piece is where it leads to. */
static bool exit_reached(const struct mmio_ctx *ctx, const struct mmio_piece *p, uint32_t access)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;

	return !(ctx->run->hw.valid & VMXHV_HW_GLA) && exit->gpa - p->gpa < p->length &&
	       (exit->access & access);
}

static uint32_t access_of(const struct mmio_ctx *ctx, const struct mmio_operand *o)
{
	return o->access | (o->implicit ? VMXHV_ACCESS_IMPLICIT : mmio_who(ctx));
}

static int translate(struct mmio_ctx *ctx, const struct mmio_operand *o, struct mmio_piece *p,
		     uint32_t flags)
{
	struct vmxhv_translate t;
	int err = vmxhv_vcpu_translate_with(ctx->vcpu, p->linear, access_of(ctx, o),
					    flags | VMXHV_TRANSLATE_MEMORY, &t);

	if (err)
		return err;
	if (t.result == VMXHV_TRANSLATE_NO_TABLE)
		return mmio_walk_fault(ctx, t.gpa, p->linear, t.access);
	if (t.result == VMXHV_TRANSLATE_FAULT && t.vector == EXCEPTION_PF)
		return mmio_page_fault(ctx, t.error_code, t.cr2);
	if (t.result == VMXHV_TRANSLATE_FAULT)
		return segment_fault(ctx, o);
	p->gpa = t.gpa;
	p->ram = NULL;
	if (exit_reached(ctx, p, o->access))
		p->own = true;
	if (!p->own && !(VMXHV_ON_MEMORY(o->access) & ~t.rights) && ctx->ops->ram)
		p->ram = ctx->ops->ram(ctx->opaque, p->gpa, p->length);
	return 0;
}

/* The exit has checked it for reading; a write that follows is checked by TRANSLATE, too. */
static bool settled(const struct mmio_ctx *ctx, const struct mmio_operand *o,
		    const struct mmio_piece *p)
{
	return p->own && (ctx->run->hw.valid & VMXHV_HW_GLA) &&
	       !(o->access & VMXHV_ACCESS_WRITE & ~ctx->run->u.mmio.access);
}

static bool find_own(struct mmio_ctx *ctx)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	bool found = false;
	unsigned int i, k;

	for (i = 0; i < ctx->operands; i++) {
		struct mmio_operand *o = &ctx->operand[i];

		for (k = 0; k < o->pieces && !found; k++) {
			struct mmio_piece *p = &o->piece[k];

			if (!exit_names(ctx, p, o->access))
				continue;
			p->own = true;
			p->gpa = exit->gpa - (exit->gva - p->linear);
			found = true;
		}
	}
	return found;
}

static unsigned int unsettled(const struct mmio_ctx *ctx, const struct mmio_operand *o)
{
	unsigned int k, count = 0;

	for (k = 0; k < o->pieces; k++)
		count += !settled(ctx, o, &o->piece[k]);
	return count;
}

static int each_piece(struct mmio_ctx *ctx, uint32_t flags)
{
	unsigned int i, k;
	int err;

	for (i = 0; i < ctx->operands; i++) {
		struct mmio_operand *o = &ctx->operand[i];

		for (k = 0; k < o->pieces; k++) {
			if (settled(ctx, o, &o->piece[k]))
				continue;
			err = translate(ctx, o, &o->piece[k], flags);
			if (err)
				return err;
		}
	}
	return 0;
}

static bool any_own(const struct mmio_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ctx->operands; i++) {
		if (ctx->operand[i].piece[0].own || ctx->operand[i].piece[1].own)
			return true;
	}
	return false;
}

/* Segments and alignment, of operands of which the exit does not say all. */
static int check_addresses(struct mmio_ctx *ctx, unsigned int *left)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ctx->operands && !err; i++) {
		const struct mmio_operand *o = &ctx->operand[i];

		if (!unsettled(ctx, o))
			continue;
		*left += unsettled(ctx, o);
		err = mmio_sregs(ctx);
		if (!err)
			err = check_segment(ctx, o);
		if (!err)
			err = check_alignment(ctx, o);
	}
	return err;
}

static int refuse_foreign(struct mmio_ctx *ctx)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;

	return mmio_refuse(ctx, "%#llx (linear %#llx) is none of the instruction's operands",
			   exit->gpa, exit->gva);
}

int mmio_operands_check(struct mmio_ctx *ctx)
{
	const bool known = find_own(ctx);
	unsigned int left = 0;
	int err;

	if (!known && (ctx->run->hw.valid & VMXHV_HW_GLA))
		return refuse_foreign(ctx);
	err = check_addresses(ctx, &left);
	if (err || !left)
		return err;
	/* with one piece alone there is none that could fault behind it */
	if (!known || left > 1)
		err = each_piece(ctx, 0);
	if (!err && !any_own(ctx))
		return refuse_foreign(ctx);
	return err ? err : each_piece(ctx, VMXHV_TRANSLATE_SET_FLAGS);
}

int mmio_operand_implicit(struct mmio_ctx *ctx, struct mmio_operand *o)
{
	unsigned int pass, k;
	int err = 0;

	o->implicit = true;
	split(ctx, o);
	for (pass = 0; pass < 2; pass++) {
		for (k = 0; k < o->pieces && !err; k++)
			err = translate(ctx, o, &o->piece[k],
					pass ? VMXHV_TRANSLATE_SET_FLAGS : 0);
	}
	return err;
}

/* ---- accesses ----------------------------------------------------------------------------- */

/* What a device is accessed by: 1, 2, 4 or 8 bytes, at once if that is all there is. */
static unsigned int chunk_of(uint64_t gpa, unsigned int left)
{
	unsigned int chunk = 8;

	if (left == 1 || left == 2 || left == 4 || left == 8)
		return left;
	while (chunk > left || (gpa & (chunk - 1)))
		chunk /= 2;
	return chunk;
}

/* Memory that others may look at: in one piece where the CPU does it in one. */
static void copy(void *to, const void *from, unsigned int length)
{
	switch (length) {
	case 2:
		memcpy(to, from, 2);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	default:
		memcpy(to, from, length);
	}
}

static int device_load(struct mmio_ctx *ctx, const struct mmio_piece *p, uint8_t *data)
{
	unsigned int at = 0, chunk;

	for (; at < p->length; at += chunk) {
		uint64_t value = 0;
		int err;

		chunk = chunk_of(p->gpa + at, p->length - at);
		err = ctx->ops->read(ctx->opaque, p->gpa + at, chunk, &value);
		if (err)
			return err;
		memcpy(data + at, &value, chunk);
	}
	return 0;
}

static int device_store(struct mmio_ctx *ctx, const struct mmio_piece *p, const uint8_t *data)
{
	unsigned int at = 0, chunk;

	for (; at < p->length; at += chunk) {
		uint64_t value = 0;
		int err;

		chunk = chunk_of(p->gpa + at, p->length - at);
		memcpy(&value, data + at, chunk);
		err = ctx->ops->write(ctx->opaque, p->gpa + at, chunk, value);
		if (err)
			return err;
	}
	return 0;
}

int mmio_load(struct mmio_ctx *ctx, const struct mmio_operand *o, void *data)
{
	uint8_t *to = data;
	unsigned int k;
	int err = 0;

	for (k = 0; k < o->pieces && !err; k++) {
		const struct mmio_piece *p = &o->piece[k];

		if (p->ram)
			copy(to, p->ram, p->length);
		else
			err = device_load(ctx, p, to);
		to += p->length;
	}
	return err;
}

/* The dirty log hears of it after the write too: who copies the page in between copies it again. */
static void log_write(struct mmio_ctx *ctx, const struct mmio_operand *o,
		      const struct mmio_piece *p)
{
	struct vmxhv_translate t;

	vmxhv_vcpu_translate_with(ctx->vcpu, p->linear, access_of(ctx, o),
				  VMXHV_TRANSLATE_SET_FLAGS, &t);
}

/* Devices first: they may refuse. */
int mmio_store(struct mmio_ctx *ctx, const struct mmio_operand *o, const void *data)
{
	const uint8_t *from = data;
	unsigned int k, at;
	int err = 0;

	for (k = 0, at = 0; k < o->pieces && !err; at += o->piece[k++].length) {
		if (!o->piece[k].ram)
			err = device_store(ctx, &o->piece[k], from + at);
	}
	for (k = 0, at = 0; k < o->pieces && !err; at += o->piece[k++].length) {
		const struct mmio_piece *p = &o->piece[k];

		if (!p->ram)
			continue;
		copy(p->ram, from + at, p->length);
		log_write(ctx, o, p);
	}
	return err;
}
