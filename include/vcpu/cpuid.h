/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's CPUID: the table that the exit handler reads, and how the default one is made. */
#ifndef VCPU_CPUID_H
#define VCPU_CPUID_H

#include <linux/types.h>

#include "vmxhv.h"
#include "vmx/nospec.h"

#define CPUID_MAX_ENTRIES	256
#define CPUID_BASIC_SLOTS	0x20	/* leaves 0 to 1FH */
#define CPUID_HYPER_SLOTS	0x10	/* 4000_0000H to 4000_000FH */
#define CPUID_EXT_SLOTS		0x20	/* 8000_0000H to 8000_001FH */

/* The registers of struct vmxhv_cpuid_entry, for tables; the numbers are the kernel's own. */
enum cpuid_reg {
	CPUID_REG_EAX,
	CPUID_REG_EBX,
	CPUID_REG_ECX,
	CPUID_REG_EDX,
};

/**
 * struct cpuid_slot - where one leaf's data is
 * @row: the leaf's first row, never NULL
 * @subleaves: rows there are when ECX chooses among them; 0: ECX does not matter; CPUID_ASK or
 *	CPUID_BY_MODE
 * @own_subleaves: the same, where @subleaves is CPUID_ASK
 */
struct cpuid_slot {
	const struct vmxhv_cpuid_entry *row;
	u32 subleaves;
	u32 own_subleaves;
};

#define CPUID_ASK	(~0u)	/* userspace is asked */
#define CPUID_BY_MODE	(~1u)	/* 8000_0001H: SYSCALL is shown in 64-bit mode only */

#define CPUID_SYSCALL	BIT(11)	/* 8000_0001H: EDX */
#define CPUID_NX	BIT(20)

/* IA32_MISC_ENABLE: what CPUID follows */
#define CPUID_MISC_ENABLE	\
	(MSR_IA32_MISC_ENABLE_LIMIT_CPUID | MSR_IA32_MISC_ENABLE_XD_DISABLE)

/* What an MSR needs of CPUID: see vcpu/cpuid/controls.c */
enum cpuid_need {
	NEEDS_NOTHING,
	NEEDS_TSC,
	NEEDS_TSC_ADJUST,
	NEEDS_MTRR,
	NEEDS_PAT,
	NEEDS_SEP,
	NEEDS_MCA,
	NEEDS_LM,
	NEEDS_NX_OR_LM,
	NEEDS_TSC_AUX,
	NR_NEEDS,
};

/**
 * struct cpuid_table - one vCPU's CPUID
 * @basic: slots of the basic leaves; those above the highest one repeat it
 * @hyper: slots of the hypervisor's leaves
 * @ext: slots of the extended leaves
 * @highest: the highest basic leaf: what a leaf out of every range gives
 * @maxphyaddr: physical-address width
 * @cr4_valid: bits that the guest may set in CR4
 * @cr4_owned: those of them that it may set without an exit
 * @efer_valid: bits that the guest may set in IA32_EFER
 * @xcr0_valid: bits that the guest may set in XCR0
 * @unmet: bits by enum cpuid_need: what the table does not show
 * @misc_enable: the bits of IA32_MISC_ENABLE by which rows and slots are as they are
 * @given: what userspace gave for registers of which a part follows the guest's state
 * @count: rows there are
 * @rows: sorted by function and index
 */
struct cpuid_table {
	struct cpuid_slot basic[CPUID_BASIC_SLOTS];
	struct cpuid_slot hyper[CPUID_HYPER_SLOTS];
	struct cpuid_slot ext[CPUID_EXT_SLOTS];
	struct cpuid_slot highest;
	u8 maxphyaddr;
	u64 cr4_valid, cr4_owned;
	u64 efer_valid;
	u64 xcr0_valid;
	u32 unmet;
	u64 misc_enable;
	struct {
		u32 max_basic;		/* 0: EAX */
		u32 edx_1, edx_ext;	/* 1 and 8000_0001H: EDX */
	} given;
	u32 count;
	struct vmxhv_cpuid_entry rows[];
};

/**
 * struct cpuid_state - the guest's state that its CPUID follows
 * @cr4: CR4: OSXSAVE, PKE
 * @xcr0: XCR0
 * @misc_enable: IA32_MISC_ENABLE
 * @apic: the local APIC is enabled in IA32_APIC_BASE
 */
