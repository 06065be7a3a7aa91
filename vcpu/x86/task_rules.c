// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of a hardware task switch, apart from the processor: both formats of a TSS, what a
 * descriptor says, and which one may be loaded (SDM: "Task Switching", table "Exception Conditions
 * Checked During a Task Switch"). Pure logic.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

#define SELECTOR_RPL(selector)	((selector) & 3)
#define SELECTOR_LDT		4	/* TI */

/* System types (SDM: "System-Segment and Gate-Descriptor Types"), the busy bit aside */
#define TYPE_TSS16	1
#define TYPE_LDT	2
#define TYPE_TSS32	9

#define EFLAGS_DEFINED	0x3f7fd5u

/**
 * tss_size() - how long a TSS is, without its I/O bitmap
 * @wide: a 32-bit one
 *
 * Context: Any.
 * Return: bytes.
 */
u32 tss_size(bool wide)
{
	return wide ? sizeof(struct tss32) : sizeof(struct tss16);
}

VMXHV_EXPORT_FOR_TEST(tss_size);

/**
 * tss_saved_range() - which part of a TSS leaving its task writes
 * @wide: a 32-bit one
 * @offset: gets its beginning
 * @length: gets its bytes
 *
 * Context: Any.
 */
void tss_saved_range(bool wide, u32 *offset, u32 *length)
{
	*offset = wide ? offsetof(struct tss32, eip) : offsetof(struct tss16, ip);
	*length = (wide ? offsetof(struct tss32, ldt) : offsetof(struct tss16, ldt)) - *offset;
}

VMXHV_EXPORT_FOR_TEST(tss_saved_range);

static void parse_narrow(const struct tss16 *tss, struct task_image *image)
{
	int i;

	image->eip = tss->ip;
	image->eflags = tss->flags;
	for (i = 0; i < ARRAY_SIZE(tss->gpr); i++)
		image->gpr[i] = tss->gpr[i];
	for (i = 0; i < ARRAY_SIZE(tss->selector); i++)
		image->selector[i] = tss->selector[i];
	image->selector[TASK_LDTR] = tss->ldt;
}

static void parse_wide(const struct tss32 *tss, struct task_image *image)
{
	int i;

	image->cr3 = tss->cr3;
	image->eip = tss->eip;
	image->eflags = tss->eflags;
	for (i = 0; i < ARRAY_SIZE(tss->gpr); i++)
		image->gpr[i] = tss->gpr[i];
	for (i = 0; i < ARRAY_SIZE(tss->selector); i++)
		image->selector[i] = tss->selector[i];
	image->selector[TASK_LDTR] = tss->ldt;
	image->trap = tss->trap & 1;
}

/**
 * tss_parse() - what a TSS loads
 * @tss: its bytes
 * @wide: it is a 32-bit one
 * @image: gets it; of a 16-bit TSS upper halves, FS and GS are 0
 *
 * Context: Any.
 */
void tss_parse(const union tss *tss, bool wide, struct task_image *image)
{
	*image = (struct task_image){};
	if (wide)
		parse_wide(&tss->wide, image);
	else
		parse_narrow(&tss->narrow, image);
	image->eflags = (image->eflags & EFLAGS_DEFINED) | X86_EFLAGS_FIXED;
}

VMXHV_EXPORT_FOR_TEST(tss_parse);

/**
 * tss_format() - put what is saved where a TSS has it
 * @image: what is saved
 * @wide: into a 32-bit one
 * @tss: of it only what tss_saved_range() tells is written
 *
 * Context: Any.
 */
void tss_format(const struct task_image *image, bool wide, union tss *tss)
{
	int i;

	if (wide) {
		tss->wide.eip = image->eip;
		tss->wide.eflags = image->eflags;
	} else {
		tss->narrow.ip = image->eip;
		tss->narrow.flags = image->eflags;
	}
	for (i = 0; i < ARRAY_SIZE(image->gpr); i++) {
		if (wide)
			tss->wide.gpr[i] = image->gpr[i];
		else
			tss->narrow.gpr[i] = image->gpr[i];
	}
	for (i = 0; i < (wide ? TASK_LDTR : TASK_NARROW_SELECTORS); i++) {
		if (wide)
			tss->wide.selector[i] = image->selector[i];
		else
			tss->narrow.selector[i] = image->selector[i];
	}
}

VMXHV_EXPORT_FOR_TEST(tss_format);

static u32 access_of(const struct task_segment *s)
{
	return (u32)(s->raw >> 40) & (SEGMENT_ACCESS_BITS & ~SEGMENT_UNUSABLE);
}

static u32 type_of(const struct task_segment *s)
{
	return access_of(s) & VMX_AR_TYPE_MASK;
}

/**
 * task_descriptor() - a segment register as its descriptor loads it
 * @from: selector and descriptor, neither null nor outside
 * @to: the register
 *
 * Context: Any. SDM: "Segment Descriptors".
 */
void task_descriptor(const struct task_segment *from, struct vmxhv_segment *to)
{
	const u64 raw = from->raw;
	u32 limit = (raw & 0xffff) | (raw >> 32 & 0xf0000);

	*to = (struct vmxhv_segment){
		.selector = from->selector,
		.base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000),
		.access = access_of(from),
	};
	to->limit = to->access & VMX_AR_G ? limit << 12 | 0xfff : limit;
	if (to->access & VMX_AR_S)
		to->access |= VMX_AR_TYPE_ACCESSED;
}

