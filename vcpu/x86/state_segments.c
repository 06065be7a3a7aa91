// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SDM's "Checks on Guest Segment Registers" as a table: each row is one rule for some segments
 * in some modes. Unrestricted guest is always on, so the rules that it lifts are not here.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

enum { ES = 1, CS = 2, SS = 4, DS = 8, FS = 16, GS = 32, LDTR = 64, TR = 128 };

#define DATA	(ES | DS | FS | GS)
#define CODE_DATA (DATA | CS | SS)
#define EVERY	(CODE_DATA | LDTR | TR)

enum rule_mode {
	V86,		/* in virtual-8086 mode only */
	NOT_V86,
	ANY_MODE,
};

struct segment_view {
	const struct vmxhv_sregs *s;
	const struct vmxhv_segment *seg;
	const struct state_limits *limits;
	u32 which;
	u64 wanted;	/* out */
};

struct segment_rule {
	u32 segments;
	enum rule_mode mode;
	bool unusable_too;	/* the rule holds for an unusable segment as well */
	u32 member;		/* offset in struct vmxhv_segment */
	bool (*broken)(struct segment_view *view);
	const char *text;
};

static u32 type_of(const struct vmxhv_segment *seg)
{
	return seg->access & VMX_AR_TYPE_MASK;
}

static bool long_mode(const struct vmxhv_sregs *s)
{
	return s->efer & EFER_LMA;
}

static bool v86_base(struct segment_view *view)
{
	view->wanted = (u64)view->seg->selector << 4;
	return view->seg->base != view->wanted;
}

static bool v86_limit(struct segment_view *view)
{
	view->wanted = 0xffff;
	return view->seg->limit != 0xffff;
}

static bool v86_access(struct segment_view *view)
{
	view->wanted = 0xf3;
	return view->seg->access != 0xf3;
}

static bool table_indicator(struct segment_view *view)
{
	view->wanted = view->seg->selector & ~4;
	return view->seg->selector & 4;
}

static bool unusable(struct segment_view *view)
{
	view->wanted = view->seg->access & ~SEGMENT_UNUSABLE;
	return view->seg->access & SEGMENT_UNUSABLE;
}

static bool base_not_canonical(struct segment_view *view)
{
	return !linear_canonical(view->seg->base, view->limits->linear_bits);
}

static bool base_not_32_bits(struct segment_view *view)
{
	view->wanted = (u32)view->seg->base;
	return view->seg->base >> 32;
}

static bool access_reserved(struct segment_view *view)
{
	view->wanted = view->seg->access & SEGMENT_ACCESS_BITS;
	return view->seg->access & ~SEGMENT_ACCESS_BITS;
}

static bool not_present(struct segment_view *view)
{
	view->wanted = view->seg->access | VMX_AR_P;
	return !(view->seg->access & VMX_AR_P);
}

static bool not_code_data(struct segment_view *view)
{
	view->wanted = view->seg->access | VMX_AR_S;
	return !(view->seg->access & VMX_AR_S);
}

static bool not_system(struct segment_view *view)
{
	view->wanted = view->seg->access & ~VMX_AR_S;
	return view->seg->access & VMX_AR_S;
}

static bool cs_type(struct segment_view *view)
{
	u32 type = type_of(view->seg);

	view->wanted = 11;
	return type != 3 && (type & 9) != 9;
}

static bool ss_type(struct segment_view *view)
{
	view->wanted = 3;
	return type_of(view->seg) != 3 && type_of(view->seg) != 7;
}

static bool data_type(struct segment_view *view)
{
	u32 type = type_of(view->seg);

	view->wanted = 3;
	return !(type & VMX_AR_TYPE_ACCESSED) ||
	       (type & VMX_AR_TYPE_CODE && !(type & VMX_AR_TYPE_READABLE));
}

static bool cs_dpl(struct segment_view *view)
{
	u32 dpl = VMX_AR_DPL(view->seg->access), ss = VMX_AR_DPL(view->s->ss.access);

	switch (type_of(view->seg)) {
	case 3:
		view->wanted = 0;
		return dpl != 0;
	case 9:
	case 11:
		view->wanted = ss;
		return dpl != ss;
	}
	view->wanted = ss;
	return dpl > ss;
}

static bool ss_dpl(struct segment_view *view)
{
	bool must_be_0 = type_of(&view->s->cs) == 3 || !(view->s->cr0 & X86_CR0_PE);

	view->wanted = view->seg->access & ~(3u << VMX_AR_DPL_SHIFT);
	return must_be_0 && VMX_AR_DPL(view->seg->access);
}

static bool cs_l_and_d(struct segment_view *view)
{
	view->wanted = view->seg->access & ~VMX_AR_DB;
	return long_mode(view->s) && view->seg->access & VMX_AR_L &&
	       view->seg->access & VMX_AR_DB;
}

static bool granularity(struct segment_view *view)
{
	bool g = view->seg->access & VMX_AR_G;

	view->wanted = view->seg->access ^ VMX_AR_G;
	if (g && (view->seg->limit & 0xfff) != 0xfff)
		return true;
	return !g && view->seg->limit >> 20;
}

static bool tr_type(struct segment_view *view)
{
	u32 type = type_of(view->seg);

	view->wanted = VMX_AR_TYPE_BUSY_TSS;
	return type != VMX_AR_TYPE_BUSY_TSS &&
	       (type != VMX_AR_TYPE_BUSY_16_TSS || long_mode(view->s));
}

