// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks on the guest-state area, but for the segment registers (segments.c).
 *
 * Left out: what needs memory (the VMCS that the link pointer names) or CPUID (reserved bits of
 * IA32_PERF_GLOBAL_CTRL and IA32_RTIT_CTL), and CET, which this hypervisor does not offer.
 */
#include <linux/kernel.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "rules.h"

#define REGISTERS	"Checks on Guest Control Registers, Debug Registers, and MSRs"
#define TABLES		"Checks on Guest Descriptor-Table Registers"
#define RIP		"Checks on Guest RIP, RFLAGS, and SSP"
#define STATE		"Checks on Guest Non-Register State"
#define PDPTES		"Checks on Guest Page-Directory-Pointer-Table Entries"

/* IA32_DEBUGCTL: bits that some CPU defines */
#define DEBUGCTL_KNOWN	0xffc7ull
#define DEBUGCTL_BTF	BIT(1)

#define SHADOW		(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

static bool ia32e(const struct vmx_check_state *s)
{
	return rule_on(s, VMX_WORD_ENTRY, VM_ENTRY_IA32E_MODE);
}

/* NW and CD are never checked; PE and PG may be 0 in an unrestricted guest. */
static bool cr0_fixed(struct vmx_check_state *s)
{
	u64 ones = s->caps->cr0_fixed0 & ~(u64)(X86_CR0_NW | X86_CR0_CD);
	u64 zeros = ~s->caps->cr0_fixed1 & ~(u64)(X86_CR0_NW | X86_CR0_CD);

	if (rule_on(s, VMX_WORD_CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST))
		ones &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	return rule_bits(s, ones, zeros);
}

static bool paging_needs_protection(struct vmx_check_state *s)
{
	return (s->value & X86_CR0_PG) && rule_bits(s, X86_CR0_PE, 0);
}

static bool cr4_fixed(struct vmx_check_state *s)
{
	return rule_bits(s, s->caps->cr4_fixed0, ~s->caps->cr4_fixed1);
}

static bool debugctl(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~DEBUGCTL_KNOWN);
}

static bool ia32e_paging(struct vmx_check_state *s)
{
	return rule_bits(s, X86_CR0_PG, 0);
}

static bool ia32e_pae(struct vmx_check_state *s)
{
	return rule_bits(s, X86_CR4_PAE, 0);
}

static bool pcid_outside_ia32e(struct vmx_check_state *s)
{
	return !ia32e(s) && rule_bits(s, 0, X86_CR4_PCIDE);
}

static bool cr3_width(struct vmx_check_state *s)
{
	return rule_address(s, 0);
}

static bool dr7(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~0xffffffffull);
}

/* LMA is what the entry makes it; LME may differ from it only without paging. */
static bool guest_efer(struct vmx_check_state *s)
{
	bool paging = rule_read(s, GUEST_CR0) & X86_CR0_PG;

	return rule_efer(s, ia32e(s), paging ? ia32e(s) : !!(s->value & EFER_LME));
}

static bool bndcfgs(struct vmx_check_state *s)
{
	return rule_bits(s, 0, GENMASK_ULL(11, 2)) || rule_canonical(s);
}

static bool table_limit(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~0xffffull);
}

/* The bits above linear addresses are alike: RIP behind the lower half is entered with. */
static bool guest_rip(struct vmx_check_state *s)
{
	const unsigned int width = s->caps->linear_bits;

	if (!ia32e(s) || !(rule_read(s, GUEST_CS_AR_BYTES) & VMX_AR_L))
		return rule_bits(s, 0, ~0xffffffffull);
	return s->value >> width && s->value >> width != ~0ull >> width && rule_canonical(s);
}

static bool rflags_reserved(struct vmx_check_state *s)
{
	return rule_bits(s, X86_EFLAGS_FIXED, ~0x3fffffull | BIT(15) | BIT(5) | BIT(3));
}

static bool rflags_vm(struct vmx_check_state *s)
{
	if (!ia32e(s) && (rule_read(s, GUEST_CR0) & X86_CR0_PE))
		return false;
	return rule_bits(s, 0, X86_EFLAGS_VM);
}