VMXHV_EXPORT_FOR_TEST(task_descriptor);

static int raise(struct task_fault *fault, u8 vector, const struct task_segment *s)
{
	*fault = (struct task_fault){ .vector = vector, .selector = s->selector };
	return 1;
}

/**
 * task_check_tss() - may this TSS be switched to?
 * @tss: its selector and descriptor
 * @source: how
 * @fault: gets the exception, in the context of the old task
 *
 * The processor checked the same before it exited, but another one may write to memory since.
 *
 * Context: Any.
 * Return: 0, or 1 for @fault.
 */
int task_check_tss(const struct task_segment *tss, enum task_source source,
		   struct task_fault *fault)
{
	const u8 invalid = source == TASK_IRET ? X86_TRAP_TS : X86_TRAP_GP;
	const u32 busy = source == TASK_IRET ? TSS_DESCRIPTOR_BUSY : 0;
	struct vmxhv_segment segment;
	u32 type = type_of(tss) & ~TSS_DESCRIPTOR_BUSY;

	if (tss->null || tss->outside || tss->selector & SELECTOR_LDT)
		return raise(fault, invalid, tss);
	if (access_of(tss) & VMX_AR_S || (type != TYPE_TSS16 && type != TYPE_TSS32))
		return raise(fault, invalid, tss);
	if (!(access_of(tss) & VMX_AR_P))
		return raise(fault, X86_TRAP_NP, tss);
	if ((type_of(tss) & TSS_DESCRIPTOR_BUSY) != busy)
		return raise(fault, invalid, tss);
	task_descriptor(tss, &segment);
	if (segment.limit < tss_size(type == TYPE_TSS32) - 1)
		return raise(fault, X86_TRAP_TS, tss);
	return 0;
}

VMXHV_EXPORT_FOR_TEST(task_check_tss);

static bool is_code(const struct task_segment *s)
{
	return !s->null && !s->outside && access_of(s) & VMX_AR_S &&
	       type_of(s) & VMX_AR_TYPE_CODE;
}

static bool is_data(const struct task_segment *s)
{
	return !s->null && !s->outside && access_of(s) & VMX_AR_S &&
	       !(type_of(s) & VMX_AR_TYPE_CODE);
}

static bool is_conforming(const struct task_segment *s)
{
	return is_code(s) && type_of(s) & VMX_AR_TYPE_EXPAND_DOWN;
}

static bool not_ldt(const struct task_segment *s, u32 cpl)
{
	if (s->null)
		return false;
	return s->outside || s->selector & SELECTOR_LDT || access_of(s) & VMX_AR_S ||
	       type_of(s) != TYPE_LDT;
}

static bool not_present(const struct task_segment *s, u32 cpl)
{
	return !s->null && !(access_of(s) & VMX_AR_P);
}

static bool not_code(const struct task_segment *s, u32 cpl)
{
	return !is_code(s);
}

/* What is no code segment has a rule of its own. */
static bool code_privilege(const struct task_segment *s, u32 cpl)
{
	if (!is_code(s))
		return false;
	if (is_conforming(s))
		return VMX_AR_DPL(access_of(s)) > SELECTOR_RPL(s->selector);
	return VMX_AR_DPL(access_of(s)) != SELECTOR_RPL(s->selector);
}

static bool not_stack(const struct task_segment *s, u32 cpl)
{
	/* the bit says "writable" of a data segment */
	return !is_data(s) || !(type_of(s) & VMX_AR_TYPE_READABLE);
}

static bool dpl_is_not_cpl(const struct task_segment *s, u32 cpl)
{
	return VMX_AR_DPL(access_of(s)) != cpl;
}

static bool rpl_is_not_cpl(const struct task_segment *s, u32 cpl)
{
	return SELECTOR_RPL(s->selector) != cpl;
}

static bool not_readable(const struct task_segment *s, u32 cpl)
{
	return !s->null && !is_data(s) && !(is_code(s) && type_of(s) & VMX_AR_TYPE_READABLE);
}

static bool data_privilege(const struct task_segment *s, u32 cpl)
{
	u32 dpl = VMX_AR_DPL(access_of(s));

	return !s->null && !is_conforming(s) && (dpl < cpl || dpl < SELECTOR_RPL(s->selector));
}

