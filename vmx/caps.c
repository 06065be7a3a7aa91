// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judges what a CPU says of its VMX. Pure: the CPU's words come in a struct vmx_cpu, so every
 * generation of hardware can be tried on any machine.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "vmx/arch.h"
#include "vmx/controls.h"
#include "vmx/refuse.h"

#define CPUID_1_EAX_SIGNATURE	0x0fff3fff
#define CPUID_1_ECX_VMX		BIT(5)
#define CR4_FRED		BIT_ULL(32)	/* not all kernels name it */

static u32 msr_number(enum vmx_msr msr)
{
	return VMX_MSR_FIRST + msr;
}

static bool msr_there(const struct vmx_cpu *cpu, enum vmx_msr msr)
{
	return cpu->msr_valid & BIT(msr);
}

static int check_cpuid(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	if (cpu->cpuid_1_ecx & CPUID_1_ECX_VMX)
		return 0;
	return vmx_refuse(why, VMXHV_UNUSABLE_NO_VMX, 0, cpu->cpuid_1_ecx, CPUID_1_ECX_VMX,
			  "this CPU has no VMX (CPUID.1:ECX bit 5 is clear)");
}

/* SDM "Enabling and Entering VMX Operation": unlocked will do, since then we write it. */
static int check_feature_control(const struct vmx_cpu *cpu, struct vmx_caps *out,
				 struct vmx_refusal *why)
{
	const u64 wanted = FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;

