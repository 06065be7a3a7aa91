// SPDX-License-Identifier: GPL-2.0-only
/* State groups: each bad image is a good one but for one thing, and the refusal names it. */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu.h"
#include "vcpu/x86.h"

#define SREG(member)	offsetof(struct vmxhv_sregs, member)
#define U64		8
#define U32		4
#define U16		2
#define U8		1

/* Writes a member of an image, whatever its width, and says what stood there. */
static u64 poke(void *image, size_t at, int width, u64 value)
{
	u64 old = 0;

	memcpy(&old, (char *)image + at, width);
	memcpy((char *)image + at, &value, width);
	return old;
}

enum mode { REAL, PROTECTED, LONG, V86 };

static const struct vmxhv_segment real_data = { .limit = 0xffff, .access = 0x93 };
static const struct vmxhv_segment flat_data = { .limit = ~0u, .selector = 0x10, .access = 0xc093 };
static const struct vmxhv_segment v86_data = {
	.selector = 0x1234, .base = 0x12340, .limit = 0xffff, .access = 0xf3,
};

static void good_sregs(struct vmxhv_sregs *s, enum mode mode)
{
	const struct vmxhv_segment *data = mode == REAL ? &real_data :
					   mode == V86 ? &v86_data : &flat_data;

	*s = (struct vmxhv_sregs){
		.es = *data, .cs = *data, .ss = *data, .ds = *data, .fs = *data, .gs = *data,
		.ldtr = { .access = 0x10000 },
		.tr = { .limit = 0x67, .access = 0x8b },
		.cr0 = X86_CR0_ET, .xcr0 = 1,
		.apic_base = 0xfee00000 | MSR_IA32_APICBASE_ENABLE,
	};
	if (mode == PROTECTED || mode == LONG)
		s->cs.access = mode == LONG ? 0xa09b : 0xc09b;
	if (mode != REAL)
		s->cr0 |= X86_CR0_PE;
	if (mode == LONG) {
		s->cr0 |= X86_CR0_PG;
		s->cr4 = X86_CR4_PAE;
		s->efer = EFER_LME | EFER_LMA;
	}
}

static const struct state_limits limits = {
	.cr4_valid = X86_CR4_PAE | X86_CR4_PCIDE | X86_CR4_MCE | X86_CR4_OSXSAVE,
	.efer_valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
	.xcr0_valid = 0xe7,
	.maxphyaddr = 46,
	.linear_bits = 48,
};

struct sreg_case {
	const char *name;
	enum mode mode;
	size_t at;
	int width;
	u64 value;
	int ret;
};

