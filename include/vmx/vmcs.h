/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMCS regions: which CPU each is active on, and access to the current one's fields.
 *
 * A VMCS is active on one CPU at most. Each CPU keeps a list of those active on it, touched only on
 * that CPU with interrupts off; moving one sends VMCLEAR to the CPU that has it.
 */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include <asm/asm.h>

#include "vmx/count.h"
#include "vmx/fields.h"
#include "vmx/operation.h"

/**
 * struct vmcs - the head of a VMCS or VMXON region; what follows belongs to the CPU
 * @revision: the VMCS revision identifier; bit 31 marks a shadow VMCS
 * @abort: VMX-abort indicator
 * @data: implementation specific
 */
struct vmcs {
	u32 revision;
	u32 abort;
	char data[];
};

static_assert(sizeof(struct vmcs) == 8);

/**
 * struct loaded_vmcs - a VMCS and where it is
 * @vmcs: the region
 * @phys: its physical address
 * @cpu: the CPU that it is active on, or -1; changed on that CPU with interrupts off
 * @launched: VMLAUNCH succeeded since the last VMCLEAR; set by the entry path
 * @failed: a VMREAD or VMWRITE on it failed: what it says cannot be trusted any more
 * @node: in the active list of @cpu
 */
struct loaded_vmcs {
	struct vmcs *vmcs;
	u64 phys;
	int cpu;
	bool launched;
	bool failed;
	struct list_head node;
};

DECLARE_PER_CPU(struct loaded_vmcs *, vmcs_current);

struct vmcs *vmcs_alloc(int node, gfp_t gfp);
void vmcs_free(struct vmcs *vmcs);
int loaded_vmcs_init(struct loaded_vmcs *lv);
void loaded_vmcs_free(struct loaded_vmcs *lv);
int vmcs_load_slow(struct loaded_vmcs *lv);
void vmcs_clear(struct loaded_vmcs *lv);
void vmcs_clear_all_here(void);
void vmcs_clear_emergency(void);
void vmcs_lists_init(void);
void vmcs_dump(void);

/**
 * vmcs_load() - make a VMCS this CPU's current one
 * @lv: the VMCS; its owner lets nobody else load or clear it meanwhile
 *
 * Nothing to do when it is already; otherwise VMCLEAR where it was and VMPTRLD here.
 *
 * Context: Preemption off, interrupts on.
 * Return: 0; -EAGAIN if this CPU is not in VMX operation (leave it and retry); -ESHUTDOWN if the
 *	host is going down; -EIO if VMPTRLD failed.
 */
static __always_inline int vmcs_load(struct loaded_vmcs *lv)
{
	if (likely(this_cpu_read(vmcs_current) == lv))
		return 0;
	return vmcs_load_slow(lv);
}

u64 vmcs_read_any(u32 encoding);
int vmcs_write_any(u32 encoding, u64 value);

/* vmx/thunk.S: C's caller-saved registers kept; the argument is on the stack */
void vmcs_read_thunk(void);
void vmcs_write_thunk(void);

/* Raw VMREAD: three instructions when all is well; a failed one gives 0 and marks the VMCS. */
static __always_inline unsigned long vmcs_vmread(unsigned long field)
{
	unsigned long value;

	vmx_count(VMREAD);
	asm volatile("1: vmread %[field], %[value]\n\t"
		     "ja 3f\n"
		     "2: push %[field]\n\t"
		     "call vmcs_read_thunk\n\t"
		     "pop %[value]\n"
		     "3:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : ASM_CALL_CONSTRAINT, [value] "=r" (value)
		     : [field] "r" (field)
		     : "cc");
	return value;
}

static __always_inline void vmcs_vmwrite(unsigned long field, unsigned long value)
{
	vmx_count(VMWRITE);
	asm volatile("1: vmwrite %[value], %[field]\n\t"
		     "ja 3f\n"
		     "2: push %[field]\n\t"
		     "call vmcs_write_thunk\n\t"
		     "pop %%rdx\n"
		     "3:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : ASM_CALL_CONSTRAINT
		     : [field] "r" (field), [value] "r" (value)
		     : "cc", "rdx");
}

static __always_inline void vmcs_assert_width(enum vmcs_field field, enum vmcs_width width)
{
	BUILD_BUG_ON_MSG(!__builtin_constant_p(field), "not a constant VMCS field");
	BUILD_BUG_ON_MSG(VMCS_WIDTH(field) != width, "a VMCS field of another width");
}

/**
 * vmcs_read16() - read a field of the current VMCS; likewise vmcs_read32, _read64 and _readl
 * @field: a constant of that width (vmcs_readl: natural width); another does not compile
 *
 * Context: A VMCS is current and stays so (preemption off, or the owner reloads it in sched_in()).
 * Return: its value, or 0 if VMREAD failed (then the loaded_vmcs has failed set).
 */
static __always_inline u16 vmcs_read16(enum vmcs_field field)
{
	vmcs_assert_width(field, VMCS_WIDTH_16);
	return vmcs_vmread(field);
}

static __always_inline u32 vmcs_read32(enum vmcs_field field)
{
	vmcs_assert_width(field, VMCS_WIDTH_32);
	return vmcs_vmread(field);
}

static __always_inline u64 vmcs_read64(enum vmcs_field field)
{
	vmcs_assert_width(field, VMCS_WIDTH_64);
	return vmcs_vmread(field);
}

static __always_inline unsigned long vmcs_readl(enum vmcs_field field)
{
	vmcs_assert_width(field, VMCS_WIDTH_N);
	return vmcs_vmread(field);
}

/**
 * vmcs_write16() - write a field of the current VMCS; likewise vmcs_write32, _write64 and _writel
 * @field: a constant of that width (vmcs_writel: natural width); another does not compile
 * @value: the value
 *
 * Context: As vmcs_read16(). A failed VMWRITE marks the loaded_vmcs failed.
 */
static __always_inline void vmcs_write16(enum vmcs_field field, u16 value)
{
	vmcs_assert_width(field, VMCS_WIDTH_16);
	vmcs_vmwrite(field, value);
}

static __always_inline void vmcs_write32(enum vmcs_field field, u32 value)
{
	vmcs_assert_width(field, VMCS_WIDTH_32);
	vmcs_vmwrite(field, value);
}

static __always_inline void vmcs_write64(enum vmcs_field field, u64 value)
{
	vmcs_assert_width(field, VMCS_WIDTH_64);
	vmcs_vmwrite(field, value);
}

static __always_inline void vmcs_writel(enum vmcs_field field, unsigned long value)
{
	vmcs_assert_width(field, VMCS_WIDTH_N);
	vmcs_vmwrite(field, value);
}

#endif /* VMX_VMCS_H */
