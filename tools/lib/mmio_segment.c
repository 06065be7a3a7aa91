// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment registers, LDTR and TR, loaded with a selector that came from memory: descriptors, their
 * checks and what they become (SDM: "Segment Descriptors", "MOV—Move", "LTR").
 */
#include <errno.h>
#include <string.h>

#include "mmio.h"

#define SELECTOR_RPL(s)		((s) & 3u)
#define SELECTOR_LDT		4u
#define SELECTOR_INDEX(s)	((s) & ~7u)

/* The second half of a descriptor's first eight bytes, as the VMCS holds access rights */
#define RIGHTS(raw)		((uint32_t)((raw) >> 40) & 0xf0ffu)
#define RIGHTS_ACCESSED		BIT(0)
#define RIGHTS_WRITE_OR_READ	BIT(1)
#define RIGHTS_BUSY		BIT(1)	/* of a TSS */
#define RIGHTS_CONFORMING	BIT(2)	/* of code */
#define RIGHTS_CODE		BIT(3)
#define RIGHTS_S		BIT(4)
#define RIGHTS_DPL(rights)	((rights) >> 5 & 3)
#define RIGHTS_PRESENT		BIT(7)
#define RIGHTS_GRANULAR		BIT(15)
#define RIGHTS_UNUSABLE		BIT(16)
#define RIGHTS_TYPE(rights)	((rights) & 0xf)

#define TYPE_LDT		2
#define TYPE_TSS16		1
#define TYPE_TSS32		9	/* or 64 bits */

struct descriptor {
	uint16_t selector;
	uint64_t linear;		/* where it is */
	uint64_t raw, upper;		/* upper: in long mode, of LDTs and TSSs */
};

static uint32_t rights_of(const struct descriptor *d)
{
	return RIGHTS(d->raw);
}

static uint32_t limit_of(const struct descriptor *d)
{
	const uint32_t limit = (d->raw & 0xffff) | (d->raw >> 32 & 0xf0000);

	return rights_of(d) & RIGHTS_GRANULAR ? limit << 12 | 0xfff : limit;
}

static uint64_t base_of(const struct descriptor *d)
{
	return (d->raw >> 16 & 0xffffff) | (d->raw >> 32 & 0xff000000) | d->upper << 32;
}

static struct vmxhv_segment *segment_register(struct vmxhv_sregs *s, ZydisRegister reg)
{
	switch (reg) {
	case ZYDIS_REGISTER_ES:
		return &s->es;
	case ZYDIS_REGISTER_SS:
		return &s->ss;
	case ZYDIS_REGISTER_DS:
		return &s->ds;
	case ZYDIS_REGISTER_FS:
		return &s->fs;
	case ZYDIS_REGISTER_GS:
		return &s->gs;
	case ZYDIS_REGISTER_TR:
		return &s->tr;
	case ZYDIS_REGISTER_LDTR:
		return &s->ldtr;
	default:
		return NULL;
	}
}

static int selector_fault(struct mmio_ctx *ctx, enum mmio_exception_vector vector,
			  uint16_t selector)
{
	return mmio_exception(ctx, vector, selector & ~3u);
}

/* The CPU's own access to eight bytes of a table. */
static int access_table(struct mmio_ctx *ctx, uint64_t linear, bool write, uint64_t *value)
{
	struct mmio_operand o = {
		.width = sizeof(*value), .linear = linear,
		.access = write ? VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE : VMXHV_ACCESS_READ,
	};
	const int err = mmio_operand_implicit(ctx, &o);

	if (err)
		return err;
	return write ? mmio_store(ctx, &o, value) : mmio_load(ctx, &o, value);
}

static int read_descriptor(struct mmio_ctx *ctx, struct descriptor *d, bool wide)
{
	const struct vmxhv_sregs *s = &ctx->sregs;
	const bool local = d->selector & SELECTOR_LDT;
	const uint64_t base = local ? s->ldtr.base : s->gdtr.base;
	const uint32_t limit = local ? s->ldtr.limit : s->gdtr.limit;
	const uint32_t last = SELECTOR_INDEX(d->selector) + (wide ? 15 : 7);
	int err;

	if ((local && (s->ldtr.access & RIGHTS_UNUSABLE)) || last > limit)
		return selector_fault(ctx, EXCEPTION_GP, d->selector);
	d->linear = mmio_wrap(ctx, base + SELECTOR_INDEX(d->selector));
	err = access_table(ctx, d->linear, false, &d->raw);
	if (!err && wide)
		err = access_table(ctx, d->linear + 8, false, &d->upper);
	return err;
}

static void become(struct vmxhv_segment *to, const struct descriptor *d)
{
	*to = (struct vmxhv_segment){
		.base = base_of(d), .limit = limit_of(d), .selector = d->selector,
		.access = rights_of(d),
	};
}

/* SS: data that can be written, for exactly this privilege */
static bool good_stack(uint32_t rights, uint16_t selector, unsigned int cpl)
{
	const uint32_t type = rights & (RIGHTS_S | RIGHTS_CODE | RIGHTS_WRITE_OR_READ);

	return SELECTOR_RPL(selector) == cpl && RIGHTS_DPL(rights) == cpl &&
	       type == (RIGHTS_S | RIGHTS_WRITE_OR_READ);
}

/* The others: what can be read; privilege does not matter to conforming code. */
static bool good_data(uint32_t rights, uint16_t selector, unsigned int cpl)
{
	if (!(rights & RIGHTS_S) ||
	    (rights & (RIGHTS_CODE | RIGHTS_WRITE_OR_READ)) == RIGHTS_CODE)
		return false;
	if ((rights & (RIGHTS_CODE | RIGHTS_CONFORMING)) == (RIGHTS_CODE | RIGHTS_CONFORMING))
		return true;
	return RIGHTS_DPL(rights) >= cpl && RIGHTS_DPL(rights) >= SELECTOR_RPL(selector);
}

