// SPDX-License-Identifier: GPL-2.0-only
/* What CPUs do that the emulated one does not: the decisions, without the CPU. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/processor.h>

#include "vcpu/core.h"
#include "vcpu/run.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/controls.h"
#include "vmx/l1d.h"

/* l1tf= of the host, on CPUs that have the fault and CPUs that have not */
static void l1d_flushes(struct kunit *test)
{
	static const struct {
		bool bug;
		enum l1tf_mitigations mitigation;
		u64 caps;
		enum vmx_l1d_when when;
	} rows[] = {
		{ false, L1TF_MITIGATION_FULL_FORCE, 0, VMX_L1D_NEVER },
		{ true, L1TF_MITIGATION_OFF, 0, VMX_L1D_NEVER },
		{ true, L1TF_MITIGATION_FLUSH_NOWARN, 0, VMX_L1D_STALE },
		{ true, L1TF_MITIGATION_FLUSH, 0, VMX_L1D_STALE },
		{ true, L1TF_MITIGATION_FLUSH_NOSMT, 0, VMX_L1D_STALE },
		{ true, L1TF_MITIGATION_FULL, 0, VMX_L1D_ALWAYS },
		{ true, L1TF_MITIGATION_FULL_FORCE, 0, VMX_L1D_ALWAYS },
		/* a hypervisor below us does it */
		{ true, L1TF_MITIGATION_FULL_FORCE, ARCH_CAP_SKIP_VMENTRY_L1DFLUSH,
		  VMX_L1D_NEVER },
		{ true, L1TF_MITIGATION_FLUSH, ARCH_CAP_RDCL_NO, VMX_L1D_STALE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, vmx_l1d_when(rows[i].bug, rows[i].mitigation,
						       rows[i].caps), rows[i].when, "row %u", i);
}

/* A CPU may exit for the NMI window while STI blocks, and refuses the NMI all the same. */
static void windows(struct kunit *test)
{
	const u32 irq = CPU_BASED_INTR_WINDOW_EXITING, nmi = CPU_BASED_NMI_WINDOW_EXITING;
	static const u32 shadows[] = { 0, SHADOW_STI, SHADOW_MOV_SS, SHADOW_NMI,
				       SHADOW_NMI | SHADOW_STI };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shadows); i++) {
		const bool sti = shadows[i] & SHADOW_STI;

		KUNIT_EXPECT_EQ(test, window_controls(false, false, shadows[i]), 0);
		KUNIT_EXPECT_EQ(test, window_controls(true, false, shadows[i]), irq);
		KUNIT_EXPECT_EQ_MSG(test, window_controls(false, true, shadows[i]),
				    sti ? irq : nmi, "shadow %#x", shadows[i]);
		KUNIT_EXPECT_EQ_MSG(test, window_controls(true, true, shadows[i]),
				    sti ? irq : irq | nmi, "shadow %#x", shadows[i]);
	}
}

/* With split-lock detection #AC is the guest's own only where all three want alignment checked. */
static void alignment_checks(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		const unsigned int cpl = i & 3;
		const u64 am = i & 4 ? X86_CR0_AM : 0;
		const u64 ac = i & 8 ? X86_EFLAGS_AC : 0;

		KUNIT_EXPECT_EQ(test, exception_alignment_checked(cpl, X86_CR0_PE | am,
								  X86_EFLAGS_FIXED | ac),
				cpl == 3 && am && ac);
	}
}

/* How long a halted vCPU looks before it sleeps: doubled while that would have been enough. */
static void halt_polls(struct kunit *test)
{
	static const struct { u64 poll, waited, limit, next; } rows[] = {
		{ 0, 5, 200, 10 }, { 10, 5, 200, 10 }, { 10, 10, 200, 10 }, { 10, 11, 200, 20 },
		{ 160, 170, 200, 200 }, { 200, 201, 200, 0 }, { 0, 201, 200, 0 },
		{ 160, 5, 100, 100 }, { 10, 1, 0, 0 }, { 0, 0, 0, 0 }, { 0, 3, 5, 5 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, halt_poll_next(rows[i].poll, rows[i].waited,
							 rows[i].limit, 10),
				    rows[i].next, "row %u", i);
}

static struct kunit_case silicon_cases[] = {
	KUNIT_CASE(halt_polls),
	KUNIT_CASE(l1d_flushes),
	KUNIT_CASE(windows),
	KUNIT_CASE(alignment_checks),
	{}
};

static struct kunit_suite silicon_suite = { .name = "silicon", .test_cases = silicon_cases };

kunit_test_suite(silicon_suite);
