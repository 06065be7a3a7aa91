/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rules of the VM-entry checker have in common. */
#ifndef VMX_CHECK_RULES_H
#define VMX_CHECK_RULES_H

#include <linux/bits.h>

#include "vmx/arch.h"
#include "vmx/check.h"

/* a row that holds always, and a row that holds while a control is 1 */
#define RULE(_id, _section, _field, _broken, _text)			\
	{								\
		.id = (_id),						\
		.section = (_section),					\
		.field = (_field),					\
		.broken = (_broken),					\
		.text = (_text),					\
	}

#define RULE_IF(_id, _section, _field, _word, _when, _broken, _text)	\
	{								\
		.id = (_id),						\
		.section = (_section),					\
		.field = (_field),					\
		.word = VMX_WORD_##_word,				\
		.when = (_when),					\
		.broken = (_broken),					\
		.text = (_text),					\
	}

/* a row that holds for a run of fields */
#define RULE_RUN(_id, _section, _field, _more, _broken, _text)		\
	{								\
		.id = (_id),						\
		.section = (_section),					\
		.field = (_field),					\
		.more = (_more),					\
		.broken = (_broken),					\
		.text = (_text),					\
	}

static inline u64 rule_read(const struct vmx_check_state *s, u32 field)
{
	return s->reader->read(s->reader->ctx, field);
}

static inline bool rule_on(const struct vmx_check_state *s, enum vmx_control_word word, u32 bit)
{
	return s->controls[word] & bit;
}

bool rule_bits(struct vmx_check_state *s, u64 ones, u64 zeros);
bool rule_equal(struct vmx_check_state *s, u64 wanted);
bool rule_needs(struct vmx_check_state *s, enum vmx_control_word word, u32 bits);
bool rule_forbids(struct vmx_check_state *s, enum vmx_control_word word, u32 bits);
bool rule_address(struct vmx_check_state *s, unsigned int align_bits);
bool rule_page(struct vmx_check_state *s);
bool rule_canonical(struct vmx_check_state *s);
bool rule_pat(struct vmx_check_state *s);
bool rule_efer(struct vmx_check_state *s, bool lma, bool lme);

bool vmx_check_rules(const struct vmx_rule *rules, unsigned int count,
		     const struct vmx_check_reader *reader, const struct vmx_caps *caps,
		     struct vmx_violation *violation);

#endif /* VMX_CHECK_RULES_H */
