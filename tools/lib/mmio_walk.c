// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page walks that met no memory. What made the CPU walk does not happen: the CPU cannot take an
 * entry from us, and so nothing is performed. Nor is a device asked, which a read may change: like
 * all that is not there, its entries are all ones. That sets reserved bits, and the guest gets
 * the page fault that it has asked for (SDM: "Page-Fault Exceptions").
 */
#include <errno.h>

#include "mmio.h"

#define PF_RESERVED	BIT(3)

int mmio_walk_fault(struct mmio_ctx *ctx, uint64_t entry, uint64_t linear, uint32_t access)
{
	struct vmxhv_translate t;
	const int err = vmxhv_vcpu_translate_with(ctx->vcpu, linear, access,
						  VMXHV_TRANSLATE_ONES, &t);

	if (err)
		return err;
	if (t.result == VMXHV_TRANSLATE_FAULT && (t.error_code & PF_RESERVED))
		return mmio_page_fault(ctx, t.error_code, t.cr2);
	return mmio_refuse(ctx, "the page walk for %#llx needs an entry at %#llx, no memory for it",
			   (unsigned long long)linear, (unsigned long long)entry);
}

/* Tables that the CPU reads by itself, as a supervisor. */
static bool in_table(const struct vmxhv_sregs *s, uint64_t linear)
{
	return linear - s->gdtr.base <= s->gdtr.limit || linear - s->idtr.base <= s->idtr.limit ||
	       linear - s->ldtr.base <= s->ldtr.limit || linear - s->tr.base <= s->tr.limit;
}

/* The bytes of the instruction end where the walk was to find the next ones. */
static bool is_fetch(const struct mmio_ctx *ctx, uint64_t linear)
{
	const uint64_t base = mmio_is_64(ctx) ? 0 : ctx->sregs.cs.base;
	const uint64_t next = mmio_wrap(ctx, base + ctx->gprs.rip + ctx->run->u.mmio.insn_count);

	return linear == next;
}

static uint32_t access_of(struct mmio_ctx *ctx, uint64_t linear, bool decoded)
{
	unsigned int i, k;

	if (!decoded && is_fetch(ctx, linear))
		return VMXHV_ACCESS_FETCH | mmio_who(ctx);
	if (ctx->run->exit_flags & VMXHV_EXITF_DELIVERY)
		decoded = false;
	for (i = 0; decoded && i < ctx->operands; i++) {
		const struct mmio_operand *o = &ctx->operand[i];

		for (k = 0; k < o->pieces; k++) {
			if (linear - o->piece[k].linear < o->piece[k].length)
				return o->access | mmio_who(ctx);
		}
	}
	if (in_table(&ctx->sregs, linear))
		return VMXHV_ACCESS_READ | VMXHV_ACCESS_IMPLICIT;
	return 0;
}

int mmio_walk(struct mmio_ctx *ctx, bool decoded)
{
	const struct vmxhv_exit_mmio *exit = &ctx->run->u.mmio;
	uint32_t access = 0;
	int err = mmio_sregs(ctx);

	if (err)
		return err;
	if (ctx->run->hw.valid & VMXHV_HW_GLA)
		access = access_of(ctx, exit->gva, decoded);
	if (!access)
		return mmio_refuse(ctx, "the CPU's own page walk for %#llx needs an entry at %#llx",
				   exit->gva, exit->gpa);
	return mmio_walk_fault(ctx, exit->gpa, exit->gva, access);
}