/* the valid injected event's type, or ~0 */
static u32 injected(const struct vmx_check_state *s)
{
	u32 info = rule_read(s, VM_ENTRY_INTR_INFO_FIELD);

	return info & INTR_INFO_VALID_MASK ? info & INTR_INFO_TYPE_MASK : ~0u;
}

static u32 injected_vector(const struct vmx_check_state *s)
{
	return rule_read(s, VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VECTOR_MASK;
}

static bool rflags_if(struct vmx_check_state *s)
{
	return injected(s) == INTR_TYPE_EXT_INTR && rule_bits(s, X86_EFLAGS_IF, 0);
}

static bool activity(struct vmx_check_state *s)
{
	switch (s->value) {
	case GUEST_ACTIVITY_ACTIVE:
		return false;
	case GUEST_ACTIVITY_HLT:
		return !s->caps->activity_hlt;
	case GUEST_ACTIVITY_SHUTDOWN:
		return !s->caps->activity_shutdown;
	case GUEST_ACTIVITY_WAIT_SIPI:
		return !s->caps->activity_sipi;
	default:
		return true;
	}
}

static bool halted_at_cpl0(struct vmx_check_state *s)
{
	return s->value == GUEST_ACTIVITY_HLT && VMX_AR_DPL((u32)rule_read(s, GUEST_SS_AR_BYTES));
}

static bool shadow_when_active(struct vmx_check_state *s)
{
	return s->value != GUEST_ACTIVITY_ACTIVE &&
	       (rule_read(s, GUEST_INTERRUPTIBILITY_INFO) & SHADOW);
}

static bool wakes_halt(const struct vmx_check_state *s, u32 type)
{
	u32 vector = injected_vector(s);

	return type == INTR_TYPE_EXT_INTR || type == INTR_TYPE_NMI_INTR ||
	       type == INTR_TYPE_OTHER_EVENT ||
	       (type == INTR_TYPE_HARD_EXCEPTION &&
		(vector == X86_TRAP_DB || vector == X86_TRAP_MC));
}

static bool injected_while_inactive(struct vmx_check_state *s)
{
	u32 type = injected(s);

	if (type == ~0u)
		return false;
	switch (s->value) {
	case GUEST_ACTIVITY_HLT:
		return !wakes_halt(s, type);
	case GUEST_ACTIVITY_SHUTDOWN:
		return type != INTR_TYPE_NMI_INTR &&
		       !(type == INTR_TYPE_HARD_EXCEPTION && injected_vector(s) == X86_TRAP_MC);
	case GUEST_ACTIVITY_WAIT_SIPI:
		return true;
	default:
		return false;
	}
}

static bool interruptibility_reserved(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~0x1full);
}

static bool both_shadows(struct vmx_check_state *s)
{
	s->wanted = s->value & ~(u64)SHADOW;
	return (s->value & SHADOW) == SHADOW;
}

static bool sti_needs_if(struct vmx_check_state *s)
{
	return !(rule_read(s, GUEST_RFLAGS) & X86_EFLAGS_IF) &&
	       rule_bits(s, 0, GUEST_INTR_STATE_STI);
}

static bool interrupt_in_shadow(struct vmx_check_state *s)
{
	return injected(s) == INTR_TYPE_EXT_INTR && rule_bits(s, 0, SHADOW);
}

static bool nmi_in_shadow(struct vmx_check_state *s)
{
	return injected(s) == INTR_TYPE_NMI_INTR && rule_bits(s, 0, GUEST_INTR_STATE_MOV_SS);
}

static bool smi_outside_smm(struct vmx_check_state *s)
{
	return rule_bits(s, 0, GUEST_INTR_STATE_SMI);
}

static bool nmi_while_blocked(struct vmx_check_state *s)
{
	return injected(s) == INTR_TYPE_NMI_INTR &&
	       rule_on(s, VMX_WORD_PIN, PIN_BASED_VIRTUAL_NMIS) &&
	       rule_bits(s, 0, GUEST_INTR_STATE_NMI);
}

/* B3:B0, bus lock, enabled breakpoint, BS and RTM are all there is */
static bool pending_debug_reserved(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~(0xfull | BIT(11) | BIT(12) | BIT(14) | BIT(16)));
}

