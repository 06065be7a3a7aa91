// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks on the VMX controls, in the SDM's order.
 *
 * Left out, since they need more than the VMCS: TPR threshold against the virtual-APIC page, and
 * the enclave and PASID structures that this hypervisor never uses.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "rules.h"

#define EXECUTION	"VM-Execution Control Fields"
#define EXIT		"VM-Exit Control Fields"
#define ENTRY		"VM-Entry Control Fields"

static bool allowed(struct vmx_check_state *s, enum vmx_control_word word, u32 allowed1,
		    u32 allowed0)
{
	u32 wrong = ((u32)s->value & ~allowed1) | (~(u32)s->value & allowed0);

	if (!wrong)
		return false;
	s->wanted = ((u32)s->value & allowed1) | allowed0;
	s->detail = vmx_control_name(word, wrong & -wrong);
	return true;
}

static bool pin_allowed(struct vmx_check_state *s)
{
	return allowed(s, VMX_WORD_PIN, s->caps->pin_allowed1, s->caps->pin_allowed0);
}

static bool cpu_allowed(struct vmx_check_state *s)
{
	return allowed(s, VMX_WORD_CPU, s->caps->cpu_allowed1, s->caps->cpu_allowed0);
}

static bool cpu2_allowed(struct vmx_check_state *s)
{
	return allowed(s, VMX_WORD_CPU2, s->caps->cpu2_allowed1, s->caps->cpu2_allowed0);
}

static bool cpu3_allowed(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~s->caps->cpu3_allowed1);
}

static bool exit_allowed(struct vmx_check_state *s)
{
	return allowed(s, VMX_WORD_EXIT, s->caps->exit_allowed1, s->caps->exit_allowed0);
}

static bool entry_allowed(struct vmx_check_state *s)
{
	return allowed(s, VMX_WORD_ENTRY, s->caps->entry_allowed1, s->caps->entry_allowed0);
}

static bool cr3_targets(struct vmx_check_state *s)
{
	s->wanted = VMX_MISC_CR3_TARGETS(s->caps->misc);
	return s->value > s->wanted;
}

static bool tpr_threshold(struct vmx_check_state *s)
{
	if (rule_on(s, VMX_WORD_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY))
		return false;
	return rule_bits(s, 0, ~0xfull);
}

static bool tpr_shadow_absent(struct vmx_check_state *s)
{
	if (rule_on(s, VMX_WORD_CPU, CPU_BASED_TPR_SHADOW))
		return false;
	return rule_forbids(s, VMX_WORD_CPU2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE |
			    SECONDARY_EXEC_APIC_REGISTER_VIRT |
			    SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) ||
	       rule_forbids(s, VMX_WORD_CPU3, TERTIARY_EXEC_IPI_VIRT);
}

static bool virtual_nmis_need_exiting(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_PIN, PIN_BASED_NMI_EXITING);
}

static bool nmi_window_needs_virtual(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_PIN, PIN_BASED_VIRTUAL_NMIS);
}

static bool x2apic_or_accesses(struct vmx_check_state *s)
{
	return rule_forbids(s, VMX_WORD_CPU2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
}

static bool delivery_needs_exiting(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_PIN, PIN_BASED_EXT_INTR_MASK);
}

static bool posted_needs_delivery(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY);
}

static bool posted_needs_ack(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_EXIT, VM_EXIT_ACK_INTR_ON_EXIT);
}

static bool posted_vector(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~0xffull);
}

static bool posted_descriptor(struct vmx_check_state *s)
{
	return rule_address(s, 6);
}

static bool not_zero(struct vmx_check_state *s)
{
	s->wanted = 1;
	return !s->value;
}

static bool eptp_memory_type(struct vmx_check_state *s)
{
	u64 type = s->value & VMX_EPTP_MT_MASK;

	s->wanted = (s->value & ~VMX_EPTP_MT_MASK) | VMX_EPTP_WB;
	return !(type == VMX_MEMTYPE_WB && (s->caps->ept_vpid & VMX_EPTCAP_WB)) &&
	       !(type == VMX_MEMTYPE_UC && (s->caps->ept_vpid & VMX_EPTCAP_UC));
}

