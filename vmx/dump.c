// SPDX-License-Identifier: GPL-2.0-only
/* The current VMCS in words, for the log. */
#include <linux/kernel.h>
#include <linux/printk.h>

#include "compat.h"
#include "vmx/exit_reasons.h"
#include "vmx/insn_errors.h"
#include "vmx/vmcs.h"

static const char *const group_names[] = {
	[VMCS_GROUP_CONTROL] = "control",
	[VMCS_GROUP_EXIT] = "exit",
	[VMCS_GROUP_GUEST] = "guest",
	[VMCS_GROUP_HOST] = "host",
};

/*
 * A field that this CPU does not have reads as 0, and so do many that it has: only what is not 0 is
 * worth a line.
 */
static void dump_group(enum vmcs_group group)
{
	unsigned int i;

	for (i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];
		u64 value;

		if (field->group != group || field->encoding == VM_INSTRUCTION_ERROR)
			continue;
		value = vmcs_read_any(field->encoding);
		if (value)
			pr_info("%s %-28s %#llx\n", group_names[group], field->name, value);
	}
}

/**
 * vmcs_dump() - print every field of the current VMCS that is not 0
 *
 * About 100 lines: the caller limits the rate.
 *
 * Context: A VMCS is current and stays so.
 */
void vmcs_dump(void)
{
	u32 reason = vmcs_read32(VM_EXIT_REASON);
	/* first, since reading a field that does not exist overwrites it */
	u32 error = vmcs_read32(VM_INSTRUCTION_ERROR);
	enum vmcs_group group;

	pr_info("VMCS: exit reason %#x (%s), instruction error %u (%s)\n", reason,
		vmx_exit_reason_name(reason), error, error ? vmx_insn_error_text(error) : "none");
	for (group = VMCS_GROUP_CONTROL; group <= VMCS_GROUP_HOST; group++)
		dump_group(group);
}

VMXHV_EXPORT_FOR_TEST(vmcs_dump);
