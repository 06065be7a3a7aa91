// SPDX-License-Identifier: GPL-2.0-only
/* The tables of names: VMCS fields, control bits, exit reasons, VM-instruction errors. */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "compat.h"
#include "vmx/controls.h"
#include "vmx/exit_reasons.h"
#include "vmx/fields.h"
#include "vmx/insn_errors.h"

#define VMCS_FIELD(_name, _encoding, _width, _group)			\
	{								\
		.encoding = (_encoding),				\
		.width = VMCS_WIDTH_##_width,				\
		.group = VMCS_GROUP_##_group,				\
		.name = #_name,						\
	},

const struct vmcs_field_info vmcs_field_table[] = {
#include "vmx/fields.def"
};

const unsigned int vmcs_field_count = ARRAY_SIZE(vmcs_field_table);
VMXHV_EXPORT_FOR_TEST(vmcs_field_table);
VMXHV_EXPORT_FOR_TEST(vmcs_field_count);

/**
 * vmcs_field_name() - the name of a VMCS field
 * @encoding: its encoding; the high half of a 64-bit field gives the field's name too
 *
 * Context: Any.
 * Return: The name, or "?" for an encoding that the table does not have.
 */
const char *vmcs_field_name(u32 encoding)
{
	unsigned int i;

	for (i = 0; i < vmcs_field_count; i++)
		if (vmcs_field_table[i].encoding == (encoding & ~1u))
			return vmcs_field_table[i].name;
	return "?";
}

VMXHV_EXPORT_FOR_TEST(vmcs_field_name);

#define VMX_EXIT_REASON(_name, _number, _delivery)			\
	[_number] = { .name = #_name, .delivery = (_delivery) },

static const struct {
	const char *name;
	bool delivery;
} exit_reasons[] = {
#include "vmx/exit_reasons.def"
};

static_assert(ARRAY_SIZE(exit_reasons) == EXIT_REASON_COUNT);

/**
 * vmx_exit_reason_name() - the name of an exit reason
 * @reason: the exit-reason field, whole or its low 16 bits
 *
 * Context: Any.
 * Return: The name without its prefix, or "?" for a number that the table does not have.
 */
const char *vmx_exit_reason_name(u32 reason)
{
	u32 basic = VMX_EXIT_BASIC_REASON(reason);

	if (basic >= ARRAY_SIZE(exit_reasons) || !exit_reasons[basic].name)
		return "?";
	return exit_reasons[basic].name;
}

VMXHV_EXPORT_FOR_TEST(vmx_exit_reason_name);

/**
 * vmx_exit_in_delivery() - can this exit interrupt the delivery of an event?
 * @reason: the exit-reason field, whole or its low 16 bits
 *
 * SDM "Information for VM Exits That Occur During Event Delivery".
 *
 * Context: Any.
 * Return: true if the IDT-vectoring information must be looked at.
 */
bool vmx_exit_in_delivery(u32 reason)
{
	u32 basic = VMX_EXIT_BASIC_REASON(reason);

	return basic < ARRAY_SIZE(exit_reasons) && exit_reasons[basic].delivery;
}

VMXHV_EXPORT_FOR_TEST(vmx_exit_in_delivery);

#define VMX_INSN_ERROR(_name, _number, _text)	\
	[_number] = { .name = #_name, .text = (_text) },

static const struct {
	const char *name;
	const char *text;
} insn_errors[] = {
#include "vmx/insn_errors.def"
};

/**
 * vmx_insn_error_text() - a VM-instruction error in words
 * @error: the VM-instruction error field
 *
 * Context: Any.
 * Return: A sentence; never NULL.
 */
const char *vmx_insn_error_text(u32 error)
{
	if (error >= ARRAY_SIZE(insn_errors) || !insn_errors[error].text)
		return "unknown VM-instruction error";
	return insn_errors[error].text;
}

VMXHV_EXPORT_FOR_TEST(vmx_insn_error_text);

/**
 * vmx_insn_error_name() - the name of a VM-instruction error
 * @error: the VM-instruction error field
 *
 * Context: Any.
 * Return: The name without its prefix, or "?" for a number that the table does not have.
 */
const char *vmx_insn_error_name(u32 error)
{
	if (error >= ARRAY_SIZE(insn_errors) || !insn_errors[error].name)
		return "?";
	return insn_errors[error].name;
}

VMXHV_EXPORT_FOR_TEST(vmx_insn_error_name);
