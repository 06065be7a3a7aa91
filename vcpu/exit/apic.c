// SPDX-License-Identifier: GPL-2.0-only
/* Exits of APIC virtualization, and accesses to the xAPIC page: done here, or userspace decodes. */
#include <linux/mm.h>

#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vmx/arch.h"

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

/* An APIC-access exit does not say at which linear address: a breakpoint that leads there does. */
static noinline void meet_points(struct vcpu *v, u64 gpa, bool store)
{
	const u64 *dr = v->debug.on ? v->debug.slots.dr : v->dr;
	const u32 access = vcpu_cpl(v) == 3 ? WALK_USER : 0;
	struct walk_result walk;
	u64 at;
	int i;

	for (i = 0; i < DEBUG_POINTS; i++) {
		at = (dr[i] & PAGE_MASK) | (gpa & ~PAGE_MASK);
		if (vcpu_probe(v, at, access, &walk) || walk.gpa != gpa)
			continue;
		dr_meet(v, store ? DEBUG_WRITES : DEBUG_READS, at, sizeof(u32));
		return;
	}
}

/*
 * Part of an operand lies in the page before, or behind. There is no register at 0, and an access
 * that reaches into the page from before is one at 0.
 */
static bool crosses(u32 offset)
{
	return !offset || offset > PAGE_SIZE - sizeof(u32);
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

	if (v->events.injected.info || crosses(gpa & ~PAGE_MASK))
		return TO_USER;
	count = vcpu_fetch_insn(v, bytes, mode);
	if (lapic_decode_mov(bytes, count, mode, &mov) || mov.store != write)
		return TO_USER;
	do_access(v, gpa & ~PAGE_MASK, &mov);
	if (unlikely(dr_watching(v)))
		meet_points(v, gpa, mov.store);
	return HANDLED;
}

/* exit qualification of an APIC access (SDM: "Exit Qualification for APIC-Access VM Exits ...") */
#define ACCESS_OFFSET(q)	((u32)(q) & 0xfff)
#define ACCESS_TYPE(q)		((u32)(q) >> 12 & 0xf)
#define ACCESS_READ		0	/* linear, by an instruction */
#define ACCESS_WRITE		1
#define ACCESS_FETCH		2
#define ACCESS_PHYSICAL		10	/* from here on: not by a linear address, so by a walk */

static u32 mmio_access(u32 type)
{
	const u32 walk = type >= ACCESS_PHYSICAL ? VMXHV_MMIO_WALK : 0;

	if (type == ACCESS_WRITE)
		return VMXHV_MMIO_WRITE;
	return (type == ACCESS_FETCH ? VMXHV_MMIO_FETCH : VMXHV_MMIO_READ) | walk;
}

/**
 * handle_apic_access() - exit reason APIC access
 * @v: the vCPU, loaded
 *
 * An access to the xAPIC page that the CPU does not virtualize: as if by an EPT violation there,
 * but that the CPU does not say at which linear address.
 *
 * Context: Process; may sleep.
 * Return: HANDLED, or TO_USER for MMIO.
 */
int handle_apic_access(struct vcpu *v)
{
	u64 q = exit_qualification(v);
	u32 type = ACCESS_TYPE(q);

	v->exit.gpa = (v->lapic->base & PAGE_MASK) | ACCESS_OFFSET(q);
	v->exit.valid |= EXIT_HAS_GPA;
	v->burst.l1d_stale = true;
	if ((type == ACCESS_READ || type == ACCESS_WRITE) &&
	    lapic_page_access(v, v->exit.gpa, type == ACCESS_WRITE) == HANDLED)
		return HANDLED;
	return mmio_to_user(v, mmio_access(type), 0);
}

/**
 * handle_apic_write() - exit reason APIC write: it is done, and what it means is to follow
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off. SDM: "APIC-Write VM Exits".
 * Return: HANDLED.
 */
int handle_apic_write(struct vcpu *v)
{
	lapic_page_written(v->lapic, ACCESS_OFFSET(exit_qualification(v)) & ~15u);
	return HANDLED;
}

/**
 * handle_virtualized_eoi() - the guest ended an interrupt whose EOI userspace is to hear of
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off. SDM: "EOI Virtualization".
 * Return: HANDLED; RUN then reports it.
 */
int handle_virtualized_eoi(struct vcpu *v)
{
	lapic_report_eoi(v->lapic, (u8)exit_qualification(v));
	return HANDLED;
}

/**
 * handle_tpr_below_threshold() - the guest lowered TPR: an interrupt that waited may come
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off. SDM: "TPR Virtualization".
 * Return: HANDLED.
 */
int handle_tpr_below_threshold(struct vcpu *v)
{
	v->recheck = true;
	return HANDLED;
}
