// SPDX-License-Identifier: GPL-2.0-only
/* CPUID exits: four words of the vCPU's table, or userspace is asked. */
#include "compat.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"

/* A leaf with sub-leaves. One that is not there is zero, but BH and 1FH still tell index and id. */
static noinline void read_subleaf(const struct vcpu *v, const struct cpuid_slot *slot, u32 count,
				  struct vmxhv_exit_cpuid *out)
{
	const struct vmxhv_cpuid_entry *e = slot->row;
	u32 i;

	for (i = 0; i < count; i++, e++) {
		if (e->index != out->index)
			continue;
		out->eax = e->eax;
		out->ebx = e->ebx;
		out->ecx = e->ecx;
		out->edx = e->edx;
		return;
	}

	e = slot->row;
	if (e->function == 0xb || e->function == 0x1f) {
		out->ecx = out->index & 0xff;
		out->edx = v->id;
	}
}

/* Intel CPUs have SYSCALL in 64-bit mode only, and show it only there. */
static void read_by_mode(struct vcpu *v, const struct cpuid_slot *slot,
			 struct vmxhv_exit_cpuid *out)
{
	const struct vmxhv_cpuid_entry *e = slot->row;

	out->eax = e->eax;
	out->ebx = e->ebx;
	out->ecx = e->ecx;
	out->edx = vcpu_is_64bit(v) ? e->edx : e->edx & ~CPUID_SYSCALL;
}

/* What the guest would read goes to userspace first. */
static noinline int ask_user(struct vcpu *v, const struct cpuid_slot *slot)
{
	struct vmxhv_exit_cpuid what = {
		.function = vcpu_eax(v), .index = (u32)v->gpr[REG_RCX],
	};

	if (slot->own_subleaves == CPUID_BY_MODE) {
		read_by_mode(v, slot, &what);
	} else if (slot->own_subleaves) {
		read_subleaf(v, slot, slot->own_subleaves, &what);
	} else {
		what.eax = slot->row->eax;
		what.ebx = slot->row->ebx;
		what.ecx = slot->row->ecx;
		what.edx = slot->row->edx;
	}
	return cpuid_to_user(v, &what);
}

static noinline int handle_subleaf(struct vcpu *v, const struct cpuid_slot *slot)
{
	struct vmxhv_exit_cpuid what = { .index = (u32)v->gpr[REG_RCX] };

	if (slot->subleaves == CPUID_ASK)
		return ask_user(v, slot);
	if (slot->subleaves == CPUID_BY_MODE)
		read_by_mode(v, slot, &what);
	else
		read_subleaf(v, slot, slot->subleaves, &what);
	v->gpr[REG_RAX] = what.eax;
	v->gpr[REG_RBX] = what.ebx;
	v->gpr[REG_RCX] = what.ecx;
	v->gpr[REG_RDX] = what.edx;
	return vcpu_skip_insn(v);
}

/**
 * handle_cpuid() - exit handler of CPUID
 * @v: the vCPU
 *
 * Context: IRQs off. SDM: "CPUID—CPU Identification".
 * Return: HANDLED, or TO_USER: userspace wants to see this leaf.
 */
int handle_cpuid(struct vcpu *v)
{
	const struct cpuid_slot *slot = cpuid_slot_of(v->cpuid, vcpu_eax(v));
	const struct vmxhv_cpuid_entry *e;

	if (unlikely(slot->subleaves))
		return handle_subleaf(v, slot);
	e = slot->row;
	v->gpr[REG_RAX] = e->eax;
	v->gpr[REG_RBX] = e->ebx;
	v->gpr[REG_RCX] = e->ecx;
	v->gpr[REG_RDX] = e->edx;
	return vcpu_skip_insn(v);
}

VMXHV_EXPORT_FOR_TEST(handle_cpuid);
