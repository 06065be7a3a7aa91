// SPDX-License-Identifier: GPL-2.0-only
/*
 * APIC virtualization, the VMCS's side of it. The virtual-APIC page is the page of registers of
 * vcpu/apic/lapic.c; what the CPU changes there while the guest runs, lapic_set_live() says.
 *
 * With virtual-interrupt delivery the CPU takes interrupts from IRR by itself, several of them
 * after one entry: before each entry RVI says which is the highest. Only where the CPU must be told
 * when the guest can take an interrupt (an ExtINT, or userspace asks) is one injected as without
 * it: while that window is asked for, the CPU delivers none (SDM: "Evaluation and Delivery of
 * Virtual Interrupts").
 *
 * The xAPIC page is in the EPT, as the APIC-access page, while every vCPU's APIC answers there; for
 * one that does not it would be memory. vcpu/memory/apic.c sees to that.
 */
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/memory.h"
#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/vmcs.h"

#define CR8_EXITS	(CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING)
#define CPU_OURS	(CR8_EXITS | CPU_BASED_TPR_SHADOW)
#define DELIVERY	(SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
#define CPU2_OURS	(DELIVERY | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | \
			 SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE)

static enum apicv_level most(const struct vmx_caps *caps)
{
	if (!caps->tpr_shadow || !caps->virt_apic_accesses || !caps->virt_x2apic)
		return APICV_NONE;
	return caps->apic_reg_virt && caps->virt_intr_delivery ? APICV_FULL : APICV_TPR;
}

/**
 * apicv_level() - how much of it a VM gets
 * @caps: the CPU's capabilities
 * @vm_flags: VMXHV_VM_*, one of them at most
 *
 * Without a wish, all that the CPU does well: see apicv_emulated().
 *
 * Context: Any.
 * Return: The level.
 */
enum apicv_level apicv_level(const struct vmx_caps *caps, u32 vm_flags)
{
	enum apicv_level level = most(caps);

	if (vm_flags & VMXHV_VM_APICV)
		return level;
	if (vm_flags & VMXHV_VM_NO_APICV)
		return APICV_NONE;
	if ((vm_flags & VMXHV_VM_TPR_SHADOW) || apicv_emulated(caps))
		return min(level, APICV_TPR);
	return level;
}

VMXHV_EXPORT_FOR_TEST(apicv_level);

/**
 * apicv_controls() - the VMX controls that the APIC's state asks for
 * @level: the VM's
 * @mode: the APIC's
 * @debugged: somebody steps or watches: an interrupt then comes by injection alone, which is seen
 *
 * The page is never memory to a vCPU that can find it in the EPT.
 *
 * Context: Any.
 * Return: The bits of CPU_OURS and CPU2_OURS that are 1, and the MSR bitmap.
 */
struct apicv_controls apicv_controls(enum apicv_level level, enum lapic_mode mode, bool debugged)
{
	struct apicv_controls c = { .cpu = CR8_EXITS };

	if (level == APICV_NONE)
		return c;
	if (mode == LAPIC_XAPIC)
		c.cpu2 |= SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	if (debugged)
		return c;
	c.cpu = CPU_BASED_TPR_SHADOW;
	if (mode == LAPIC_X2APIC) {
		c.cpu2 |= SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
		c.x2apic_bitmap = true;
	}
	if (level == APICV_FULL)
		c.cpu2 |= DELIVERY;
	return c;
}

VMXHV_EXPORT_FOR_TEST(apicv_controls);

/* SDM "MSR-Bitmap Address": reads of low MSRs are in the first KiB, writes in the third. */
static void let_read(u8 *bitmap, u32 offset)
{
	__clear_bit(APIC_BASE_MSR + (offset >> 4), (unsigned long *)bitmap);
}

static void let_write(u8 *bitmap, u32 offset)
{
	__clear_bit(APIC_BASE_MSR + (offset >> 4), (unsigned long *)(bitmap + 0x800));
}

/**
 * apicv_bitmap_fill() - the MSR bitmap of vCPUs whose x2APIC mode the CPU virtualizes
 * @bitmap: one page, as msr_bitmap_fill() makes it
 * @level: what the CPU virtualizes; not APICV_NONE
 *
 * An MSR of these that is let through without being virtualized would be the host's own. ICR
 * exits, since the CPU reads its 64 bits at one place; the current count, since nobody counts
 * there. (SDM: "Virtualizing MSR-Based APIC Accesses".)
 *
 * Context: Any.
 */
void apicv_bitmap_fill(u8 *bitmap, enum apicv_level level)
{
	u32 offset;

	let_read(bitmap, APIC_TASKPRI);
	let_write(bitmap, APIC_TASKPRI);
	if (level != APICV_FULL)
		return;
	let_write(bitmap, APIC_EOI);
	let_write(bitmap, APIC_SELF_IPI);
	for (offset = 0; offset < LAPIC_REGS << 4; offset += 16) {
		if (lapic_regs[offset >> 4].access & LAPIC_X2R && offset != APIC_ICR &&
		    offset != APIC_TMCCT)
			let_read(bitmap, offset);
	}
}

VMXHV_EXPORT_FOR_TEST(apicv_bitmap_fill);

/* The APIC-access page of all VMs: only its address counts, nothing reads or writes it. */
static char access_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/**
 * apicv_vm_init() - what a VM's vCPUs share
 * @vm: the VM, before memory_init(); vmx_caps are valid
 * @flags: VMXHV_VM_*
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM: apicv_vm_free() frees what there is.
 */
