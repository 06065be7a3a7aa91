// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page-modification log: the CPU notes each guest-physical page whose dirty flag it sets in the
 * EPT, from the last entry of the vCPU's buffer to the first, and exits when there is no room.
 *
 * It is always on: outside ranges that are logged, entries that can be written to are born dirty,
 * and nothing is noted. Where the CPU is going to write next stands in the VMCS, which belongs to
 * the vCPU's thread; but what it has not written yet is PML_NOTHING, so that anybody can collect
 * from the buffer alone, at any time.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/controls.h"
#include "vmx/fields.h"

static void pml_empty(struct vcpu *v)
{
	memset64(v->pml, PML_NOTHING, PML_ENTRIES);
	v->pml_left = PML_ENTRIES;
}

/**
 * pml_create() - a vCPU's log, where the CPU keeps one
 * @v: the vCPU; its VM's memory is there
 *
 * Context: Process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int pml_create(struct vcpu *v)
{
	if (!v->vm->memory.pml)
		return 0;
	v->pml = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!v->pml)
		return -ENOMEM;
	pml_empty(v);
	return 0;
}

VMXHV_EXPORT_FOR_TEST(pml_create);

/**
 * pml_destroy() - undo pml_create()
 * @v: the vCPU; nobody can find it any more
 *
 * Context: Any that may free pages.
 */
void pml_destroy(struct vcpu *v)
{
	free_page((unsigned long)v->pml);
}

VMXHV_EXPORT_FOR_TEST(pml_destroy);

/**
 * pml_setup_vmcs() - switch the log on
 * @v: the vCPU, its VMCS current
 *
 * Context: Preemption off.
 * Return: the secondary control that it needs, or 0.
 */
u32 pml_setup_vmcs(struct vcpu *v)
{
	if (!v->pml)
		return 0;
	vmcs_write64(PML_ADDRESS, virt_to_phys(v->pml));
	vmcs_write16(GUEST_PML_INDEX, PML_ENTRIES - 1);
	return SECONDARY_EXEC_ENABLE_PML;
}

static void collect_from(struct vcpu *v)
{
	while (v->pml_left) {
		u64 gpa = READ_ONCE(v->pml[v->pml_left - 1]);

		if (gpa == PML_NOTHING)
			return;
		memory_log_page(&v->vm->memory, gpa);
		v->pml_left--;
	}
}

/**
 * pml_collect() - what all vCPUs have noted goes into the dirty log
 * @vm: the VM
 *
 * Of CPUs that are in the guest, what they have stored so far.
 *
 * Context: Any; memory.lock is held for writing.
 */
void pml_collect(struct vm *vm)
	__must_hold(&vm->memory.lock)
{
	unsigned int i;

	lockdep_assert_held_write(&vm->memory.lock);
	for (i = 0; i < VM_MAX_VCPUS; i++) {
		/* pairs with the release in vcpu_publish(): what is found is whole */
		struct vcpu *v = smp_load_acquire(&vm->vcpus[i]);

		if (v && v->pml)
			collect_from(v);
	}
}

/**
 * pml_flush() - the log is full: make room
 * @v: the vCPU, loaded
 *
 * Context: Process.
 */
void pml_flush(struct vcpu *v)
{
	struct memory *m = &v->vm->memory;

	write_lock(&m->lock);
	collect_from(v);
	pml_empty(v);
	write_unlock(&m->lock);
	vmcs_write16(GUEST_PML_INDEX, PML_ENTRIES - 1);
}
