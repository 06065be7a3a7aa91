// SPDX-License-Identifier: GPL-2.0-only
/*
 * What SET_STATE accepts, VM entry must accept: good images with a few bits flipped go through the
 * state rules, and what passes is put to the entry checker, which knows the SDM by other tables.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/check.h"
#include "vmx/controls.h"
#include "vmx/fields.h"

#define ROUNDS		20000
#define SEED		0x766d7868

/* the bits of a CPU that every model here has; what the guest may set is below */
#define CR0_FIXED0	(X86_CR0_PE | X86_CR0_NE | X86_CR0_PG)
#define CR4_FIXED0	X86_CR4_VMXE

static const struct state_limits limits = {
	.cr4_valid = 0x3627ff & ~(u64)(X86_CR4_VMXE | BIT(12)),
	.efer_valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
	.xcr0_valid = 0xe7,
	.maxphyaddr = 40,
	.linear_bits = 48,
};

struct guest {
	struct vmxhv_sregs s;
	struct vmxhv_gprs g;
	struct vmxhv_events e;
};

static const struct vmxhv_segment *segment_of(const struct guest *t, u32 field)
{
	/* ES CS SS DS FS GS LDTR TR, in the order of their encodings and of struct vmxhv_sregs */
	return &t->s.es + VMCS_INDEX(field);
}

static u64 read_segment(const struct guest *t, u32 field)
{
	switch (field) {
	case GUEST_ES_SELECTOR ... GUEST_TR_SELECTOR:
		return segment_of(t, field)->selector;
	case GUEST_ES_LIMIT ... GUEST_TR_LIMIT:
		return segment_of(t, field)->limit;
	case GUEST_ES_AR_BYTES ... GUEST_TR_AR_BYTES:
		return (&t->s.es + (field - GUEST_ES_AR_BYTES) / 2)->access & SEGMENT_ACCESS_BITS;
	case GUEST_ES_BASE ... GUEST_TR_BASE:
		return (&t->s.es + (field - GUEST_ES_BASE) / 2)->base;
	}
	return 0;
}

static u64 read_control(const struct guest *t, u32 field)
{
	switch (field) {
	case PIN_BASED_VM_EXEC_CONTROL:
		return PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS;
	case CPU_BASED_VM_EXEC_CONTROL:
		return CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
	case SECONDARY_VM_EXEC_CONTROL:
		return SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_UNRESTRICTED_GUEST;
	case VM_ENTRY_CONTROLS:
		return VM_ENTRY_LOAD_DEBUG_CONTROLS | VM_ENTRY_LOAD_IA32_PAT |
		       VM_ENTRY_LOAD_IA32_EFER | (t->s.efer & EFER_LMA ? VM_ENTRY_IA32E_MODE : 0);
	case VM_ENTRY_INTR_INFO_FIELD:
		return t->e.injected.info;
	case VM_ENTRY_INSTRUCTION_LEN:
		return t->e.injected.insn_len;
	}
	return 0;
}

/* What state_set() and cr_force() write for a state, field by field. */
static u64 read_field(void *ctx, u32 field)
{
	const struct guest *t = ctx;
	bool shadow = t->e.sti_shadow || t->e.movss_shadow;

	switch (field) {
	case GUEST_CR0:
		return cr0_hardware(t->s.cr0 | X86_CR0_ET, CR0_FIXED0, U32_MAX);
	case GUEST_CR3:
		return t->s.cr3;
	case GUEST_CR4:
		return cr4_hardware(t->s.cr4, CR4_FIXED0);
	case GUEST_IA32_EFER:
		return t->s.efer;
	case GUEST_IA32_PAT:
		return MSR_PAT_RESET;
	case GUEST_DR7:
		return DR7_RESET;
	case GUEST_GDTR_BASE:
		return t->s.gdtr.base;
	case GUEST_IDTR_BASE:
		return t->s.idtr.base;
	case GUEST_GDTR_LIMIT:
		return t->s.gdtr.limit;
	case GUEST_IDTR_LIMIT:
		return t->s.idtr.limit;
	case GUEST_PDPTR0:
	case GUEST_PDPTR1:
	case GUEST_PDPTR2:
	case GUEST_PDPTR3:
		return t->s.pdpte[(field - GUEST_PDPTR0) / 2];
	case GUEST_RIP:
		return t->g.rip;
	case GUEST_RFLAGS:
		return t->g.rflags;
	case GUEST_INTERRUPTIBILITY_INFO:
		return (t->e.sti_shadow ? GUEST_INTR_STATE_STI : 0) |
		       (t->e.movss_shadow ? GUEST_INTR_STATE_MOV_SS : 0) |
		       (t->e.nmi_blocked ? GUEST_INTR_STATE_NMI : 0);
	case GUEST_PENDING_DBG_EXCEPTIONS:
		return state_pending_debug(shadow, t->g.rflags, 0);
	case VMCS_LINK_POINTER:
		return ~0ull;
	}
	return read_segment(t, field) ?: read_control(t, field);
}

static const struct vmx_caps caps = {
	.cr0_fixed0 = CR0_FIXED0, .cr0_fixed1 = U32_MAX,
	.cr4_fixed0 = CR4_FIXED0, .cr4_fixed1 = 0x3627ff,
	.phys_bits = 40,
	.linear_bits = 48,
	.misc = VMX_MISC_ACTIVITY_HLT_OK,
};

