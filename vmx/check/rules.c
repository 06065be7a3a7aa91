// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM-entry checker: runs tables of rules over a VMCS, and the tests that many rules share.
 *
 * A rule's predicate gets the field's value in s->value and leaves there, and in s->wanted, what it
 * found wrong.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"
#include "rules.h"

static u64 read_current(void *ctx, u32 field)
{
	return vmcs_read_any(field);
}

const struct vmx_check_reader vmx_check_current = {
	.read = read_current,
};

VMXHV_EXPORT_FOR_TEST(vmx_check_current);

/**
 * rule_bits() - broken unless some bits are 1 and others 0
 * @s: the state
 * @ones: bits that must be 1
 * @zeros: bits that must be 0
 *
 * Context: Any.
 * Return: true if broken; s->wanted is the value with these bits put right.
 */
bool rule_bits(struct vmx_check_state *s, u64 ones, u64 zeros)
{
	s->wanted = (s->value | ones) & ~zeros;
	return s->wanted != s->value;
}

/**
 * rule_equal() - broken unless the field has one value
 * @s: the state
 * @wanted: the value
 *
 * Context: Any.
 * Return: true if broken.
 */
bool rule_equal(struct vmx_check_state *s, u64 wanted)
{
	s->wanted = wanted;
	return s->value != wanted;
}

static bool rule_word(struct vmx_check_state *s, enum vmx_control_word word, u32 wrong)
{
	if (!wrong)
		return false;
	s->detail = vmx_control_name(word, wrong & -wrong);
	s->value = s->controls[word];
	s->wanted = s->controls[word] ^ wrong;
	return true;
}

/**
 * rule_needs() - broken unless some controls are 1
 * @s: the state
 * @word: their control word
 * @bits: the controls
 *
 * Context: Any.
 * Return: true if broken; s->value is then that control word.
 */
bool rule_needs(struct vmx_check_state *s, enum vmx_control_word word, u32 bits)
{
	return rule_word(s, word, bits & ~s->controls[word]);
}

/**
 * rule_forbids() - broken unless some controls are 0
 * @s: the state
 * @word: their control word
 * @bits: the controls
 *
 * Context: Any.
 * Return: true if broken; s->value is then that control word.
 */
bool rule_forbids(struct vmx_check_state *s, enum vmx_control_word word, u32 bits)
{
	return rule_word(s, word, bits & s->controls[word]);
}

/**
 * rule_address() - broken unless the field is an aligned physical address that the CPU can have
 * @s: the state
 * @align_bits: so many low bits must be 0
 *
 * Context: Any.
 * Return: true if broken.
 */
bool rule_address(struct vmx_check_state *s, unsigned int align_bits)
{
	u64 beyond = s->caps->phys_bits < 64 ? ~0ull << s->caps->phys_bits : 0;

	return rule_bits(s, 0, beyond | (BIT_ULL(align_bits) - 1));
}

/**
 * rule_page() - broken unless the field is the physical address of a page
 * @s: the state
 *
 * Context: Any.
 * Return: true if broken.
 */
bool rule_page(struct vmx_check_state *s)
{
	return rule_address(s, 12);
}

/**
 * rule_canonical() - broken unless the field is a canonical address
 * @s: the state
 *
 * The width is the CPU's, not that of the host's or the guest's paging.
 *
 * Context: Any.
 * Return: true if broken.
 */
bool rule_canonical(struct vmx_check_state *s)
{
	return rule_equal(s, linear_extend(s->value, s->caps->linear_bits));
}

/**
 * rule_pat() - broken unless each byte of the field is a memory type that a PAT may have
 * @s: the state
 *
 * SDM "IA32_PAT MSR": 0, 1, 4, 5, 6 and 7.
 *
 * Context: Any.
 * Return: true if broken; s->wanted has the wrong bytes as 0.
 */
bool rule_pat(struct vmx_check_state *s)
{
	unsigned int i;
	u64 wanted = 0;

	for (i = 0; i < 64; i += 8) {
		u64 type = (s->value >> i) & 0xff;

		if (type < 8 && type != 2 && type != 3)
			wanted |= type << i;
	}
	return rule_equal(s, wanted);
}

/**
 * rule_efer() - broken unless the field is an EFER with the given LMA and LME
 * @s: the state
 * @lma: what LMA must be
 * @lme: what LME must be
 *
 * Context: Any.
 * Return: true if broken.
 */
bool rule_efer(struct vmx_check_state *s, bool lma, bool lme)
{
	u64 ones = (lma ? EFER_LMA : 0) | (lme ? EFER_LME : 0);
	u64 known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;

	return rule_bits(s, ones, ~known | ((EFER_LMA | EFER_LME) & ~ones));
}

static void read_controls(struct vmx_check_state *s)
{
	s->controls[VMX_WORD_PIN] = rule_read(s, PIN_BASED_VM_EXEC_CONTROL);
	s->controls[VMX_WORD_CPU] = rule_read(s, CPU_BASED_VM_EXEC_CONTROL);
	if (rule_on(s, VMX_WORD_CPU, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
		s->controls[VMX_WORD_CPU2] = rule_read(s, SECONDARY_VM_EXEC_CONTROL);
	if (rule_on(s, VMX_WORD_CPU, CPU_BASED_ACTIVATE_TERTIARY_CONTROLS))
		s->controls[VMX_WORD_CPU3] = rule_read(s, TERTIARY_VM_EXEC_CONTROL);
	s->controls[VMX_WORD_EXIT] = rule_read(s, VM_EXIT_CONTROLS);
	s->controls[VMX_WORD_ENTRY] = rule_read(s, VM_ENTRY_CONTROLS);
}

static void report(const struct vmx_rule *rule, u32 index, const struct vmx_check_state *s,
		   struct vmx_violation *violation)
{
	violation->rule = rule->id + index;
	violation->field = s->field;
	violation->value = s->value;
	violation->wanted = s->wanted;
	if (s->detail)
		snprintf(violation->text, sizeof(violation->text), "%s: %s", rule->text, s->detail);
	else
		strscpy(violation->text, rule->text, sizeof(violation->text));
}

static bool check_rule(const struct vmx_rule *rule, struct vmx_check_state *s,
		       struct vmx_violation *violation)
{
	u32 index;

	if (rule->when && !rule_on(s, rule->word, rule->when))
		return false;
	for (index = 0; index <= rule->more; index++) {
		s->field = rule->field + 2 * index;
		s->value = rule_read(s, s->field);
		s->wanted = 0;
		s->detail = NULL;
		if (rule->broken(s)) {
			report(rule, index, s, violation);
			return true;
		}
	}
	return false;
}

/**
 * vmx_check_rules() - find the first broken rule of a table
 * @rules: the table
 * @count: its rows
 * @reader: where the fields come from
 * @caps: the CPU's capabilities
 * @violation: out: the rule; zeroed if there is none
 *
 * Context: As the reader's.
 * Return: true if a rule is broken.
 */
bool vmx_check_rules(const struct vmx_rule *rules, unsigned int count,
		     const struct vmx_check_reader *reader, const struct vmx_caps *caps,
		     struct vmx_violation *violation)
{
	struct vmx_check_state s = { .reader = reader, .caps = caps };
	unsigned int i;

	memset(violation, 0, sizeof(*violation));
	read_controls(&s);
	for (i = 0; i < count; i++)
		if (check_rule(&rules[i], &s, violation))
			return true;
	return false;
}
