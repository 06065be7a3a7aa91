/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of VMX's MSRs, fields and tables, from the SDM. Field encodings are in vmx/fields.h. */
#ifndef VMX_ARCH_H
#define VMX_ARCH_H

#include <linux/bits.h>
#include <linux/const.h>
#include <linux/types.h>

#define LINEAR_BITS_LA48		48	/* 4-level paging, and CPUs without LA57 */
#define LINEAR_BITS_LA57		57

/*
 * A linear address, its upper bits made alike: canonical is what that does not change. For an
 * access the width is that of the paging, which is CR4.LA57's to say; for what is loaded into MSRs,
 * segment bases, descriptor-table registers and the fields of a VMCS it is the CPU's, whatever
 * CR4.LA57 is (CPUID.80000008H:EAX[15:8]). SDM: "Canonical Addressing", "System Registers
 * Containing Linear Addresses".
 */
static inline u64 linear_extend(u64 address, unsigned int width)
{
	return (s64)(address << (64 - width)) >> (64 - width);
}

static inline bool linear_canonical(u64 address, unsigned int width)
{
	return linear_extend(address, width) == address;
}

/* IA32_VMX_BASIC: SDM "Basic VMX Information" */
#define VMX_BASIC_REVISION(basic)	((u32)((basic) & GENMASK_ULL(30, 0)))
#define VMX_BASIC_RESERVED31		BIT_ULL(31)
#define VMX_BASIC_SIZE(basic)		((u32)(((basic) >> 32) & GENMASK(12, 0)))
#define VMX_BASIC_ADDR32		BIT_ULL(48)
#define VMX_BASIC_DUAL_MONITOR		BIT_ULL(49)
#define VMX_BASIC_MEMTYPE(basic)	((u32)(((basic) >> 50) & 0xf))
#define VMX_BASIC_INOUT_INFO		BIT_ULL(54)
#define VMX_BASIC_TRUE_CONTROLS		BIT_ULL(55)
#define VMX_BASIC_ANY_ERROR_CODE	BIT_ULL(56)
#define VMX_MEMTYPE_UC			0
#define VMX_MEMTYPE_WB			6
#define VMX_REGION_MAX			4096	/* bytes: the SDM's bound on a region */

/* IA32_VMX_MISC: SDM "Miscellaneous Data" */
#define VMX_MISC_TIMER_SHIFT(misc)	((u8)((misc) & 0x1f))
#define VMX_MISC_STORES_LMA		BIT_ULL(5)
#define VMX_MISC_ACTIVITY_HLT_OK	BIT_ULL(6)
#define VMX_MISC_ACTIVITY_SHUTDOWN_OK	BIT_ULL(7)
#define VMX_MISC_ACTIVITY_SIPI_OK	BIT_ULL(8)
#define VMX_MISC_CR3_TARGETS(misc)	((u32)(((misc) >> 16) & 0x1ff))
#define VMX_MISC_MSR_LIST_MAX(misc)	((u32)(512 * ((((misc) >> 25) & 7) + 1)))
#define VMX_MISC_WRITE_ALL_FIELDS	BIT_ULL(29)
#define VMX_MISC_ZERO_LENGTH_INJECTION	BIT_ULL(30)

/* IA32_VMX_EPT_VPID_CAP: SDM "VPID and EPT Capabilities" */
#define VMX_EPTCAP_EXEC_ONLY		BIT_ULL(0)
#define VMX_EPTCAP_WALK_4		BIT_ULL(6)
#define VMX_EPTCAP_WALK_5		BIT_ULL(7)
#define VMX_EPTCAP_UC			BIT_ULL(8)
#define VMX_EPTCAP_WB			BIT_ULL(14)
#define VMX_EPTCAP_2M			BIT_ULL(16)
#define VMX_EPTCAP_1G			BIT_ULL(17)
#define VMX_EPTCAP_INVEPT		BIT_ULL(20)
#define VMX_EPTCAP_AD			BIT_ULL(21)
#define VMX_EPTCAP_ADVANCED_INFO	BIT_ULL(22)
#define VMX_EPTCAP_SHADOW_STACK		BIT_ULL(23)
#define VMX_EPTCAP_INVEPT_SINGLE	BIT_ULL(25)
#define VMX_EPTCAP_INVEPT_ALL		BIT_ULL(26)
#define VMX_EPTCAP_INVVPID		BIT_ULL(32)
#define VMX_EPTCAP_INVVPID_ADDR		BIT_ULL(40)
#define VMX_EPTCAP_INVVPID_SINGLE	BIT_ULL(41)
#define VMX_EPTCAP_INVVPID_ALL		BIT_ULL(42)
#define VMX_EPTCAP_INVVPID_KEEP_GLOBAL	BIT_ULL(43)

