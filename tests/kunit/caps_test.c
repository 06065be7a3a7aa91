// SPDX-License-Identifier: GPL-2.0-only
/* Capability checks on every CPU model that we have data of, and on CPUs that nobody made. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/controls.h"

/* as a Linux host has them: VMXE not yet set */
#define MODEL_CR0	0x80050033
#define MODEL_CR4	0x6f0

#include "cpu_models.h"

static const struct vmx_cpu *model(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpu_models); i++)
		if (!strcmp(cpu_models[i].name, name))
			return &cpu_models[i].cpu;
	return NULL;
}

static const struct model_case {
	const char *name;
	enum vmxhv_unusable reason;
	int error;
} model_cases[] = {
	{ "ryzen", VMXHV_UNUSABLE_NO_VMX, -ENODEV },
	{ "p4_prescott_celeron_336", VMXHV_UNUSABLE_NO_VMX, -ENODEV },
	{ "core2_penryn_t9600", VMXHV_UNUSABLE_EPT, -EOPNOTSUPP },
	{ "corei5_lynnfield_750", VMXHV_UNUSABLE_UNRESTRICTED, -EOPNOTSUPP },
	{ "corei5_arrandale_m520", VMXHV_USABLE, 0 },
	{ "corei7_sandy_bridge_2600k", VMXHV_USABLE, 0 },
	{ "corei7_ivy_bridge_3770k", VMXHV_USABLE, 0 },
	{ "corei7_haswell_4770", VMXHV_USABLE, 0 },
	{ "broadwell_ult", VMXHV_USABLE, 0 },
	{ "corei3_cnl", VMXHV_USABLE, 0 },
	{ "corei7_skylake_x", VMXHV_USABLE, 0 },
	{ "corei7_icelake_u", VMXHV_USABLE, 0 },
	{ "tigerlake", VMXHV_USABLE, 0 },
};

static void models(struct kunit *test)
{
	const struct model_case *c = test->param_value;
	const struct vmx_cpu *cpu = model(c->name);
	struct vmx_refusal why;
	struct vmx_caps caps;

	KUNIT_ASSERT_NOT_NULL(test, cpu);
	KUNIT_EXPECT_EQ(test, c->error, vmx_caps_check(cpu, &caps, &why));
	KUNIT_EXPECT_EQ_MSG(test, c->reason, why.reason, "%s", why.text);
	KUNIT_EXPECT_EQ(test, c->error, why.error);
	KUNIT_EXPECT_EQ(test, !c->error, !why.text[0]);
}

KUNIT_ARRAY_PARAM_DESC(models, model_cases, name);

