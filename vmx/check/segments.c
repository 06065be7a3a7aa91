// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks on the guest's segment registers. Fields of the eight segments have neighbouring
 * encodings in the order ES CS SS DS FS GS LDTR TR, so one row stands for six or eight of them.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "rules.h"

#define SEGMENTS	"Checks on Guest Segment Registers"
#define SIX		5	/* fields after the first: ES to GS */

enum segment { ES, CS, SS, DS, FS, GS, LDTR, TR };

static const char *const segment_names[] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR" };

static u32 access(const struct vmx_check_state *s, enum segment segment)
{
	return rule_read(s, GUEST_ES_AR_BYTES + 2 * segment);
}

static u32 selector(const struct vmx_check_state *s, enum segment segment)
{
	return rule_read(s, GUEST_ES_SELECTOR + 2 * segment);
}

static bool usable(const struct vmx_check_state *s, enum segment segment)
{
	return !(access(s, segment) & VMX_AR_UNUSABLE);
}

/* which segment s->field belongs to; also leaves its name for the report */
static enum segment segment_of(struct vmx_check_state *s, u32 first)
{
	enum segment segment = (s->field - first) / 2;

	s->detail = segment_names[segment];
	return segment;
}

static bool vm86(const struct vmx_check_state *s)
{
	return rule_read(s, GUEST_RFLAGS) & X86_EFLAGS_VM;
}

static bool unrestricted(const struct vmx_check_state *s)
{
	return rule_on(s, VMX_WORD_CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST);
}

static bool ia32e(const struct vmx_check_state *s)
{
	return rule_on(s, VMX_WORD_ENTRY, VM_ENTRY_IA32E_MODE);
}

/* CS counts always, the others while they are usable */
static bool counts(const struct vmx_check_state *s, enum segment segment)
{
	return segment == CS || usable(s, segment);
}

static bool tr_selector(struct vmx_check_state *s)
{
	return rule_bits(s, 0, BIT(2));
}

static bool ldtr_selector(struct vmx_check_state *s)
{
	return usable(s, LDTR) && rule_bits(s, 0, BIT(2));
}

static bool ss_rpl(struct vmx_check_state *s)
{
	if (vm86(s) || unrestricted(s))
		return false;
	return rule_bits(s, selector(s, CS) & 3, ~selector(s, CS) & 3);
}

static bool ldtr_base(struct vmx_check_state *s)
{
	return usable(s, LDTR) && rule_canonical(s);
}

static bool low_base(struct vmx_check_state *s)
{
	enum segment segment = segment_of(s, GUEST_ES_BASE);

	return segment <= DS && counts(s, segment) && rule_bits(s, 0, ~0xffffffffull);
}

static bool vm86_base(struct vmx_check_state *s)
{
	return vm86(s) && rule_equal(s, selector(s, segment_of(s, GUEST_ES_BASE)) << 4);
}

static bool vm86_limit(struct vmx_check_state *s)
{
	segment_of(s, GUEST_ES_LIMIT);
	return vm86(s) && rule_equal(s, 0xffff);
}

static bool vm86_access(struct vmx_check_state *s)
{
	segment_of(s, GUEST_ES_AR_BYTES);
	return vm86(s) && rule_equal(s, 0xf3);
}

static bool cs_type(struct vmx_check_state *s, u32 type)
{
	const u32 code = VMX_AR_TYPE_CODE | VMX_AR_TYPE_ACCESSED;

	s->wanted = (s->value & ~(u64)VMX_AR_TYPE_MASK) | 11;
	return (type & code) != code && !(type == 3 && unrestricted(s));
}

static bool data_type(struct vmx_check_state *s, u32 type)
{
	u64 ones = VMX_AR_TYPE_ACCESSED;

	if (type & VMX_AR_TYPE_CODE)
		ones |= VMX_AR_TYPE_READABLE;
	return rule_bits(s, ones, 0);
}

static bool segment_type(struct vmx_check_state *s)
{
	enum segment segment = segment_of(s, GUEST_ES_AR_BYTES);
	u32 type = s->value & VMX_AR_TYPE_MASK;

	if (vm86(s) || !counts(s, segment))
		return false;
	if (segment == CS)
		return cs_type(s, type);
	if (segment != SS)
		return data_type(s, type);
	s->wanted = (s->value & ~(u64)VMX_AR_TYPE_MASK) | 3;
	return type != 3 && type != 7;
}

