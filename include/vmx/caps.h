/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one CPU says of its VMX (struct vmx_cpu), what follows from it (struct vmx_caps), and why it
 * may not do (struct vmx_refusal). Reading the CPU and judging it are apart, so that a test can
 * judge CPUs that it does not have.
 */
#ifndef VMX_CAPS_H
#define VMX_CAPS_H

#include <linux/types.h>

#include "vmxhv.h"

#define VMX_MSR_FIRST		0x480	/* IA32_VMX_BASIC */

/* The VMX capability MSRs, by their distance from IA32_VMX_BASIC */
enum vmx_msr {
	VMX_MSR_BASIC = 0,
	VMX_MSR_PIN = 1,
	VMX_MSR_CPU = 2,
	VMX_MSR_EXIT = 3,
	VMX_MSR_ENTRY = 4,
	VMX_MSR_MISC = 5,
	VMX_MSR_CR0_FIXED0 = 6,
	VMX_MSR_CR0_FIXED1 = 7,
	VMX_MSR_CR4_FIXED0 = 8,
	VMX_MSR_CR4_FIXED1 = 9,
	VMX_MSR_VMCS_ENUM = 10,
	VMX_MSR_CPU2 = 11,
	VMX_MSR_EPT_VPID = 12,
	VMX_MSR_TRUE_PIN = 13,
	VMX_MSR_TRUE_CPU = 14,
	VMX_MSR_TRUE_EXIT = 15,
	VMX_MSR_TRUE_ENTRY = 16,
	VMX_MSR_VMFUNC = 17,
	VMX_MSR_CPU3 = 18,
	VMX_MSR_EXIT2 = 19,
};

/**
 * struct vmx_cpu - everything one CPU says, as raw as it says it
 * @cpu: the CPU's number
 * @cpuid_1_eax: CPUID.1:EAX: family, model, stepping
 * @cpuid_1_ecx: CPUID.1:ECX, from the instruction and not from the kernel's idea of it
 * @cpuid_phys_bits: MAXPHYADDR, from CPUID.80000008H:EAX[7:0]; 36 where there is no such leaf
 * @cpuid_linear_bits: the linear-address width, from EAX[15:8] there; 48 where there is none
 * @msr_valid: bit i says that msr[i] could be read without #GP
 * @feature_control_valid: IA32_FEATURE_CONTROL could be read without #GP
 * @feature_control: its value
 * @cr0: CR0 as it is
 * @cr4: CR4 as it is, VMXE included
 * @efer: IA32_EFER as it is
 * @msr: IA32_VMX_BASIC (480H) onwards; 0 where not valid
 */
struct vmx_cpu {
	int cpu;
	u32 cpuid_1_eax;
	u32 cpuid_1_ecx;
	u32 cpuid_phys_bits;
	u32 cpuid_linear_bits;
	u32 msr_valid;
	bool feature_control_valid;
	u64 feature_control;
	u64 cr0;
	u64 cr4;
	u64 efer;
	u64 msr[VMXHV_VMX_MSRS];
};

/**
 * struct vmx_refusal - why VMX cannot be used
 * @reason: the cause; VMXHV_USABLE when nothing is wrong
 * @error: the errno that goes with it, negative
 * @cpu: the CPU that said so, or -1
 * @msr: the MSR that said so, or 0
 * @seen: its value
 * @wanted: the bits wanted
 * @owner: for VMXHV_UNUSABLE_IN_USE, the likely owner
 * @text: one sentence: what is wrong and what to do
 */
struct vmx_refusal {
	enum vmxhv_unusable reason;
	int error;
	int cpu;
	u32 msr;
	u64 seen;
	u64 wanted;
	char owner[32];
	char text[160];
};

/**
 * struct vmx_caps - what the CPUs can do, all of them alike
 * @revision: the VMCS revision identifier
 * @vmcs_size: bytes of a VMCS or VMXON region, 1 to 4096
 * @pin: base value of the pin-based controls: what must be 1 and what we require
 * @pin_allowed1: the pin-based controls that may be 1
 * @pin_allowed0: the pin-based controls that must be 1
 * @cpu: the same for the primary processor-based controls, and so on
 * @cpu_allowed1: see @pin_allowed1
 * @cpu_allowed0: see @pin_allowed0
 * @cpu2: secondary processor-based controls
 * @cpu2_allowed1: see @pin_allowed1
 * @cpu2_allowed0: see @pin_allowed0
 * @exit: VM-exit controls
 * @exit_allowed1: see @pin_allowed1
 * @exit_allowed0: see @pin_allowed0
 * @entry: VM-entry controls
 * @entry_allowed1: see @pin_allowed1
 * @entry_allowed0: see @pin_allowed0
 * @cpu3_allowed1: tertiary processor-based controls that may be 1
 * @cr0_fixed0: bits that are 1 in CR0 in VMX operation
 * @cr0_fixed1: bits that may be 1 in CR0 in VMX operation
 * @cr4_fixed0: the same for CR4
 * @cr4_fixed1: the same for CR4
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @misc: IA32_VMX_MISC
 * @vmfunc: IA32_VMX_VMFUNC, or 0
 * @phys_bits: MAXPHYADDR
 * @linear_bits: the linear-address width, whatever paging uses of it
 * @msr_list_max: entries that an MSR-load or -store list may have
 * @preemption_timer_shift: the timer counts down once each 2^shift TSC ticks
 * @addr32: VMX structures must lie below 4 GiB
 *
 * The rest says by name what is there; a control is there when it may be 1.
 */
struct vmx_caps {
	u32 revision;
	u32 vmcs_size;
	u32 pin, pin_allowed1, pin_allowed0;
	u32 cpu, cpu_allowed1, cpu_allowed0;
	u32 cpu2, cpu2_allowed1, cpu2_allowed0;
	u32 exit, exit_allowed1, exit_allowed0;
	u32 entry, entry_allowed1, entry_allowed0;
	u64 cpu3_allowed1;
	u64 cr0_fixed0, cr0_fixed1;
	u64 cr4_fixed0, cr4_fixed1;
	u64 ept_vpid;
	u64 misc;
	u64 vmfunc;
	u32 phys_bits;
	u32 linear_bits;
	u32 msr_list_max;
	u8 preemption_timer_shift;
	bool addr32;
	bool has_preemption_timer, save_preemption_timer;
	bool ept_2m, ept_1g, ept_ad, ept_exec_only, ept_5_level;
	bool invept_single, invept_all;
	bool invvpid_single, invvpid_all, invvpid_addr, invvpid_keep_global;
	bool tpr_shadow, virt_apic_accesses, apic_reg_virt, virt_intr_delivery, virt_x2apic;
	bool tsc_scaling, pml, mode_based_ept_exec;
	bool rdtscp, invpcid, xsaves, usr_wait_pause, wbinvd_exiting, pause_loop_exiting;
	bool monitor_trap_flag, load_perf_global_ctrl, clear_bndcfgs;
	bool activity_hlt, activity_shutdown, activity_sipi;
	bool zero_length_injection, any_error_code;
};

void vmx_cpu_read(struct vmx_cpu *cpu);
int vmx_caps_check(const struct vmx_cpu *cpu, struct vmx_caps *out, struct vmx_refusal *why);
int vmx_caps_compare(const struct vmx_cpu *a, const struct vmx_cpu *b, struct vmx_refusal *why);
int vmx_fixed_check(u64 value, u64 fixed0, u64 fixed1, u64 *must_set, u64 *must_clear);

#endif /* VMX_CAPS_H */
