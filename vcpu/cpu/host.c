// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host around the guest. A VM exit loads most of the host's state from the VMCS, but not all:
 * the limits of GDTR and IDTR become FFFFH, LDTR becomes unusable, TR gets a limit of 67H, DR7 and
 * IA32_DEBUGCTL are cleared (SDM: "Loading Host State"). And some MSRs it never touches.
 *
 * Three rates of change, three places:
 *	once a VMCS	control registers' constant part, selectors, entry points
 *	once a CPU	GDT, TSS, SYSENTER stack
 *	once a burst	CR3, CR4, FS base, the host's bits of the guest's IA32_DEBUGCTL: written
 *			when they differ from what the VMCS has
 * What the thread needs back only when it returns to userspace or sleeps is switched by
 * host_thread_leave() and host_thread_return(), at most once each between vcpu_load() and
 * vcpu_put() while the thread is not preempted.
 */
#include <linux/hw_breakpoint.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include <asm/cpu_entry_area.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "compat.h"
#include "vcpu/cpu.h"
#include "vcpu/vcpu.h"
#include "vmx/controls.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"

/**
 * host_state_constant() - write the host fields that never change
 * @v: the vCPU, its VMCS current
 * @exit_point: where a VM exit goes on
 *
 * DS and ES are nulled by an exit; a thread that had something in them gets it back in
 * host_thread_return(). (SDM: "Host-State Area", "Checks on Host Segment and
 * Descriptor-Table Registers".)
 *
 * Context: Preemption off.
 */