static bool ldtr_type(struct segment_view *view)
{
	view->wanted = VMX_AR_TYPE_LDT;
	return type_of(view->seg) != VMX_AR_TYPE_LDT;
}

#define SELECTOR	offsetof(struct vmxhv_segment, selector)
#define BASE		offsetof(struct vmxhv_segment, base)
#define LIMIT		offsetof(struct vmxhv_segment, limit)
#define ACCESS		offsetof(struct vmxhv_segment, access)

static const struct segment_rule segment_rules[] = {
	{ CODE_DATA, V86, true, BASE, v86_base, "virtual-8086: base is selector << 4" },
	{ CODE_DATA, V86, true, LIMIT, v86_limit, "virtual-8086: limit is FFFFH" },
	{ CODE_DATA, V86, true, ACCESS, v86_access, "virtual-8086: access rights are F3H" },
	{ TR, ANY_MODE, true, ACCESS, unusable, "TR must be usable" },
	{ CS, NOT_V86, true, ACCESS, unusable, "CS must be usable" },
	{ TR | LDTR, ANY_MODE, false, SELECTOR, table_indicator, "the selector's TI flag is 0" },
	{ TR | LDTR | FS | GS, ANY_MODE, false, BASE, base_not_canonical, "base is canonical" },
	{ FS | GS, ANY_MODE, true, BASE, base_not_canonical, "base is canonical" },
	{ CS, ANY_MODE, true, BASE, base_not_32_bits, "base bits 63:32 are 0" },
	{ SS | DS | ES, ANY_MODE, false, BASE, base_not_32_bits, "base bits 63:32 are 0" },
	{ EVERY, ANY_MODE, true, ACCESS, access_reserved, "access rights: reserved bits are 0" },
	{ CS, NOT_V86, false, ACCESS, cs_type, "CS type is 3, 9, 11, 13 or 15" },
	{ SS, NOT_V86, false, ACCESS, ss_type, "SS type is 3 or 7" },
	{ DATA, NOT_V86, false, ACCESS, data_type, "type is accessed, and readable if code" },
	{ CODE_DATA, NOT_V86, false, ACCESS, not_code_data, "S is 1: a code or data segment" },
	{ CS, NOT_V86, false, ACCESS, cs_dpl, "CS.DPL goes with CS type and SS.DPL" },
	{ SS, NOT_V86, true, ACCESS, ss_dpl, "SS.DPL is 0 in real mode or with CS type 3" },
	{ EVERY, ANY_MODE, false, ACCESS, not_present, "P is 1: present, or else unusable" },
	{ CS, NOT_V86, false, ACCESS, cs_l_and_d, "64-bit code has D 0" },
	{ CODE_DATA, NOT_V86, false, ACCESS, granularity, "G goes with the limit" },
	{ TR | LDTR, ANY_MODE, false, ACCESS, granularity, "G goes with the limit" },
	{ TR, ANY_MODE, false, ACCESS, tr_type, "TR type is 11, or 3 outside IA-32e mode" },
	{ LDTR, ANY_MODE, false, ACCESS, ldtr_type, "LDTR type is 2" },
	{ TR | LDTR, ANY_MODE, false, ACCESS, not_system, "S is 0: a system segment" },
};

static bool applies(const struct segment_rule *rule, const struct segment_view *view, bool vm86)
{
	if (!(rule->segments & view->which))
		return false;
	if ((rule->mode == V86 && !vm86) || (rule->mode == NOT_V86 && vm86))
		return false;
	return rule->unusable_too || !(view->seg->access & SEGMENT_UNUSABLE);
}

static u64 member_value(const struct vmxhv_segment *seg, const struct segment_rule *rule)
{
	switch (rule->member) {
	case offsetof(struct vmxhv_segment, base):
		return seg->base;
	case offsetof(struct vmxhv_segment, limit):
		return seg->limit;
	case offsetof(struct vmxhv_segment, selector):
		return seg->selector;
	}
	return seg->access;
}

/**
 * state_check_segments() - do the segment registers keep VM entry's rules?
 * @s: the group SREGS
 * @vm86: RFLAGS.VM
 * @limits: what the guest may have
 * @err: the segment's member that breaks a rule, its value and the rule
 *
 * Context: Any. SDM: "Checks on Guest Segment Registers".
 * Return: 0 or -EINVAL.
 */
int state_check_segments(const struct vmxhv_sregs *s, bool vm86, const struct state_limits *limits,
			 struct vmxhv_error *err)
{
	static const char names[8][5] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR" };
	const struct vmxhv_segment *segments = &s->es;
	unsigned int i, r;
	char text[80];

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct segment_view view = { .s = s, .seg = &segments[i], .limits = limits,
					     .which = BIT(i) };

		for (r = 0; r < ARRAY_SIZE(segment_rules); r++) {
			const struct segment_rule *rule = &segment_rules[r];

			if (!applies(rule, &view, vm86) || !rule->broken(&view))
				continue;
			snprintf(text, sizeof(text), "%s: %s", names[i], rule->text);
			return refuse_state(err, VMXHV_STATE_SREGS,
					    i * sizeof(*segments) + rule->member,
					    member_value(view.seg, rule), view.wanted, text);
		}
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(state_check_segments);
