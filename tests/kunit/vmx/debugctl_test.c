// SPDX-License-Identifier: GPL-2.0-only
/* IA32_DEBUGCTL in the VMCS: the guest's bits, and beside them the host's, unseen. */
#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/slab.h>
#include <asm/msr.h>

#include "vcpu/cpu.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

static u64 seen_by_guest(struct vcpu *v)
{
	u64 value = ~0ull;

	return msr_get(v, MSR_IA32_DEBUGCTLMSR, &value) ? ~0ull : value;
}

/* The emulated CPU has no bit that the host could set: the VMCS's is to follow it to 0. */
static void begin_burst(struct kunit *test, struct vcpu *v)
{
	local_irq_disable();
	host_burst_begin(v);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, v->host.debugctl & DEBUGCTL_OF_HOST, 0);
}

static void host_bits(struct kunit *test, struct vcpu *v)
{
	const u64 btf = DEBUGCTLMSR_BTF, freeze = DEBUGCTLMSR_FREEZE_IN_SMM;

	v->vmcs_host.debugctl = freeze;
	KUNIT_EXPECT_EQ(test, msr_set(v, MSR_IA32_DEBUGCTLMSR, btf, false), 0);
	KUNIT_EXPECT_EQ(test, vmcs_read64(GUEST_IA32_DEBUGCTL), btf | freeze);
	KUNIT_EXPECT_EQ(test, seen_by_guest(v), btf);
	KUNIT_EXPECT_EQ(test, msr_set(v, MSR_IA32_DEBUGCTLMSR, freeze, false), 1);
	KUNIT_EXPECT_EQ(test, msr_set(v, MSR_IA32_DEBUGCTLMSR, freeze, true), 1);
	KUNIT_EXPECT_EQ(test, msr_set(v, MSR_IA32_DEBUGCTLMSR, 0, false), 0);
	KUNIT_EXPECT_EQ(test, vmcs_read64(GUEST_IA32_DEBUGCTL), freeze);
	KUNIT_EXPECT_EQ(test, seen_by_guest(v), 0);

	KUNIT_EXPECT_EQ(test, msr_set(v, MSR_IA32_DEBUGCTLMSR, btf, false), 0);
	begin_burst(test, v);
	KUNIT_EXPECT_EQ(test, vmcs_read64(GUEST_IA32_DEBUGCTL), btf);
	/* and while the host's does not change, nobody writes */
	vmcs_write64(GUEST_IA32_DEBUGCTL, btf | freeze);
	begin_burst(test, v);
	KUNIT_EXPECT_EQ(test, vmcs_read64(GUEST_IA32_DEBUGCTL), btf | freeze);
}

static void the_hosts_bits_stand_beside_the_guests(struct kunit *test)
{
	struct vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct vmx_refusal why;
	struct loaded_vmcs lv;

	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_EQ(test, 0, vmx_get(&why));
	KUNIT_ASSERT_EQ(test, 0, loaded_vmcs_init(&lv));
	v->loaded = true;
	v->host.loaded = true;
	preempt_disable();
	KUNIT_EXPECT_EQ(test, 0, vmcs_load(&lv));
	host_bits(test, v);
	preempt_enable();
	KUNIT_EXPECT_FALSE(test, lv.failed);
	loaded_vmcs_free(&lv);
	vmx_put();
}

static struct kunit_case debugctl_cases[] = {
	KUNIT_CASE(the_hosts_bits_stand_beside_the_guests),
	{}
};

static struct kunit_suite debugctl_suite = {
	.name = "debugctl", .test_cases = debugctl_cases,
};

kunit_test_suite(debugctl_suite);
