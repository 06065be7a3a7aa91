// SPDX-License-Identifier: GPL-2.0-only
/* The control words: their table, and the SDM's algorithm to set them. */
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "compat.h"
#include "vmx/controls.h"

#define VMX_CONTROL(_word, _name, _bit, _policy)			\
	{								\
		.word = VMX_WORD_##_word,				\
		.mask = BIT(_bit),					\
		.policy = VMX_POLICY_##_policy,				\
		.name = #_name,						\
	},

const struct vmx_control_info vmx_control_table[] = {
#include "vmx/controls.def"
};

const unsigned int vmx_control_count = ARRAY_SIZE(vmx_control_table);
VMXHV_EXPORT_FOR_TEST(vmx_control_table);
VMXHV_EXPORT_FOR_TEST(vmx_control_count);

/**
 * vmx_control_word_name() - what the SDM calls a control word
 * @word: the word
 *
 * Context: Any.
 * Return: Its name; never NULL.
 */
const char *vmx_control_word_name(enum vmx_control_word word)
{
	static const char *const names[VMX_WORDS] = {
		[VMX_WORD_PIN] = "pin-based controls",
		[VMX_WORD_CPU] = "primary processor-based controls",
		[VMX_WORD_CPU2] = "secondary processor-based controls",
		[VMX_WORD_CPU3] = "tertiary processor-based controls",
		[VMX_WORD_EXIT] = "VM-exit controls",
		[VMX_WORD_ENTRY] = "VM-entry controls",
	};

	return word < VMX_WORDS ? names[word] : "?";
}

/**
 * vmx_control_name() - the name of a control bit
 * @word: the control word
 * @mask: one bit of it
 *
 * Context: Any.
 * Return: The name, or "reserved" for a bit that the table does not have.
 */
const char *vmx_control_name(enum vmx_control_word word, u32 mask)
{
	unsigned int i;

	for (i = 0; i < vmx_control_count; i++)
		if (vmx_control_table[i].word == word && vmx_control_table[i].mask == mask)
			return vmx_control_table[i].name;
	return "reserved";
}

VMXHV_EXPORT_FOR_TEST(vmx_control_name);

static u32 masks[VMX_WORDS][VMX_POLICIES] __ro_after_init;

/**
 * vmx_controls_init() - sum the table up, once: every first VM asks for it on every CPU
 *
 * Context: Module init.
 */
void vmx_controls_init(void)
{
	unsigned int i;

	for (i = 0; i < vmx_control_count; i++)
		masks[vmx_control_table[i].word][vmx_control_table[i].policy] |=
			vmx_control_table[i].mask;
}

/**
 * vmx_control_mask() - the bits of a control word that have one policy
 * @word: the control word
 * @policy: the policy
 *
 * Context: Any, after vmx_controls_init().
 * Return: The bits.
 */
u32 vmx_control_mask(enum vmx_control_word word, enum vmx_control_policy policy)
{
	return masks[word][policy];
}

VMXHV_EXPORT_FOR_TEST(vmx_control_mask);

/**
 * vmx_adjust_control() - the value of a control word for this CPU
 * @required: bits that must be 1
 * @optional: bits that are to be 1 where the CPU has them
 * @capability_msr: the word's capability MSR: low half bits that must be 1, high half that may be
 * @result: the value
 * @missing: the required bits that may not be 1
 *
 * SDM "Algorithms for Determining VMX Capabilities".
 *
 * Context: Any.
 * Return: 0, or -EOPNOTSUPP if @missing is not 0.
 */
int vmx_adjust_control(u32 required, u32 optional, u64 capability_msr, u32 *result, u32 *missing)
{
	u32 allowed0 = (u32)capability_msr;
	u32 allowed1 = capability_msr >> 32;

	*result = ((required | optional) & allowed1) | allowed0;
	*missing = required & ~allowed1;
	return *missing ? -EOPNOTSUPP : 0;
}

VMXHV_EXPORT_FOR_TEST(vmx_adjust_control);
