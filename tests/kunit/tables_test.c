// SPDX-License-Identifier: GPL-2.0-only
/* The tables of the vmx layer: unique, sorted, named; and the algorithm for control words. */
#include <kunit/test.h>
#include <linux/errno.h>

#include "vmx/controls.h"
#include "vmx/exit_reasons.h"
#include "vmx/fields.h"
#include "vmx/insn_errors.h"

static void fields_say_what_their_encoding_says(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *f = &vmcs_field_table[i];

		KUNIT_EXPECT_EQ_MSG(test, f->width, VMCS_WIDTH(f->encoding), "%s", f->name);
		KUNIT_EXPECT_EQ_MSG(test, f->group, VMCS_GROUP(f->encoding), "%s", f->name);
		KUNIT_EXPECT_EQ_MSG(test, f->encoding & ~0x6ffeu, 0, "%s", f->name);
	}
}

static void fields_are_sorted_and_unique(struct kunit *test)
{
	unsigned int i, j;

	for (i = 1; i < vmcs_field_count; i++)
		KUNIT_EXPECT_LT_MSG(test, vmcs_field_table[i - 1].encoding,
				    vmcs_field_table[i].encoding, "%s", vmcs_field_table[i].name);
	for (i = 0; i < vmcs_field_count; i++)
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ(test, vmcs_field_table[i].name,
					    vmcs_field_table[j].name);
}

static void fields_have_names(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, vmcs_field_name(GUEST_RIP), "GUEST_RIP");
	KUNIT_EXPECT_STREQ(test, vmcs_field_name(0x681e), "GUEST_RIP");
	KUNIT_EXPECT_STREQ(test, vmcs_field_name(0x2001), "IO_BITMAP_A");
	KUNIT_EXPECT_STREQ(test, vmcs_field_name(0x7ffe), "?");
}

static void exit_reasons_have_names(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, vmx_exit_reason_name(10), "CPUID");
	KUNIT_EXPECT_STREQ(test, vmx_exit_reason_name(0x80000021), "INVALID_STATE");
	KUNIT_EXPECT_STREQ(test, vmx_exit_reason_name(35), "?");
	KUNIT_EXPECT_STREQ(test, vmx_exit_reason_name(0xffff), "?");
	KUNIT_EXPECT_EQ(test, EXIT_REASON_EPT_VIOLATION, 48);
	KUNIT_EXPECT_EQ(test, EXIT_REASON_XRSTORS, 64);
}

/* An event is lost when an exit that can interrupt its delivery is not known to do so. */
static void exits_that_interrupt_delivery(struct kunit *test)
{
	static const u32 can[] = {
		EXIT_REASON_EXCEPTION_NMI, EXIT_REASON_TASK_SWITCH, EXIT_REASON_APIC_ACCESS,
		EXIT_REASON_EPT_VIOLATION, EXIT_REASON_EPT_MISCONFIG, EXIT_REASON_PML_FULL,
		EXIT_REASON_SPP_EVENT,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(can); i++)
		KUNIT_EXPECT_TRUE_MSG(test, vmx_exit_in_delivery(can[i]), "%u", can[i]);
	KUNIT_EXPECT_FALSE(test, vmx_exit_in_delivery(EXIT_REASON_CPUID));
	KUNIT_EXPECT_FALSE(test, vmx_exit_in_delivery(0xffff));
}

static void instruction_errors_in_words(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, vmx_insn_error_text(7), "VM entry with invalid control field");
	KUNIT_EXPECT_STREQ(test, vmx_insn_error_text(VMXERR_VMRESUME_NONLAUNCHED_VMCS),
			   "VMRESUME with non-launched VMCS");
	KUNIT_EXPECT_STREQ(test, vmx_insn_error_name(7), "ENTRY_INVALID_CONTROL_FIELD");
	KUNIT_EXPECT_STREQ(test, vmx_insn_error_name(14), "?");
	KUNIT_EXPECT_STREQ(test, vmx_insn_error_text(0), "unknown VM-instruction error");
	KUNIT_EXPECT_STREQ(test, vmx_insn_error_text(14), "unknown VM-instruction error");
	KUNIT_EXPECT_STREQ(test, vmx_insn_error_text(~0u), "unknown VM-instruction error");
}

