// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's MSRs. One table (msr_table.def) says for each what reads it and what writes it; an
 * index made from the same table at compile time finds a row with one load, and an overlap of two
 * rows does not compile cleanly.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/controls.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/*
 * IA32_MISC_ENABLE: fast strings on; no branch trace store, no PEBS. Writable is what the guest's
 * CPUID has: not bits 3 (thermal monitor), 16 (EIST), 18 (MONITOR) and 23 (xTPR), which are hidden.
 */
#define MISC_ENABLE_FIXED	(BIT_ULL(11) | BIT_ULL(12))
#define MISC_ENABLE_RESET	(MSR_IA32_MISC_ENABLE_FAST_STRING | MISC_ENABLE_FIXED)
#define MISC_ENABLE_WRITABLE	(MSR_IA32_MISC_ENABLE_FAST_STRING | CPUID_MISC_ENABLE)

static int read_zero(struct vcpu *v, u32 msr, u64 *value)
{
	*value = 0;
	return 0;
}

static int read_feature_control(struct vcpu *v, u32 msr, u64 *value)
{
	*value = MSR_FEATURE_CONTROL_VALUE;
	return 0;
}

static int read_mtrrcap(struct vcpu *v, u32 msr, u64 *value)
{
	*value = MSR_MTRR_CAP_VALUE;
	return 0;
}

/* The CPU's width: what a guest loads without an exit is held against that. */
static bool canonical(u64 address)
{
	return linear_canonical(address, vmx_caps.linear_bits);
}

static int write_ignored(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	return 0;
}

/* A value that is fixed here: userspace may restore the same, MCG_STATUS may be cleared. */
static int write_same(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	u64 now;

	if (!from_user && msr != MSR_IA32_MCG_STATUS)
		return 1;
	return msr_get(v, msr, &now) || now != value;
}

/* ---- the TSC ------------------------------------------------------------------------------ */

static int read_tsc(struct vcpu *v, u32 msr, u64 *value)
{
	*value = tsc_to_guest(v, rdtsc());
	return 0;
}

/* A write by WRMSR shows in TSC_ADJUST. SDM: "Time-Stamp Counter Adjustment". */
static int write_tsc(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	u64 jump = value - tsc_to_guest(v, rdtsc());

	if (!from_user)
		v->msrs.tsc_adjust += jump;
	tsc_set_offset(v, v->tsc.offset + jump);
	return 0;
}

static int write_tsc_adjust(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (!from_user)
		tsc_set_offset(v, v->tsc.offset + value - v->msrs.tsc_adjust);
	v->msrs.tsc_adjust = value;
	return 0;
}

/* ---- those in the VMCS -------------------------------------------------------------------- */

static int read_sysenter(struct vcpu *v, u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_IA32_SYSENTER_CS:
		*value = vmcs_read32(GUEST_SYSENTER_CS);
		return 0;
	case MSR_IA32_SYSENTER_ESP:
		*value = vmcs_readl(GUEST_SYSENTER_ESP);
		return 0;
	}
	*value = vmcs_readl(GUEST_SYSENTER_EIP);
	return 0;
}

static int write_sysenter(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (msr == MSR_IA32_SYSENTER_CS) {
		vmcs_write32(GUEST_SYSENTER_CS, value);
		return 0;
	}
	if (!canonical(value))
		return 1;
	if (msr == MSR_IA32_SYSENTER_ESP)
		vmcs_writel(GUEST_SYSENTER_ESP, value);
	else
		vmcs_writel(GUEST_SYSENTER_EIP, value);
	return 0;
}

static int read_base(struct vcpu *v, u32 msr, u64 *value)
{
	*value = msr == MSR_FS_BASE ? vmcs_readl(GUEST_FS_BASE) : vmcs_readl(GUEST_GS_BASE);
	return 0;
}

static int write_base(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (!canonical(value))
		return 1;
	if (msr == MSR_FS_BASE)
		vmcs_writel(GUEST_FS_BASE, value);
	else
		vmcs_writel(GUEST_GS_BASE, value);
	return 0;
}

static int read_debugctl(struct vcpu *v, u32 msr, u64 *value)
{
	*value = vcpu_debugctl(v);
	return 0;
}

static int write_debugctl(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (value & ~(u64)DEBUGCTL_OF_GUEST)
		return 1;
	vcpu_set_debugctl(v, value);
	return 0;
}

static int write_pat(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (!msr_pat_valid(value))
		return 1;
	v->msrs.pat = value;
	vmcs_write64(GUEST_IA32_PAT, value);
	return 0;
}

static int write_efer(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	return efer_set(v, value);
}

