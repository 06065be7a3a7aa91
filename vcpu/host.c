// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host around the guest. A VM exit loads most of the host's state from the VMCS, but not all:
 * the limits of GDTR and IDTR become FFFFH, LDTR becomes unusable, TR gets a limit of 67H, DR7 and
 * IA32_DEBUGCTL are cleared (SDM: "Loading Host State"). And some MSRs it never touches.
 *
 * Three rates of change, three places:
 *	once a VMCS	control registers' constant part, selectors, entry points
 *	once a CPU	GDT, TSS, SYSENTER stack
 *	once a burst	CR3, CR4, FS base: written when they differ from what the VMCS has
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
#include <asm/tlbflush.h>

#include "vcpu/entry.h"
#include "vcpu/host.h"
#include "vcpu/vcpu.h"
#include "vmx/controls.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"

/**
 * host_state_constant() - write the host fields that never change
 * @v: the vCPU, its VMCS current
 *
 * DS and ES are nulled by an exit; a thread that had something in them gets it back in
 * host_thread_return(). (SDM: "Host-State Area", "Checks on Host Segment and
 * Descriptor-Table Registers".)
 *
 * Context: Preemption off.
 */
void host_state_constant(struct vcpu *v)
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
	vmcs_writel(HOST_RIP, (unsigned long)vmx_exit_point);

	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmcs_write32(HOST_IA32_SYSENTER_CS, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_writel(HOST_IA32_SYSENTER_EIP, value);
	rdmsrl(MSR_IA32_CR_PAT, value);
	vmcs_write64(HOST_IA32_PAT, value);
	rdmsrl(MSR_EFER, value);
	vmcs_write64(HOST_IA32_EFER, value);

	/* unequal to anything real: the first burst writes them */
	v->vmcs_host_cr3 = ~0ull;
	v->vmcs_host_cr4 = ~0ull;
	v->vmcs_host_fs_base = ~0ull;
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
	vmcs_writel(HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
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

static void syscall_msrs_leave(struct vcpu *v)
{
	/* without EFER.SCE the guest's SYSCALL is #UD, and ours can stay */
	if ((v->efer & (EFER_SCE | EFER_LMA)) != (EFER_SCE | EFER_LMA))
		return;

	wrmsrl(MSR_STAR, v->msrs.star);
	wrmsrl(MSR_LSTAR, v->msrs.lstar);
	wrmsrl(MSR_SYSCALL_MASK, v->msrs.syscall_mask);
	v->host.syscall_loaded = true;
}

static void syscall_msrs_return(struct vcpu *v)
{
	if (!v->host.syscall_loaded)
		return;

	wrmsrl(MSR_STAR, v->host.star);
	wrmsrl(MSR_LSTAR, v->host.lstar);
	wrmsrl(MSR_SYSCALL_MASK, v->host.syscall_mask);
	v->host.syscall_loaded = false;
}

static void tsc_aux_leave(struct vcpu *v)
{
	if (!(v->cpu2_controls & SECONDARY_EXEC_ENABLE_RDTSCP))
		return;
	if (v->host.tsc_aux == v->msrs.tsc_aux)
		return;
	wrmsrl(MSR_TSC_AUX, v->msrs.tsc_aux);
	v->host.tsc_aux_loaded = true;
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

	current_save_fsgs();
	host->fs_sel = current->thread.fsindex;
	host->gs_sel = current->thread.gsindex;
	host->fs_base = current->thread.fsbase;
	host->user_gs_base = current->thread.gsbase;
	savesegment(ds, host->ds_sel);
	savesegment(es, host->es_sel);
	asm volatile("sldt %0" : "=r" (host->ldt_sel));

	if (v->vmcs_host_fs_base != host->fs_base) {
		vmcs_writel(HOST_FS_BASE, host->fs_base);
		v->vmcs_host_fs_base = host->fs_base;
	}

	host->debugctl = get_debugctlmsr();
	wrmsrl(MSR_KERNEL_GS_BASE, v->msrs.kernel_gs_base);
	syscall_msrs_leave(v);
	tsc_aux_leave(v);
	host->loaded = true;
}

static void segments_return(const struct host_thread *host)
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
	if (host->gs_sel)
		load_gs_index(host->gs_sel);
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
	if (!v->host.loaded)
		return;
	v->host.loaded = false;

	rdmsrl(MSR_KERNEL_GS_BASE, v->msrs.kernel_gs_base);
	segments_return(&v->host);
	wrmsrl(MSR_KERNEL_GS_BASE, v->host.user_gs_base);
	syscall_msrs_return(v);
	if (v->host.tsc_aux_loaded) {
		wrmsrl(MSR_TSC_AUX, v->host.tsc_aux);
		v->host.tsc_aux_loaded = false;
	}
	invalidate_tss_limit();
	load_fixmap_gdt(raw_smp_processor_id());
}

/**
 * host_burst_begin() - bring the VMCS's host area up to date for a burst of entries
 * @v: the vCPU, loaded
 *
 * Context: Interrupts off until host_burst_end(): nothing that is compared here changes until then.
 */
void host_burst_begin(struct vcpu *v)
{
	unsigned long cr3 = __get_current_cr3_fast();
	unsigned long cr4 = cr4_read_shadow();

	if (unlikely(!v->host.loaded))
		host_thread_leave(v);
	if (unlikely(cr3 != v->vmcs_host_cr3)) {
		vmcs_writel(HOST_CR3, cr3);
		v->vmcs_host_cr3 = cr3;
	}
	if (unlikely(cr4 != v->vmcs_host_cr4)) {
		vmcs_writel(HOST_CR4, cr4);
		v->vmcs_host_cr4 = cr4;
	}
}

/**
 * host_burst_end() - restore what every exit destroys and the kernel needs at once
 * @v: the vCPU, loaded
 *
 * Context: Interrupts off.
 */
void host_burst_end(struct vcpu *v)
{
	if (unlikely(v->host.debugctl))
		update_debugctlmsr(v->host.debugctl);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}