	if (!cpu->feature_control_valid)
		return vmx_refuse(why, VMXHV_UNUSABLE_LOCKED, MSR_IA32_FEAT_CTL, 0, wanted,
				  "IA32_FEATURE_CONTROL cannot be read");
	if ((cpu->feature_control & FEAT_CTL_LOCKED) &&
	    !(cpu->feature_control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		return vmx_refuse(why, VMXHV_UNUSABLE_LOCKED, MSR_IA32_FEAT_CTL,
				  cpu->feature_control, wanted,
				  "firmware locked VMX off: enable virtualization in its setup");
	return 0;
}

static int check_owner(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	if (!(cpu->cr4 & X86_CR4_VMXE))
		return 0;
	return vmx_refuse(why, VMXHV_UNUSABLE_IN_USE, 0, cpu->cr4, 0,
			  "VMX is in use (CR4.VMXE is set)");
}

/*
 * SDM "Basic VMX Information". Real CPUs report regions of about 1 KiB; 4096 is only the bound, and
 * one page holds what is smaller.
 */
static int check_basic(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	const u64 wanted = VMX_BASIC_INOUT_INFO | VMX_BASIC_TRUE_CONTROLS;
	u64 basic = cpu->msr[VMX_MSR_BASIC];
	const char *text = NULL;

	if (!msr_there(cpu, VMX_MSR_BASIC))
		text = "IA32_VMX_BASIC cannot be read";
	else if (basic & VMX_BASIC_RESERVED31)
		text = "IA32_VMX_BASIC: bit 31 of the revision identifier is set";
	else if (!VMX_BASIC_SIZE(basic) || VMX_BASIC_SIZE(basic) > VMX_REGION_MAX)
		text = "IA32_VMX_BASIC: the VMCS region's size is not 1 to 4096 bytes";
	else if (basic & VMX_BASIC_ADDR32)
		text = "IA32_VMX_BASIC: VMX structures are limited to 32-bit addresses";
	else if (VMX_BASIC_MEMTYPE(basic) != VMX_MEMTYPE_WB)
		text = "IA32_VMX_BASIC: VMX structures are not write-back memory";
	else if (!(basic & VMX_BASIC_INOUT_INFO))
		text = "IA32_VMX_BASIC: no exit information for INS and OUTS";
	else if (!(basic & VMX_BASIC_TRUE_CONTROLS))
		text = "IA32_VMX_BASIC: no TRUE capability MSRs";
	if (text)
		return vmx_refuse(why, VMXHV_UNUSABLE_BASIC, msr_number(VMX_MSR_BASIC), basic,
				  wanted, "%s", text);

	out->revision = VMX_BASIC_REVISION(basic);
	out->vmcs_size = VMX_BASIC_SIZE(basic);
	out->any_error_code = basic & VMX_BASIC_ANY_ERROR_CODE;
	return 0;
}

/**
 * vmx_fixed_check() - does a control register obey VMX's fixed bits?
 * @value: CR0 or CR4
 * @fixed0: bits that must be 1
 * @fixed1: bits that may be 1
 * @must_set: out: bits that ought to be 1 and are not
 * @must_clear: out: bits that ought to be 0 and are not
 *
 * SDM "VMX-Fixed Bits in CR0", "VMX-Fixed Bits in CR4".
 *
 * Context: Any.
 * Return: 0, or -EINVAL if a bit is wrong.
 */
int vmx_fixed_check(u64 value, u64 fixed0, u64 fixed1, u64 *must_set, u64 *must_clear)
{
	*must_set = fixed0 & ~value;
	*must_clear = value & ~fixed1;
	return (*must_set || *must_clear) ? -EINVAL : 0;
}

VMXHV_EXPORT_FOR_TEST(vmx_fixed_check);

static int check_fixed_register(const struct vmx_cpu *cpu, enum vmx_msr fixed0, u64 value,
				const char *name, struct vmx_refusal *why)
{
	u64 set, clear;

	if (!msr_there(cpu, fixed0) || !msr_there(cpu, fixed0 + 1))
		return vmx_refuse(why, VMXHV_UNUSABLE_FIXED_BITS, msr_number(fixed0), 0, 0,
				  "the fixed bits of %s cannot be read", name);
	if (!vmx_fixed_check(value, cpu->msr[fixed0], cpu->msr[fixed0 + 1], &set, &clear))
		return 0;
	return vmx_refuse(why, VMXHV_UNUSABLE_FIXED_BITS, msr_number(set ? fixed0 : fixed0 + 1),
			  value, set ? set : ~clear,
			  "the host's %s (%#llx) breaks VMX's fixed bits: %#llx must be 1, %#llx 0",
			  name, value, set, clear);
}

/*
 * An NMI that makes a guest exit is given to the host by INT 2, which under FRED is no NMI but a
 * software interrupt of the kernel's own: fatal.
 */
static int check_fred(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	if (!(cpu->cr4 & CR4_FRED))
		return 0;
	return vmx_refuse(why, VMXHV_UNUSABLE_FRED, 0, cpu->cr4, cpu->cr4 & ~CR4_FRED,
			  "the host takes events by FRED (CR4 bit 32): boot it with fred=off");
}

static int check_fixed(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	int ret;

	ret = check_fixed_register(cpu, VMX_MSR_CR0_FIXED0, cpu->cr0, "CR0", why);
	if (ret)
		return ret;
	/* VMXE is what we are going to set */
	ret = check_fixed_register(cpu, VMX_MSR_CR4_FIXED0, cpu->cr4 | X86_CR4_VMXE, "CR4", why);
	if (ret)
		return ret;

	out->cr0_fixed0 = cpu->msr[VMX_MSR_CR0_FIXED0];
	out->cr0_fixed1 = cpu->msr[VMX_MSR_CR0_FIXED1];
	out->cr4_fixed0 = cpu->msr[VMX_MSR_CR4_FIXED0];
	out->cr4_fixed1 = cpu->msr[VMX_MSR_CR4_FIXED1];
	return 0;
}

/* Some missing controls have a cause of their own, in this order. */
static enum vmxhv_unusable reason_of_missing(enum vmx_control_word word, u32 missing)
{
	static const struct {
		enum vmx_control_word word;
		u32 mask;
		enum vmxhv_unusable reason;
	} reasons[] = {
		{ VMX_WORD_CPU, CPU_BASED_USE_MSR_BITMAPS, VMXHV_UNUSABLE_MSR_BITMAP },
		{ VMX_WORD_CPU2, SECONDARY_EXEC_ENABLE_EPT, VMXHV_UNUSABLE_EPT },
		{ VMX_WORD_CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST, VMXHV_UNUSABLE_UNRESTRICTED },
		{ VMX_WORD_CPU2, SECONDARY_EXEC_ENABLE_VPID, VMXHV_UNUSABLE_VPID },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].word == word && (reasons[i].mask & missing))
			return reasons[i].reason;
	return VMXHV_UNUSABLE_CONTROLS;
}

static int refuse_controls(struct vmx_refusal *why, enum vmx_control_word word, enum vmx_msr msr,
			   u64 seen, u64 wanted, u32 bits, const char *what)
{
	int ret = vmx_refuse(why, reason_of_missing(word, bits), msr_number(msr), seen, wanted,
			     "%s:", what);
	u32 left;

	for (left = bits; left; left &= left - 1)
		vmx_refusal_add(why, " %s", vmx_control_name(word, left & -left));
	return ret;
}

static int check_word(const struct vmx_cpu *cpu, enum vmx_control_word word, enum vmx_msr msr,
		      u32 *base, u32 *allowed1, u32 *allowed0, struct vmx_refusal *why)
{
	u32 toggled = vmx_control_mask(word, VMX_POLICY_TOGGLED);
	u32 clear = vmx_control_mask(word, VMX_POLICY_CLEAR) | toggled;
	u32 required = vmx_control_mask(word, VMX_POLICY_REQUIRED);
	u64 value = cpu->msr[msr];
	u32 missing, stuck, unused;

	if (!msr_there(cpu, msr))
		return vmx_refuse(why, VMXHV_UNUSABLE_CONTROLS, msr_number(msr), 0, 0,
				  "the capability MSR of the %s cannot be read",
				  vmx_control_word_name(word));
	if (vmx_adjust_control(required | toggled, 0, value, &unused, &missing))
		return refuse_controls(why, word, msr, value, (u64)(required | toggled) << 32,
				       missing, "this CPU lacks");
	stuck = clear & (u32)value;
	if (stuck)
		return refuse_controls(why, word, msr, value, (u32)~stuck, stuck,
				       "this CPU cannot clear");

	*allowed0 = (u32)value;
	*allowed1 = value >> 32;
	return vmx_adjust_control(required, 0, value, base, &missing);
}

static int check_controls(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	const struct {
		enum vmx_control_word word;
		enum vmx_msr msr;
		u32 *base, *allowed1, *allowed0;
	} words[] = {
		{ VMX_WORD_PIN, VMX_MSR_TRUE_PIN,
		  &out->pin, &out->pin_allowed1, &out->pin_allowed0 },
		{ VMX_WORD_CPU, VMX_MSR_TRUE_CPU,
		  &out->cpu, &out->cpu_allowed1, &out->cpu_allowed0 },
		{ VMX_WORD_CPU2, VMX_MSR_CPU2,
		  &out->cpu2, &out->cpu2_allowed1, &out->cpu2_allowed0 },
		{ VMX_WORD_EXIT, VMX_MSR_TRUE_EXIT,
		  &out->exit, &out->exit_allowed1, &out->exit_allowed0 },
		{ VMX_WORD_ENTRY, VMX_MSR_TRUE_ENTRY,
		  &out->entry, &out->entry_allowed1, &out->entry_allowed0 },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(words) && !ret; i++)
		ret = check_word(cpu, words[i].word, words[i].msr, words[i].base,
				 words[i].allowed1, words[i].allowed0, why);
	return ret;
}

/* SDM "VPID and EPT Capabilities" */
static int check_ept(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	const u64 ept = VMX_EPTCAP_WALK_4 | VMX_EPTCAP_WB | VMX_EPTCAP_INVEPT;
	u64 seen = cpu->msr[VMX_MSR_EPT_VPID];
	u32 msr = msr_number(VMX_MSR_EPT_VPID);

	if (!msr_there(cpu, VMX_MSR_EPT_VPID))
		return vmx_refuse(why, VMXHV_UNUSABLE_EPT, msr, 0, ept,
				  "IA32_VMX_EPT_VPID_CAP cannot be read");
	if (~seen & ept)
		return vmx_refuse(why, VMXHV_UNUSABLE_EPT, msr, seen, ept,
				  "EPT lacks 4-level tables, write-back memory or INVEPT");
	if (!(seen & (VMX_EPTCAP_INVEPT_SINGLE | VMX_EPTCAP_INVEPT_ALL)))
		return vmx_refuse(why, VMXHV_UNUSABLE_EPT, msr, seen, VMX_EPTCAP_INVEPT_ALL,
				  "INVEPT has neither its single-context nor its global form");
	if (!(seen & VMX_EPTCAP_INVVPID) ||
	    !(seen & (VMX_EPTCAP_INVVPID_SINGLE | VMX_EPTCAP_INVVPID_ALL)))
		return vmx_refuse(why, VMXHV_UNUSABLE_VPID, msr, seen,
				  VMX_EPTCAP_INVVPID | VMX_EPTCAP_INVVPID_ALL,
				  "INVVPID is missing, or its single- and all-context forms");
	out->ept_vpid = seen;
	return 0;
}

static void name_ept(struct vmx_caps *out)
{
	u64 ept = out->ept_vpid;

	out->ept_2m = ept & VMX_EPTCAP_2M;
	out->ept_1g = ept & VMX_EPTCAP_1G;
	out->ept_ad = ept & VMX_EPTCAP_AD;
	out->ept_exec_only = ept & VMX_EPTCAP_EXEC_ONLY;
	out->ept_5_level = ept & VMX_EPTCAP_WALK_5;
	out->invept_single = ept & VMX_EPTCAP_INVEPT_SINGLE;
	out->invept_all = ept & VMX_EPTCAP_INVEPT_ALL;
	out->invvpid_single = ept & VMX_EPTCAP_INVVPID_SINGLE;
	out->invvpid_all = ept & VMX_EPTCAP_INVVPID_ALL;
	out->invvpid_addr = ept & VMX_EPTCAP_INVVPID_ADDR;
	out->invvpid_keep_global = ept & VMX_EPTCAP_INVVPID_KEEP_GLOBAL;
}

/*
 * Family, model and stepping (CPUID.1:EAX) of CPUs of which Intel's specification updates say that
 * the VMX-preemption timer does not count at the rate that it should.
 */
static const u32 broken_timers[] = {
	0x106a0, 0x106a1, 0x106a4, 0x106a5, 0x106e5,	/* Nehalem */
	0x206e6,					/* Nehalem-EX */
	0x20652, 0x20655,				/* Westmere */
	0x306a8,					/* Ivy Bridge */
};

static bool timer_works(const struct vmx_cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(broken_timers); i++)
		if ((cpu->cpuid_1_eax & CPUID_1_EAX_SIGNATURE) == broken_timers[i])
			return false;
	return true;
}