void host_state_constant(struct vcpu *v, unsigned long exit_point)
{
	struct desc_ptr idt;
	u64 value;

	vmcs_writel(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);

	store_idt(&idt);
	vmcs_writel(HOST_IDTR_BASE, idt.address);
	vmcs_writel(HOST_RIP, exit_point);

	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmcs_write32(HOST_IA32_SYSENTER_CS, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_writel(HOST_IA32_SYSENTER_EIP, value);
	rdmsrl(MSR_IA32_CR_PAT, value);
	vmcs_write64(HOST_IA32_PAT, value);
	rdmsrl(MSR_EFER, value);
	vmcs_write64(HOST_IA32_EFER, value);

	/* unequal to anything real: the first burst writes them */
	v->vmcs_host.cr3 = ~0ull;
	v->vmcs_host.cr4 = ~0ull;
	v->vmcs_host.fs_base = ~0ull;
	v->host_rsp = 0;
}

/**
 * host_state_cpu() - write the host fields that depend on the CPU
 * @v: the vCPU, its VMCS just loaded on a CPU where it was not before
 *
 * Context: Preemption off.
 */
void host_state_cpu(struct vcpu *v)
{
	unsigned int cpu = smp_processor_id();
	u64 value;

	vmcs_writel(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	v->host.gdt.address = (unsigned long)get_cpu_gdt_ro(cpu);
	v->host.gdt.size = GDT_SIZE - 1;
	vmcs_writel(HOST_GDTR_BASE, v->host.gdt.address);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_writel(HOST_IA32_SYSENTER_ESP, value);
	rdmsrl(MSR_GS_BASE, value);
	vmcs_writel(HOST_GS_BASE, value);

	rdmsrl(MSR_STAR, v->host.star);
	rdmsrl(MSR_LSTAR, v->host.lstar);
	rdmsrl(MSR_SYSCALL_MASK, v->host.syscall_mask);
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		rdmsrl(MSR_TSC_AUX, v->host.tsc_aux);
}

/* A WRMSR costs a hundred cycles where a comparison costs one, and most values are alike. */
static __always_inline void switch_msr(u32 msr, u64 from, u64 to)
{
	if (from != to)
		__wrmsr(msr, (u32)to, to >> 32);
}

static void syscall_msrs_leave(struct vcpu *v)
{
	/* without EFER.SCE the guest's SYSCALL is #UD, and ours can stay */
	if ((v->efer & (EFER_SCE | EFER_LMA)) != (EFER_SCE | EFER_LMA))
		return;

	switch_msr(MSR_STAR, v->host.star, v->msrs.star);
	switch_msr(MSR_LSTAR, v->host.lstar, v->msrs.lstar);
	switch_msr(MSR_SYSCALL_MASK, v->host.syscall_mask, v->msrs.syscall_mask);
	v->host.syscall_loaded = true;
}

static void syscall_msrs_return(struct vcpu *v)
{
	if (!v->host.syscall_loaded)
		return;

	switch_msr(MSR_STAR, v->msrs.star, v->host.star);
	switch_msr(MSR_LSTAR, v->msrs.lstar, v->host.lstar);
	switch_msr(MSR_SYSCALL_MASK, v->msrs.syscall_mask, v->host.syscall_mask);
	v->host.syscall_loaded = false;
}

static void tsc_aux_leave(struct vcpu *v)
{
	if (!(v->ctl.cpu2 & SECONDARY_EXEC_ENABLE_RDTSCP))
		return;
	if (v->host.tsc_aux == v->msrs.tsc_aux)
		return;
	wrmsrl(MSR_TSC_AUX, v->msrs.tsc_aux);
	v->host.tsc_aux_loaded = true;
}

static u64 fs_base(void)
{
	return static_cpu_has(X86_FEATURE_FSGSBASE) ? rdfsbase() : __rdmsr(MSR_FS_BASE);
}

/* A 64-bit process has null selectors: one word says so. */
static void save_selectors(struct host_thread *host)
{
	u16 fs, gs, ds, es, ldt;

	savesegment(fs, fs);
	savesegment(gs, gs);
	savesegment(ds, ds);
	savesegment(es, es);
	asm volatile("sldt %0" : "=r" (ldt));
	host->selectors = fs | gs | ds | es | ldt;
	if (likely(!host->selectors))
		return;
	host->fs_sel = fs;
	host->gs_sel = gs;
	host->ds_sel = ds;
	host->es_sel = es;
	host->ldt_sel = ldt;
}

/**
 * host_thread_leave() - give the CPU's unswitched registers to the guest
 * @v: the vCPU, loaded
 *
 * Context: Interrupts off; undone by host_thread_return().
 */
void host_thread_leave(struct vcpu *v)
{
	struct host_thread *host = &v->host;

	vcpu_assert_burst(v);
	host->fs_base = fs_base();
	/* the user's: the kernel runs with the two exchanged */
	host->user_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	save_selectors(host);

	if (v->vmcs_host.fs_base != host->fs_base) {
		vmcs_writel(HOST_FS_BASE, host->fs_base);
		v->vmcs_host.fs_base = host->fs_base;
	}

	switch_msr(MSR_KERNEL_GS_BASE, host->user_gs_base, v->msrs.kernel_gs_base);
	syscall_msrs_leave(v);
	tsc_aux_leave(v);
	host->loaded = true;
}

/* Loading a selector loads its base from the descriptor, GS's in the place of the kernel's. */
static noinline void segments_return(const struct host_thread *host)
{
	if (host->ldt_sel)
		asm volatile("lldt %0" : : "r" (host->ldt_sel));
	if (host->ds_sel | host->es_sel) {
		loadsegment(ds, host->ds_sel);
		loadsegment(es, host->es_sel);
	}
	if (host->fs_sel) {
		loadsegment(fs, host->fs_sel);
		wrmsrl(MSR_FS_BASE, host->fs_base);
	}
	if (host->gs_sel) {
		load_gs_index(host->gs_sel);
		wrmsrl(MSR_KERNEL_GS_BASE, host->user_gs_base);
	}
}

/* Out of line for its stack protector: few threads have an I/O bitmap. */
static noinline void io_bitmap_return(void)
{
	invalidate_tss_limit();
}

/**
 * host_thread_return() - take them back
 * @v: the vCPU, loaded; nothing happens when the guest's are not in
 *
 * The GDT is read-only at the address that the limit belongs to, and the TSS's limit covers the
 * I/O bitmap: Linux relies on both, an exit restores neither.
 *
 * Context: Preemption off (also from the preempt notifier, when the thread is switched out).
 */
void host_thread_return(struct vcpu *v)
{
	struct host_thread *host = &v->host;

	if (!host->loaded)
		return;
	host->loaded = false;
	compat_leaves_guest();

	v->msrs.kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	switch_msr(MSR_KERNEL_GS_BASE, v->msrs.kernel_gs_base, host->user_gs_base);
	if (unlikely(host->selectors))
		segments_return(host);
	syscall_msrs_return(v);
	if (host->tsc_aux_loaded) {
		wrmsrl(MSR_TSC_AUX, host->tsc_aux);
		host->tsc_aux_loaded = false;
	}
	if (unlikely(test_thread_flag(TIF_IO_BITMAP)))
		io_bitmap_return();
	else
		this_cpu_write(__tss_limit_invalid, true);
	native_load_gdt(&host->gdt);
}

/* An administrator changed what SMIs do to the host's counters, which is rare. */
static noinline void debugctl_follow_host(struct vcpu *v)
{
	const u64 guest = vcpu_debugctl(v);

	v->vmcs_host.debugctl = v->host.debugctl & DEBUGCTL_OF_HOST;
	vcpu_set_debugctl(v, guest);
}

/**
 * host_burst_begin() - bring the VMCS's host area up to date for a burst of entries
 * @v: the vCPU, loaded
 *
 * Context: Interrupts off until host_burst_end(): nothing that is compared here changes until then.
 */
void host_burst_begin(struct vcpu *v)
{
	unsigned long cr3 = __native_read_cr3();
	unsigned long cr4 = native_read_cr4();

	vcpu_assert_burst(v);
	/* the guest's addresses will be in DR0 to DR3, some of which Linux never watches */
	if (unlikely(hw_breakpoint_active()))
		set_debugreg(DR7_RESET, 7);
	if (unlikely(!v->host.loaded))
		host_thread_leave(v);
	/* perf changes it by IPI, at any time before; its upper half is reserved */
	v->host.debugctl = (u32)__rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (unlikely((v->host.debugctl ^ v->vmcs_host.debugctl) & DEBUGCTL_OF_HOST))
		debugctl_follow_host(v);
	if (unlikely(cr3 != v->vmcs_host.cr3)) {
		vmcs_writel(HOST_CR3, cr3);
		v->vmcs_host.cr3 = cr3;
	}
	if (unlikely(cr4 != v->vmcs_host.cr4)) {
		vmcs_writel(HOST_CR4, cr4);
		v->vmcs_host.cr4 = cr4;
	}
	vmx_pmu_before_burst(&v->pmu);
}

VMXHV_EXPORT_FOR_TEST(host_burst_begin);

/**
 * host_burst_end() - restore what every exit destroys and the kernel needs at once
 * @v: the vCPU, loaded
 *
 * Context: Interrupts off.
 */
void host_burst_end(struct vcpu *v)
{
	vcpu_assert_burst(v);
	vmx_pmu_after_burst(&v->pmu);
	if (unlikely(v->host.debugctl))
		update_debugctlmsr(v->host.debugctl);
	compat_guest_ran();
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

/**
 * host_syscall_sync() - EFER changed: SYSCALL may work in the guest from now on
 * @v: the vCPU
 *
 * Context: Mutex held; IRQs may be off. Nothing to do while the thread's own MSRs are in the CPU.
 */
void host_syscall_sync(struct vcpu *v)
{
	preempt_disable();
	if (v->host.loaded && !v->host.syscall_loaded)
		syscall_msrs_leave(v);
	preempt_enable();
}