/* ---- those in the CPU while the vCPU is on it --------------------------------------------- */

static int read_kernel_gs_base(struct vcpu *v, u32 msr, u64 *value)
{
	preempt_disable();
	if (v->host.loaded)
		rdmsrl(MSR_KERNEL_GS_BASE, v->msrs.kernel_gs_base);
	*value = v->msrs.kernel_gs_base;
	preempt_enable();
	return 0;
}

static int write_kernel_gs_base(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (!canonical(value))
		return 1;
	preempt_disable();
	v->msrs.kernel_gs_base = value;
	if (v->host.loaded)
		wrmsrl(MSR_KERNEL_GS_BASE, value);
	preempt_enable();
	return 0;
}

static int write_syscall(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	u64 *const slots[] = {
		&v->msrs.star, &v->msrs.lstar, &v->msrs.cstar, &v->msrs.syscall_mask,
	};

	if ((msr == MSR_LSTAR || msr == MSR_CSTAR) && !canonical(value))
		return 1;
	if (msr == MSR_SYSCALL_MASK && value >> 32)
		return 1;
	preempt_disable();
	*slots[msr & 3 ? (msr & 3) - 1 : 3] = value;
	if (v->host.syscall_loaded && msr != MSR_CSTAR)
		wrmsrl(msr, value);
	preempt_enable();
	return 0;
}

static int write_tsc_aux(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (value >> 32)
		return 1;
	preempt_disable();
	v->msrs.tsc_aux = value;
	if (v->host.loaded && v->ctl.cpu2 & SECONDARY_EXEC_ENABLE_RDTSCP) {
		wrmsrl(MSR_TSC_AUX, value);
		v->host.tsc_aux_loaded = true;
	}
	preempt_enable();
	return 0;
}

/* ---- those in memory ---------------------------------------------------------------------- */

static int read_apic_base(struct vcpu *v, u32 msr, u64 *value)
{
	*value = lapic_base(v);
	return 0;
}

static int write_apic(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	return lapic_msr_write(v, msr, value);
}

static int write_apic_base(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	int ret = lapic_msr_write(v, msr, value);

	cpuid_refresh(v);
	return ret;
}

/* The guest's write of 0 before it asks for the revision is taken and has no effect. */
static int write_bios_sign_id(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (from_user)
		v->msrs.bios_sign_id = value;
	return 0;
}

static int write_misc_enable(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	u64 old = v->msrs.misc_enable;

	if (value & ~(MISC_ENABLE_WRITABLE | MISC_ENABLE_FIXED))
		return 1;
	if (value & MSR_IA32_MISC_ENABLE_XD_DISABLE && !(v->cpuid->given.edx_ext & CPUID_NX))
		return 1;
	v->msrs.misc_enable = value | MISC_ENABLE_FIXED;
	if (!((old ^ value) & CPUID_MISC_ENABLE))
		return 0;
	cpuid_refresh(v);
	/* without the feature there is no EFER.NXE, whatever it was */
	return efer_set(v, v->efer & v->cpuid->efer_valid);
}

static int read_mtrr(struct vcpu *v, u32 msr, u64 *value)
{
	*value = *msr_mtrr_slot(&v->msrs, msr);
	return 0;
}