static const struct vmxhv_segment real_data = { .limit = 0xffff, .access = 0x93 };
static const struct vmxhv_segment flat_data = { .limit = ~0u, .selector = 0x10, .access = 0xc093 };
static const struct vmxhv_segment v86_data = {
	.selector = 0x1234, .base = 0x12340, .limit = 0xffff, .access = 0xf3,
};

enum { REAL, PROTECTED, PAE_PAGING, LONG, COMPATIBILITY, V86, MODES };

static void good_guest(struct guest *t, int mode)
{
	const struct vmxhv_segment *d = mode == REAL ? &real_data :
					mode == V86 ? &v86_data : &flat_data;
	bool lma = mode == LONG || mode == COMPATIBILITY;

	memset(t, 0, sizeof(*t));
	t->s = (struct vmxhv_sregs){
		.es = *d, .cs = *d, .ss = *d, .ds = *d, .fs = *d, .gs = *d,
		.ldtr.access = 0x10000, .tr = { .limit = 0x67, .access = 0x8b },
		.cr0 = X86_CR0_ET | (mode == REAL ? 0 : X86_CR0_PE), .xcr0 = 1,
		.efer = lma ? EFER_LME | EFER_LMA : 0,
		.apic_base = 0xfee00000 | MSR_IA32_APICBASE_ENABLE,
	};
	t->g = (struct vmxhv_gprs){ .rip = 0x1000, .rflags = 0x202 };
	if (mode == V86)
		t->g.rflags |= X86_EFLAGS_VM;
	else if (mode != REAL)
		t->s.cs.access = mode == LONG ? 0xa09b : 0xc09b;
	if (lma || mode == PAE_PAGING) {
		t->s.cr0 |= X86_CR0_PG;
		t->s.cr4 = X86_CR4_PAE;
	}
	if (mode == PAE_PAGING)
		t->s.pdpte[0] = 0x1001;
}

/* The same order as state_check_all(). */
static bool accepted(const struct guest *t)
{
	bool vm86 = t->g.rflags & X86_EFLAGS_VM;

	return !state_check_reserved(&t->s, &limits, NULL) &&
	       !state_check_control(&t->s, &limits, NULL) &&
	       !state_check_segments(&t->s, vm86, &limits, NULL) &&
	       !state_check_gprs(&t->g, &t->s, 48, NULL) &&
	       !state_check_events(&t->e, t->g.rflags, NULL);
}

static const u32 injections[] = {
	0, 0x80000030, 0x80000202, 0x80000306, 0x80000b0d, 0x80000480, 0x80000603, 0x80000501,
};

/* Flips up to three bits, mostly where a bit means something. */
static void disturb(struct guest *t, struct rnd_state *rnd)
{
	u32 n = prandom_u32_state(rnd) % 4;
	u32 roll = prandom_u32_state(rnd);

	while (n--) {
		u32 bit = prandom_u32_state(rnd) % (8 * sizeof(t->s));

		((u8 *)&t->s)[bit / 8] ^= BIT(bit % 8);
	}
	if (roll % 4 == 0)
		(&t->s.es)[roll >> 8 & 7].access ^= BIT(roll >> 16 & 15);
	if (roll % 8 == 1)
		t->s.cr0 ^= BIT_ULL(roll >> 8 & 31);
	if (roll % 8 == 2)
		t->s.efer ^= BIT_ULL(8) << (roll >> 8 & 3);
	if (roll % 8 == 3)
		t->g.rflags ^= BIT_ULL(roll >> 8 & 31);
	if (roll % 8 == 5)
		t->g.rip ^= BIT_ULL(roll >> 8 & 63);
	if (roll % 8 == 6) {
		t->e.injected.info = injections[roll >> 8 & 7];
		t->e.injected.insn_len = (roll >> 8 & 7) >= 5 ? 2 : 0;
		t->e.sti_shadow = roll >> 16 & 1;
		t->e.movss_shadow = roll >> 17 & 1;
		t->e.nmi_blocked = roll >> 18 & 1;
	}
}

static void state_entry_agrees(struct kunit *test)
{
	struct guest *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct vmx_check_reader reader = { .read = read_field, .ctx = t };
	struct vmx_violation violation;
	struct rnd_state rnd;
	u32 i, taken = 0;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < MODES; i++) {
		good_guest(t, i);
		KUNIT_EXPECT_TRUE_MSG(test, accepted(t), "mode %u", i);
	}
	prandom_seed_state(&rnd, SEED);
	for (i = 0; i < ROUNDS; i++) {
		good_guest(t, i % MODES);
		disturb(t, &rnd);
		if (!accepted(t))
			continue;
		taken++;
		memset(&violation, 0, sizeof(violation));
		if (!vmx_check_guest(&reader, &caps, &violation))
			continue;
		KUNIT_FAIL(test, "round %u: %s, field %x value %llx", i, violation.text,
			   violation.field, violation.value);
		break;
	}
	/* neither all nor nothing was accepted, or the rounds say little */
	KUNIT_EXPECT_TRUE_MSG(test, taken > ROUNDS / 10 && taken < ROUNDS - ROUNDS / 10, "%u",
			      taken);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(state_entry_agrees),
	{}
};

static struct kunit_suite state_entry_suite = { .name = "state_entry", .test_cases = cases };

kunit_test_suite(state_entry_suite);
