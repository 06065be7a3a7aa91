// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exceptions: which push an error code, which restart their instruction, and what becomes of
 * one that is met while another is delivered. Pure.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "vcpu/x86.h"

/*
 * SDM: "Exception and Interrupt Vectors" has types and error codes, "Interrupt 8 -- Double Fault
 * Exception (#DF)" the classes. What has no row is reserved or the NMI's vector: no error code,
 * benign, and whoever injects it all the same gets a fault.
 */
const struct exception_rule exception_rules[NR_EXCEPTIONS] = {
	[X86_TRAP_DE] = { .class = EXCEPTION_CONTRIBUTORY },
	/* at an instruction breakpoint a fault, but one that pushes RF as it was, as a trap does */
	[X86_TRAP_DB] = { .kind = EXCEPTION_TRAP },
	[X86_TRAP_BP] = { .kind = EXCEPTION_TRAP },
	[X86_TRAP_OF] = { .kind = EXCEPTION_TRAP },
	[X86_TRAP_BR] = { .kind = EXCEPTION_FAULT },
	[X86_TRAP_UD] = { .kind = EXCEPTION_FAULT },
	[X86_TRAP_NM] = { .kind = EXCEPTION_FAULT },
	[X86_TRAP_DF] = { .kind = EXCEPTION_ABORT, .class = EXCEPTION_DOUBLE, .error_code = true },
	[X86_TRAP_OLD_MF] = { .kind = EXCEPTION_FAULT },
	[X86_TRAP_TS] = { .class = EXCEPTION_CONTRIBUTORY, .error_code = true },
	[X86_TRAP_NP] = { .class = EXCEPTION_CONTRIBUTORY, .error_code = true },
	[X86_TRAP_SS] = { .class = EXCEPTION_CONTRIBUTORY, .error_code = true },
	[X86_TRAP_GP] = { .class = EXCEPTION_CONTRIBUTORY, .error_code = true },
	[X86_TRAP_PF] = { .class = EXCEPTION_PAGE_FAULT, .error_code = true },
	[X86_TRAP_MF] = { .kind = EXCEPTION_FAULT },
	[X86_TRAP_AC] = { .kind = EXCEPTION_FAULT, .error_code = true },
	[X86_TRAP_MC] = { .kind = EXCEPTION_ABORT },
	[X86_TRAP_XF] = { .kind = EXCEPTION_FAULT },
	[X86_TRAP_VE] = { .class = EXCEPTION_PAGE_FAULT },
	[X86_TRAP_CP] = { .class = EXCEPTION_CONTRIBUTORY, .error_code = true },
};

VMXHV_EXPORT_FOR_TEST(exception_rules);

/* A software exception that userspace injects may have any vector. */
static enum exception_class class_of(u8 vector)
{
	return vector < NR_EXCEPTIONS ? exception_rule(vector)->class : EXCEPTION_BENIGN;
}

/**
 * exception_compose() - what two exceptions make, the second met while the first is delivered
 * @first: vector of the first
 * @second: vector of the second
 *
 * Context: Any. SDM: "Interrupt 8 -- Double Fault Exception (#DF)".
 * Return: @second (one after the other), X86_TRAP_DF, or -1: shutdown.
 */
int exception_compose(u8 first, u8 second)
{
	enum exception_class class = class_of(second);

	if (class != EXCEPTION_CONTRIBUTORY && class != EXCEPTION_PAGE_FAULT)
		return second;
	switch (class_of(first)) {
	case EXCEPTION_DOUBLE:
		return -1;
	case EXCEPTION_PAGE_FAULT:
		return X86_TRAP_DF;
	case EXCEPTION_CONTRIBUTORY:
		return class == EXCEPTION_CONTRIBUTORY ? X86_TRAP_DF : second;
	default:
		return second;
	}
}

VMXHV_EXPORT_FOR_TEST(exception_compose);

/**
 * exception_alignment_checked() - can #AC be the guest's own, for an access that is not aligned?
 * @cpl: the privilege level
 * @cr0: CR0
 * @rflags: RFLAGS
 *
 * Context: Any. SDM: "Interrupt 17 -- Alignment Check Exception (#AC)".
 * Return: true if alignment is checked.
 */
bool exception_alignment_checked(unsigned int cpl, u64 cr0, u64 rflags)
{
	return cpl == 3 && cr0 & X86_CR0_AM && rflags & X86_EFLAGS_AC;
}

VMXHV_EXPORT_FOR_TEST(exception_alignment_checked);