static bool eptp_walk(struct vmx_check_state *s)
{
	u64 walk = s->value & VMX_EPTP_WALK_MASK;

	s->wanted = (s->value & ~VMX_EPTP_WALK_MASK) | VMX_EPTP_WALK_4;
	return !(walk == VMX_EPTP_WALK_4 && (s->caps->ept_vpid & VMX_EPTCAP_WALK_4)) &&
	       !(walk == VMX_EPTP_WALK_5 && (s->caps->ept_vpid & VMX_EPTCAP_WALK_5));
}

static bool eptp_accessed_dirty(struct vmx_check_state *s)
{
	return !s->caps->ept_ad && rule_bits(s, 0, VMX_EPTP_AD);
}

static bool eptp_reserved(struct vmx_check_state *s)
{
	u64 low = GENMASK_ULL(11, 8);
	u64 beyond = s->caps->phys_bits < 64 ? ~0ull << s->caps->phys_bits : 0;

	if (!(s->caps->ept_vpid & VMX_EPTCAP_SHADOW_STACK))
		low |= VMX_EPTP_SHADOW_STACK;
	return rule_bits(s, 0, low | beyond);
}

static bool needs_ept(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_CPU2, SECONDARY_EXEC_ENABLE_EPT);
}

static bool vm_functions(struct vmx_check_state *s)
{
	return rule_bits(s, 0, ~s->caps->vmfunc);
}

static bool eptp_list(struct vmx_check_state *s)
{
	return (rule_read(s, VM_FUNCTION_CONTROL) & 1) && rule_page(s);
}

static bool guest_pt_exit(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_EXIT, VM_EXIT_CLEAR_IA32_RTIT_CTL);
}

static bool guest_pt_entry(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_ENTRY, VM_ENTRY_LOAD_IA32_RTIT_CTL);
}

static bool save_timer(struct vmx_check_state *s)
{
	return rule_needs(s, VMX_WORD_PIN, PIN_BASED_VMX_PREEMPTION_TIMER);
}

/* 16 bytes each, aligned, and the last byte within the physical-address width */
static bool msr_list(struct vmx_check_state *s, u32 count_field)
{
	u64 count = rule_read(s, count_field);

	if (!count)
		return false;
	if (rule_address(s, 4))
		return true;
	s->wanted = 0;
	return s->caps->phys_bits < 64 && (s->value + count * 16 - 1) >> s->caps->phys_bits;
}

static bool exit_store_list(struct vmx_check_state *s)
{
	return msr_list(s, VM_EXIT_MSR_STORE_COUNT);
}

static bool exit_load_list(struct vmx_check_state *s)
{
	return msr_list(s, VM_EXIT_MSR_LOAD_COUNT);
}

static bool entry_load_list(struct vmx_check_state *s)
{
	return msr_list(s, VM_ENTRY_MSR_LOAD_COUNT);
}