static bool pending_single_step(struct vmx_check_state *s)
{
	bool step = (rule_read(s, GUEST_RFLAGS) & X86_EFLAGS_TF) &&
		    !(rule_read(s, GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF);

	if (!(rule_read(s, GUEST_INTERRUPTIBILITY_INFO) & SHADOW) &&
	    rule_read(s, GUEST_ACTIVITY_STATE) != GUEST_ACTIVITY_HLT)
		return false;
	return rule_bits(s, step ? GUEST_PENDING_DBG_BS : 0, step ? 0 : GUEST_PENDING_DBG_BS);
}

static bool link_pointer(struct vmx_check_state *s)
{
	return s->value != ~0ull && rule_page(s);
}

static bool pdpte(struct vmx_check_state *s)
{
	u64 beyond = s->caps->phys_bits < 64 ? ~0ull << s->caps->phys_bits : 0;

	if (ia32e(s) || !(rule_read(s, GUEST_CR0) & X86_CR0_PG) ||
	    !(rule_read(s, GUEST_CR4) & X86_CR4_PAE) || !(s->value & 1))
		return false;
	return rule_bits(s, 0, beyond | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1));
}

const struct vmx_rule vmx_guest_rules[] = {
	RULE(301, REGISTERS, GUEST_CR0, cr0_fixed, "guest CR0 breaks VMX's fixed bits"),
	RULE(302, REGISTERS, GUEST_CR0, paging_needs_protection, "guest CR0.PG needs CR0.PE"),
	RULE(303, REGISTERS, GUEST_CR4, cr4_fixed, "guest CR4 breaks VMX's fixed bits"),
	RULE_IF(304, REGISTERS, GUEST_IA32_DEBUGCTL, ENTRY, VM_ENTRY_LOAD_DEBUG_CONTROLS, debugctl,
		"guest DEBUGCTL: reserved bits are not 0"),
	RULE_IF(305, REGISTERS, GUEST_CR0, ENTRY, VM_ENTRY_IA32E_MODE, ia32e_paging,
		"a guest in IA-32e mode needs CR0.PG"),
	RULE_IF(306, REGISTERS, GUEST_CR4, ENTRY, VM_ENTRY_IA32E_MODE, ia32e_pae,
		"a guest in IA-32e mode needs CR4.PAE"),
	RULE(307, REGISTERS, GUEST_CR4, pcid_outside_ia32e, "guest CR4.PCIDE needs IA-32e mode"),
	RULE(308, REGISTERS, GUEST_CR3, cr3_width,
	     "guest CR3 is beyond the physical-address width"),
	RULE_IF(309, REGISTERS, GUEST_DR7, ENTRY, VM_ENTRY_LOAD_DEBUG_CONTROLS, dr7,
		"guest DR7: bits 63:32 are not 0"),
	RULE(310, REGISTERS, GUEST_SYSENTER_ESP, rule_canonical,
	     "guest SYSENTER_ESP is not canonical"),
	RULE(311, REGISTERS, GUEST_SYSENTER_EIP, rule_canonical,
	     "guest SYSENTER_EIP is not canonical"),
	RULE_IF(312, REGISTERS, GUEST_IA32_PAT, ENTRY, VM_ENTRY_LOAD_IA32_PAT, rule_pat,
		"guest PAT has an undefined memory type"),
	RULE_IF(313, REGISTERS, GUEST_IA32_EFER, ENTRY, VM_ENTRY_LOAD_IA32_EFER, guest_efer,
		"guest EFER: reserved bits, or LMA and LME do not fit the mode"),
	RULE_IF(314, REGISTERS, GUEST_BNDCFGS, ENTRY, VM_ENTRY_LOAD_BNDCFGS, bndcfgs,
		"guest BNDCFGS: reserved bits, or the address is not canonical"),

	RULE(321, TABLES, GUEST_GDTR_BASE, rule_canonical, "guest GDTR base is not canonical"),
	RULE(322, TABLES, GUEST_IDTR_BASE, rule_canonical, "guest IDTR base is not canonical"),
	RULE(323, TABLES, GUEST_GDTR_LIMIT, table_limit, "guest GDTR limit: bits 31:16 are not 0"),
	RULE(324, TABLES, GUEST_IDTR_LIMIT, table_limit, "guest IDTR limit: bits 31:16 are not 0"),

	RULE(331, RIP, GUEST_RIP, guest_rip, "guest RIP is beyond its mode's width"),
	RULE(332, RIP, GUEST_RFLAGS, rflags_reserved, "guest RFLAGS: reserved bits"),
	RULE(333, RIP, GUEST_RFLAGS, rflags_vm, "guest RFLAGS.VM in real or IA-32e mode"),
	RULE(334, RIP, GUEST_RFLAGS, rflags_if, "an injected interrupt needs RFLAGS.IF"),

	RULE(341, STATE, GUEST_ACTIVITY_STATE, activity,
	     "an activity state that this CPU does not have"),
	RULE(342, STATE, GUEST_ACTIVITY_STATE, halted_at_cpl0, "halted needs SS.DPL 0"),
	RULE(343, STATE, GUEST_ACTIVITY_STATE, shadow_when_active,
	     "blocking by STI or MOV SS needs the active state"),
	RULE(344, STATE, GUEST_ACTIVITY_STATE, injected_while_inactive,
	     "an injected event that this activity state cannot take"),
	RULE(345, STATE, GUEST_INTERRUPTIBILITY_INFO, interruptibility_reserved,
	     "interruptibility: bits 31:5 are not 0"),
	RULE(346, STATE, GUEST_INTERRUPTIBILITY_INFO, both_shadows,
	     "interruptibility: blocking by STI and by MOV SS at once"),
	RULE(347, STATE, GUEST_INTERRUPTIBILITY_INFO, sti_needs_if,
	     "interruptibility: blocking by STI needs RFLAGS.IF"),
	RULE(348, STATE, GUEST_INTERRUPTIBILITY_INFO, interrupt_in_shadow,
	     "an injected interrupt while STI or MOV SS blocks it"),
	RULE(349, STATE, GUEST_INTERRUPTIBILITY_INFO, nmi_in_shadow,
	     "an injected NMI while MOV SS blocks it"),
	RULE(350, STATE, GUEST_INTERRUPTIBILITY_INFO, smi_outside_smm,
	     "interruptibility: blocking by SMI outside SMM"),
	RULE(351, STATE, GUEST_INTERRUPTIBILITY_INFO, nmi_while_blocked,
	     "an injected NMI while virtual NMIs are blocked"),
	RULE(352, STATE, GUEST_PENDING_DBG_EXCEPTIONS, pending_debug_reserved,
	     "pending debug exceptions: reserved bits are not 0"),
	RULE(353, STATE, GUEST_PENDING_DBG_EXCEPTIONS, pending_single_step,
	     "pending debug exceptions: BS must go with RFLAGS.TF and not BTF"),
	RULE(354, STATE, VMCS_LINK_POINTER, link_pointer,
	     "the VMCS link pointer is neither all ones nor a page's address"),

	{
		.id = 361,
		.section = PDPTES,
		.field = GUEST_PDPTR0,
		.word = VMX_WORD_CPU2,
		.when = SECONDARY_EXEC_ENABLE_EPT,
		.more = 3,
		.broken = pdpte,
		.text = "a PDPTE with reserved bits",
	},
};

const unsigned int vmx_guest_rule_count = ARRAY_SIZE(vmx_guest_rules);
VMXHV_EXPORT_FOR_TEST(vmx_guest_rules);
VMXHV_EXPORT_FOR_TEST(vmx_guest_rule_count);

/**
 * vmx_check_guest() - find the first broken rule on the guest-state area
 * @reader: where the fields come from
 * @caps: the CPU's capabilities
 * @violation: out: the rule; zeroed if there is none
 *
 * SDM "Checking and Loading Guest State". A failed entry is an exit with reason 33 and bit 31.
 *
 * Context: As the reader's.
 * Return: true if a rule is broken.
 */
bool vmx_check_guest(const struct vmx_check_reader *reader, const struct vmx_caps *caps,
		     struct vmx_violation *violation)
{
	return vmx_check_rules(vmx_guest_rules, vmx_guest_rule_count, reader, caps, violation) ||
	       vmx_check_rules(vmx_segment_rules, vmx_segment_rule_count, reader, caps, violation);
}

VMXHV_EXPORT_FOR_TEST(vmx_check_guest);
