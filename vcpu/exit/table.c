// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit table: one row for each basic exit reason that our controls let happen. A reason
 * without a row is our own mistake: the VM dies and says which it was. Whether an exit can
 * interrupt the delivery of an event is a fact of its reason, and comes from there.
 */
#include <linux/build_bug.h>

#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/memory.h"
#include "vcpu/x86.h"
#include "vmx/exit_reasons.h"

#define EXIT(name, handler, flags_)							\
	[EXIT_REASON_##name] = {							\
		.handle = (handler),							\
		.flags = (flags_) | (EXIT_DELIVERS_##name ? ROW_DELIVERY : 0),		\
	}

#define FAST	ROW_IRQS_OFF

static_assert(EXIT_REASON_COUNT < EXIT_ROWS);

const struct exit_row exit_rows[EXIT_ROWS] = {
	EXIT(EXCEPTION_NMI, handle_exception, FAST | ROW_EVENTS),
	/* left pending: opening interrupts delivers it through the host's own entry code */
	EXIT(EXTERNAL_INTERRUPT, handle_nothing, ROW_OPEN),
	EXIT(TRIPLE_FAULT, handle_triple_fault, FAST),
	EXIT(INTERRUPT_WINDOW, handle_window, FAST | ROW_EVENTS),
	EXIT(NMI_WINDOW, handle_nothing, FAST | ROW_EVENTS),
	EXIT(TASK_SWITCH, handle_task_switch, ROW_EVENTS),
	EXIT(CPUID, handle_cpuid, FAST),
	EXIT(GETSEC, handle_ud, FAST),
	EXIT(HLT, handle_hlt, 0),
	EXIT(INVD, handle_skip, FAST),
	EXIT(RDPMC, handle_gp, FAST),
	EXIT(RSM, handle_ud, FAST),
	EXIT(VMCALL, handle_vmcall, FAST),
	EXIT(VMCLEAR, handle_ud, FAST),
	EXIT(VMLAUNCH, handle_ud, FAST),
	EXIT(VMPTRLD, handle_ud, FAST),
	EXIT(VMPTRST, handle_ud, FAST),
	EXIT(VMREAD, handle_ud, FAST),
	EXIT(VMRESUME, handle_ud, FAST),
	EXIT(VMWRITE, handle_ud, FAST),
	EXIT(VMOFF, handle_ud, FAST),
	EXIT(VMON, handle_ud, FAST),
	EXIT(CR_ACCESS, handle_cr_access, ROW_EVENTS),
	EXIT(DR_ACCESS, handle_dr_access, FAST),
	EXIT(IO_INSTRUCTION, handle_io, 0),
	EXIT(MSR_READ, handle_rdmsr, FAST),
	/* the local APIC says for itself when a write changed what can be injected */
	EXIT(MSR_WRITE, handle_wrmsr, FAST),
	EXIT(MWAIT_INSTRUCTION, handle_ud, FAST),
	EXIT(MONITOR_INSTRUCTION, handle_ud, FAST),
	EXIT(PAUSE_INSTRUCTION, handle_pause, 0),
	/* the APIC says for itself when one of these changed what can be injected */
	EXIT(TPR_BELOW_THRESHOLD, handle_tpr_below_threshold, FAST),
	EXIT(APIC_ACCESS, handle_apic_access, ROW_L1D),
	EXIT(EOI_INDUCED, handle_virtualized_eoi, FAST),
	EXIT(APIC_WRITE, handle_apic_write, FAST),
	EXIT(MCE_DURING_VMENTRY, handle_mce_during_entry, FAST),
	EXIT(EPT_VIOLATION, handle_ept_violation, ROW_L1D),
	EXIT(EPT_MISCONFIG, handle_ept_misconfig, 0),
	EXIT(INVEPT, handle_ud, FAST),
	EXIT(PREEMPTION_TIMER, handle_timer, ROW_OPEN | ROW_EVENTS),
	EXIT(INVVPID, handle_ud, FAST),
	EXIT(WBINVD, handle_skip, FAST),
	/* hidden by the guest's CPUID: see vcpu/cpuid/controls.c */
	EXIT(RDRAND, handle_ud, FAST),
	EXIT(RDSEED, handle_ud, FAST),
	EXIT(XSETBV, handle_xsetbv, FAST),
	EXIT(VMFUNC, handle_ud, FAST),
	EXIT(ENCLS, handle_ud, FAST),
	EXIT(PML_FULL, handle_pml_full, ROW_EVENTS),
	EXIT(PCONFIG, handle_ud, FAST),
	EXIT(LOADIWKEY, handle_ud, FAST),
	EXIT(ENCLV, handle_ud, FAST),
	EXIT(SEAMCALL, handle_ud, FAST),
	EXIT(TDCALL, handle_ud, FAST),
};
