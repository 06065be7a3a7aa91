// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks on the host-state area, in the SDM's order. The host is in IA-32e mode always, so
 * the rules for a 32-bit host come down to one: its address-space size must be 64 bits.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "vmx/arch.h"
#include "rules.h"

#define REGISTERS	"Checks on Host Control Registers, MSRs, and SSP"
#define SEGMENTS	"Checks on Host Segment and Descriptor-Table Registers"
#define ADDRESS_SIZE	"Checks Related to Address-Space Size"

static bool cr0_fixed(struct vmx_check_state *s)
{
	return rule_bits(s, s->caps->cr0_fixed0, ~s->caps->cr0_fixed1);
}

static bool cr4_fixed(struct vmx_check_state *s)
{
	return rule_bits(s, s->caps->cr4_fixed0, ~s->caps->cr4_fixed1);
}

static bool cet_needs_wp(struct vmx_check_state *s)
{
	return (s->value & BIT(23)) && !(rule_read(s, HOST_CR0) & X86_CR0_WP);
}

static bool cr3_width(struct vmx_check_state *s)
{
	return rule_address(s, 0);
}

static bool host_efer(struct vmx_check_state *s)
{
	bool wide = rule_on(s, VMX_WORD_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE);

	return rule_efer(s, wide, wide);
}

static bool selector(struct vmx_check_state *s)
{
	return rule_bits(s, 0, 7);
}

static bool selector_not_null(struct vmx_check_state *s)
{
	s->wanted = 8;
	return !s->value;
}

static bool wide_host(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE);
}

static bool pae(struct vmx_check_state *s)
{
	return rule_bits(s, X86_CR4_PAE, 0);
}

/* An exit goes on there: an access, by the paging that it loads. */
static bool host_rip(struct vmx_check_state *s)
{
	bool la57 = rule_read(s, HOST_CR4) & X86_CR4_LA57;

	return rule_equal(s, linear_extend(s->value, la57 ? LINEAR_BITS_LA57 : LINEAR_BITS_LA48));
}

const struct vmx_rule vmx_host_rules[] = {
	RULE(201, REGISTERS, HOST_CR0, cr0_fixed, "host CR0 breaks VMX's fixed bits"),
	RULE(202, REGISTERS, HOST_CR4, cr4_fixed, "host CR4 breaks VMX's fixed bits"),
	RULE(203, REGISTERS, HOST_CR4, cet_needs_wp, "host CR4.CET needs CR0.WP"),
	RULE(204, REGISTERS, HOST_CR3, cr3_width, "host CR3 is beyond the physical-address width"),
	RULE(205, REGISTERS, HOST_IA32_SYSENTER_ESP, rule_canonical,
	     "host SYSENTER_ESP is not canonical"),
	RULE(206, REGISTERS, HOST_IA32_SYSENTER_EIP, rule_canonical,
	     "host SYSENTER_EIP is not canonical"),
	RULE_IF(207, REGISTERS, HOST_IA32_PAT, EXIT, VM_EXIT_LOAD_IA32_PAT, rule_pat,
		"host PAT has an undefined memory type"),
	RULE_IF(208, REGISTERS, HOST_IA32_EFER, EXIT, VM_EXIT_LOAD_IA32_EFER, host_efer,
		"host EFER: reserved bits, or LMA and LME do not fit the address-space size"),

	RULE(211, SEGMENTS, HOST_CS_SELECTOR, selector, "host CS: RPL and TI must be 0"),
	RULE(212, SEGMENTS, HOST_SS_SELECTOR, selector, "host SS: RPL and TI must be 0"),
	RULE(213, SEGMENTS, HOST_DS_SELECTOR, selector, "host DS: RPL and TI must be 0"),
	RULE(214, SEGMENTS, HOST_ES_SELECTOR, selector, "host ES: RPL and TI must be 0"),
	RULE(215, SEGMENTS, HOST_FS_SELECTOR, selector, "host FS: RPL and TI must be 0"),
	RULE(216, SEGMENTS, HOST_GS_SELECTOR, selector, "host GS: RPL and TI must be 0"),
	RULE(217, SEGMENTS, HOST_TR_SELECTOR, selector, "host TR: RPL and TI must be 0"),
	RULE(218, SEGMENTS, HOST_CS_SELECTOR, selector_not_null, "host CS is null"),
	RULE(219, SEGMENTS, HOST_TR_SELECTOR, selector_not_null, "host TR is null"),
	RULE(221, SEGMENTS, HOST_FS_BASE, rule_canonical, "host FS base is not canonical"),
	RULE(222, SEGMENTS, HOST_GS_BASE, rule_canonical, "host GS base is not canonical"),
	RULE(223, SEGMENTS, HOST_GDTR_BASE, rule_canonical, "host GDTR base is not canonical"),
	RULE(224, SEGMENTS, HOST_IDTR_BASE, rule_canonical, "host IDTR base is not canonical"),
	RULE(225, SEGMENTS, HOST_TR_BASE, rule_canonical, "host TR base is not canonical"),

	RULE(231, ADDRESS_SIZE, VM_EXIT_CONTROLS, wide_host,
	     "the host is in IA-32e mode: its address-space size must be 64 bits"),
	RULE(232, ADDRESS_SIZE, HOST_CR4, pae, "a 64-bit host needs CR4.PAE"),
	RULE(233, ADDRESS_SIZE, HOST_RIP, host_rip, "host RIP is not canonical"),
};

const unsigned int vmx_host_rule_count = ARRAY_SIZE(vmx_host_rules);
VMXHV_EXPORT_FOR_TEST(vmx_host_rules);
VMXHV_EXPORT_FOR_TEST(vmx_host_rule_count);

/**
 * vmx_check_host() - find the first broken rule on the host-state area
 * @reader: where the fields come from
 * @caps: the CPU's capabilities
 * @violation: out: the rule; zeroed if there is none
 *
 * SDM "Checks on Host-State Area". A failed entry gives VM-instruction error 8.
 *
 * Context: As the reader's.
 * Return: true if a rule is broken.
 */
bool vmx_check_host(const struct vmx_check_reader *reader, const struct vmx_caps *caps,
		    struct vmx_violation *violation)
{
	return vmx_check_rules(vmx_host_rules, vmx_host_rule_count, reader, caps, violation);
}

VMXHV_EXPORT_FOR_TEST(vmx_check_host);
