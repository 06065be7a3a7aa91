// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM-entry checker: one VMCS that breaks no rule, and for each rule a change that breaks it and
 * no rule before it.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vmx/arch.h"
#include "vmx/check.h"
#include "vmx/controls.h"

#define MODEL_CR0	0x80050033
#define MODEL_CR4	0x6f0

#define V_PIN		(PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS)
#define V_CPU		((u64)CPU_BASED_HLT_EXITING | CPU_BASED_USE_MSR_BITMAPS |	\
			 CPU_BASED_ACTIVATE_SECONDARY_CONTROLS)
#define V_CPU2		(SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID |	\
			 SECONDARY_EXEC_UNRESTRICTED_GUEST)
#define V_EXIT		(VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_LOAD_IA32_PAT |		\
			 VM_EXIT_LOAD_IA32_EFER)
#define V_ENTRY		(VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_IA32_EFER | VM_ENTRY_LOAD_IA32_PAT | \
			 VM_ENTRY_LOAD_DEBUG_CONTROLS)
#define V_EPTP		(0x2000 | VMX_EPTP_WALK_4 | VMX_EPTP_WB)
#define V_EFER		(EFER_LMA | EFER_LME | EFER_SCE | EFER_NX)
#define V_PAT		0x0007040600070406ull
#define NOT_CANONICAL	0x0000800000000000ull
#define TPR		(V_CPU | CPU_BASED_TPR_SHADOW)
#define VM86		(X86_EFLAGS_FIXED | X86_EFLAGS_VM)
#define REAL_ENTRY	(V_ENTRY & ~VM_ENTRY_IA32E_MODE)

#define VIOLATION_TEXT	sizeof_field(struct vmx_violation, text)

struct pair {
	u32 field;
	u64 value;
};

/* a 64-bit guest on a 64-bit host; what is not here is 0 */
static const struct pair valid[] = {
	{ PIN_BASED_VM_EXEC_CONTROL, V_PIN },
	{ CPU_BASED_VM_EXEC_CONTROL, V_CPU },
	{ SECONDARY_VM_EXEC_CONTROL, V_CPU2 },
	{ VM_EXIT_CONTROLS, V_EXIT },
	{ VM_ENTRY_CONTROLS, V_ENTRY },
	{ MSR_BITMAP, 0x1000 },
	{ VIRTUAL_PROCESSOR_ID, 1 },
	{ EPT_POINTER, V_EPTP },
	{ HOST_CR0, MODEL_CR0 },
	{ HOST_CR4, MODEL_CR4 | X86_CR4_VMXE },
	{ HOST_CR3, 0x3000 },
	{ HOST_IA32_PAT, V_PAT },
	{ HOST_IA32_EFER, V_EFER },
	{ HOST_CS_SELECTOR, 0x10 },
	{ HOST_SS_SELECTOR, 0x18 },
	{ HOST_TR_SELECTOR, 0x40 },
	{ HOST_GS_BASE, 0xffff888000000000 },
	{ HOST_TR_BASE, 0xfffffe0000003000 },
	{ HOST_GDTR_BASE, 0xfffffe0000001000 },
	{ HOST_IDTR_BASE, 0xfffffe0000000000 },
	{ HOST_RIP, 0xffffffffc0000000 },
	{ GUEST_CR0, MODEL_CR0 },
	{ GUEST_CR4, MODEL_CR4 | X86_CR4_VMXE },
	{ GUEST_CR3, 0x4000 },
	{ GUEST_IA32_PAT, V_PAT },
	{ GUEST_IA32_EFER, V_EFER },
	{ GUEST_DR7, 0x400 },
	{ GUEST_RFLAGS, X86_EFLAGS_FIXED },
	{ GUEST_RIP, 0xffffffff81000000 },
	{ GUEST_CS_SELECTOR, 0x10 },
	{ GUEST_SS_SELECTOR, 0x18 },
	{ GUEST_TR_SELECTOR, 0x40 },
	{ GUEST_CS_LIMIT, 0xffffffff },
	{ GUEST_SS_LIMIT, 0xffffffff },
	{ GUEST_TR_LIMIT, 0x67 },
	{ GUEST_CS_AR_BYTES, 0xa09b },
	{ GUEST_SS_AR_BYTES, 0xc093 },
	{ GUEST_DS_AR_BYTES, VMX_AR_UNUSABLE },
	{ GUEST_ES_AR_BYTES, VMX_AR_UNUSABLE },
	{ GUEST_FS_AR_BYTES, VMX_AR_UNUSABLE },
	{ GUEST_GS_AR_BYTES, VMX_AR_UNUSABLE },
	{ GUEST_LDTR_AR_BYTES, VMX_AR_UNUSABLE },
	{ GUEST_TR_AR_BYTES, 0x8b },
	{ GUEST_GDTR_LIMIT, 0x7f },
	{ GUEST_IDTR_LIMIT, 0xfff },
	{ VMCS_LINK_POINTER, ~0ull },
};

