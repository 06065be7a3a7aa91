/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VM-entry checks of the SDM as tables of rules: after a failed entry they say which field
 * breaks which rule. The fields come through a reader, so that a test can check an invented VMCS.
 */
#ifndef VMX_CHECK_H
#define VMX_CHECK_H

#include <linux/types.h>

#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/fields.h"

/**
 * struct vmx_check_reader - where the checker gets fields from
 * @read: gives the value of a field; 0 for one that does not exist
 * @ctx: passed to @read
 */
struct vmx_check_reader {
	u64 (*read)(void *ctx, u32 field);
	void *ctx;
};

/* reads the current VMCS */
extern const struct vmx_check_reader vmx_check_current;

/**
 * struct vmx_violation - a rule that is broken
 * @rule: its number; 1nn controls, 2nn host state, from 300 on guest state; 0: none
 * @field: encoding of the field at fault
 * @value: the field's value
 * @wanted: bits that ought to be set, or the value wanted, as @text says
 * @text: the rule in words
 */
struct vmx_violation {
	u32 rule;
	u32 field;
	u64 value;
	u64 wanted;
	char text[96];
};

/**
 * struct vmx_check_state - what a rule's predicate works on
 * @reader: where fields come from
 * @caps: the CPU's capabilities
 * @controls: the control words; a word that another does not activate is 0
 * @field: the field that the rule is about
 * @value: out: the offending value
 * @wanted: out: what was wanted
 * @detail: out: what to append to the rule's text, or NULL
 */
struct vmx_check_state {
	const struct vmx_check_reader *reader;
	const struct vmx_caps *caps;
	u32 controls[VMX_WORDS];
	u32 field;
	u64 value;
	u64 wanted;
	const char *detail;
};

/**
 * struct vmx_rule - one rule
 * @id: its number, unique; stable, since userspace sees it
 * @section: title of the SDM section that has it
 * @field: encoding of the field that it is about
 * @word: the control word that @when is of
 * @when: the rule holds only while one of these controls is 1; 0: always
 * @more: the rule also holds for so many fields after @field, as numbers @id + 1 and so on
 * @broken: true when the rule is broken
 * @text: the rule in words
 */
struct vmx_rule {
	u32 id;
	const char *section;
	u32 field;
	enum vmx_control_word word;
	u32 when;
	u32 more;
	bool (*broken)(struct vmx_check_state *s);
	const char *text;
};

extern const struct vmx_rule vmx_control_rules[];
extern const unsigned int vmx_control_rule_count;
extern const struct vmx_rule vmx_host_rules[];
extern const unsigned int vmx_host_rule_count;
extern const struct vmx_rule vmx_guest_rules[];
extern const unsigned int vmx_guest_rule_count;
extern const struct vmx_rule vmx_segment_rules[];
extern const unsigned int vmx_segment_rule_count;

bool vmx_check_controls(const struct vmx_check_reader *reader, const struct vmx_caps *caps,
			struct vmx_violation *violation);
bool vmx_check_host(const struct vmx_check_reader *reader, const struct vmx_caps *caps,
		    struct vmx_violation *violation);
bool vmx_check_guest(const struct vmx_check_reader *reader, const struct vmx_caps *caps,
		     struct vmx_violation *violation);

#endif /* VMX_CHECK_H */
