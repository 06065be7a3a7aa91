// SPDX-License-Identifier: GPL-2.0-only
/* A new VMCS: which exits we take, and the fields that never change. */
#include <linux/io.h>

#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/memory.h"
#include "vcpu/run.h"
#include "vcpu/vcpu.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/fields.h"
#include "vmx/insn.h"
#include "vmx/vmcs.h"
#include "entry.h"

/* Optional secondary controls that we switch on wherever they exist. */
#define CPU2_WANTED	(SECONDARY_EXEC_WBINVD_EXITING | SECONDARY_EXEC_ENCLS_EXITING | \
			 SECONDARY_EXEC_ENCLV_EXITING)

/*
 * PAUSEs that come within this many TSC ticks of each other are one loop, and the loop exits when
 * it is older than the window.
 */
#define PLE_GAP_TICKS		128
#define PLE_WINDOW_TICKS	4096

/* Each PAUSE exits, or, where the CPU can tell, those of a loop at CPL 0. */
static void setup_pause(const struct vcpu *v, struct control_words *ctl)
{
	if (v->vm->config.flags & VMXHV_CONFIG_PAUSE)
		ctl->cpu |= CPU_BASED_PAUSE_EXITING;
	if (!vmx_caps.pause_loop_exiting)
		return;
	ctl->cpu2 |= SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	vmcs_write32(PLE_GAP, PLE_GAP_TICKS);
	vmcs_write32(PLE_WINDOW, PLE_WINDOW_TICKS);
}

/* With bitmaps the CPU does not look at "unconditional I/O exiting". */
static void setup_ports(const struct vcpu *v, struct control_words *ctl)
{
	const u8 *bitmap = v->vm->config.io_bitmap;

	if (!bitmap)
		return;
	ctl->cpu |= CPU_BASED_USE_IO_BITMAPS;
	vmcs_write64(IO_BITMAP_A, virt_to_phys((void *)bitmap));
	vmcs_write64(IO_BITMAP_B, virt_to_phys((void *)bitmap) + PAGE_SIZE);
}

/* Guests have no SGX: no leaf of ENCLS or ENCLV is to run behind our back. */
static void setup_enclaves(const struct control_words *ctl)
{
	if (ctl->cpu2 & SECONDARY_EXEC_ENCLS_EXITING)
		vmcs_write64(ENCLS_EXITING_BITMAP, ~0ull);
	if (ctl->cpu2 & SECONDARY_EXEC_ENCLV_EXITING)
		vmcs_write64(ENCLV_EXITING_BITMAP, ~0ull);
}

static void setup_controls(struct vcpu *v)
{
	const struct vmx_caps *caps = &vmx_caps;
	struct control_words ctl = {
		.pin = caps->pin,
		/* CR8 is the APIC's priority: in a register it would be the host's; see apicv.c */
		.cpu = caps->cpu | CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING,
		.cpu2 = caps->cpu2 | (CPU2_WANTED & caps->cpu2_allowed1),
		.entry = caps->entry & ~VM_ENTRY_IA32E_MODE,
	};

	if (caps->has_preemption_timer)
		ctl.pin |= PIN_BASED_VMX_PREEMPTION_TIMER;
	ctl.cpu2 = cpuid_controls(v->cpuid, ctl.cpu2, caps->cpu2_allowed1);
	ctl.cpu2 |= pml_setup_vmcs(v);
	setup_pause(v, &ctl);
	setup_ports(v, &ctl);
	setup_enclaves(&ctl);
	apicv_setup_vmcs(v);
	controls_init(v, &ctl, caps->exit | (caps->save_preemption_timer ?
					     VM_EXIT_SAVE_VMX_PREEMPTION_TIMER : 0));
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

	controls_set_exceptions(v, 0);
	/* no page fault is singled out: mask and match 0 with bit 14 clear exits on none */
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmx_pmu_setup(&v->pmu);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);

	vmcs_write64(MSR_BITMAP, virt_to_phys(v->vm->msr_bitmap));
	v->eptp = READ_ONCE(v->vm->memory.ept.eptp);
	vmcs_write64(EPT_POINTER, v->eptp);
	vmcs_write16(VIRTUAL_PROCESSOR_ID, v->vpid);
	vmcs_write64(VMCS_LINK_POINTER, ~0ull);

	host_state_constant(v, (unsigned long)vmx_exit_point);
}

/* The VM's EPT may have given up its accessed and dirty flags, and with them the CPU's log. */
static void follow_ept(struct vcpu *v)
{
	const u64 eptp = READ_ONCE(v->vm->memory.ept.eptp);

	if (unlikely(v->eptp != eptp)) {
		v->eptp = eptp;
		vmcs_write64(EPT_POINTER, eptp);
	}
	if (!(eptp & VMX_EPTP_AD))
		controls_set_cpu2(v, SECONDARY_EXEC_ENABLE_PML, 0);
}

/**
 * vcpu_flush_tlb() - forget what this CPU has cached of the guest's memory
 * @v: the vCPU, loaded
 *
 * Guest-physical and combined mappings are tagged with the EPTP, linear ones with the VPID too
 * (SDM: "Caching Translation Information"). Whoever changes the EPT pointer asks for this, too.
 *
 * Context: Preemption off.
 */
void vcpu_flush_tlb(struct vcpu *v)
{
	follow_ept(v);
	vmx_flush_ept(v->eptp);
	vmx_flush_vpid(v->vpid);
}