static const struct broken_case {
	u32 rule;
	u32 field;		/* that the checker must name */
	struct pair set[12];	/* ended by a field 0 */
} broken_cases[] = {
	{ 101, PIN_BASED_VM_EXEC_CONTROL, { { PIN_BASED_VM_EXEC_CONTROL, V_PIN | BIT(30) } } },
	{ 102, CPU_BASED_VM_EXEC_CONTROL, { { CPU_BASED_VM_EXEC_CONTROL, V_CPU | BIT(0) } } },
	{ 103, SECONDARY_VM_EXEC_CONTROL, { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | BIT(29) } } },
	{ 104, TERTIARY_VM_EXEC_CONTROL,
	  { { CPU_BASED_VM_EXEC_CONTROL, V_CPU | CPU_BASED_ACTIVATE_TERTIARY_CONTROLS },
	    { TERTIARY_VM_EXEC_CONTROL, BIT_ULL(40) } } },
	{ 105, CR3_TARGET_COUNT, { { CR3_TARGET_COUNT, 5 } } },
	{ 106, IO_BITMAP_A, { { CPU_BASED_VM_EXEC_CONTROL, V_CPU | CPU_BASED_USE_IO_BITMAPS },
			      { IO_BITMAP_A, 0x800 } } },
	{ 107, IO_BITMAP_B, { { CPU_BASED_VM_EXEC_CONTROL, V_CPU | CPU_BASED_USE_IO_BITMAPS },
			      { IO_BITMAP_B, BIT_ULL(40) } } },
	{ 108, MSR_BITMAP, { { MSR_BITMAP, 0x1008 } } },
	{ 109, VIRTUAL_APIC_PAGE_ADDR, { { CPU_BASED_VM_EXEC_CONTROL, TPR },
					 { VIRTUAL_APIC_PAGE_ADDR, 0x10 } } },
	{ 110, TPR_THRESHOLD, { { CPU_BASED_VM_EXEC_CONTROL, TPR }, { TPR_THRESHOLD, 0x10 } } },
	{ 112, SECONDARY_VM_EXEC_CONTROL,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_APIC_REGISTER_VIRT } } },
	{ 113, PIN_BASED_VM_EXEC_CONTROL,
	  { { PIN_BASED_VM_EXEC_CONTROL, V_PIN & ~PIN_BASED_NMI_EXITING } } },
	{ 114, PIN_BASED_VM_EXEC_CONTROL,
	  { { PIN_BASED_VM_EXEC_CONTROL, V_PIN & ~PIN_BASED_VIRTUAL_NMIS },
	    { CPU_BASED_VM_EXEC_CONTROL, V_CPU | CPU_BASED_NMI_WINDOW_EXITING } } },
	{ 115, APIC_ACCESS_ADDR,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES },
	    { APIC_ACCESS_ADDR, 4 } } },
	{ 116, SECONDARY_VM_EXEC_CONTROL,
	  { { CPU_BASED_VM_EXEC_CONTROL, TPR },
	    { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES |
	      SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE } } },
	{ 117, PIN_BASED_VM_EXEC_CONTROL,
	  { { CPU_BASED_VM_EXEC_CONTROL, TPR },
	    { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY },
	    { PIN_BASED_VM_EXEC_CONTROL, V_PIN & ~PIN_BASED_EXT_INTR_MASK } } },
	{ 118, SECONDARY_VM_EXEC_CONTROL,
	  { { PIN_BASED_VM_EXEC_CONTROL, V_PIN | PIN_BASED_POSTED_INTR } } },
	{ 119, VM_EXIT_CONTROLS,
	  { { CPU_BASED_VM_EXEC_CONTROL, TPR },
	    { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY },
	    { PIN_BASED_VM_EXEC_CONTROL, V_PIN | PIN_BASED_POSTED_INTR } } },
	{ 120, POSTED_INTR_NV,
	  { { CPU_BASED_VM_EXEC_CONTROL, TPR },
	    { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY },
	    { PIN_BASED_VM_EXEC_CONTROL, V_PIN | PIN_BASED_POSTED_INTR },
	    { VM_EXIT_CONTROLS, V_EXIT | VM_EXIT_ACK_INTR_ON_EXIT }, { POSTED_INTR_NV, 0x100 } } },
	{ 121, POSTED_INTR_DESC_ADDR,
	  { { CPU_BASED_VM_EXEC_CONTROL, TPR },
	    { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY },
	    { PIN_BASED_VM_EXEC_CONTROL, V_PIN | PIN_BASED_POSTED_INTR },
	    { VM_EXIT_CONTROLS, V_EXIT | VM_EXIT_ACK_INTR_ON_EXIT },
	    { POSTED_INTR_DESC_ADDR, 0x20 } } },
	{ 122, VIRTUAL_PROCESSOR_ID, { { VIRTUAL_PROCESSOR_ID, 0 } } },
	{ 123, EPT_POINTER, { { EPT_POINTER, 0x2000 | VMX_EPTP_WALK_4 | 3 } } },
	{ 124, EPT_POINTER, { { EPT_POINTER, 0x2000 | (2 << 3) | VMX_EPTP_WB } } },
	{ 125, EPT_POINTER, { { EPT_POINTER, V_EPTP | VMX_EPTP_AD } } },
	{ 126, EPT_POINTER, { { EPT_POINTER, V_EPTP | 0x100 } } },
	{ 127, SECONDARY_VM_EXEC_CONTROL,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 & ~SECONDARY_EXEC_ENABLE_EPT } } },
	{ 128, PML_ADDRESS, { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_ENABLE_PML },
			      { PML_ADDRESS, 1 } } },
	{ 129, SUB_PAGE_PERMISSION_TABLE_POINTER,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_SUB_PAGE_WRITE },
	    { SUB_PAGE_PERMISSION_TABLE_POINTER, 1 } } },
	{ 130, VM_FUNCTION_CONTROL,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_ENABLE_VMFUNC },
	    { VM_FUNCTION_CONTROL, 2 } } },
	{ 131, EPTP_LIST_ADDRESS,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_ENABLE_VMFUNC },
	    { VM_FUNCTION_CONTROL, 1 }, { EPTP_LIST_ADDRESS, 1 } } },
	{ 132, VMREAD_BITMAP,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_SHADOW_VMCS },
	    { VMREAD_BITMAP, 1 } } },
	{ 133, VMWRITE_BITMAP,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_SHADOW_VMCS },
	    { VMWRITE_BITMAP, 1 } } },
	{ 134, VE_INFORMATION_ADDRESS,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_EPT_VIOLATION_VE },
	    { VE_INFORMATION_ADDRESS, 1 } } },
	{ 135, VM_EXIT_CONTROLS,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_PT_USE_GPA } } },
	{ 136, VM_ENTRY_CONTROLS,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_PT_USE_GPA },
	    { VM_EXIT_CONTROLS, V_EXIT | VM_EXIT_CLEAR_IA32_RTIT_CTL } } },
	{ 137, TSC_MULTIPLIER,
	  { { SECONDARY_VM_EXEC_CONTROL, V_CPU2 | SECONDARY_EXEC_TSC_SCALING } } },
	{ 141, VM_EXIT_CONTROLS, { { VM_EXIT_CONTROLS, V_EXIT | BIT(0) } } },
	{ 142, VM_EXIT_CONTROLS,
	  { { VM_EXIT_CONTROLS, V_EXIT | VM_EXIT_SAVE_VMX_PREEMPTION_TIMER } } },
	{ 143, VM_EXIT_MSR_STORE_ADDR,
	  { { VM_EXIT_MSR_STORE_COUNT, 1 }, { VM_EXIT_MSR_STORE_ADDR, 8 } } },
	{ 144, VM_EXIT_MSR_LOAD_ADDR,
	  { { VM_EXIT_MSR_LOAD_COUNT, 2 }, { VM_EXIT_MSR_LOAD_ADDR, BIT_ULL(40) - 16 } } },
	{ 151, VM_ENTRY_CONTROLS, { { VM_ENTRY_CONTROLS, V_ENTRY | BIT(0) } } },
	{ 152, VM_ENTRY_INTR_INFO_FIELD, { { VM_ENTRY_INTR_INFO_FIELD, 0x80000100 } } },
	{ 153, VM_ENTRY_INTR_INFO_FIELD, { { VM_ENTRY_INTR_INFO_FIELD, 0x80000203 } } },
	{ 154, VM_ENTRY_INTR_INFO_FIELD, { { VM_ENTRY_INTR_INFO_FIELD, 0x80000b06 } } },
	{ 154, VM_ENTRY_INTR_INFO_FIELD, { { VM_ENTRY_INTR_INFO_FIELD, 0x8000030d } } },
	{ 154, VM_ENTRY_INTR_INFO_FIELD, { { VM_ENTRY_INTR_INFO_FIELD, 0x80000b0d },
					   { GUEST_CR0, 0x30 } } },
	{ 155, VM_ENTRY_INTR_INFO_FIELD, { { VM_ENTRY_INTR_INFO_FIELD, 0x80002306 } } },
	{ 156, VM_ENTRY_EXCEPTION_ERROR_CODE,
	  { { VM_ENTRY_INTR_INFO_FIELD, 0x80000b0e },
	    { VM_ENTRY_EXCEPTION_ERROR_CODE, 0x10000 } } },
	{ 157, VM_ENTRY_INSTRUCTION_LEN,
	  { { VM_ENTRY_INTR_INFO_FIELD, 0x80000480 }, { VM_ENTRY_INSTRUCTION_LEN, 16 } } },
	{ 158, VM_ENTRY_MSR_LOAD_ADDR,
	  { { VM_ENTRY_MSR_LOAD_COUNT, 1 }, { VM_ENTRY_MSR_LOAD_ADDR, 1 } } },
	{ 159, VM_ENTRY_CONTROLS, { { VM_ENTRY_CONTROLS, V_ENTRY | VM_ENTRY_SMM } } },

	{ 201, HOST_CR0, { { HOST_CR0, MODEL_CR0 & ~X86_CR0_NE } } },
	{ 202, HOST_CR4, { { HOST_CR4, MODEL_CR4 } } },
	{ 203, HOST_CR4, { { HOST_CR4, MODEL_CR4 | X86_CR4_VMXE | BIT(23) },
			   { HOST_CR0, MODEL_CR0 & ~X86_CR0_WP } } },
	{ 204, HOST_CR3, { { HOST_CR3, BIT_ULL(40) } } },
	{ 205, HOST_IA32_SYSENTER_ESP, { { HOST_IA32_SYSENTER_ESP, NOT_CANONICAL } } },
	{ 206, HOST_IA32_SYSENTER_EIP, { { HOST_IA32_SYSENTER_EIP, NOT_CANONICAL } } },
	{ 207, HOST_IA32_PAT, { { HOST_IA32_PAT, 2 } } },
	{ 207, HOST_IA32_PAT, { { HOST_IA32_PAT, 8ull << 56 } } },
	{ 208, HOST_IA32_EFER, { { HOST_IA32_EFER, V_EFER & ~EFER_LMA } } },
	{ 208, HOST_IA32_EFER, { { HOST_IA32_EFER, V_EFER | BIT(1) } } },
	{ 211, HOST_CS_SELECTOR, { { HOST_CS_SELECTOR, 0x13 } } },
	{ 212, HOST_SS_SELECTOR, { { HOST_SS_SELECTOR, 1 } } },
	{ 213, HOST_DS_SELECTOR, { { HOST_DS_SELECTOR, 3 } } },
	{ 214, HOST_ES_SELECTOR, { { HOST_ES_SELECTOR, 3 } } },
	{ 215, HOST_FS_SELECTOR, { { HOST_FS_SELECTOR, 3 } } },
	{ 216, HOST_GS_SELECTOR, { { HOST_GS_SELECTOR, 3 } } },
	{ 217, HOST_TR_SELECTOR, { { HOST_TR_SELECTOR, 0x44 } } },
	{ 218, HOST_CS_SELECTOR, { { HOST_CS_SELECTOR, 0 } } },
	{ 219, HOST_TR_SELECTOR, { { HOST_TR_SELECTOR, 0 } } },
	{ 221, HOST_FS_BASE, { { HOST_FS_BASE, NOT_CANONICAL } } },
	{ 222, HOST_GS_BASE, { { HOST_GS_BASE, NOT_CANONICAL } } },
	{ 223, HOST_GDTR_BASE, { { HOST_GDTR_BASE, NOT_CANONICAL } } },
	{ 224, HOST_IDTR_BASE, { { HOST_IDTR_BASE, NOT_CANONICAL } } },
	{ 225, HOST_TR_BASE, { { HOST_TR_BASE, NOT_CANONICAL } } },
	{ 231, VM_EXIT_CONTROLS, { { VM_EXIT_CONTROLS, V_EXIT & ~VM_EXIT_HOST_ADDR_SPACE_SIZE },
				   { HOST_IA32_EFER, EFER_SCE } } },
	{ 232, HOST_CR4, { { HOST_CR4, (MODEL_CR4 | X86_CR4_VMXE) & ~X86_CR4_PAE } } },
	{ 233, HOST_RIP, { { HOST_RIP, NOT_CANONICAL } } },

	{ 301, GUEST_CR0, { { GUEST_CR0, MODEL_CR0 & ~X86_CR0_NE } } },
	{ 302, GUEST_CR0, { { GUEST_CR0, MODEL_CR0 & ~X86_CR0_PE } } },
	{ 303, GUEST_CR4, { { GUEST_CR4, MODEL_CR4 } } },
	{ 304, GUEST_IA32_DEBUGCTL, { { GUEST_IA32_DEBUGCTL, BIT(20) } } },
	{ 305, GUEST_CR0, { { GUEST_CR0, MODEL_CR0 & ~X86_CR0_PG } } },
	{ 306, GUEST_CR4, { { GUEST_CR4, (MODEL_CR4 | X86_CR4_VMXE) & ~X86_CR4_PAE } } },
	{ 307, GUEST_CR4, { { VM_ENTRY_CONTROLS, REAL_ENTRY },
			    { GUEST_CR4, MODEL_CR4 | X86_CR4_VMXE | X86_CR4_PCIDE } } },
	{ 308, GUEST_CR3, { { GUEST_CR3, BIT_ULL(40) } } },
	{ 309, GUEST_DR7, { { GUEST_DR7, BIT_ULL(32) } } },
	{ 310, GUEST_SYSENTER_ESP, { { GUEST_SYSENTER_ESP, NOT_CANONICAL } } },
	{ 311, GUEST_SYSENTER_EIP, { { GUEST_SYSENTER_EIP, NOT_CANONICAL } } },
	{ 312, GUEST_IA32_PAT, { { GUEST_IA32_PAT, 3 } } },
	{ 313, GUEST_IA32_EFER, { { GUEST_IA32_EFER, V_EFER & ~EFER_LMA } } },
	{ 313, GUEST_IA32_EFER, { { VM_ENTRY_CONTROLS, REAL_ENTRY } } },
	{ 314, GUEST_BNDCFGS, { { VM_ENTRY_CONTROLS, V_ENTRY | VM_ENTRY_LOAD_BNDCFGS },
				{ GUEST_BNDCFGS, 4 } } },
	{ 321, GUEST_GDTR_BASE, { { GUEST_GDTR_BASE, NOT_CANONICAL } } },
	{ 322, GUEST_IDTR_BASE, { { GUEST_IDTR_BASE, NOT_CANONICAL } } },
	{ 323, GUEST_GDTR_LIMIT, { { GUEST_GDTR_LIMIT, 0x10000 } } },
	{ 324, GUEST_IDTR_LIMIT, { { GUEST_IDTR_LIMIT, 0x10000 } } },
	{ 331, GUEST_RIP, { { GUEST_RIP, BIT_ULL(48) } } },
	{ 331, GUEST_RIP, { { GUEST_RIP, BIT_ULL(32) }, { GUEST_CS_AR_BYTES, 0xc09b } } },
	{ 332, GUEST_RFLAGS, { { GUEST_RFLAGS, BIT(3) | X86_EFLAGS_FIXED } } },
	{ 332, GUEST_RFLAGS, { { GUEST_RFLAGS, X86_EFLAGS_IF } } },
	{ 333, GUEST_RFLAGS, { { GUEST_RFLAGS, X86_EFLAGS_FIXED | X86_EFLAGS_VM } } },
	{ 334, GUEST_RFLAGS, { { VM_ENTRY_INTR_INFO_FIELD, 0x80000040 } } },
	{ 341, GUEST_ACTIVITY_STATE, { { GUEST_ACTIVITY_STATE, 4 } } },
	{ 342, GUEST_ACTIVITY_STATE, { { GUEST_ACTIVITY_STATE, 1 },
				       { GUEST_SS_AR_BYTES, 0xc0f3 } } },
	{ 343, GUEST_ACTIVITY_STATE, { { GUEST_ACTIVITY_STATE, 1 },
				       { GUEST_INTERRUPTIBILITY_INFO, 2 } } },
	{ 344, GUEST_ACTIVITY_STATE, { { GUEST_ACTIVITY_STATE, 1 },
				       { VM_ENTRY_INTR_INFO_FIELD, 0x80000306 } } },
	{ 344, GUEST_ACTIVITY_STATE, { { GUEST_ACTIVITY_STATE, 3 },
				       { VM_ENTRY_INTR_INFO_FIELD, 0x80000202 } } },
	{ 345, GUEST_INTERRUPTIBILITY_INFO, { { GUEST_INTERRUPTIBILITY_INFO, 0x20 } } },
	{ 346, GUEST_INTERRUPTIBILITY_INFO, { { GUEST_INTERRUPTIBILITY_INFO, 3 } } },
	{ 347, GUEST_INTERRUPTIBILITY_INFO, { { GUEST_INTERRUPTIBILITY_INFO, 1 } } },
	{ 348, GUEST_INTERRUPTIBILITY_INFO,
	  { { GUEST_INTERRUPTIBILITY_INFO, 1 }, { VM_ENTRY_INTR_INFO_FIELD, 0x80000040 },
	    { GUEST_RFLAGS, X86_EFLAGS_FIXED | X86_EFLAGS_IF } } },
	{ 349, GUEST_INTERRUPTIBILITY_INFO,
	  { { GUEST_INTERRUPTIBILITY_INFO, 2 }, { VM_ENTRY_INTR_INFO_FIELD, 0x80000202 } } },
	{ 350, GUEST_INTERRUPTIBILITY_INFO, { { GUEST_INTERRUPTIBILITY_INFO, 4 } } },
	{ 351, GUEST_INTERRUPTIBILITY_INFO,
	  { { GUEST_INTERRUPTIBILITY_INFO, 8 }, { VM_ENTRY_INTR_INFO_FIELD, 0x80000202 } } },
	{ 352, GUEST_PENDING_DBG_EXCEPTIONS, { { GUEST_PENDING_DBG_EXCEPTIONS, BIT(13) } } },
	{ 353, GUEST_PENDING_DBG_EXCEPTIONS,
	  { { GUEST_INTERRUPTIBILITY_INFO, 2 },
	    { GUEST_RFLAGS, X86_EFLAGS_FIXED | X86_EFLAGS_TF } } },
	{ 354, VMCS_LINK_POINTER, { { VMCS_LINK_POINTER, 1 } } },
	{ 363, GUEST_PDPTR2, { { VM_ENTRY_CONTROLS, REAL_ENTRY }, { GUEST_IA32_EFER, 0 },
			       { GUEST_RIP, 0x1000 }, { GUEST_CS_AR_BYTES, 0xc09b },
			       { GUEST_PDPTR2, 3 } } },

	{ 401, GUEST_TR_SELECTOR, { { GUEST_TR_SELECTOR, 0x44 } } },
	{ 402, GUEST_LDTR_SELECTOR, { { GUEST_LDTR_AR_BYTES, 0x82 }, { GUEST_LDTR_SELECTOR, 4 } } },
	{ 403, GUEST_SS_SELECTOR, { { SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_ENABLE_EPT },
				    { GUEST_SS_SELECTOR, 0x1b } } },
	{ 404, GUEST_TR_BASE, { { GUEST_TR_BASE, NOT_CANONICAL } } },
	{ 405, GUEST_FS_BASE, { { GUEST_FS_BASE, NOT_CANONICAL } } },
	{ 406, GUEST_GS_BASE, { { GUEST_GS_BASE, NOT_CANONICAL } } },
	{ 407, GUEST_LDTR_BASE, { { GUEST_LDTR_AR_BYTES, 0x82 },
				  { GUEST_LDTR_BASE, NOT_CANONICAL } } },
	{ 411, GUEST_CS_BASE, { { GUEST_CS_BASE, BIT_ULL(32) } } },
	{ 412, GUEST_SS_BASE, { { GUEST_SS_BASE, BIT_ULL(32) } } },
	{ 421, GUEST_CS_BASE,
	  { { VM_ENTRY_CONTROLS, REAL_ENTRY }, { GUEST_IA32_EFER, 0 }, { GUEST_RIP, 0x1000 },
	    { GUEST_RFLAGS, VM86 } } },
	{ 430, GUEST_ES_LIMIT,
	  { { VM_ENTRY_CONTROLS, REAL_ENTRY }, { GUEST_IA32_EFER, 0 }, { GUEST_RIP, 0x1000 },
	    { GUEST_RFLAGS, VM86 },
	    { GUEST_CS_BASE, 0x100 }, { GUEST_SS_BASE, 0x180 } } },
	{ 440, GUEST_ES_AR_BYTES,
	  { { VM_ENTRY_CONTROLS, REAL_ENTRY }, { GUEST_IA32_EFER, 0 }, { GUEST_RIP, 0x1000 },
	    { GUEST_RFLAGS, VM86 },
	    { GUEST_CS_BASE, 0x100 }, { GUEST_SS_BASE, 0x180 }, { GUEST_ES_LIMIT, 0xffff },
	    { GUEST_CS_LIMIT, 0xffff }, { GUEST_SS_LIMIT, 0xffff }, { GUEST_DS_LIMIT, 0xffff },
	    { GUEST_FS_LIMIT, 0xffff }, { GUEST_GS_LIMIT, 0xffff } } },
	{ 451, GUEST_CS_AR_BYTES, { { GUEST_CS_AR_BYTES, 0xa092 } } },
	{ 452, GUEST_SS_AR_BYTES, { { GUEST_SS_AR_BYTES, 0xc091 } } },
	{ 453, GUEST_DS_AR_BYTES, { { GUEST_DS_AR_BYTES, 0x92 } } },
	{ 454, GUEST_FS_AR_BYTES, { { GUEST_FS_AR_BYTES, 0x99 } } },
	{ 461, GUEST_CS_AR_BYTES, { { GUEST_CS_AR_BYTES, 0xa08b } } },
	{ 471, GUEST_CS_AR_BYTES, { { GUEST_CS_AR_BYTES, 0xa0fb } } },
	{ 472, GUEST_SS_AR_BYTES, { { SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_ENABLE_EPT },
				    { GUEST_SS_AR_BYTES, 0xc0f3 },
				    { GUEST_CS_AR_BYTES, 0xa0fb } } },
	{ 473, GUEST_DS_AR_BYTES, { { SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_ENABLE_EPT },
				    { GUEST_DS_AR_BYTES, 0x93 }, { GUEST_DS_SELECTOR, 0x1b } } },
	{ 481, GUEST_CS_AR_BYTES, { { GUEST_CS_AR_BYTES, 0xa01b } } },
	{ 490, GUEST_ES_AR_BYTES, { { GUEST_ES_AR_BYTES, 0x193 } } },
	{ 500, GUEST_CS_AR_BYTES, { { GUEST_CS_AR_BYTES, 0xe09b } } },
	{ 511, GUEST_CS_AR_BYTES, { { GUEST_CS_AR_BYTES, 0x209b } } },
	{ 512, GUEST_SS_AR_BYTES, { { GUEST_SS_LIMIT, 0xfff00000 } } },
	{ 513, GUEST_DS_AR_BYTES, { { GUEST_DS_AR_BYTES, 0x8093 }, { GUEST_DS_LIMIT, 0x100 } } },
	{ 520, GUEST_TR_AR_BYTES, { { GUEST_TR_AR_BYTES, 0x83 } } },
	{ 521, GUEST_TR_AR_BYTES, { { GUEST_TR_AR_BYTES, 0x1008b } } },
	{ 522, GUEST_TR_AR_BYTES, { { GUEST_TR_AR_BYTES, 0x808b } } },
	{ 523, GUEST_LDTR_AR_BYTES, { { GUEST_LDTR_AR_BYTES, 0x83 } } },
	{ 524, GUEST_LDTR_AR_BYTES, { { GUEST_LDTR_AR_BYTES, 0x8082 } } },
};

