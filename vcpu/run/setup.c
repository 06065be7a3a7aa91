// SPDX-License-Identifier: GPL-2.0-only
/* A new VMCS: which exits we take, and the fields that never change. */
#include <linux/io.h>

#include <asm/traps.h>

#include "vcpu/apicv.h"
#include "vcpu/cpuid.h"
#include "vcpu/host.h"
#include "vcpu/pml.h"
#include "vcpu/setup.h"
#include "vcpu/vcpu.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/fields.h"
#include "vmx/insn.h"
#include "vmx/vmcs.h"

/*
 * Exceptions that always exit. #MC is the host's. #DB and #AC come back as injections, so that a
 * guest whose exception handler faults again in delivery cannot keep the CPU for ever
 * (CVE-2015-8104, CVE-2015-5307).
 */
#define EXCEPTIONS	(BIT(X86_TRAP_MC) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC))

/* Optional secondary controls that we switch on wherever they exist. */
#define CPU2_WANTED	SECONDARY_EXEC_WBINVD_EXITING

/*
 * PAUSEs that come within this many TSC ticks of each other are one loop, and the loop exits when
 * it is older than the window.
 */
#define PLE_GAP_TICKS		128
#define PLE_WINDOW_TICKS	4096

/* Each PAUSE exits, or, where the CPU can tell, those of a loop at CPL 0. */
static void setup_pause(struct vcpu *v)
{
	if (v->vm->config.flags & VMXHV_CONFIG_PAUSE)
		v->cpu_controls |= CPU_BASED_PAUSE_EXITING;
	if (!vmx_caps.pause_loop_exiting)
		return;
	v->cpu2_controls |= SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	vmcs_write32(PLE_GAP, PLE_GAP_TICKS);
	vmcs_write32(PLE_WINDOW, PLE_WINDOW_TICKS);
}

/* With bitmaps the CPU does not look at "unconditional I/O exiting". */
static void setup_ports(struct vcpu *v)
{
	const u8 *bitmap = v->vm->config.io_bitmap;

	if (!bitmap)
		return;
	v->cpu_controls |= CPU_BASED_USE_IO_BITMAPS;
	vmcs_write64(IO_BITMAP_A, virt_to_phys((void *)bitmap));
	vmcs_write64(IO_BITMAP_B, virt_to_phys((void *)bitmap) + PAGE_SIZE);
}

static void setup_controls(struct vcpu *v)
{
	const struct vmx_caps *caps = &vmx_caps;

	v->pin_controls = caps->pin;
	if (caps->has_preemption_timer)
		v->pin_controls |= PIN_BASED_VMX_PREEMPTION_TIMER;
	/* CR8 is the APIC's task priority: in a register it would be the host's own; see apicv.c */
	v->cpu_controls = caps->cpu | CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING;
	v->cpu2_controls = caps->cpu2 | (CPU2_WANTED & caps->cpu2_allowed1);
	v->cpu2_controls = cpuid_controls(v->cpuid, v->cpu2_controls, caps->cpu2_allowed1);
	pml_setup_vmcs(v);
	setup_pause(v);
	setup_ports(v);
	apicv_setup_vmcs(v);
	v->entry_controls = caps->entry & ~VM_ENTRY_IA32E_MODE;

	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, v->pin_controls);
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, v->cpu_controls);
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, v->cpu2_controls);
	vmcs_write32(VM_ENTRY_CONTROLS, v->entry_controls);
	vmcs_write32(VM_EXIT_CONTROLS, caps->exit |
		     (caps->save_preemption_timer ? VM_EXIT_SAVE_VMX_PREEMPTION_TIMER : 0));
}

/**
 * vcpu_set_exceptions() - which exceptions exit beside those that always do
 * @v: the vCPU
 * @more: a bit for each vector
 *
 * Context: vCPU loaded, or its VMCS current.
 */
void vcpu_set_exceptions(const struct vcpu *v, u32 more)
{
	vmcs_write32(EXCEPTION_BITMAP, EXCEPTIONS | v->vm->config.exceptions | more);
}

/**
 * vcpu_setup_vmcs() - fill a cleared VMCS with all that is not guest state
 * @v: the vCPU, its VMCS current
 *
 * Context: Preemption off. SDM: "VM-Execution Control Fields", "VM-Exit Control Fields".
 */
void vcpu_setup_vmcs(struct vcpu *v)
{
	setup_controls(v);

	vcpu_set_exceptions(v, 0);
	/* no page fault is singled out: mask and match 0 with bit 14 clear exits on none */
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmx_pmu_setup(&v->pmu);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);

	vmcs_write64(MSR_BITMAP, virt_to_phys(v->vm->msr_bitmap));
	vmcs_write64(EPT_POINTER, v->vm->memory.ept.eptp);
	vmcs_write16(VIRTUAL_PROCESSOR_ID, v->vpid);
	vmcs_write64(VMCS_LINK_POINTER, ~0ull);

	host_state_constant(v);
}

/**
 * vcpu_set_cpu_control() - switch one primary processor-based control
 * @v: the vCPU, loaded
 * @bit: the control
 * @on: wanted
 */
void vcpu_set_cpu_control(struct vcpu *v, u32 bit, bool on)
{
	u32 wanted = on ? v->cpu_controls | bit : v->cpu_controls & ~bit;

	if (wanted == v->cpu_controls)
		return;
	v->cpu_controls = wanted;
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, wanted);
}

/**
 * vcpu_set_entry_control() - switch one VM-entry control
 * @v: the vCPU, loaded
 * @bit: the control
 * @on: wanted
 */
void vcpu_set_entry_control(struct vcpu *v, u32 bit, bool on)
{
	u32 wanted = on ? v->entry_controls | bit : v->entry_controls & ~bit;

	if (wanted == v->entry_controls)
		return;
	v->entry_controls = wanted;
	vmcs_write32(VM_ENTRY_CONTROLS, wanted);
}

/**
 * vcpu_flush_tlb() - forget what this CPU has cached of the guest's memory
 * @v: the vCPU, loaded
 *
 * Guest-physical and combined mappings are tagged with the EPTP, linear ones with the VPID too
 * (SDM: "Caching Translation Information").
 *
 * Context: Preemption off.
 */
void vcpu_flush_tlb(struct vcpu *v)
{
	vmx_flush_ept(v->vm->memory.ept.eptp);
	vmx_flush_vpid(v->vpid);
}