static const struct sreg_case segment_cases[] = {
	{ "TR unusable", PROTECTED, SREG(tr.access), U32, 0x1008b, -EINVAL },
	{ "TR in the LDT", PROTECTED, SREG(tr.selector), U16, 0x1c, -EINVAL },
	{ "TR base", LONG, SREG(tr.base), U64, BIT_ULL(47), -EINVAL },
	{ "TR available", PROTECTED, SREG(tr.access), U32, 0x89, -EINVAL },
	{ "TR 16-bit", PROTECTED, SREG(tr.access), U32, 0x83, 0 },
	{ "TR 16-bit in IA-32e mode", LONG, SREG(tr.access), U32, 0x83, -EINVAL },
	{ "TR with S", PROTECTED, SREG(tr.access), U32, 0x9b, -EINVAL },
	{ "TR not present", PROTECTED, SREG(tr.access), U32, 0x0b, -EINVAL },
	{ "TR reserved bit 8", PROTECTED, SREG(tr.access), U32, 0x18b, -EINVAL },
	{ "TR granular, odd limit", PROTECTED, SREG(tr.access), U32, 0x808b, -EINVAL },
	{ "LDTR usable", PROTECTED, SREG(ldtr.access), U32, 0x82, 0 },
	{ "LDTR of another type", PROTECTED, SREG(ldtr.access), U32, 0x83, -EINVAL },
	{ "LDTR unusable, reserved bits", PROTECTED, SREG(ldtr.access), U32, 0x30000, -EINVAL },
	{ "CS unusable", PROTECTED, SREG(cs.access), U32, 0x1c09b, -EINVAL },
	{ "CS writable data", PROTECTED, SREG(cs.access), U32, 0xc093, 0 },
	{ "CS read-only data", PROTECTED, SREG(cs.access), U32, 0xc091, -EINVAL },
	{ "CS not accessed", PROTECTED, SREG(cs.access), U32, 0xc09a, -EINVAL },
	{ "CS conforming", PROTECTED, SREG(cs.access), U32, 0xc09f, 0 },
	{ "CS system", PROTECTED, SREG(cs.access), U32, 0xc08b, -EINVAL },
	{ "CS DPL above SS", PROTECTED, SREG(cs.access), U32, 0xc0fb, -EINVAL },
	{ "CS conforming, DPL above SS", PROTECTED, SREG(cs.access), U32, 0xc0ff, -EINVAL },
	{ "CS not present", PROTECTED, SREG(cs.access), U32, 0xc01b, -EINVAL },
	{ "CS base beyond 4 GiB", LONG, SREG(cs.base), U64, BIT_ULL(32), -EINVAL },
	{ "CS L and D", LONG, SREG(cs.access), U32, 0xe09b, -EINVAL },
	{ "CS L and D outside IA-32e mode", PROTECTED, SREG(cs.access), U32, 0xe09b, 0 },
	{ "CS limit without G", PROTECTED, SREG(cs.access), U32, 0x409b, -EINVAL },
	{ "CS limit not granular", PROTECTED, SREG(cs.limit), U32, 0xffff0fff, 0 },
	{ "CS limit odd with G", PROTECTED, SREG(cs.limit), U32, 0xfffff000, -EINVAL },
	{ "SS code", PROTECTED, SREG(ss.access), U32, 0xc09b, -EINVAL },
	{ "SS expand-down", PROTECTED, SREG(ss.access), U32, 0xc097, 0 },
	{ "SS read-only", PROTECTED, SREG(ss.access), U32, 0xc091, -EINVAL },
	{ "SS unusable", LONG, SREG(ss.access), U32, 0x10000, 0 },
	{ "SS DPL 3 in real mode", REAL, SREG(ss.access), U32, 0xf3, -EINVAL },
	{ "SS base beyond 4 GiB", LONG, SREG(ss.base), U64, BIT_ULL(32), -EINVAL },
	{ "DS unusable", LONG, SREG(ds.access), U32, 0x10000, 0 },
	{ "DS not accessed", PROTECTED, SREG(ds.access), U32, 0xc092, -EINVAL },
	{ "DS execute-only", PROTECTED, SREG(ds.access), U32, 0xc099, -EINVAL },
	{ "DS readable code", PROTECTED, SREG(ds.access), U32, 0xc09b, 0 },
	{ "DS all zero", PROTECTED, SREG(ds.access), U32, 0, -EINVAL },
	{ "DS base beyond 4 GiB", LONG, SREG(ds.base), U64, BIT_ULL(32), -EINVAL },
	{ "ES system", PROTECTED, SREG(es.access), U32, 0xc083, -EINVAL },
	{ "FS base canonical", LONG, SREG(fs.base), U64, 0xffff800000000000ull, 0 },
	{ "FS base not canonical", LONG, SREG(fs.base), U64, BIT_ULL(47), -EINVAL },
	{ "GS base not canonical", LONG, SREG(gs.base), U64, BIT_ULL(63), -EINVAL },
	{ "GS reserved bit 17", PROTECTED, SREG(gs.access), U32, 0x2c093, -EINVAL },
	{ "V86 base", V86, SREG(ds.base), U64, 0x12341, -EINVAL },
	{ "V86 limit", V86, SREG(fs.limit), U32, 0xfffff, -EINVAL },
	{ "V86 access", V86, SREG(cs.access), U32, 0xfb, -EINVAL },
	{ "reset CS", REAL, SREG(cs.base), U64, 0xffff0000, 0 },
};