/* a CPU with every control, but for one undefined bit a word, and without A/D flags */
static void make_caps(struct vmx_caps *caps)
{
	*caps = (struct vmx_caps){
		.pin_allowed1 = ~(u32)BIT(30),
		.cpu_allowed1 = ~(u32)BIT(0),
		.cpu2_allowed1 = ~(u32)BIT(29),
		.exit_allowed1 = ~(u32)BIT(0),
		.entry_allowed1 = ~(u32)BIT(0),
		.cpu3_allowed1 = 0xff,
		.cr0_fixed0 = 0x80000021,
		.cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = X86_CR4_VMXE,
		.cr4_fixed1 = 0xb727ff,
		.ept_vpid = 0xf0106134141 & ~VMX_EPTCAP_AD,
		.misc = 0x600401e0,
		.vmfunc = 1,
		.phys_bits = 40,
		.linear_bits = 48,
		.monitor_trap_flag = true,
		.activity_hlt = true,
		.activity_shutdown = true,
		.activity_sipi = true,
		.zero_length_injection = true,
	};
}

static u64 look_up(const struct pair *pairs, unsigned int count, u32 field, bool *found)
{
	unsigned int i;

	*found = false;
	for (i = 0; i < count; i++) {
		if (pairs[i].field == field && (field || pairs[i].value)) {	/* 0 may be VPID */
			*found = true;
			return pairs[i].value;
		}
	}
	return 0;
}