struct cpuid_state {
	u64 cr4;
	u64 xcr0;
	u64 misc_enable;
	bool apic;
};

/**
 * struct cpuid_source - all that the default table depends on
 * @read: gives a leaf as the host's CPUID instruction does: EAX, EBX, ECX, EDX
 * @ctx: passed to @read
 * @kernel_caps: the host kernel's capability words (boot_cpu_data.x86_capability)
 * @xcr0: what guests may set in XCR0; 0: the host does not use XSAVE
 * @tsc_khz: frequency of the guest's TSC and APIC timer
 * @rdtscp: the control "enable RDTSCP" exists
 * @invpcid: the control "enable INVPCID" exists
 */
struct cpuid_source {
	void (*read)(const void *ctx, u32 leaf, u32 index, u32 *regs);
	const void *ctx;
	const u32 *kernel_caps;
	u64 xcr0;
	u32 tsc_khz;
	bool rdtscp;
	bool invpcid;
};

/* vcpu/cpuid/default.c: pure */
int cpuid_filter(const struct cpuid_source *source, struct vmxhv_cpuid_entry *entries, u32 max,
		 u32 *count);
int cpuid_check(const struct vmxhv_cpuid_entry *allowed, u32 nr_allowed,
		const struct vmxhv_cpuid_entry *entries, u32 count, struct vmxhv_error *err);

/* vcpu/cpuid/controls.c: pure */
u32 cpuid_controls(const struct cpuid_table *table, u32 now, u32 allowed1);
u32 cpuid_unmet_needs(const struct cpuid_table *table);

/* vcpu/cpuid/cr_bits.c: pure */
void cr_masks(const struct cpuid_table *table, u64 *cr4_valid, u64 *cr4_owned, u64 *efer_valid);

/* vcpu/cpuid/host.c */
u64 host_xcr0(void);
u64 xstate_allowed_xcr0(void);
int cpuid_default(struct vmxhv_cpuid_entry *entries, u32 max, u32 *count); /* -ENOSPC: *count */
struct vmxhv_cpuid_entry *cpuid_default_entries(u32 *count);

/* vcpu/cpuid/table.c */
struct cpuid_table *cpuid_table_build(const struct vmxhv_cpuid_entry *entries, u32 count, u32 id);
void cpuid_ask(struct cpuid_table *table, u32 first, u32 last);
void cpuid_table_refresh(struct cpuid_table *table, const struct cpuid_state *state);
const struct vmxhv_cpuid_entry *cpuid_lookup(const struct cpuid_table *table, u32 leaf, u32 index);
bool cpuid_table_has(const struct cpuid_table *table, u32 leaf, u32 index, int reg, u32 bit);

void cpuid_set_apic_id(struct cpuid_table *table, u32 id);

/* vcpu/cpuid/prototype.c */
struct cpuid_table *cpuid_table_copy(const struct cpuid_table *table, u32 id, gfp_t gfp);
struct cpuid_table *cpuid_prototype_copy(u32 id);
void cpuid_prototype_exit(void);	/* there is no vCPU */

/* sizes of an XSAVE area, from the rows of leaf DH */
u32 cpuid_xsave_size(const struct cpuid_table *table, u64 xcr0, bool compacted);

/**
 * cpuid_slot_of() - where a leaf's data is
 * @t: the table
 * @leaf: EAX, which the guest chooses
 *
 * Context: Any.
 * Return: the slot; that of the highest basic leaf for one out of every range.
 */
static inline const struct cpuid_slot *cpuid_slot_of(const struct cpuid_table *t, u32 leaf)
{
	u32 ext = leaf - 0x80000000, hyper = leaf - 0x40000000;

	if (likely(leaf < CPUID_BASIC_SLOTS))
		return &t->basic[nospec_mask(leaf, CPUID_BASIC_SLOTS)];
	if (ext < CPUID_EXT_SLOTS)
		return &t->ext[nospec_mask(ext, CPUID_EXT_SLOTS)];
	if (hyper < CPUID_HYPER_SLOTS)
		return &t->hyper[nospec_mask(hyper, CPUID_HYPER_SLOTS)];
	return &t->highest;
}

#endif /* VCPU_CPUID_H */