static void state_segments(struct kunit *test)
{
	struct vmxhv_sregs s;
	struct vmxhv_error err;
	unsigned int i;

	for (i = REAL; i <= V86; i++) {
		good_sregs(&s, i);
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    state_check_segments(&s, i == V86, &limits, &err), "mode %u",
				    i);
		KUNIT_EXPECT_EQ(test, 0, state_check_reserved(&s, &limits, &err));
		KUNIT_EXPECT_EQ(test, 0, state_check_control(&s, &limits, &err));
	}
	for (i = 0; i < ARRAY_SIZE(segment_cases); i++) {
		const struct sreg_case *c = &segment_cases[i];

		good_sregs(&s, c->mode);
		poke(&s, c->at, c->width, c->value);
		memset(&err, 0, sizeof(err));
		KUNIT_EXPECT_EQ_MSG(test, c->ret,
				    state_check_segments(&s, c->mode == V86, &limits, &err),
				    "%s: %s", c->name, err.text);
		if (!c->ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, err.code, (u32)VMXHV_ERR_STATE, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, err.index, (u32)VMXHV_STATE_SREGS, "%s", c->name);
		/* a limit and G disagree: the access rights are named */
		if (c->at != SREG(cs.limit))
			KUNIT_EXPECT_EQ_MSG(test, err.item, (u32)c->at, "%s", c->name);
		KUNIT_EXPECT_NE_MSG(test, err.text[0], 0, "%s", c->name);
	}
}

static const struct sreg_case control_cases[] = {
	{ "CR0 upper half", REAL, SREG(cr0), U64, BIT_ULL(32), -EINVAL },
	{ "CR0 reserved", REAL, SREG(cr0), U64, BIT(9), -EINVAL },
	{ "CR0 PG without PE", REAL, SREG(cr0), U64, X86_CR0_PG, -EINVAL },
	{ "CR0 NW without CD", REAL, SREG(cr0), U64, X86_CR0_NW, -EINVAL },
	{ "CR0 after reset", REAL, SREG(cr0), U64, 0x60000010, 0 },
	{ "CR0 with all its bits", PROTECTED, SREG(cr0), U64, 0xe005003f, 0 },
	{ "CR0 32-bit paging", PROTECTED, SREG(cr0), U64, X86_CR0_PE | X86_CR0_PG, 0 },
	{ "CR3 too wide", LONG, SREG(cr3), U64, BIT_ULL(46), -EINVAL },
	{ "CR3 widest", LONG, SREG(cr3), U64, BIT_ULL(45), 0 },
	{ "CR4 VMXE", REAL, SREG(cr4), U64, X86_CR4_VMXE, -EINVAL },
	{ "CR4 without PAE in IA-32e mode", LONG, SREG(cr4), U64, 0, -EINVAL },
	{ "CR4 PCIDE in IA-32e mode", LONG, SREG(cr4), U64, X86_CR4_PAE | X86_CR4_PCIDE, 0 },
	{ "CR4 PCIDE elsewhere", PROTECTED, SREG(cr4), U64, X86_CR4_PCIDE, -EINVAL },
	{ "EFER reserved", REAL, SREG(efer), U64, BIT(1), -EINVAL },
	{ "EFER SVME", REAL, SREG(efer), U64, EFER_SVME, -EINVAL },
	{ "EFER LME before paging", PROTECTED, SREG(efer), U64, EFER_LME, 0 },
	/* the guest's CR0 and EFER decide; the host's EFER, which has LMA, does not */
	{ "EFER LMA before paging", PROTECTED, SREG(efer), U64, EFER_LME | EFER_LMA, -EINVAL },
	{ "EFER without LMA under paging", LONG, SREG(efer), U64, EFER_LME, -EINVAL },
	{ "EFER without both under paging", LONG, SREG(efer), U64, 0, 0 },
	{ "EFER LMA without LME", LONG, SREG(efer), U64, EFER_LMA, -EINVAL },
	{ "CR8", REAL, SREG(cr8), U64, 16, -EINVAL },
	{ "CR8 highest", REAL, SREG(cr8), U64, 15, 0 },
	{ "XCR0 AVX", REAL, SREG(xcr0), U64, 7, 0 },
	{ "XCR0 without x87", REAL, SREG(xcr0), U64, 6, -EINVAL },
	{ "XCR0 PKRU", REAL, SREG(xcr0), U64, 0x207, -EINVAL },
	{ "APIC x2APIC", REAL, SREG(apic_base), U64, 0xfee00c00, 0 },
	{ "APIC EXTD without EN", REAL, SREG(apic_base), U64, 0xfee00400, -EINVAL },
	{ "APIC reserved", REAL, SREG(apic_base), U64, 0xfee00801, -EINVAL },
	{ "APIC beyond the width", REAL, SREG(apic_base), U64, BIT_ULL(46) | 0x800, -EINVAL },
	{ "PDPTE outside PAE paging", LONG, SREG(pdpte[2]), U64, 1, -EINVAL },
};