/* VPID's encoding is 0, as a list's end is: no list can set it to 0, so its case does it here */
static u64 read_image(void *ctx, u32 field)
{
	const struct broken_case *c = ctx;
	bool found = false;
	u64 value = 0;

	if (c && field == VIRTUAL_PROCESSOR_ID && c->rule == 122)
		return 0;
	if (c)
		value = look_up(c->set, ARRAY_SIZE(c->set), field, &found);
	if (!found)
		value = look_up(valid, ARRAY_SIZE(valid), field, &found);
	return value;
}

static bool check_all(const struct vmx_check_reader *reader, struct vmx_violation *v)
{
	struct vmx_caps caps;

	make_caps(&caps);
	return vmx_check_controls(reader, &caps, v) || vmx_check_host(reader, &caps, v) ||
	       vmx_check_guest(reader, &caps, v);
}

static void a_valid_vmcs_breaks_no_rule(struct kunit *test)
{
	struct vmx_check_reader reader = { .read = read_image };
	struct vmx_violation v;

	KUNIT_EXPECT_FALSE(test, check_all(&reader, &v));
	KUNIT_EXPECT_EQ_MSG(test, v.rule, 0, "%s", v.text);
}

static void each_rule_is_found_and_named(struct kunit *test)
{
	const struct broken_case *c = test->param_value;
	struct vmx_check_reader reader = { .read = read_image, .ctx = (void *)c };
	struct vmx_violation v;

	KUNIT_EXPECT_TRUE(test, check_all(&reader, &v));
	KUNIT_EXPECT_EQ_MSG(test, v.rule, c->rule, "%s", v.text);
	KUNIT_EXPECT_EQ(test, v.field, c->field);
	KUNIT_EXPECT_NE(test, v.text[0], 0);
}