static void name_timer(const struct vmx_cpu *cpu, struct vmx_caps *out)
{
	out->has_preemption_timer = out->pin_allowed1 & PIN_BASED_VMX_PREEMPTION_TIMER &&
				    timer_works(cpu);
	out->save_preemption_timer = out->has_preemption_timer &&
				     out->exit_allowed1 & VM_EXIT_SAVE_VMX_PREEMPTION_TIMER;
}

static void name_controls(struct vmx_caps *out)
{
	u32 cpu2 = out->cpu2_allowed1;

	out->tpr_shadow = out->cpu_allowed1 & CPU_BASED_TPR_SHADOW;
	out->monitor_trap_flag = out->cpu_allowed1 & CPU_BASED_MONITOR_TRAP_FLAG;
	out->virt_apic_accesses = cpu2 & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	out->apic_reg_virt = cpu2 & SECONDARY_EXEC_APIC_REGISTER_VIRT;
	out->virt_intr_delivery = cpu2 & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
	out->virt_x2apic = cpu2 & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
	out->tsc_scaling = cpu2 & SECONDARY_EXEC_TSC_SCALING;
	out->pml = cpu2 & SECONDARY_EXEC_ENABLE_PML;
	out->mode_based_ept_exec = cpu2 & SECONDARY_EXEC_MODE_BASED_EPT_EXEC;
	out->rdtscp = cpu2 & SECONDARY_EXEC_ENABLE_RDTSCP;
	out->invpcid = cpu2 & SECONDARY_EXEC_ENABLE_INVPCID;
	out->xsaves = cpu2 & SECONDARY_EXEC_ENABLE_XSAVES;
	out->usr_wait_pause = cpu2 & SECONDARY_EXEC_ENABLE_USR_WAIT_PAUSE;
	out->wbinvd_exiting = cpu2 & SECONDARY_EXEC_WBINVD_EXITING;
	out->pause_loop_exiting = cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	out->load_perf_global_ctrl =
		(out->exit_allowed1 & VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL) &&
		(out->entry_allowed1 & VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL);
	out->clear_bndcfgs = out->exit_allowed1 & VM_EXIT_CLEAR_BNDCFGS;
}