static bool injecting(const struct vmx_check_state *s)
{
	return rule_read(s, VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VALID_MASK;
}

static u32 injected_type(const struct vmx_check_state *s)
{
	return rule_read(s, VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_TYPE_MASK;
}

static bool injection_type(struct vmx_check_state *s)
{
	u32 type = injected_type(s);

	if (!injecting(s))
		return false;
	return type == INTR_TYPE_RESERVED ||
	       (type == INTR_TYPE_OTHER_EVENT && !s->caps->monitor_trap_flag);
}

static bool injection_vector(struct vmx_check_state *s)
{
	u32 vector = s->value & INTR_INFO_VECTOR_MASK;

	if (!injecting(s))
		return false;
	switch (injected_type(s)) {
	case INTR_TYPE_NMI_INTR:
		return vector != X86_TRAP_NMI;
	case INTR_TYPE_HARD_EXCEPTION:
		return vector > 31;
	case INTR_TYPE_OTHER_EVENT:
		return vector;
	default:
		return false;
	}
}

static bool vector_has_error_code(u32 vector)
{
	const u32 with_code = BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) |
			      BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |
			      BIT(X86_TRAP_AC);

	return vector < 32 && (with_code & BIT(vector));
}

/* In real mode, which needs unrestricted guest, nothing has an error code. */
static bool injection_error_code(struct vmx_check_state *s)
{
	bool real = rule_on(s, VMX_WORD_CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST) &&
		    !(rule_read(s, GUEST_CR0) & X86_CR0_PE);
	bool given = s->value & INTR_INFO_DELIVER_CODE_MASK;
	bool hardware = injected_type(s) == INTR_TYPE_HARD_EXCEPTION;
	bool has = vector_has_error_code(s->value & INTR_INFO_VECTOR_MASK);

	if (!injecting(s))
		return false;
	s->wanted = s->value ^ INTR_INFO_DELIVER_CODE_MASK;
	if (real || !hardware)
		return given;
	return !s->caps->any_error_code && given != has;
}

static bool injection_reserved(struct vmx_check_state *s)
{
	return injecting(s) && rule_bits(s, 0, INTR_INFO_RESERVED_MASK);
}

static bool injected_error_code(struct vmx_check_state *s)
{
	return injecting(s) &&
	       (rule_read(s, VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_DELIVER_CODE_MASK) &&
	       rule_bits(s, 0, ~0xffffull);
}

static bool injected_length(struct vmx_check_state *s)
{
	u32 type = injected_type(s);

	if (!injecting(s) || (type != INTR_TYPE_SOFT_INTR && type != INTR_TYPE_SOFT_EXCEPTION &&
			      type != INTR_TYPE_PRIV_SW_EXCEPTION))
		return false;
	s->wanted = 15;
	return s->value > 15 || (!s->value && !s->caps->zero_length_injection);
}

static bool smm_controls(struct vmx_check_state *s)
{
	return rule_forbids(s, VMX_WORD_ENTRY, VM_ENTRY_SMM | VM_ENTRY_DEACT_DUAL_MONITOR);
}

const struct vmx_rule vmx_control_rules[] = {
	RULE(101, EXECUTION, PIN_BASED_VM_EXEC_CONTROL, pin_allowed,
	     "not as this CPU allows"),
	RULE(102, EXECUTION, CPU_BASED_VM_EXEC_CONTROL, cpu_allowed,
	     "not as this CPU allows"),
	RULE_IF(103, EXECUTION, SECONDARY_VM_EXEC_CONTROL,
		CPU, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, cpu2_allowed,
		"not as this CPU allows"),
	RULE_IF(104, EXECUTION, TERTIARY_VM_EXEC_CONTROL,
		CPU, CPU_BASED_ACTIVATE_TERTIARY_CONTROLS, cpu3_allowed,
		"a tertiary control that this CPU does not allow"),
	RULE(105, EXECUTION, CR3_TARGET_COUNT, cr3_targets, "too many CR3-target values"),
	RULE_IF(106, EXECUTION, IO_BITMAP_A, CPU, CPU_BASED_USE_IO_BITMAPS, rule_page,
		"I/O bitmap A is no page's physical address"),
	RULE_IF(107, EXECUTION, IO_BITMAP_B, CPU, CPU_BASED_USE_IO_BITMAPS, rule_page,
		"I/O bitmap B is no page's physical address"),
	RULE_IF(108, EXECUTION, MSR_BITMAP, CPU, CPU_BASED_USE_MSR_BITMAPS, rule_page,
		"the MSR bitmap is no page's physical address"),
	RULE_IF(109, EXECUTION, VIRTUAL_APIC_PAGE_ADDR, CPU, CPU_BASED_TPR_SHADOW, rule_page,
		"the virtual-APIC page is no page's physical address"),
	RULE_IF(110, EXECUTION, TPR_THRESHOLD, CPU, CPU_BASED_TPR_SHADOW, tpr_threshold,
		"TPR threshold: bits 31:4 are not 0"),
	RULE(112, EXECUTION, SECONDARY_VM_EXEC_CONTROL, tpr_shadow_absent,
	     "a control that needs the TPR shadow"),
	RULE_IF(113, EXECUTION, PIN_BASED_VM_EXEC_CONTROL, PIN, PIN_BASED_VIRTUAL_NMIS,
		virtual_nmis_need_exiting, "virtual NMIs need NMI exiting"),
	RULE_IF(114, EXECUTION, PIN_BASED_VM_EXEC_CONTROL, CPU, CPU_BASED_NMI_WINDOW_EXITING,
		nmi_window_needs_virtual, "NMI-window exiting needs virtual NMIs"),
	RULE_IF(115, EXECUTION, APIC_ACCESS_ADDR,
		CPU2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, rule_page,
		"the APIC-access page is no page's physical address"),
	RULE_IF(116, EXECUTION, SECONDARY_VM_EXEC_CONTROL,
		CPU2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, x2apic_or_accesses,
		"virtualizing x2APIC mode and APIC accesses exclude each other"),
	RULE_IF(117, EXECUTION, PIN_BASED_VM_EXEC_CONTROL,
		CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, delivery_needs_exiting,
		"virtual-interrupt delivery needs external-interrupt exiting"),
	RULE_IF(118, EXECUTION, SECONDARY_VM_EXEC_CONTROL, PIN, PIN_BASED_POSTED_INTR,
		posted_needs_delivery, "posted interrupts need virtual-interrupt delivery"),
	RULE_IF(119, EXECUTION, VM_EXIT_CONTROLS, PIN, PIN_BASED_POSTED_INTR, posted_needs_ack,
		"posted interrupts need acknowledge-interrupt-on-exit"),
	RULE_IF(120, EXECUTION, POSTED_INTR_NV, PIN, PIN_BASED_POSTED_INTR, posted_vector,
		"the posted-interrupt notification vector is not 0 to 255"),
	RULE_IF(121, EXECUTION, POSTED_INTR_DESC_ADDR, PIN, PIN_BASED_POSTED_INTR,
		posted_descriptor, "the posted-interrupt descriptor is not 64-byte aligned"),
	RULE_IF(122, EXECUTION, VIRTUAL_PROCESSOR_ID, CPU2, SECONDARY_EXEC_ENABLE_VPID, not_zero,
		"VPID 0 belongs to the host"),
	RULE_IF(123, EXECUTION, EPT_POINTER, CPU2, SECONDARY_EXEC_ENABLE_EPT, eptp_memory_type,
		"EPT pointer: a memory type that this CPU does not have"),
	RULE_IF(124, EXECUTION, EPT_POINTER, CPU2, SECONDARY_EXEC_ENABLE_EPT, eptp_walk,
		"EPT pointer: a page-walk length that this CPU does not have"),
	RULE_IF(125, EXECUTION, EPT_POINTER, CPU2, SECONDARY_EXEC_ENABLE_EPT, eptp_accessed_dirty,
		"EPT pointer: accessed and dirty flags, which this CPU does not have"),
	RULE_IF(126, EXECUTION, EPT_POINTER, CPU2, SECONDARY_EXEC_ENABLE_EPT, eptp_reserved,
		"EPT pointer: reserved bits, or beyond the physical-address width"),
	RULE_IF(127, EXECUTION, SECONDARY_VM_EXEC_CONTROL,
		CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST | SECONDARY_EXEC_ENABLE_PML |
		SECONDARY_EXEC_MODE_BASED_EPT_EXEC | SECONDARY_EXEC_SUB_PAGE_WRITE |
		SECONDARY_EXEC_PT_USE_GPA, needs_ept, "a control that needs EPT"),
	RULE_IF(128, EXECUTION, PML_ADDRESS, CPU2, SECONDARY_EXEC_ENABLE_PML, rule_page,
		"the page-modification log is no page's physical address"),
	RULE_IF(129, EXECUTION, SUB_PAGE_PERMISSION_TABLE_POINTER,
		CPU2, SECONDARY_EXEC_SUB_PAGE_WRITE, rule_page,
		"the sub-page permission table is no page's physical address"),
	RULE_IF(130, EXECUTION, VM_FUNCTION_CONTROL, CPU2, SECONDARY_EXEC_ENABLE_VMFUNC,
		vm_functions, "a VM function that this CPU does not have"),
	RULE_IF(131, EXECUTION, EPTP_LIST_ADDRESS, CPU2, SECONDARY_EXEC_ENABLE_VMFUNC, eptp_list,
		"the EPTP list is no page's physical address"),
	RULE_IF(132, EXECUTION, VMREAD_BITMAP, CPU2, SECONDARY_EXEC_SHADOW_VMCS, rule_page,
		"the VMREAD bitmap is no page's physical address"),
	RULE_IF(133, EXECUTION, VMWRITE_BITMAP, CPU2, SECONDARY_EXEC_SHADOW_VMCS, rule_page,
		"the VMWRITE bitmap is no page's physical address"),
	RULE_IF(134, EXECUTION, VE_INFORMATION_ADDRESS, CPU2, SECONDARY_EXEC_EPT_VIOLATION_VE,
		rule_page, "the #VE information area is no page's physical address"),
	RULE_IF(135, EXECUTION, VM_EXIT_CONTROLS, CPU2, SECONDARY_EXEC_PT_USE_GPA, guest_pt_exit,
		"Intel PT in the guest needs its control cleared on exit"),
	RULE_IF(136, EXECUTION, VM_ENTRY_CONTROLS, CPU2, SECONDARY_EXEC_PT_USE_GPA,
		guest_pt_entry, "Intel PT in the guest needs its control loaded on entry"),
	RULE_IF(137, EXECUTION, TSC_MULTIPLIER, CPU2, SECONDARY_EXEC_TSC_SCALING, not_zero,
		"the TSC multiplier is 0"),

	RULE(141, EXIT, VM_EXIT_CONTROLS, exit_allowed,
	     "not as this CPU allows"),
	RULE_IF(142, EXIT, VM_EXIT_CONTROLS, EXIT, VM_EXIT_SAVE_VMX_PREEMPTION_TIMER, save_timer,
		"saving the preemption timer needs it active"),
	RULE(143, EXIT, VM_EXIT_MSR_STORE_ADDR, exit_store_list,
	     "the VM-exit MSR-store list is misaligned or too far up"),
	RULE(144, EXIT, VM_EXIT_MSR_LOAD_ADDR, exit_load_list,
	     "the VM-exit MSR-load list is misaligned or too far up"),

	RULE(151, ENTRY, VM_ENTRY_CONTROLS, entry_allowed,
	     "not as this CPU allows"),
	RULE(152, ENTRY, VM_ENTRY_INTR_INFO_FIELD, injection_type,
	     "injected event: reserved type"),
	RULE(153, ENTRY, VM_ENTRY_INTR_INFO_FIELD, injection_vector,
	     "injected event: the vector does not go with the type"),
	RULE(154, ENTRY, VM_ENTRY_INTR_INFO_FIELD, injection_error_code,
	     "injected event: error code given where there is none, or missing"),
	RULE(155, ENTRY, VM_ENTRY_INTR_INFO_FIELD, injection_reserved,
	     "injected event: bits 30:12 are not 0"),
	RULE(156, ENTRY, VM_ENTRY_EXCEPTION_ERROR_CODE, injected_error_code,
	     "injected event: bits 31:16 of the error code are not 0"),
	RULE(157, ENTRY, VM_ENTRY_INSTRUCTION_LEN, injected_length,
	     "injected event: the instruction's length is not 1 to 15"),
	RULE(158, ENTRY, VM_ENTRY_MSR_LOAD_ADDR, entry_load_list,
	     "the VM-entry MSR-load list is misaligned or too far up"),
	RULE(159, ENTRY, VM_ENTRY_CONTROLS, smm_controls, "a control for SMM, outside SMM"),
};

const unsigned int vmx_control_rule_count = ARRAY_SIZE(vmx_control_rules);
VMXHV_EXPORT_FOR_TEST(vmx_control_rules);
VMXHV_EXPORT_FOR_TEST(vmx_control_rule_count);

/**
 * vmx_check_controls() - find the first broken rule on the VMX controls
 * @reader: where the fields come from
 * @caps: the CPU's capabilities
 * @violation: out: the rule; zeroed if there is none
 *
 * SDM "Checks on VMX Controls". A failed entry gives VM-instruction error 7.
 *
 * Context: As the reader's.
 * Return: true if a rule is broken.
 */
bool vmx_check_controls(const struct vmx_check_reader *reader, const struct vmx_caps *caps,
			struct vmx_violation *violation)
{
	return vmx_check_rules(vmx_control_rules, vmx_control_rule_count, reader, caps, violation);
}

VMXHV_EXPORT_FOR_TEST(vmx_check_controls);