static void broken_name(const struct broken_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u, case %zu", c->rule, c - broken_cases);
}

KUNIT_ARRAY_PARAM(broken, broken_cases, broken_name);

static bool has_case(const struct vmx_rule *rule)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(broken_cases); i++)
		if (broken_cases[i].rule >= rule->id &&
		    broken_cases[i].rule <= rule->id + rule->more)
			return true;
	return false;
}

static u32 check_table(struct kunit *test, const struct vmx_rule *rules, unsigned int count,
		       u32 last)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_GT(test, rules[i].id, last);
		KUNIT_EXPECT_NOT_NULL(test, rules[i].section);
		KUNIT_EXPECT_LT(test, strlen(rules[i].text), VIOLATION_TEXT);
		KUNIT_EXPECT_TRUE_MSG(test, has_case(&rules[i]), "rule %u", rules[i].id);
		last = rules[i].id + rules[i].more;
	}
	return last;
}

static void every_rule_has_a_number_and_a_case(struct kunit *test)
{
	u32 last = 100;

	last = check_table(test, vmx_control_rules, vmx_control_rule_count, last);
	last = check_table(test, vmx_host_rules, vmx_host_rule_count, last);
	last = check_table(test, vmx_guest_rules, vmx_guest_rule_count, last);
	check_table(test, vmx_segment_rules, vmx_segment_rule_count, last);
}