static void state_control(struct kunit *test)
{
	struct vmxhv_sregs s;
	struct vmxhv_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(control_cases); i++) {
		const struct sreg_case *c = &control_cases[i];

		good_sregs(&s, c->mode);
		poke(&s, c->at, c->width, c->value);
		memset(&err, 0, sizeof(err));
		KUNIT_EXPECT_EQ_MSG(test, c->ret, state_check_control(&s, &limits, &err), "%s: %s",
				    c->name, err.text);
		if (c->ret)
			KUNIT_EXPECT_EQ_MSG(test, err.item, (u32)c->at, "%s", c->name);
	}
}

static void state_pdptes(struct kunit *test)
{
	struct vmxhv_sregs s;
	struct vmxhv_error err;

	good_sregs(&s, PROTECTED);
	s.cr0 |= X86_CR0_PG;
	s.cr4 = X86_CR4_PAE;
	s.pdpte[0] = 0x1001;
	s.pdpte[3] = 0x2001;
	KUNIT_EXPECT_EQ(test, 0, state_check_control(&s, &limits, &err));
	s.pdpte[3] = 0x2003;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_control(&s, &limits, &err));
	KUNIT_EXPECT_EQ(test, err.item, (u32)SREG(pdpte[0]));
}

/* A host without XSAVE: XCR0 reads as after reset and stays so. */
static void state_no_xsave(struct kunit *test)
{
	struct state_limits none = limits;
	struct vmxhv_sregs s;
	struct vmxhv_error err;

	none.xcr0_valid = 0;
	good_sregs(&s, REAL);
	KUNIT_EXPECT_EQ(test, 0, state_check_control(&s, &none, &err));
	s.xcr0 = 3;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_control(&s, &none, &err));
}

static const struct sreg_case reserved_cases[] = {
	{ "segment", REAL, SREG(gs.reserved), U16, 1, -EINVAL },
	{ "segment, second", REAL, SREG(tr.reserved2), U32, 1, -EINVAL },
	{ "GDTR", REAL, SREG(gdtr.reserved[2]), U16, 1, -EINVAL },
	{ "IDTR", REAL, SREG(idtr.reserved[0]), U16, 1, -EINVAL },
	{ "GDTR base", LONG, SREG(gdtr.base), U64, BIT_ULL(47), -EINVAL },
	{ "IDTR base", LONG, SREG(idtr.base), U64, BIT_ULL(60), -EINVAL },
	{ "IDTR base canonical", LONG, SREG(idtr.base), U64, 0xfffffe0000000000ull, 0 },
};

static void state_reserved(struct kunit *test)
{
	struct vmxhv_sregs s;
	struct vmxhv_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reserved_cases); i++) {
		const struct sreg_case *c = &reserved_cases[i];

		good_sregs(&s, c->mode);
		poke(&s, c->at, c->width, c->value);
		KUNIT_EXPECT_EQ_MSG(test, c->ret,
				    state_check_reserved(&s, &limits, &err), "%s", c->name);
	}
}