static int load_null(struct mmio_ctx *ctx, ZydisRegister reg, uint16_t selector)
{
	struct vmxhv_segment *to = segment_register(&ctx->sregs, reg);
	const unsigned int cpl = RIGHTS_DPL(ctx->sregs.ss.access);

	if (reg == ZYDIS_REGISTER_SS &&
	    (!mmio_is_64(ctx) || cpl == 3 || SELECTOR_RPL(selector) != cpl))
		return mmio_exception(ctx, EXCEPTION_GP, 0);
	*to = (struct vmxhv_segment){ .selector = selector, .access = RIGHTS_UNUSABLE };
	/* the VMCS keeps CPL in SS, usable or not */
	if (reg == ZYDIS_REGISTER_SS)
		to->access |= cpl << 5;
	return 0;
}

static int load_protected(struct mmio_ctx *ctx, ZydisRegister reg, uint16_t selector)
{
	const unsigned int cpl = RIGHTS_DPL(ctx->sregs.ss.access);
	const bool stack = reg == ZYDIS_REGISTER_SS;
	struct descriptor d = { .selector = selector };
	uint32_t rights;
	int err;

	if (!(selector & ~3u))
		return load_null(ctx, reg, selector);
	err = read_descriptor(ctx, &d, false);
	if (err)
		return err;
	rights = rights_of(&d);
	if (stack ? !good_stack(rights, selector, cpl) : !good_data(rights, selector, cpl))
		return selector_fault(ctx, EXCEPTION_GP, selector);
	if (!(rights & RIGHTS_PRESENT))
		return selector_fault(ctx, stack ? EXCEPTION_SS : EXCEPTION_NP, selector);
	if (!(rights & RIGHTS_ACCESSED)) {
		d.raw |= (uint64_t)RIGHTS_ACCESSED << 40;
		err = access_table(ctx, d.linear, true, &d.raw);
		if (err)
			return err;
	}
	become(segment_register(&ctx->sregs, reg), &d);
	return 0;
}

/* MOV SS holds interrupts and traps back until the next instruction is done. */
static int hold_events(struct mmio_ctx *ctx)
{
	struct vmxhv_events *events = &ctx->run->events;
	const int err = vmxhv_vcpu_get_state(ctx->vcpu, VMXHV_STATE_EVENTS, events,
					     sizeof(*events));

	if (err)
		return err;
	events->sti_shadow = 0;
	events->movss_shadow = 1;
	ctx->run->dirty |= VMXHV_GROUP_EVENTS;
	return 0;
}

int mmio_mov_to_sreg(struct mmio_ctx *ctx, unsigned int arg)
{
	const ZydisRegister reg = ctx->d.op[0].reg.value;
	const uint8_t mode = ctx->run->u.mmio.mode;
	struct vmxhv_segment *to;
	uint64_t selector;
	int err = mmio_sregs(ctx);

	(void)arg;
	if (!err)
		err = mmio_get(ctx, 1, &selector);
	if (err)
		return err;
	to = segment_register(&ctx->sregs, reg);
	if (!to)
		return -EOPNOTSUPP;
	if (mode == VMXHV_MODE_REAL || mode == VMXHV_MODE_VM86) {
		to->selector = selector;
		to->base = selector << 4;
	} else {
		err = load_protected(ctx, reg, selector);
	}
	ctx->sregs_changed = true;
	return !err && reg == ZYDIS_REGISTER_SS ? hold_events(ctx) : err;
}

int mmio_mov_from_sreg(struct mmio_ctx *ctx, unsigned int arg)
{
	(void)arg;
	return mmio_sreg_store(ctx, ctx->d.op[1].reg.value);
}

/* LLDT and LTR; a TSS becomes busy. */
int mmio_sreg_load(struct mmio_ctx *ctx, unsigned int which)
{
	const bool task = which == ZYDIS_REGISTER_TR;
	struct descriptor d = { 0 };
	uint64_t selector;
	uint32_t type;
	bool wide;
	int err = mmio_sregs(ctx);

	if (!err)
		err = mmio_get(ctx, 0, &selector);
	if (err)
		return err;
	ctx->sregs_changed = true;
	wide = ctx->sregs.efer & EFER_LMA;
	d.selector = selector;
	if (!(d.selector & ~3u)) {
		if (task)
			return mmio_exception(ctx, EXCEPTION_GP, 0);
		ctx->sregs.ldtr.selector = d.selector;
		ctx->sregs.ldtr.access |= RIGHTS_UNUSABLE;
		return 0;
	}
	if (d.selector & SELECTOR_LDT)
		return selector_fault(ctx, EXCEPTION_GP, d.selector);
	err = read_descriptor(ctx, &d, wide);
	if (err)
		return err;
	type = RIGHTS_TYPE(rights_of(&d));
	if ((rights_of(&d) & RIGHTS_S) ||
	    (task ? type != TYPE_TSS32 && (wide || type != TYPE_TSS16) : type != TYPE_LDT))
		return selector_fault(ctx, EXCEPTION_GP, d.selector);
	if (!(rights_of(&d) & RIGHTS_PRESENT))
		return selector_fault(ctx, EXCEPTION_NP, d.selector);
	if (task) {
		d.raw |= (uint64_t)RIGHTS_BUSY << 40;
		err = access_table(ctx, d.linear, true, &d.raw);
		if (err)
			return err;
	}
	become(segment_register(&ctx->sregs, which), &d);
	return 0;
}