static bool segment_system(struct vmx_check_state *s)
{
	enum segment segment = segment_of(s, GUEST_ES_AR_BYTES);

	return !vm86(s) && counts(s, segment) && rule_bits(s, VMX_AR_S, 0);
}

static bool cs_dpl(struct vmx_check_state *s, u32 type, u32 dpl)
{
	u32 ss_dpl = VMX_AR_DPL(access(s, SS));

	s->wanted = (s->value & ~(3ull << VMX_AR_DPL_SHIFT)) |
		    (type == 3 ? 0 : ss_dpl << VMX_AR_DPL_SHIFT);
	if (type == 3)
		return dpl;
	return type & VMX_AR_TYPE_EXPAND_DOWN ? dpl > ss_dpl : dpl != ss_dpl;
}

static bool ss_dpl(struct vmx_check_state *s, u32 dpl)
{
	u32 cs = access(s, CS) & VMX_AR_TYPE_MASK;

	if (!unrestricted(s) && dpl != (selector(s, SS) & 3))
		return true;
	return (cs == 3 || !(rule_read(s, GUEST_CR0) & X86_CR0_PE)) && dpl;
}

static bool segment_dpl(struct vmx_check_state *s)
{
	enum segment segment = segment_of(s, GUEST_ES_AR_BYTES);
	u32 type = s->value & VMX_AR_TYPE_MASK;
	u32 dpl = VMX_AR_DPL((u32)s->value);

	if (vm86(s))
		return false;
	if (segment == CS)
		return cs_dpl(s, type, dpl);
	if (segment == SS)
		return ss_dpl(s, dpl);
	return !unrestricted(s) && usable(s, segment) && type <= 11 &&
	       dpl < (selector(s, segment) & 3);
}

static bool segment_present(struct vmx_check_state *s)
{
	enum segment segment = segment_of(s, GUEST_ES_AR_BYTES);

	return !vm86(s) && counts(s, segment) && rule_bits(s, VMX_AR_P, 0);
}

static bool segment_reserved(struct vmx_check_state *s)
{
	enum segment segment = segment_of(s, GUEST_ES_AR_BYTES);

	return !vm86(s) && counts(s, segment) && rule_bits(s, 0, VMX_AR_RESERVED);
}

static bool cs_default_size(struct vmx_check_state *s)
{
	return !vm86(s) && ia32e(s) && (s->value & VMX_AR_L) && rule_bits(s, 0, VMX_AR_DB);
}

/* G must be 0 when the limit's low 12 bits are not all 1, and 1 when its high 12 are not all 0 */
static bool granularity(struct vmx_check_state *s, enum segment segment)
{
	u32 limit = rule_read(s, GUEST_ES_LIMIT + 2 * segment);
	u64 zeros = (limit & 0xfff) != 0xfff ? VMX_AR_G : 0;
	u64 ones = limit & 0xfff00000 ? VMX_AR_G : 0;

	if (ones && zeros) {
		s->wanted = s->value;
		return true;
	}
	return rule_bits(s, ones, zeros);
}

static bool segment_granularity(struct vmx_check_state *s)
{
	enum segment segment = segment_of(s, GUEST_ES_AR_BYTES);

	return !vm86(s) && counts(s, segment) && granularity(s, segment);
}

static bool tr_type(struct vmx_check_state *s)
{
	u32 type = s->value & VMX_AR_TYPE_MASK;

	s->wanted = (s->value & ~(u64)VMX_AR_TYPE_MASK) | VMX_AR_TYPE_BUSY_TSS;
	return type != VMX_AR_TYPE_BUSY_TSS && (ia32e(s) || type != VMX_AR_TYPE_BUSY_16_TSS);
}

static bool tr_bits(struct vmx_check_state *s)
{
	return rule_bits(s, VMX_AR_P, VMX_AR_S | VMX_AR_UNUSABLE | VMX_AR_RESERVED);
}

static bool tr_granularity(struct vmx_check_state *s)
{
	return granularity(s, TR);
}