int apicv_vm_init(struct vm *vm, u32 flags)
{
	vm->apicv = apicv_level(&vmx_caps, flags);
	if (vm->apicv == APICV_NONE)
		return 0;
	vm->x2apic_bitmap = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vm->x2apic_bitmap)
		return -ENOMEM;
	vm->memory.apic_access = PFN_PHYS(vmalloc_to_pfn(access_page));
	return 0;
}

/**
 * apicv_vm_free() - undo apicv_vm_init()
 * @vm: the VM; no vCPU of it runs any more
 *
 * Context: Any that may free pages.
 */
void apicv_vm_free(struct vm *vm)
{
	free_page((unsigned long)vm->x2apic_bitmap);
}

/**
 * apicv_setup_vmcs() - the fields that never change
 * @v: the vCPU, its VMCS current and cleared
 *
 * The controls follow before the first entry.
 *
 * Context: Preemption off.
 */
void apicv_setup_vmcs(struct vcpu *v)
{
	v->lapic->controls_stale = true;
	if (v->vm->apicv == APICV_NONE)
		return;
	vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, virt_to_phys(v->lapic->regs));
	vmcs_write64(APIC_ACCESS_ADDR, v->vm->memory.apic_access);
	vmcs_write32(TPR_THRESHOLD, 0);
	if (v->vm->apicv == APICV_FULL)
		vmcs_write16(GUEST_INTR_STATUS, 0);
}

/*
 * For the first vCPU in x2APIC mode, which few VMs have. CONFIG is closed, but a vCPU with another
 * CPUID table may take MSRs out of both bitmaps at any time.
 */
static void fill_x2apic_bitmap(struct vm *vm)
{
	unsigned long flags;

	/* pairs with the release below */
	if (smp_load_acquire(&vm->x2apic_filled))
		return;
	raw_spin_lock_irqsave(&vm->bitmap_lock, flags);
	if (!vm->x2apic_filled) {
		copy_page(vm->x2apic_bitmap, vm->msr_bitmap);
		apicv_bitmap_fill(vm->x2apic_bitmap, vm->apicv);
		/* the page before the word that it is filled */
		smp_store_release(&vm->x2apic_filled, true);
	}
	raw_spin_unlock_irqrestore(&vm->bitmap_lock, flags);
}

/**
 * apicv_switch() - the APIC's mode changed, or a debugger came or went
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off.
 */
void apicv_switch(struct vcpu *v)
{
	struct lapic *apic = v->lapic;
	struct apicv_controls c = apicv_controls(v->vm->apicv, apic->mode, v->debug.on);
	bool vid = c.cpu2 & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;

	vcpu_assert_loaded(v);
	apic->controls_stale = false;
	if (v->vm->apicv == APICV_NONE)
		return;
	if (c.x2apic_bitmap)
		fill_x2apic_bitmap(v->vm);
	controls_set_cpu(v, CPU_OURS, c.cpu);
	controls_set_cpu2(v, CPU2_OURS, c.cpu2);
	vmcs_write64(MSR_BITMAP, virt_to_phys(c.x2apic_bitmap ? v->vm->x2apic_bitmap
							      : v->vm->msr_bitmap));
	lapic_set_live(apic, vid, !vid && c.cpu & CPU_BASED_TPR_SHADOW);
}

static u64 level_triggered(const struct lapic *apic, unsigned int quarter)
{
	u64 low = lapic_get(apic, APIC_TMR + quarter * 32);

	return low | (u64)lapic_get(apic, APIC_TMR + quarter * 32 + 16) << 32;
}

/* The EOI of a level-triggered interrupt is userspace's business. */
static void write_eoi_map(struct lapic *apic)
{
	apic->eoi_map_stale = false;
	vmcs_write64(EOI_EXIT_BITMAP0, level_triggered(apic, 0));
	vmcs_write64(EOI_EXIT_BITMAP1, level_triggered(apic, 1));
	vmcs_write64(EOI_EXIT_BITMAP2, level_triggered(apic, 2));
	vmcs_write64(EOI_EXIT_BITMAP3, level_triggered(apic, 3));
}

/* Both are the CPU's own, unless software has changed what is pending or in service. */
static void write_status(struct lapic *apic)
{
	u16 old, svi, rvi;

	lapic_take_arrived(apic);
	if (likely(!apic->rvi_stale))
		return;
	apic->rvi_stale = false;
	old = vmcs_read16(GUEST_INTR_STATUS);
	svi = old & 0xff00;
	rvi = max(lapic_highest_irr(apic), 0);
	if (unlikely(apic->svi_stale)) {
		apic->svi_stale = false;
		svi = max_t(int, apic->isr_top, 0) << 8;
	}
	if ((svi | rvi) != old)
		vmcs_write16(GUEST_INTR_STATUS, svi | rvi);
}

/*
 * An interrupt that TPR holds back comes with the write that lets it. Never above TPR's class: that
 * the entry refuses (SDM: "VM-Execution Control Fields", checks).
 */
static void write_threshold(struct lapic *apic)
{
	int class = lapic_highest_irr(apic) >> 4;

	if (class < 0 || class > lapic_get(apic, APIC_TASKPRI) >> 4)
		class = 0;
	if (class == apic->threshold)
		return;
	apic->threshold = class;
	vmcs_write32(TPR_THRESHOLD, class);
}

/**
 * apicv_follow() - the VMCS says what the registers say
 * @v: the vCPU, loaded; what is injected has been taken from the registers
 *
 * Context: Interrupts off, right before an entry. Where nothing has changed, a few tests.
 */
void apicv_follow(struct vcpu *v)
{
	struct lapic *apic = v->lapic;

	vcpu_assert_burst(v);
	if (apic->vid) {
		write_status(apic);
		if (unlikely(apic->eoi_map_stale))
			write_eoi_map(apic);
	} else if (apic->tpr_live) {
		write_threshold(apic);
	}
}