/* EPT pointer and entries: SDM "Extended-Page-Table Pointer", "The EPT Translation Mechanism" */
#define VMX_EPTP_WB			0x6ull
#define VMX_EPTP_MT_MASK		0x7ull
#define VMX_EPTP_WALK_4			(3ull << 3)
#define VMX_EPTP_WALK_5			(4ull << 3)
#define VMX_EPTP_WALK_MASK		(7ull << 3)
#define VMX_EPTP_AD			BIT_ULL(6)
#define VMX_EPTP_SHADOW_STACK		BIT_ULL(7)
#define EPT_READ			BIT_ULL(0)
#define EPT_WRITE			BIT_ULL(1)
#define EPT_EXEC			BIT_ULL(2)
#define EPT_RWX				(EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_MT_SHIFT			3
#define EPT_MT_WB			(6ull << EPT_MT_SHIFT)
#define EPT_IGNORE_PAT			BIT_ULL(6)
#define EPT_LARGE			BIT_ULL(7)
#define EPT_ACCESSED			BIT_ULL(8)
#define EPT_DIRTY			BIT_ULL(9)
#define EPT_EXEC_USER			BIT_ULL(10)
#define EPT_SUPPRESS_VE			BIT_ULL(63)

/* Exit qualification for EPT violations: SDM table of that name */
#define EPT_VIOLATION_READ		BIT(0)
#define EPT_VIOLATION_WRITE		BIT(1)
#define EPT_VIOLATION_EXEC		BIT(2)
#define EPT_VIOLATION_GPA_READABLE	BIT(3)
#define EPT_VIOLATION_GPA_WRITABLE	BIT(4)
#define EPT_VIOLATION_GPA_EXECUTABLE	BIT(5)
#define EPT_VIOLATION_GLA_VALID		BIT(7)
#define EPT_VIOLATION_GLA_TRANSLATED	BIT(8)	/* clear: the access was to a paging structure */
/* the access itself, not one to a paging structure on the way */
#define EPT_VIOLATION_GLA_FINAL	(EPT_VIOLATION_GLA_VALID | EPT_VIOLATION_GLA_TRANSLATED)
#define EPT_VIOLATION_IRET_UNBLOCK	BIT(12)

/* Guest interruptibility state (SDM: "Guest Non-Register State") */
#define SHADOW_STI	BIT(0)
#define SHADOW_MOV_SS	BIT(1)
#define SHADOW_SMI	BIT(2)
#define SHADOW_NMI	BIT(3)

/* VM-entry, VM-exit and IDT-vectoring interruption information: one format */
#define INTR_INFO_VECTOR_MASK		0xffu
#define INTR_INFO_TYPE_MASK		0x700u
#define INTR_INFO_TYPE_SHIFT		8
#define INTR_INFO_DELIVER_CODE_MASK	BIT(11)
#define INTR_INFO_UNBLOCK_NMI		BIT(12)	/* VM-exit information only */
#define INTR_INFO_RESERVED_MASK		0x7ffff000u	/* VM-entry information */
#define INTR_INFO_VALID_MASK		0x80000000u
#define INTR_TYPE_EXT_INTR		0x000u
#define INTR_TYPE_RESERVED		0x100u
#define INTR_TYPE_NMI_INTR		0x200u
#define INTR_TYPE_HARD_EXCEPTION	0x300u
#define INTR_TYPE_SOFT_INTR		0x400u
#define INTR_TYPE_PRIV_SW_EXCEPTION	0x500u
#define INTR_TYPE_SOFT_EXCEPTION	0x600u
#define INTR_TYPE_OTHER_EVENT		0x700u