static const struct {
	const char *name;
	enum mode mode;
	u64 rip, rflags;
	int ret;
	u32 item;
} gpr_cases[] = {
	{ "reset", REAL, 0xfff0, 2, 0, 0 },
	{ "all flags", PROTECTED, 0x1000, 0x3d7fd7, 0, 0 },
	{ "bit 1 clear", REAL, 0xfff0, 0, -EINVAL, 136 },
	{ "bit 3", REAL, 0xfff0, 0xa, -EINVAL, 136 },
	{ "bit 5", REAL, 0xfff0, 0x22, -EINVAL, 136 },
	{ "bit 15", REAL, 0xfff0, 0x8002, -EINVAL, 136 },
	{ "bit 22", REAL, 0xfff0, 0x400002, -EINVAL, 136 },
	{ "bit 63", REAL, 0xfff0, BIT_ULL(63) | 2, -EINVAL, 136 },
	{ "VM", PROTECTED, 0x1000, 0x20002, 0, 0 },
	{ "VM in real mode", REAL, 0x1000, 0x20002, -EINVAL, 136 },
	{ "VM in IA-32e mode", LONG, 0x1000, 0x20002, -EINVAL, 136 },
	{ "RIP high", LONG, 0xffffffff81000000ull, 2, 0, 0 },
	{ "RIP behind the lower half", LONG, BIT_ULL(47), 2, 0, 0 },
	{ "RIP: bits 63:48 differ", LONG, BIT_ULL(48), 2, -EINVAL, 128 },
	{ "RIP: only bit 63", LONG, BIT_ULL(63), 2, -EINVAL, 128 },
	{ "RIP beyond 4 GiB in protected mode", PROTECTED, BIT_ULL(32), 2, -EINVAL, 128 },
};

static void state_gprs(struct kunit *test)
{
	struct vmxhv_sregs s;
	struct vmxhv_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gpr_cases); i++) {
		struct vmxhv_gprs g = { .rip = gpr_cases[i].rip, .rflags = gpr_cases[i].rflags };

		good_sregs(&s, gpr_cases[i].mode);
		KUNIT_EXPECT_EQ_MSG(test, gpr_cases[i].ret,
				    state_check_gprs(&g, &s, 48, &err), "%s",
				    gpr_cases[i].name);
		if (gpr_cases[i].ret)
			KUNIT_EXPECT_EQ_MSG(test, err.item, gpr_cases[i].item, "%s",
					    gpr_cases[i].name);
	}

	/* compatibility mode has a 32-bit RIP */
	good_sregs(&s, LONG);
	s.cs.access = 0xc09b;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			state_check_gprs(&(struct vmxhv_gprs){ .rip = BIT_ULL(32), .rflags = 2 },
					 &s, 48, &err));
}

/* Where the CPU has 57-bit addresses a guest loads them, whatever its own paging is. */
static void state_linear_widths(struct kunit *test)
{
	const u64 wide = BIT_ULL(55), beyond = BIT_ULL(56);
	struct state_limits la57 = limits;
	struct vmxhv_sregs s;
	struct vmxhv_error err;

	la57.linear_bits = 57;
	good_sregs(&s, LONG);
	s.fs.base = wide;
	s.tr.base = ~wide;
	s.gdtr.base = wide;
	KUNIT_EXPECT_EQ(test, 0, state_check_segments(&s, false, &la57, &err));
	KUNIT_EXPECT_EQ(test, 0, state_check_reserved(&s, &la57, &err));
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_segments(&s, false, &limits, &err));
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_reserved(&s, &limits, &err));
	s.fs.base = beyond;
	s.idtr.base = beyond;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_segments(&s, false, &la57, &err));
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_reserved(&s, &la57, &err));
	/* RIP may stand behind the lower half */
	KUNIT_EXPECT_EQ(test, 0,
			state_check_gprs(&(struct vmxhv_gprs){ .rip = beyond, .rflags = 2 },
					 &s, 57, &err));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			state_check_gprs(&(struct vmxhv_gprs){ .rip = BIT_ULL(57), .rflags = 2 },
					 &s, 57, &err));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			state_check_gprs(&(struct vmxhv_gprs){ .rip = wide, .rflags = 2 },
					 &s, 48, &err));
}