static bool ldtr_access(struct vmx_check_state *s)
{
	u64 zeros = VMX_AR_S | VMX_AR_RESERVED | (VMX_AR_TYPE_MASK & ~VMX_AR_TYPE_LDT);

	return usable(s, LDTR) && rule_bits(s, VMX_AR_P | VMX_AR_TYPE_LDT, zeros);
}

static bool ldtr_granularity(struct vmx_check_state *s)
{
	return usable(s, LDTR) && granularity(s, LDTR);
}

const struct vmx_rule vmx_segment_rules[] = {
	RULE(401, SEGMENTS, GUEST_TR_SELECTOR, tr_selector, "TR: TI must be 0"),
	RULE(402, SEGMENTS, GUEST_LDTR_SELECTOR, ldtr_selector, "LDTR: TI must be 0"),
	RULE(403, SEGMENTS, GUEST_SS_SELECTOR, ss_rpl, "RPL of SS must be RPL of CS"),
	RULE(404, SEGMENTS, GUEST_TR_BASE, rule_canonical, "TR base is not canonical"),
	RULE(405, SEGMENTS, GUEST_FS_BASE, rule_canonical, "FS base is not canonical"),
	RULE(406, SEGMENTS, GUEST_GS_BASE, rule_canonical, "GS base is not canonical"),
	RULE(407, SEGMENTS, GUEST_LDTR_BASE, ldtr_base, "LDTR base is not canonical"),
	RULE_RUN(410, SEGMENTS, GUEST_ES_BASE, SIX, low_base,
		 "segment base: bits 63:32 are not 0"),
	RULE_RUN(420, SEGMENTS, GUEST_ES_BASE, SIX, vm86_base,
		 "virtual-8086 mode: the base is not the selector times 16"),
	RULE_RUN(430, SEGMENTS, GUEST_ES_LIMIT, SIX, vm86_limit,
		 "virtual-8086 mode: the limit is not FFFFH"),
	RULE_RUN(440, SEGMENTS, GUEST_ES_AR_BYTES, SIX, vm86_access,
		 "virtual-8086 mode: the access rights are not F3H"),
	RULE_RUN(450, SEGMENTS, GUEST_ES_AR_BYTES, SIX, segment_type,
		 "segment type: not one that this register may have"),
	RULE_RUN(460, SEGMENTS, GUEST_ES_AR_BYTES, SIX, segment_system,
		 "segment: S must be 1 (code or data)"),
	RULE_RUN(470, SEGMENTS, GUEST_ES_AR_BYTES, SIX, segment_dpl,
		 "segment: DPL does not fit RPL, the type, or SS"),
	RULE_RUN(480, SEGMENTS, GUEST_ES_AR_BYTES, SIX, segment_present,
		 "segment: P must be 1"),
	RULE_RUN(490, SEGMENTS, GUEST_ES_AR_BYTES, SIX, segment_reserved,
		 "segment access rights: reserved bits are not 0"),
	RULE(500, SEGMENTS, GUEST_CS_AR_BYTES, cs_default_size, "CS: D/B must be 0 where L is 1"),
	RULE_RUN(510, SEGMENTS, GUEST_ES_AR_BYTES, SIX, segment_granularity,
		 "segment: G does not fit the limit"),
	RULE(520, SEGMENTS, GUEST_TR_AR_BYTES, tr_type, "TR: not a busy TSS of this mode"),
	RULE(521, SEGMENTS, GUEST_TR_AR_BYTES, tr_bits,
	     "TR: must be present, usable, a system segment; reserved bits 0"),
	RULE(522, SEGMENTS, GUEST_TR_AR_BYTES, tr_granularity, "TR: G does not fit the limit"),
	RULE(523, SEGMENTS, GUEST_LDTR_AR_BYTES, ldtr_access,
	     "LDTR: must be a present LDT; reserved bits 0"),
	RULE(524, SEGMENTS, GUEST_LDTR_AR_BYTES, ldtr_granularity,
	     "LDTR: G does not fit the limit"),
};

const unsigned int vmx_segment_rule_count = ARRAY_SIZE(vmx_segment_rules);
VMXHV_EXPORT_FOR_TEST(vmx_segment_rules);
VMXHV_EXPORT_FOR_TEST(vmx_segment_rule_count);