/* Guest non-register state: SDM "Guest Non-Register State" */
#define GUEST_INTR_STATE_STI		BIT(0)
#define GUEST_INTR_STATE_MOV_SS		BIT(1)
#define GUEST_INTR_STATE_SMI		BIT(2)
#define GUEST_INTR_STATE_NMI		BIT(3)
#define GUEST_INTR_STATE_ENCLAVE	BIT(4)
#define GUEST_ACTIVITY_ACTIVE		0
#define GUEST_ACTIVITY_HLT		1
#define GUEST_ACTIVITY_SHUTDOWN		2
#define GUEST_ACTIVITY_WAIT_SIPI	3
#define GUEST_PENDING_DBG_BS		BIT(14)

/* Segment access rights: SDM "Format of Access Rights" */
#define VMX_AR_TYPE_MASK		0xfu
#define VMX_AR_TYPE_ACCESSED		BIT(0)
#define VMX_AR_TYPE_READABLE		BIT(1)	/* data segments: writable */
#define VMX_AR_TYPE_EXPAND_DOWN		BIT(2)	/* code segments: conforming */
#define VMX_AR_TYPE_CODE		BIT(3)
#define VMX_AR_TYPE_BUSY_16_TSS		3u
#define VMX_AR_TYPE_BUSY_TSS		11u	/* 32-bit, or 64-bit in IA-32e mode */
#define VMX_AR_TYPE_LDT			2u
#define VMX_AR_S			BIT(4)
#define VMX_AR_DPL_SHIFT		5
#define VMX_AR_DPL(ar)			(((ar) >> VMX_AR_DPL_SHIFT) & 3)
#define VMX_AR_P			BIT(7)
#define VMX_AR_L			BIT(13)
#define VMX_AR_DB			BIT(14)
#define VMX_AR_G			BIT(15)
#define VMX_AR_UNUSABLE			BIT(16)
#define VMX_AR_RESERVED			0xfffe0f00u

/* Exit qualification for control-register accesses */
#define CR_ACCESS_NUMBER(q)		((u32)(q) & 0xf)
#define CR_ACCESS_TYPE(q)		(((u32)(q) >> 4) & 3)
#define CR_ACCESS_MOV_TO		0
#define CR_ACCESS_MOV_FROM		1
#define CR_ACCESS_CLTS			2
#define CR_ACCESS_LMSW			3
#define CR_ACCESS_GPR(q)		(((u32)(q) >> 8) & 0xf)
#define CR_ACCESS_LMSW_MEMORY(q)	((u32)(q) & BIT(6))
#define CR_ACCESS_LMSW_SOURCE(q)	((u16)((q) >> 16))

/* Debug registers: SDM "Debug Registers" */
#define DR6_BD				BIT(13)
#define DR7_GD				BIT(13)

/* Exit qualification for MOV DR */
#define DR_ACCESS_NUMBER(q)		((u32)(q) & 7)
#define DR_ACCESS_FROM(q)		((u32)(q) & BIT(4))
#define DR_ACCESS_GPR(q)		(((u32)(q) >> 8) & 0xf)

/* Exit qualification for I/O instructions */
#define IO_QUAL_SIZE(q)			((((u32)(q)) & 7) + 1)	/* bytes: 1, 2 or 4 */
#define IO_QUAL_IN			BIT(3)
#define IO_QUAL_STRING			BIT(4)
#define IO_QUAL_REP			BIT(5)
#define IO_QUAL_IMMEDIATE		BIT(6)
#define IO_QUAL_PORT(q)			((u16)((q) >> 16))

/* Exit qualification for APIC accesses: SDM table of that name */
#define APIC_ACCESS_OFFSET(q)		((u32)(q) & 0xfff)
#define APIC_ACCESS_TYPE(q)		(((u32)(q) >> 12) & 0xf)
#define APIC_ACCESS_LINEAR_READ		0
#define APIC_ACCESS_LINEAR_WRITE	1
#define APIC_ACCESS_LINEAR_FETCH	2
#define APIC_ACCESS_LINEAR_EVENT	3

/* Exit qualification for task switches */
#define TASK_SWITCH_SELECTOR(q)		((u16)(q))
#define TASK_SWITCH_SOURCE(q)		(((u32)(q) >> 30) & 3)

#endif /* VMX_ARCH_H */