static void name_misc(const struct vmx_cpu *cpu, struct vmx_caps *out)
{
	u64 misc = cpu->msr[VMX_MSR_MISC];

	out->misc = misc;
	out->vmfunc = cpu->msr[VMX_MSR_VMFUNC];
	out->cpu3_allowed1 = cpu->msr[VMX_MSR_CPU3];
	out->phys_bits = cpu->cpuid_phys_bits;
	out->linear_bits = cpu->cpuid_linear_bits;
	out->msr_list_max = VMX_MISC_MSR_LIST_MAX(misc);
	out->preemption_timer_shift = VMX_MISC_TIMER_SHIFT(misc);
	out->activity_hlt = misc & VMX_MISC_ACTIVITY_HLT_OK;
	out->activity_shutdown = misc & VMX_MISC_ACTIVITY_SHUTDOWN_OK;
	out->activity_sipi = misc & VMX_MISC_ACTIVITY_SIPI_OK;
	out->zero_length_injection = misc & VMX_MISC_ZERO_LENGTH_INJECTION;
}

/**
 * vmx_caps_check() - judge one CPU
 * @cpu: what it says
 * @out: what it can do; complete only on success
 * @why: why not; cleared on success
 *
 * SDM "Discovering Support for VMX" and "VMX Capability Reporting Facility".
 *
 * Context: Any.
 * Return: 0 or the negative errno of @why.
 */