static void penryn_is_told_what_it_lacks(struct kunit *test)
{
	struct vmx_refusal why;
	struct vmx_caps caps;

	vmx_caps_check(model("core2_penryn_t9600"), &caps, &why);
	KUNIT_EXPECT_EQ(test, why.msr, MSR_IA32_VMX_PROCBASED_CTLS2);
	KUNIT_EXPECT_NOT_NULL(test, strstr(why.text, "SECONDARY_EXEC_ENABLE_EPT"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(why.text, "SECONDARY_EXEC_ENABLE_VPID"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(why.text, "SECONDARY_EXEC_UNRESTRICTED_GUEST"));
}

static void skylake_base_values(struct kunit *test)
{
	struct vmx_refusal why;
	struct vmx_caps caps;

	KUNIT_ASSERT_EQ(test, 0, vmx_caps_check(model("corei7_skylake_x"), &caps, &why));
	KUNIT_EXPECT_EQ(test, caps.revision, 0x2b);
	KUNIT_EXPECT_EQ(test, caps.vmcs_size, 0x1000);
	KUNIT_EXPECT_EQ(test, caps.pin, 0x3f);
	KUNIT_EXPECT_EQ(test, caps.cpu2, 0xa2);
	KUNIT_EXPECT_EQ(test, caps.cpu & (CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_INVLPG_EXITING |
					  CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_TPR_SHADOW), 0);
	KUNIT_EXPECT_EQ(test, caps.cpu & caps.cpu_allowed0, caps.cpu_allowed0);
	KUNIT_EXPECT_EQ(test, caps.entry & VM_ENTRY_IA32E_MODE, 0);
	KUNIT_EXPECT_TRUE(test, caps.ept_ad && caps.ept_1g && caps.ept_2m && caps.pml);
	KUNIT_EXPECT_TRUE(test, caps.tsc_scaling && caps.apic_reg_virt);
	KUNIT_EXPECT_TRUE(test, caps.has_preemption_timer);
	KUNIT_EXPECT_EQ(test, caps.preemption_timer_shift, 0);
}

/* x86_vcpu set the EPT accessed/dirty bit without asking. */
static void sandy_bridge_has_no_accessed_dirty(struct kunit *test)
{
	struct vmx_refusal why;
	struct vmx_caps caps;

	KUNIT_ASSERT_EQ(test, 0, vmx_caps_check(model("corei7_sandy_bridge_2600k"), &caps, &why));
	KUNIT_EXPECT_FALSE(test, caps.ept_ad);
	KUNIT_EXPECT_FALSE(test, caps.ept_1g);
	KUNIT_EXPECT_FALSE(test, caps.pml);
	KUNIT_EXPECT_FALSE(test, caps.apic_reg_virt);
}

/* What is changed in skylake_x's words, and what must come of it. */
static const struct synthetic_case {
	const char *name;
	enum { MSR_CLEAR, MSR_SET, MSR_GONE, FEATURE, FEATURE_GONE, CR0_IS, CR4_IS } what;
	enum vmx_msr msr;
	u64 bits;
	enum vmxhv_unusable reason;
} synthetic_cases[] = {
	{ "unlocked feature control", FEATURE, 0, 0, VMXHV_USABLE },
	{ "unlocked, VMX on", FEATURE, 0, 4, VMXHV_USABLE },
	{ "locked off", FEATURE, 0, 1, VMXHV_UNUSABLE_LOCKED },
	{ "locked, on inside SMX only", FEATURE, 0, 3, VMXHV_UNUSABLE_LOCKED },
	{ "locked on", FEATURE, 0, 5, VMXHV_USABLE },
	{ "feature control missing", FEATURE_GONE, 0, 0, VMXHV_UNUSABLE_LOCKED },
	{ "VMXE already set", CR4_IS, 0, MODEL_CR4 | X86_CR4_VMXE, VMXHV_UNUSABLE_IN_USE },
	{ "the host uses FRED", CR4_IS, 0, MODEL_CR4 | BIT_ULL(32), VMXHV_UNUSABLE_FRED },
	{ "VMX_BASIC missing", MSR_GONE, VMX_MSR_BASIC, 0, VMXHV_UNUSABLE_BASIC },
	{ "region of 0 bytes", MSR_CLEAR, VMX_MSR_BASIC, 0x1fffull << 32, VMXHV_UNUSABLE_BASIC },
	{ "region over 4096 bytes", MSR_SET, VMX_MSR_BASIC, 1ull << 32, VMXHV_UNUSABLE_BASIC },
	{ "32-bit addresses only", MSR_SET, VMX_MSR_BASIC, 1ull << 48, VMXHV_UNUSABLE_BASIC },
	{ "uncacheable VMCS", MSR_CLEAR, VMX_MSR_BASIC, 0xfull << 50, VMXHV_UNUSABLE_BASIC },
	{ "no INS/OUTS information", MSR_CLEAR, VMX_MSR_BASIC, 1ull << 54, VMXHV_UNUSABLE_BASIC },
	{ "no TRUE controls", MSR_CLEAR, VMX_MSR_BASIC, 1ull << 55, VMXHV_UNUSABLE_BASIC },
	{ "revision bit 31", MSR_SET, VMX_MSR_BASIC, 1ull << 31, VMXHV_UNUSABLE_BASIC },
	{ "TRUE pin MSR missing", MSR_GONE, VMX_MSR_TRUE_PIN, 0, VMXHV_UNUSABLE_CONTROLS },
	{ "no virtual NMIs", MSR_CLEAR, VMX_MSR_TRUE_PIN, (u64)PIN_BASED_VIRTUAL_NMIS << 32,
	  VMXHV_UNUSABLE_CONTROLS },
	{ "no preemption timer", MSR_CLEAR, VMX_MSR_TRUE_PIN,
	  (u64)PIN_BASED_VMX_PREEMPTION_TIMER << 32, VMXHV_USABLE },
	{ "no MSR bitmaps", MSR_CLEAR, VMX_MSR_TRUE_CPU, (u64)CPU_BASED_USE_MSR_BITMAPS << 32,
	  VMXHV_UNUSABLE_MSR_BITMAP },
	{ "no interrupt window", MSR_CLEAR, VMX_MSR_TRUE_CPU,
	  (u64)CPU_BASED_INTR_WINDOW_EXITING << 32, VMXHV_UNUSABLE_CONTROLS },
	{ "CR3 loads always exit", MSR_SET, VMX_MSR_TRUE_CPU, CPU_BASED_CR3_LOAD_EXITING,
	  VMXHV_UNUSABLE_CONTROLS },
	{ "INVLPG always exits", MSR_SET, VMX_MSR_TRUE_CPU, CPU_BASED_INVLPG_EXITING,
	  VMXHV_UNUSABLE_CONTROLS },
	{ "no TPR shadow", MSR_CLEAR, VMX_MSR_TRUE_CPU, (u64)CPU_BASED_TPR_SHADOW << 32,
	  VMXHV_USABLE },
	{ "no secondary controls", MSR_CLEAR, VMX_MSR_TRUE_CPU, 1ull << 63,
	  VMXHV_UNUSABLE_CONTROLS },
	{ "secondary MSR missing", MSR_GONE, VMX_MSR_CPU2, 0, VMXHV_UNUSABLE_CONTROLS },
	{ "no EPT", MSR_CLEAR, VMX_MSR_CPU2, (u64)SECONDARY_EXEC_ENABLE_EPT << 32,
	  VMXHV_UNUSABLE_EPT },
	{ "no unrestricted guest", MSR_CLEAR, VMX_MSR_CPU2,
	  (u64)SECONDARY_EXEC_UNRESTRICTED_GUEST << 32, VMXHV_UNUSABLE_UNRESTRICTED },
	{ "no VPID", MSR_CLEAR, VMX_MSR_CPU2, (u64)SECONDARY_EXEC_ENABLE_VPID << 32,
	  VMXHV_UNUSABLE_VPID },
	{ "no EFER on exit", MSR_CLEAR, VMX_MSR_TRUE_EXIT, (u64)VM_EXIT_LOAD_IA32_EFER << 32,
	  VMXHV_UNUSABLE_CONTROLS },
	{ "no EFER on entry", MSR_CLEAR, VMX_MSR_TRUE_ENTRY, (u64)VM_ENTRY_LOAD_IA32_EFER << 32,
	  VMXHV_UNUSABLE_CONTROLS },
	{ "guests in IA-32e mode only", MSR_SET, VMX_MSR_TRUE_ENTRY, VM_ENTRY_IA32E_MODE,
	  VMXHV_UNUSABLE_CONTROLS },
	{ "EPT MSR missing", MSR_GONE, VMX_MSR_EPT_VPID, 0, VMXHV_UNUSABLE_EPT },
	{ "no 4-level EPT", MSR_CLEAR, VMX_MSR_EPT_VPID, VMX_EPTCAP_WALK_4, VMXHV_UNUSABLE_EPT },
	{ "no write-back EPT", MSR_CLEAR, VMX_MSR_EPT_VPID, VMX_EPTCAP_WB, VMXHV_UNUSABLE_EPT },
	{ "no INVEPT", MSR_CLEAR, VMX_MSR_EPT_VPID, VMX_EPTCAP_INVEPT, VMXHV_UNUSABLE_EPT },
	{ "no single-context INVEPT", MSR_CLEAR, VMX_MSR_EPT_VPID, VMX_EPTCAP_INVEPT_SINGLE,
	  VMXHV_USABLE },
	{ "INVEPT without types", MSR_CLEAR, VMX_MSR_EPT_VPID,
	  VMX_EPTCAP_INVEPT_SINGLE | VMX_EPTCAP_INVEPT_ALL, VMXHV_UNUSABLE_EPT },
	{ "no INVVPID", MSR_CLEAR, VMX_MSR_EPT_VPID, VMX_EPTCAP_INVVPID, VMXHV_UNUSABLE_VPID },
	{ "no A/D bits", MSR_CLEAR, VMX_MSR_EPT_VPID, VMX_EPTCAP_AD, VMXHV_USABLE },
	{ "CR0.NE clear", CR0_IS, 0, MODEL_CR0 & ~X86_CR0_NE, VMXHV_UNUSABLE_FIXED_BITS },
	{ "CR4 bit not allowed", CR4_IS, 0, MODEL_CR4 | 1ull << 31, VMXHV_UNUSABLE_FIXED_BITS },
	{ "fixed bits missing", MSR_GONE, VMX_MSR_CR4_FIXED1, 0, VMXHV_UNUSABLE_FIXED_BITS },
};

static void change(struct vmx_cpu *cpu, const struct synthetic_case *c)
{
	switch (c->what) {
	case MSR_CLEAR:
		cpu->msr[c->msr] &= ~c->bits;
		break;
	case MSR_SET:
		cpu->msr[c->msr] |= c->bits;
		break;
	case MSR_GONE:
		cpu->msr_valid &= ~(1u << c->msr);
		cpu->msr[c->msr] = 0;
		break;
	case FEATURE:
		cpu->feature_control = c->bits;
		break;
	case FEATURE_GONE:
		cpu->feature_control_valid = false;
		break;
	case CR0_IS:
		cpu->cr0 = c->bits;
		break;
	case CR4_IS:
		cpu->cr4 = c->bits;
		break;
	}
}

static void synthetic(struct kunit *test)
{
	const struct synthetic_case *c = test->param_value;
	struct vmx_cpu cpu = *model("corei7_skylake_x");
	struct vmx_refusal why;
	struct vmx_caps caps;

	cpu.cpu = 3;
	change(&cpu, c);
	vmx_caps_check(&cpu, &caps, &why);
	KUNIT_EXPECT_EQ_MSG(test, c->reason, why.reason, "%s", why.text);
	if (c->reason != VMXHV_USABLE)
		KUNIT_EXPECT_EQ(test, why.cpu, 3);
}

KUNIT_ARRAY_PARAM_DESC(synthetic, synthetic_cases, name);

/*
 * A timer that counts wrongly is as good as none; reserved bits and the stepping's neighbours are.
 */
static void preemption_timers(struct kunit *test)
{
	static const struct { u32 signature; bool works; } cpus[] = {
		{ 0x106a5, false }, { 0x206e6, false }, { 0x20652, false }, { 0x20655, false },
		{ 0x306a8, false }, { 0xf00306a8, false }, { 0xc000 | 0x306a8, false },
		{ 0x306a9, true }, { 0x206a7, true }, { 0x50654, true },
	};
	struct vmx_cpu cpu = *model("corei7_skylake_x");
	struct vmx_refusal why;
	struct vmx_caps caps;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		cpu.cpuid_1_eax = cpus[i].signature;
		KUNIT_ASSERT_EQ(test, 0, vmx_caps_check(&cpu, &caps, &why));
		KUNIT_EXPECT_EQ_MSG(test, caps.has_preemption_timer, cpus[i].works, "%#x",
				    cpus[i].signature);
		KUNIT_EXPECT_EQ(test, caps.save_preemption_timer, cpus[i].works);
	}
	cpu.msr[VMX_MSR_TRUE_PIN] &= ~((u64)PIN_BASED_VMX_PREEMPTION_TIMER << 32);
	KUNIT_ASSERT_EQ(test, 0, vmx_caps_check(&cpu, &caps, &why));
	KUNIT_EXPECT_FALSE(test, caps.has_preemption_timer);
	KUNIT_EXPECT_FALSE(test, caps.save_preemption_timer);
}

/* Performance and efficiency cores of one package: the first word that differs is named. */
static void hybrid_packages(struct kunit *test)
{
	struct vmx_cpu a = *model("tigerlake"), b = a;
	struct vmx_refusal why;

	b.cpu = 16;
	b.cpuid_1_eax ^= 0x10;
	KUNIT_EXPECT_EQ(test, 0, vmx_caps_compare(&a, &b, &why));
	b.msr[VMX_MSR_CPU2] &= ~((u64)SECONDARY_EXEC_TSC_SCALING << 32);
	b.msr[VMX_MSR_EPT_VPID] &= ~VMX_EPTCAP_AD;
	KUNIT_EXPECT_EQ(test, -EXDEV, vmx_caps_compare(&a, &b, &why));
	KUNIT_EXPECT_EQ(test, why.cpu, 16);
	KUNIT_EXPECT_EQ(test, why.msr, VMX_MSR_FIRST + VMX_MSR_CPU2);
	KUNIT_EXPECT_EQ(test, -EXDEV, vmx_caps_compare(&b, &a, &why));
}

/* x86_vcpu wanted exactly 4096 bytes; real CPUs report about 1 KiB. */
static void region_of_1024_bytes(struct kunit *test)
{
	struct vmx_cpu cpu = *model("corei7_skylake_x");
	struct vmx_refusal why;
	struct vmx_caps caps;

	cpu.msr[VMX_MSR_BASIC] &= ~(0x1fffull << 32);
	cpu.msr[VMX_MSR_BASIC] |= 1024ull << 32;
	KUNIT_EXPECT_EQ(test, 0, vmx_caps_check(&cpu, &caps, &why));
	KUNIT_EXPECT_EQ(test, caps.vmcs_size, 1024);
}

/* x86_vcpu's check compared before it masked: every value passed. */
static void fixed_bits(struct kunit *test)
{
	u64 set, clear;

	KUNIT_EXPECT_EQ(test, 0, vmx_fixed_check(0x21, 0x21, 0xff, &set, &clear));
	KUNIT_EXPECT_EQ(test, 0, vmx_fixed_check(0xff, 0x21, 0xff, &set, &clear));
	KUNIT_EXPECT_EQ(test, -EINVAL, vmx_fixed_check(0x20, 0x21, 0xff, &set, &clear));
	KUNIT_EXPECT_EQ(test, set, 1);
	KUNIT_EXPECT_EQ(test, clear, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, vmx_fixed_check(0x121, 0x21, 0xff, &set, &clear));
	KUNIT_EXPECT_EQ(test, set, 0);
	KUNIT_EXPECT_EQ(test, clear, 0x100);
	KUNIT_EXPECT_EQ(test, -EINVAL, vmx_fixed_check(0, 0x80000021, ~0u, &set, &clear));
}

static void equal_cpus_do_not_differ(struct kunit *test)
{
	struct vmx_cpu a = *model("corei7_skylake_x"), b = a;
	struct vmx_refusal why;

	b.cpu = 1;
	KUNIT_EXPECT_EQ(test, 0, vmx_caps_compare(&a, &b, &why));
	b.msr[VMX_MSR_VMCS_ENUM] ^= 2;
	KUNIT_EXPECT_EQ(test, 0, vmx_caps_compare(&a, &b, &why));
	KUNIT_EXPECT_EQ(test, why.reason, VMXHV_USABLE);
}

static void cpus_that_differ(struct kunit *test)
{
	struct vmx_cpu a = *model("corei7_skylake_x"), b;
	struct vmx_refusal why;
	unsigned int i;

	for (i = 0; i < VMXHV_VMX_MSRS; i++) {
		if (i == VMX_MSR_VMCS_ENUM)
			continue;
		b = a;
		b.cpu = 1;
		b.msr[i] ^= 1ull << 40;
		KUNIT_EXPECT_EQ(test, -EXDEV, vmx_caps_compare(&a, &b, &why));
		KUNIT_EXPECT_EQ(test, why.reason, VMXHV_UNUSABLE_CPUS_DIFFER);
		KUNIT_EXPECT_EQ(test, why.msr, VMX_MSR_FIRST + i);
		KUNIT_EXPECT_EQ(test, why.cpu, 1);
		KUNIT_EXPECT_EQ(test, why.seen, b.msr[i]);
		KUNIT_EXPECT_EQ(test, why.wanted, a.msr[i]);
	}
	b = a;
	b.msr_valid &= ~1u;
	KUNIT_EXPECT_EQ(test, -EXDEV, vmx_caps_compare(&a, &b, &why));
	b = a;
	b.cpuid_phys_bits++;
	KUNIT_EXPECT_EQ(test, -EXDEV, vmx_caps_compare(&a, &b, &why));
	b = a;
	b.cpuid_linear_bits = 57;
	KUNIT_EXPECT_EQ(test, -EXDEV, vmx_caps_compare(&a, &b, &why));
	KUNIT_EXPECT_EQ(test, why.seen, 57u);
}

static struct kunit_case caps_cases[] = {
	KUNIT_CASE_PARAM(models, models_gen_params),
	KUNIT_CASE(penryn_is_told_what_it_lacks),
	KUNIT_CASE(skylake_base_values),
	KUNIT_CASE(sandy_bridge_has_no_accessed_dirty),
	KUNIT_CASE_PARAM(synthetic, synthetic_gen_params),
	KUNIT_CASE(preemption_timers),
	KUNIT_CASE(hybrid_packages),
	KUNIT_CASE(region_of_1024_bytes),
	KUNIT_CASE(fixed_bits),
	KUNIT_CASE(equal_cpus_do_not_differ),
	KUNIT_CASE(cpus_that_differ),
	{}
};

static struct kunit_suite caps_suite = {
	.name = "vmx_caps",
	.test_cases = caps_cases,
};

kunit_test_suite(caps_suite);