static void the_wrong_control_is_named(struct kunit *test)
{
	struct vmx_check_reader reader = { .read = read_image, .ctx = NULL };
	struct vmx_violation v;
	struct vmx_caps caps;

	make_caps(&caps);
	caps.cpu2_allowed1 &= ~SECONDARY_EXEC_ENABLE_VPID;
	KUNIT_EXPECT_TRUE(test, vmx_check_controls(&reader, &caps, &v));
	KUNIT_EXPECT_EQ(test, v.rule, 103);
	KUNIT_EXPECT_NOT_NULL(test, strstr(v.text, "SECONDARY_EXEC_ENABLE_VPID"));
	KUNIT_EXPECT_EQ(test, v.value ^ v.wanted, SECONDARY_EXEC_ENABLE_VPID);
}

/* Only HOST_RIP goes by CR4.LA57, the host's; all else by what the CPU has. */
static const struct {
	u32 field;
	u64 value;
	u64 host_cr4;
	u32 la48, la57;		/* the rule that breaks, by the CPU's width */
} linear_cases[] = {
	{ HOST_FS_BASE, BIT_ULL(55), 0, 221, 0 },
	{ HOST_FS_BASE, BIT_ULL(56), X86_CR4_LA57, 221, 221 },
	{ HOST_IA32_SYSENTER_EIP, ~BIT_ULL(55), 0, 206, 0 },
	{ HOST_RIP, BIT_ULL(55), 0, 233, 233 },
	{ HOST_RIP, BIT_ULL(55), X86_CR4_LA57, 0, 0 },
	{ GUEST_GS_BASE, BIT_ULL(55), 0, 406, 0 },
	{ GUEST_IDTR_BASE, BIT_ULL(47), X86_CR4_LA57, 322, 0 },
	{ GUEST_RIP, BIT_ULL(55), 0, 331, 0 },
	{ GUEST_RIP, BIT_ULL(56), 0, 331, 0 },
	{ GUEST_RIP, BIT_ULL(57), 0, 331, 331 },
};

