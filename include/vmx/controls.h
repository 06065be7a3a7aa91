/* SPDX-License-Identifier: GPL-2.0-only */
/* VMX control words: their bits, what we ask of each, and the SDM's algorithm to set them. */
#ifndef VMX_CONTROLS_H
#define VMX_CONTROLS_H

#include <linux/types.h>

enum vmx_control_bit {
#include "vmx/controls.def"
};

enum vmx_control_word {
	VMX_WORD_PIN,
	VMX_WORD_CPU,
	VMX_WORD_CPU2,
	VMX_WORD_CPU3,
	VMX_WORD_EXIT,
	VMX_WORD_ENTRY,
	VMX_WORDS,
};

/* what the word "policy" of controls.def means is said there */
enum vmx_control_policy {
	VMX_POLICY_REQUIRED,
	VMX_POLICY_TOGGLED,
	VMX_POLICY_CLEAR,
	VMX_POLICY_OPTIONAL,
	VMX_POLICY_UNUSED,
	VMX_POLICIES,
};

/**
 * struct vmx_control_info - one row of the table of control bits
 * @word: the control word it belongs to
 * @mask: the bit
 * @policy: what we ask of the CPU
 * @name: its name
 */
struct vmx_control_info {
	enum vmx_control_word word;
	u32 mask;
	enum vmx_control_policy policy;
	const char *name;
};

extern const struct vmx_control_info vmx_control_table[];
extern const unsigned int vmx_control_count;

void vmx_controls_init(void);
const char *vmx_control_word_name(enum vmx_control_word word);
const char *vmx_control_name(enum vmx_control_word word, u32 mask);
u32 vmx_control_mask(enum vmx_control_word word, enum vmx_control_policy policy);
int vmx_adjust_control(u32 required, u32 optional, u64 capability_msr, u32 *result, u32 *missing);

#endif /* VMX_CONTROLS_H */