static void controls_are_unique(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < vmx_control_count; i++) {
		const struct vmx_control_info *a = &vmx_control_table[i];

		KUNIT_EXPECT_TRUE_MSG(test, a->mask && !(a->mask & (a->mask - 1)), "%s", a->name);
		for (j = 0; j < i; j++) {
			const struct vmx_control_info *b = &vmx_control_table[j];

			KUNIT_EXPECT_FALSE_MSG(test, a->word == b->word && a->mask == b->mask,
					       "%s and %s", a->name, b->name);
		}
	}
	KUNIT_EXPECT_STREQ(test, vmx_control_name(VMX_WORD_CPU2, 1u << 1),
			   "SECONDARY_EXEC_ENABLE_EPT");
	KUNIT_EXPECT_STREQ(test, vmx_control_name(VMX_WORD_PIN, 1u << 30), "reserved");
}

static void controls_that_we_require(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vmx_control_mask(VMX_WORD_PIN, VMX_POLICY_REQUIRED), 0x29);
	KUNIT_EXPECT_EQ(test, vmx_control_mask(VMX_WORD_CPU2, VMX_POLICY_REQUIRED), 0xa2);
	KUNIT_EXPECT_TRUE(test, vmx_control_mask(VMX_WORD_CPU, VMX_POLICY_REQUIRED) &
			  CPU_BASED_USE_MSR_BITMAPS);
	KUNIT_EXPECT_TRUE(test, vmx_control_mask(VMX_WORD_CPU, VMX_POLICY_CLEAR) &
			  CPU_BASED_CR3_LOAD_EXITING);
}

static const struct adjust_case {
	const char *name;
	u32 required, optional;
	u64 capability;			/* high: may be 1; low: must be 1 */
	int error;
	u32 result, missing;
} adjust_cases[] = {
	{ "nothing asked, nothing fixed", 0, 0, 0xffffffff00000000, 0, 0, 0 },
	{ "fixed to 1 without being asked", 0, 0, 0xffffffff00000016, 0, 0x16, 0 },
	{ "required and there", 0x9, 0, 0x0000007f00000016, 0, 0x1f, 0 },
	{ "required and not there", 0x81, 0, 0x0000007f00000016, -EOPNOTSUPP, 0x17, 0x80 },
	{ "optional and there", 0x1, 0x40, 0x0000007f00000016, 0, 0x57, 0 },
	{ "optional and not there", 0x1, 0x80, 0x0000007f00000016, 0, 0x17, 0 },
	{ "bit 31", 0x80000000, 0, 0x8000000000000000, 0, 0x80000000, 0 },
	{ "nothing there", 0x80000001, 0, 0, -EOPNOTSUPP, 0, 0x80000001 },
};

static void control_algorithm(struct kunit *test)
{
	const struct adjust_case *c = test->param_value;
	u32 result, missing;
	int error = vmx_adjust_control(c->required, c->optional, c->capability, &result, &missing);

	KUNIT_EXPECT_EQ(test, c->error, error);
	KUNIT_EXPECT_EQ(test, c->result, result);
	KUNIT_EXPECT_EQ(test, c->missing, missing);
}

KUNIT_ARRAY_PARAM_DESC(adjust, adjust_cases, name);

static struct kunit_case tables_cases[] = {
	KUNIT_CASE(fields_say_what_their_encoding_says),
	KUNIT_CASE(fields_are_sorted_and_unique),
	KUNIT_CASE(fields_have_names),
	KUNIT_CASE(exit_reasons_have_names),
	KUNIT_CASE(exits_that_interrupt_delivery),
	KUNIT_CASE(instruction_errors_in_words),
	KUNIT_CASE(controls_are_unique),
	KUNIT_CASE(controls_that_we_require),
	KUNIT_CASE_PARAM(control_algorithm, adjust_gen_params),
	{}
};

static struct kunit_suite tables_suite = {
	.name = "vmx_tables",
	.test_cases = tables_cases,
};

kunit_test_suite(tables_suite);