static int write_mtrr(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	if (!msr_mtrr_valid(msr, value, v->cpuid->maxphyaddr))
		return 1;
	*msr_mtrr_slot(&v->msrs, msr) = value;
	return 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

#define none	NULL

enum msr_row {
	ROW_NONE,
#define MSR_LOW(name, ...)	ROW_##name,
#define MSR_HIGH(name, ...)	ROW_##name,
#define MSR_APIC(name, ...)	ROW_##name,
#include "msr_table.def"
	ROWS
};

#define READ_FIELD(member)	.offset = offsetof(struct vcpu, member)
#define READ_FUNC(function)	.read = function
#define MSR_LOW(name_, first_, last_, needs_, how, read_, write_, flags_)	\
	[ROW_##name_] = { .name = #name_, .first = first_, .last = last_,	\
			  .needs = NEEDS_##needs_, .flags = flags_,		\
			  READ_##how(read_), .write = write_ },
#define MSR_HIGH	MSR_LOW
#define MSR_APIC(name, first, last, needs, read, write, flags)			\
	MSR_LOW(name, first, last, needs, FUNC, read, write, flags)
const struct msr_policy msr_policies[ROWS] = {
#include "msr_table.def"
};

VMXHV_EXPORT_FOR_TEST(msr_policies);

const unsigned int msr_policy_count = ROWS;
VMXHV_EXPORT_FOR_TEST(msr_policy_count);

const u8 msr_low_index[MSR_LOW_END] = {
#define MSR_LOW(name, first, last, ...)	\
	[(first) ... (last)] = ROW_##name,
#define MSR_HIGH(...)
#define MSR_APIC(...)
#include "msr_table.def"
};

const u8 msr_high_index[MSR_HIGH_COUNT] = {
#define MSR_LOW(...)
#define MSR_HIGH(name, first, last, ...)	\
	[(first) - MSR_HIGH_FIRST ... (last) - MSR_HIGH_FIRST] = ROW_##name,
#define MSR_APIC(...)
#include "msr_table.def"
};

const u8 msr_beyond_index[MSR_BEYOND] = {
	[MSR_BEYOND_NONE] = ROW_NONE,
	[MSR_BEYOND_TSC_DEADLINE] = ROW_TSC_DEADLINE,
	[MSR_BEYOND_X2APIC] = ROW_X2APIC,
};

/**
 * msr_find() - the policy of an MSR
 * @msr: its number
 *
 * Context: Any.
 * Return: its row, or NULL: there is no such MSR.
 */
const struct msr_policy *msr_find(u32 msr)
{
	const struct msr_policy *p = msr_policy_of(msr);

	return p->name ? p : NULL;
}

VMXHV_EXPORT_FOR_TEST(msr_find);

/**
 * msr_get() - read an MSR of the guest
 * @v: the vCPU
 * @index: the MSR
 * @value: where its value goes
 *
 * Context: vCPU loaded, mutex held; IRQs may be off.
 * Return: 0, or 1: there is no such MSR.
 */
int msr_get(struct vcpu *v, u32 index, u64 *value)
{
	const struct msr_policy *p = msr_policy_of(index);

	if (likely(p->offset)) {
		*value = *(u64 *)((char *)v + p->offset);
		return 0;
	}
	return p->read ? p->read(v, index, value) : 1;
}

VMXHV_EXPORT_FOR_TEST(msr_get);

/**
 * msr_set() - write an MSR of the guest
 * @v: the vCPU
 * @index: the MSR
 * @value: its value
 * @from_user: SET_MSRS restores state: TSC and TSC_ADJUST apart, read-only ones if unchanged
 *
 * Context: vCPU loaded, mutex held; IRQs may be off.
 * Return: 0, or 1: no such MSR, or not this value.
 */
int msr_set(struct vcpu *v, u32 index, u64 value, bool from_user)
{
	return msr_write(v, index, value, from_user);
}

VMXHV_EXPORT_FOR_TEST(msr_set);

/**
 * msr_list() - the MSRs that userspace saves and restores
 * @entries: where they go; the value is 0
 * @max: entries that fit
 * @count: MSRs there are
 *
 * Context: Any.
 * Return: 0, or -ENOSPC when @max is too small.
 */
int msr_list(struct vmxhv_msr_entry *entries, u32 max, u32 *count)
{
	u32 n = 0, i, msr;

	for (i = 0; i < ROWS; i++) {
		if (!(msr_policies[i].flags & MSR_IN_LIST))
			continue;
		for (msr = msr_policies[i].first; msr <= msr_policies[i].last; msr++, n++)
			if (n < max)
				entries[n] = (struct vmxhv_msr_entry){ .index = msr };
	}
	*count = n;
	return n > max ? -ENOSPC : 0;
}

VMXHV_EXPORT_FOR_TEST(msr_list);

/*
 * SDM "MSR-Bitmap Address": bits for reads of low and high MSRs, then for writes; a clear bit does
 * not exit.
 */
#define BITMAP_HIGH	0x2000
#define BITMAP_WRITES	0x4000

static u32 bitmap_read_bit(u32 msr)
{
	return (msr >= 0xc0000000 ? BITMAP_HIGH : 0) + (msr & (BITMAP_HIGH - 1));
}

static void pass_through(u8 *bitmap, u32 msr)
{
	unsigned long *bits = (unsigned long *)bitmap;

	__clear_bit(bitmap_read_bit(msr), bits);
	__clear_bit(bitmap_read_bit(msr) + BITMAP_WRITES, bits);
}

/**
 * msr_bitmap_fill() - the MSR bitmap of every VM
 * @bitmap: one page
 *
 * Passed through are only MSRs that VM entry and exit, or the thread switch, swap.
 *
 * Context: Any.
 */
void msr_bitmap_fill(u8 *bitmap)
{
	u32 i, msr;

	memset(bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ROWS; i++) {
		if (!(msr_policies[i].flags & MSR_PASS_THROUGH))
			continue;
		for (msr = msr_policies[i].first; msr <= msr_policies[i].last; msr++)
			pass_through(bitmap, msr);
	}
}

VMXHV_EXPORT_FOR_TEST(msr_bitmap_fill);

/**
 * msr_hidden_rows() - the MSRs whose features a CPUID table does not show
 * @table: the table
 *
 * Context: Any.
 * Return: a bit for each row of msr_policies[].
 */
u32 msr_hidden_rows(const struct cpuid_table *table)
{
	u32 hidden = 0;
	u32 i;

	BUILD_BUG_ON(ROWS > 32);
	for (i = 0; table->unmet && i < ROWS; i++)
		if (table->unmet & BIT(msr_policies[i].needs))
			hidden |= BIT(i);
	return hidden;
}

VMXHV_EXPORT_FOR_TEST(msr_hidden_rows);

/**
 * msr_is_hidden() - does the guest get #GP for an MSR that the table has?
 * @v: the vCPU
 * @msr: the MSR
 *
 * Userspace can save and restore it all the same: what it holds then is what a reset left.
 *
 * Context: vCPU thread.
 * Return: true if its feature is not in the guest's CPUID.
 */
bool msr_is_hidden(const struct vcpu *v, u32 msr)
{
	return v->msr_hidden & BIT(msr_policy_of(msr) - msr_policies);
}

VMXHV_EXPORT_FOR_TEST(msr_is_hidden);

static void stop_passing(u8 *bitmap, const struct msr_policy *p)
{
	unsigned long *bits = (unsigned long *)bitmap;
	u32 msr;

	for (msr = p->first; msr <= p->last; msr++) {
		set_bit(bitmap_read_bit(msr), bits);
		set_bit(bitmap_read_bit(msr) + BITMAP_WRITES, bits);
	}
}

/*
 * A VM's bitmaps are those of all its vCPUs: what one must not reach exits from now on, whichever
 * mode the APIC of each is in, and also where the one is being copied to the other just now.
 */
static void stop_passing_rows(struct vm *vm, u32 rows)
{
	unsigned long flags;
	u32 i;

	raw_spin_lock_irqsave(&vm->bitmap_lock, flags);
	for (i = 0; i < ROWS; i++) {
		if (!(rows & BIT(i)) || !(msr_policies[i].flags & MSR_PASS_THROUGH))
			continue;
		stop_passing(vm->msr_bitmap, &msr_policies[i]);
		if (vm->x2apic_filled)
			stop_passing(vm->x2apic_bitmap, &msr_policies[i]);
	}
	raw_spin_unlock_irqrestore(&vm->bitmap_lock, flags);
}

/**
 * msr_follow_cpuid() - the vCPU has another CPUID table
 * @v: the vCPU
 *
 * Context: vCPU loaded, mutex held, or it is being made.
 */
void msr_follow_cpuid(struct vcpu *v)
{
	v->msr_hidden = msr_hidden_rows(v->cpuid);
	if (v->msr_hidden)
		stop_passing_rows(v->vm, v->msr_hidden);
}

VMXHV_EXPORT_FOR_TEST(msr_follow_cpuid);

/**
 * msr_bitmap_init() - allocate a VM's MSR bitmap
 * @vm: the VM; freed with free_page()
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int msr_bitmap_init(struct vm *vm)
{
	raw_spin_lock_init(&vm->bitmap_lock);
	vm->msr_bitmap = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vm->msr_bitmap)
		return -ENOMEM;
	msr_bitmap_fill(vm->msr_bitmap);
	return 0;
}

/**
 * msr_reset() - power-on values of all but EFER, APIC_BASE and the segment bases
 * @v: the vCPU
 *
 * Context: vCPU loaded, mutex held. SDM: "IA-32 and Intel 64 Processor States Following Power-up,
 *	Reset, or INIT".
 */
void msr_reset(struct vcpu *v)
{
	memset(&v->msrs, 0, sizeof(v->msrs));
	v->msrs.pat = MSR_PAT_RESET;
	v->msrs.misc_enable = MISC_ENABLE_RESET;
	write_kernel_gs_base(v, MSR_KERNEL_GS_BASE, 0, true);
	vmcs_write64(GUEST_IA32_PAT, v->msrs.pat);
	vcpu_set_debugctl(v, 0);
	vmcs_write32(GUEST_SYSENTER_CS, 0);
	vmcs_writel(GUEST_SYSENTER_ESP, 0);
	vmcs_writel(GUEST_SYSENTER_EIP, 0);
	tsc_set_offset(v, v->vm->tsc_offset + (vmx_tsc_lost - v->vm->tsc_lost));
}