#define DATA	(BIT(TASK_DS) | BIT(TASK_ES) | BIT(TASK_FS) | BIT(TASK_GS))

/* In the order of the SDM's table, which is that of the P6 family. */
static const struct segment_rule {
	u32 segments;
	bool (*broken)(const struct task_segment *s, u32 cpl);
	u8 vector;
} segment_rules[] = {
	{ BIT(TASK_LDTR), not_ldt, X86_TRAP_TS },
	{ BIT(TASK_CS), code_privilege, X86_TRAP_TS },
	{ BIT(TASK_SS), not_stack, X86_TRAP_TS },
	{ BIT(TASK_SS), not_present, X86_TRAP_SS },
	{ BIT(TASK_SS), dpl_is_not_cpl, X86_TRAP_TS },
	{ BIT(TASK_LDTR), not_present, X86_TRAP_TS },
	{ BIT(TASK_CS), not_code, X86_TRAP_TS },
	{ BIT(TASK_CS), not_present, X86_TRAP_NP },
	{ BIT(TASK_SS), rpl_is_not_cpl, X86_TRAP_TS },
	{ DATA, not_readable, X86_TRAP_TS },
	{ DATA, not_present, X86_TRAP_NP },
	{ DATA, data_privilege, X86_TRAP_TS },
};

static u32 new_cpl(const struct task_segment *segments)
{
	return SELECTOR_RPL(segments[TASK_CS].selector);
}

static bool breaks(const struct segment_rule *rule, const struct task_segment *segments, int index)
{
	return rule->segments & BIT(index) && rule->broken(&segments[index], new_cpl(segments));
}

/**
 * task_segment_good() - may this one be loaded, whatever is wrong with the others?
 * @segments: all of them, by enum task_segment_index; not in virtual-8086 mode
 * @index: which
 *
 * Context: Any.
 * Return: true if no rule stands against it.
 */
bool task_segment_good(const struct task_segment *segments, enum task_segment_index index)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(segment_rules); i++)
		if (breaks(&segment_rules[i], segments, index))
			return false;
	return true;
}

VMXHV_EXPORT_FOR_TEST(task_segment_good);

/**
 * task_check_segments() - may the new task's segments be loaded?
 * @segments: by enum task_segment_index
 * @vm86: the new task runs in virtual-8086 mode: only its LDT has a descriptor
 * @fault: gets the exception, in the context of the new task
 *
 * Context: Any.
 * Return: 0, or 1 for @fault.
 */
int task_check_segments(const struct task_segment *segments, bool vm86, struct task_fault *fault)
{
	int i, index;

	for (i = 0; i < ARRAY_SIZE(segment_rules); i++) {
		for (index = 0; index < TASK_SEGMENTS; index++) {
			if (vm86 && index != TASK_LDTR)
				continue;
			if (breaks(&segment_rules[i], segments, index))
				return raise(fault, segment_rules[i].vector, &segments[index]);
		}
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(task_check_segments);

/*
 * A register whose selector is bad, until the handler of the fault has seen to it. There is no CPU
 * without a code segment, and SS tells the privilege level: theirs say that much and reach nothing.
 */
static void place_bad(const struct task_segment *from, int index, u32 cpl,
		      struct vmxhv_segment *to)
{
	*to = (struct vmxhv_segment){
		.selector = from->selector,
		.access = SEGMENT_UNUSABLE | cpl << VMX_AR_DPL_SHIFT,
	};
	if (index == TASK_CS)
		to->access = VMX_AR_P | VMX_AR_S | cpl << VMX_AR_DPL_SHIFT | VMX_AR_TYPE_CODE |
			     VMX_AR_TYPE_READABLE | VMX_AR_TYPE_ACCESSED;
}

/**
 * task_place_segments() - the segment registers of the new task
 * @segments: by enum task_segment_index
 * @vm86: in virtual-8086 mode
 * @s: ES to LDTR are written
 *
 * What breaks no rule is loaded also where another segment faults, what does break one becomes
 * unusable: VM entry accepts the result whatever the guest's tables hold.
 *
 * Context: Any.
 */
void task_place_segments(const struct task_segment *segments, bool vm86, struct vmxhv_sregs *s)
{
	struct vmxhv_segment *to = &s->es;
	int i;

	for (i = 0; i < TASK_SEGMENTS; i++) {
		const struct task_segment *from = &segments[i];

		if (vm86 && i != TASK_LDTR)
			to[i] = (struct vmxhv_segment){
				.selector = from->selector, .base = (u32)from->selector << 4,
				.limit = 0xffff, .access = 0xf3,
			};
		else if (from->null || !task_segment_good(segments, i))
			place_bad(from, i, new_cpl(segments), &to[i]);
		else
			task_descriptor(from, &to[i]);
	}
}

VMXHV_EXPORT_FOR_TEST(task_place_segments);
