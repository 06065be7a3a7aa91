// SPDX-License-Identifier: GPL-2.0-only
/* Accesses to the xAPIC page that exit: the instruction is fetched, decoded and done here. */
#include "vcpu/cpu_state.h"
#include "vcpu/exits.h"
#include "vcpu/lapic_core.h"
#include "vcpu/regs.h"
#include "vcpu/retire.h"

/**
 * lapic_covers() - is this address on the xAPIC page?
 * @v: the vCPU
 * @gpa: a guest-physical address
 *
 * Context: vcpu->mutex is held.
 * Return: Whether it is; never in x2APIC mode, which has no page.
 */
bool lapic_covers(struct vcpu *v, u64 gpa)
{
	const struct lapic *apic = v->lapic;

	return apic->mode == LAPIC_XAPIC && (gpa ^ apic->base) < PAGE_SIZE;
}

static void do_access(struct vcpu *v, u32 offset, const struct lapic_mov *mov)
{
	u32 value = 0;

	if (mov->store) {
		value = mov->has_imm ? mov->imm : (u32)vcpu_gpr(v, mov->reg);
		lapic_mmio_write(v, offset, value);
	} else {
		/* between the registers there is nothing to read: 0 */
		lapic_mmio_read(v, offset, &value);
		vcpu_set_gpr(v, mov->reg, value);
	}
	vcpu_retire_insn(v, mov->length);
}

/**
 * lapic_page_access() - an instruction's own access to the xAPIC page
 * @v: the vCPU
 * @gpa: the address, which lapic_covers()
 * @write: the exit was caused by a write
 *
 * Does the instruction at RIP if it is a 32-bit MOV that the decoder knows. Any other becomes MMIO,
 * and comes back through LAPIC_ACCESS; so does an access that is no instruction's own (event
 * delivery, a page walk): the caller tells those apart as far as the exit says.
 *
 * Context: vCPU loaded, mutex held; may sleep (the fetch walks the guest's page tables).
 * Return: HANDLED, or TO_USER with nothing changed.
 */
int lapic_page_access(struct vcpu *v, u64 gpa, bool write)
{
	enum vmxhv_cpu_mode mode = vcpu_cpu_mode(v);
	u8 bytes[15];
	struct lapic_mov mov;
	u32 count;

	if (v->events.injected.info)
		return TO_USER;
	count = vcpu_fetch_insn(v, bytes, mode);
	if (lapic_decode_mov(bytes, count, mode, &mov) || mov.store != write)
		return TO_USER;
	do_access(v, gpa & ~PAGE_MASK, &mov);
	return HANDLED;
}
