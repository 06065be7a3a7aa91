// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation on one CPU: VMXON and VMXOFF, and the region that VMXON needs.
 *
 * All of it runs on the CPU that it is about, with interrupts off; only prepare and init run
 * elsewhere, before the CPU looks at what they write.
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>

#include "vmx/insn.h"
#include "vmx/operation.h"
#include "vmx/vmcs.h"
#include "own.h"

/* a: written on its own CPU with interrupts off, read elsewhere after an IPI has been waited for */
struct vmx_percpu {
	struct vmcs *region;		/* for VMXON; kept until the module goes */
	int error;			/* a: of the last enable */
};

static DEFINE_PER_CPU(struct vmx_percpu, vmx_percpu);

/**
 * vmx_percpu_error() - how a CPU's last enable went
 * @cpu: the CPU
 *
 * Context: After vmx_percpu_enable() ran on @cpu.
 * Return: 0 or a negative errno.
 */
int vmx_percpu_error(int cpu)
{
	return per_cpu(vmx_percpu, cpu).error;
}

/**
 * vmx_percpu_prepare() - have a VMXON region ready for a CPU
 * @cpu: the CPU; not in VMX operation for us
 *
 * Context: May sleep; vmx_caps is valid.
 * Return: 0 or -ENOMEM.
 */
int vmx_percpu_prepare(int cpu)
{
	struct vmx_percpu *p = &per_cpu(vmx_percpu, cpu);

	if (!p->region)
		p->region = vmcs_alloc(cpu_to_node(cpu), GFP_KERNEL);
	if (!p->region)
		return -ENOMEM;
	p->region->revision = vmx_caps.revision;
	return 0;
}

/* SDM "Enabling and Entering VMX Operation": VMXON needs it locked; a locked one stays as it is. */
static int lock_feature_control(void)
{
	u64 value;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &value))
		return -EPERM;
	if (!(value & FEAT_CTL_LOCKED)) {
		value |= FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
		return wrmsrl_safe(MSR_IA32_FEAT_CTL, value) ? -EPERM : 0;
	}
	return value & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX ? 0 : -EPERM;
}

static int enter_vmx(u64 phys)
{
	int ret = 0;

	asm volatile("1: vmxon %[phys]" VMX_INSN_CHECK
		     : [ret] "+r" (ret)
		     : [phys] "m" (phys), [eio] "i" (-EIO)
		     : "cc", "memory");
	return ret;
}

/* A fault means that we were not in VMX operation: fine. */
static void leave_vmx(void)
{
	asm volatile("1: vmxoff\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
}

static bool host_goes_down(void)
{
	return READ_ONCE(vmx_shutting_down) ||
	       (system_state >= SYSTEM_HALT && system_state <= SYSTEM_RESTART);
}

static int enable_here(struct vmx_percpu *p)
{
	int ret;

	if (vmx_cpu_enabled())
		return 0;
	if (host_goes_down())
		return -ESHUTDOWN;
	if (__read_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	ret = lock_feature_control();
	if (ret)
		return ret;

	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	ret = enter_vmx(__pa(p->region));
	if (ret) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return ret;
	}
	this_cpu_write(vmx_on, true);
	/* Mappings cached under our EPT pointers and VPIDs survive VMXOFF and VMXON. */
	if (vmx_caps.invept_all)
		vmx_invept(INVEPT_ALL, 0);
	if (vmx_caps.invvpid_all)
		vmx_invvpid(INVVPID_ALL, 0, 0);
	return 0;
}

/**
 * vmx_percpu_enable() - enter VMX operation on this CPU; the outcome is kept for vmx_percpu_error()
 * @unused: for on_each_cpu()
 *
 * Context: Interrupts off, after vmx_percpu_prepare() for this CPU.
 */
void vmx_percpu_enable(void *unused)
{
	struct vmx_percpu *p = this_cpu_ptr(&vmx_percpu);

	lockdep_assert_irqs_disabled();
	p->error = enable_here(p);
}

/**
 * vmx_percpu_disable() - leave VMX operation on this CPU, if we entered it
 * @unused: for on_each_cpu()
 *
 * Context: Interrupts off.
 */
void vmx_percpu_disable(void *unused)
{
	lockdep_assert_irqs_disabled();
	if (!vmx_cpu_enabled())
		return;
	vmcs_clear_all_here();
	this_cpu_write(vmx_on, false);
	leave_vmx();
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

/**
 * vmx_percpu_emergency() - leave VMX operation on this CPU, which is crashing
 *
 * An active VMCS could be written back later, into what is then the crash kernel's memory. CR4
 * decides, not vmx_on: an NMI can come between the two, and another hypervisor that entered VMX
 * operation has no place of its own to be called from.
 *
 * Context: NMI or interrupts off; whatever was interrupted does not go on.
 */
void vmx_percpu_emergency(void)
{
	if (!(__read_cr4() & X86_CR4_VMXE))
		return;
	vmcs_clear_emergency();
	this_cpu_write(vmx_on, false);
	leave_vmx();
	cr4_clear_bits(X86_CR4_VMXE);
}

/**
 * vmx_percpu_init() - prepare what each CPU keeps
 *
 * Context: Module init.
 */
void vmx_percpu_init(void)
{
	vmcs_lists_init();
}

/**
 * vmx_percpu_exit() - free what each CPU keeps
 *
 * Context: Module exit; no CPU is in VMX operation for us.
 */
void vmx_percpu_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		vmcs_free(per_cpu(vmx_percpu, cpu).region);
		per_cpu(vmx_percpu, cpu).region = NULL;
	}
}