static void state_debug(struct kunit *test)
{
	struct vmxhv_debug_regs d = { .dr6 = DR6_RESET, .dr7 = DR7_RESET };
	struct vmxhv_error err;

	KUNIT_EXPECT_EQ(test, 0, state_check_debug(&d, &err));
	d.dr6 |= BIT(14) | BIT(0);
	d.dr7 |= 0xffff03ff | BIT(13);
	KUNIT_EXPECT_EQ(test, 0, state_check_debug(&d, &err));
	d.dr7 |= BIT_ULL(32);
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_debug(&d, &err));
	KUNIT_EXPECT_EQ(test, err.item, (u32)offsetof(struct vmxhv_debug_regs, dr7));
	d.dr7 = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_debug(&d, &err));
	KUNIT_EXPECT_EQ(test, err.wanted, (u64)DR7_RESET);
	d.dr7 = DR7_RESET;
	d.dr6 = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_debug(&d, &err));
	KUNIT_EXPECT_EQ(test, err.item, (u32)offsetof(struct vmxhv_debug_regs, dr6));
}

#define EVENT(member)	offsetof(struct vmxhv_events, member)

/* The base has an NMI blocked and is otherwise empty. */
static const struct {
	const char *name;
	size_t at;
	int width;
	u64 value;
	u64 rflags;
	int ret;
} event_cases[] = {
	{ "nothing", EVENT(smi), U8, 0, 2, 0 },
	{ "interrupt", EVENT(injected.info), U32, 0x80000030, 0x202, 0 },
	{ "interrupt with IF clear", EVENT(injected.info), U32, 0x80000030, 2, -EINVAL },
	{ "NMI while blocked", EVENT(injected.info), U32, 0x80000202, 2, -EINVAL },
	{ "NMI of another vector", EVENT(injected.info), U32, 0x80000203, 2, -EINVAL },
	{ "#UD", EVENT(injected.info), U32, 0x80000306, 2, 0 },
	{ "#GP with an error code", EVENT(injected.info), U32, 0x80000b0d, 2, 0 },
	{ "#UD with an error code", EVENT(injected.info), U32, 0x80000b06, 2, -EINVAL },
	{ "exception 32", EVENT(injected.info), U32, 0x80000320, 2, -EINVAL },
	{ "reserved type", EVENT(injected.info), U32, 0x80000130, 2, -EINVAL },
	{ "other event", EVENT(injected.info), U32, 0x80000700, 2, -EINVAL },
	{ "reserved bit", EVENT(injected.info), U32, 0x80001306, 2, -EINVAL },
	{ "not valid, not zero", EVENT(injected.info), U32, 0x306, 2, -EINVAL },
	{ "INT n without length", EVENT(injected.info), U32, 0x80000480, 2, -EINVAL },
	{ "length without INT n", EVENT(injected.insn_len), U32, 2, 2, -EINVAL },
	{ "reserved of an event", EVENT(injected.reserved), U32, 1, 2, -EINVAL },
	{ "pending #PF", EVENT(pending.info), U32, 0x80000b0e, 2, 0 },
	{ "pending interrupt", EVENT(pending.info), U32, 0x80000030, 0x202, -EINVAL },
	{ "one NMI behind it", EVENT(nmi_pending), U8, 1, 2, 0 },
	{ "two NMIs behind it", EVENT(nmi_pending), U8, 2, 2, -EINVAL },
	{ "three NMIs", EVENT(nmi_pending), U8, 3, 2, -EINVAL },
	{ "NMI blocked twice", EVENT(nmi_blocked), U8, 2, 2, -EINVAL },
	{ "STI shadow", EVENT(sti_shadow), U8, 1, 0x202, 0 },
	{ "STI shadow, IF clear", EVENT(sti_shadow), U8, 1, 2, -EINVAL },
	{ "MOV SS shadow", EVENT(movss_shadow), U8, 1, 2, 0 },
	{ "SMI", EVENT(smi), U8, 1, 2, -EINVAL },
	{ "SIPI twice", EVENT(sipi_pending), U8, 2, 2, -EINVAL },
	{ "ExtINT level", EVENT(extint_line), U8, 2, 2, -EINVAL },
	{ "waiting for SIPI", EVENT(activity), U32, 3, 2, 0 },
	{ "unknown activity", EVENT(activity), U32, 4, 2, -EINVAL },
	{ "reserved", EVENT(reserved), U32, 1, 2, -EINVAL },
};