static u32 linear_rule(u32 field, u64 value, u64 host_cr4, u32 linear_bits)
{
	const struct broken_case c = {
		.set = { { field, value }, { HOST_CR4, MODEL_CR4 | X86_CR4_VMXE | host_cr4 } },
	};
	struct vmx_check_reader reader = { .read = read_image, .ctx = (void *)&c };
	struct vmx_violation v;
	struct vmx_caps caps;

	make_caps(&caps);
	caps.linear_bits = linear_bits;
	caps.cr4_fixed1 |= X86_CR4_LA57;
	if (!vmx_check_host(&reader, &caps, &v))
		vmx_check_guest(&reader, &caps, &v);
	return v.rule;
}

static void linear_addresses_have_the_cpus_width(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(linear_cases); i++) {
		u32 field = linear_cases[i].field;
		u64 value = linear_cases[i].value, cr4 = linear_cases[i].host_cr4;

		KUNIT_EXPECT_EQ_MSG(test, linear_rule(field, value, cr4, 48), linear_cases[i].la48,
				    "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, linear_rule(field, value, cr4, 57), linear_cases[i].la57,
				    "case %u", i);
	}
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE(a_valid_vmcs_breaks_no_rule),
	KUNIT_CASE_PARAM(each_rule_is_found_and_named, broken_gen_params),
	KUNIT_CASE(every_rule_has_a_number_and_a_case),
	KUNIT_CASE(the_wrong_control_is_named),
	KUNIT_CASE(linear_addresses_have_the_cpus_width),
	{}
};

static struct kunit_suite check_suite = {
	.name = "vmx_check",
	.test_cases = check_cases,
};

kunit_test_suite(check_suite);