int vmx_caps_check(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why)
{
	static int (*const steps[])(const struct vmx_cpu *, struct vmx_caps *,
				    struct vmx_refusal *) = {
		check_cpuid, check_feature_control, check_owner, check_basic,
		check_controls, check_ept, check_fred, check_fixed,
	};
	unsigned int i;
	int ret;

	memset(out, 0, sizeof(*out));
	vmx_refusal_clear(why);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		ret = steps[i](cpu, out, why);
		if (ret) {
			why->cpu = cpu->cpu;
			return ret;
		}
	}
	name_ept(out);
	name_timer(cpu, out);
	name_controls(out);
	name_misc(cpu, out);
	return 0;
}

VMXHV_EXPORT_FOR_TEST(vmx_caps_check);

/**
 * vmx_caps_compare() - do two CPUs say the same of their VMX?
 * @a: the CPU to compare with
 * @b: the CPU to compare
 * @why: what differs; cleared when nothing does
 *
 * A VMCS prepared for one CPU's capabilities runs on every CPU. IA32_VMX_VMCS_ENUM is left out,
 * since nothing depends on it.
 *
 * Context: Any.
 * Return: 0 or -EXDEV.
 */
int vmx_caps_compare(const struct vmx_cpu *a, const struct vmx_cpu *b, struct vmx_refusal *why)
{
	int ret;
	u32 i;

	vmx_refusal_clear(why);
	for (i = 0; i < VMXHV_VMX_MSRS; i++) {
		if (i == VMX_MSR_VMCS_ENUM || (a->msr[i] == b->msr[i] &&
					       msr_there(a, i) == msr_there(b, i)))
			continue;
		ret = vmx_refuse(why, VMXHV_UNUSABLE_CPUS_DIFFER, msr_number(i), b->msr[i],
				 a->msr[i], "CPU %d and CPU %d have different VMX capabilities",
				 a->cpu, b->cpu);
		goto differ;
	}
	if (a->cpuid_phys_bits != b->cpuid_phys_bits)
		ret = vmx_refuse(why, VMXHV_UNUSABLE_CPUS_DIFFER, 0, b->cpuid_phys_bits,
				 a->cpuid_phys_bits,
				 "CPU %d and CPU %d have different physical-address widths",
				 a->cpu, b->cpu);
	else if (a->cpuid_linear_bits != b->cpuid_linear_bits)
		ret = vmx_refuse(why, VMXHV_UNUSABLE_CPUS_DIFFER, 0, b->cpuid_linear_bits,
				 a->cpuid_linear_bits,
				 "CPU %d and CPU %d have different linear-address widths",
				 a->cpu, b->cpu);
	else
		return 0;
differ:
	why->cpu = b->cpu;
	return ret;
}

VMXHV_EXPORT_FOR_TEST(vmx_caps_compare);