static void state_events(struct kunit *test)
{
	struct vmxhv_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(event_cases); i++) {
		struct vmxhv_events e = { .nmi_blocked = 1 };

		poke(&e, event_cases[i].at, event_cases[i].width, event_cases[i].value);
		KUNIT_EXPECT_EQ_MSG(test, event_cases[i].ret,
				    state_check_events(&e, event_cases[i].rflags, &err), "%s",
				    event_cases[i].name);
		if (event_cases[i].ret)
			KUNIT_EXPECT_EQ_MSG(test, err.index, (u32)VMXHV_STATE_EVENTS, "%s",
					    event_cases[i].name);
	}
}

static void state_event_pairs(struct kunit *test)
{
	struct vmxhv_events e = { .sti_shadow = 1, .movss_shadow = 1 };
	struct vmxhv_error err;

	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 0x202, &err));
	e = (struct vmxhv_events){ .sti_shadow = 1, .injected.info = 0x80000030 };
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 0x202, &err));
	e = (struct vmxhv_events){ .movss_shadow = 1, .injected.info = 0x80000202 };
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 0x202, &err));
	e = (struct vmxhv_events){ .injected.info = 0x80000202 };
	KUNIT_EXPECT_EQ(test, 0, state_check_events(&e, 2, &err));
	e = (struct vmxhv_events){ .injected = { .info = 0x80000480, .insn_len = 2 } };
	KUNIT_EXPECT_EQ(test, 0, state_check_events(&e, 2, &err));
	e.injected.insn_len = 16;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 2, &err));
	/* of what is pending INT3 and INTO alone may have a length */
	e = (struct vmxhv_events){ .pending = { .info = 0x80000303, .insn_len = 3 } };
	KUNIT_EXPECT_EQ(test, 0, state_check_events(&e, 2, &err));
	e.pending.insn_len = 16;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 2, &err));
	e.pending = (struct vmxhv_event){ .info = 0x80000301, .insn_len = 1 };
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 2, &err));
	e = (struct vmxhv_events){ .injected = { .info = 0x80000303, .insn_len = 1 } };
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 2, &err));
	e = (struct vmxhv_events){ .injected = { .info = 0x80000b0d, .error_code = 0x10000 } };
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 2, &err));
	e.injected.info = 0x80000b0e;
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 2, &err));
	/* one NMI waits while one is served, two while none is */
	e = (struct vmxhv_events){ .nmi_pending = 2 };
	KUNIT_EXPECT_EQ(test, 0, state_check_events(&e, 2, &err));
	e = (struct vmxhv_events){ .nmi_pending = 2, .injected.info = 0x80000202 };
	KUNIT_EXPECT_EQ(test, -EINVAL, state_check_events(&e, 2, &err));
}

static void debug_registers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, dr6_stored(0), (u64)DR6_RESET);
	KUNIT_EXPECT_EQ(test, dr6_stored(0xffffffff), 0xffffefffull);
	KUNIT_EXPECT_EQ(test, dr7_stored(0), (u64)DR7_RESET);
	KUNIT_EXPECT_EQ(test, dr7_stored(0xffffffff), 0xffff27ffull);
	KUNIT_EXPECT_EQ(test, dr7_stored(dr7_stored(0x12345678)), dr7_stored(0x12345678));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(state_segments),
	KUNIT_CASE(state_control),
	KUNIT_CASE(state_pdptes),
	KUNIT_CASE(state_no_xsave),
	KUNIT_CASE(state_reserved),
	KUNIT_CASE(state_gprs),
	KUNIT_CASE(state_linear_widths),
	KUNIT_CASE(state_debug),
	KUNIT_CASE(state_events),
	KUNIT_CASE(state_event_pairs),
	KUNIT_CASE(debug_registers),
	{}
};

static struct kunit_suite state_suite = { .name = "state", .test_cases = cases };

kunit_test_suite(state_suite);
