// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM object. It belongs to the mm that made it, which it holds by mmgrab only: an mmget would
 * keep the mm alive through its own descriptors, and kill -9 would free nothing.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <asm/msr.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/memory.h"
#include "vcpu/run.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/vmx.h"

static int vm_get_vmx(struct vmxhv_error *err)
{
	struct vmx_refusal why = {};

	if (!vmx_get(&why))
		return 0;
	return refuse(err, why.error, &(const struct refusal){
			.code = VMXHV_ERR_VMX, .item = why.msr,
			.value = why.seen, .wanted = why.wanted }, "%s", why.text);
}

/**
 * vm_create() - a VM without memory and without vCPUs, for current->mm
 * @flags: VMXHV_VM_*, checked
 * @err: gets the refusal; may be NULL
 *
 * VMX is switched on for the first VM. The guest's TSC starts near 0, unless CONFIG says otherwise.
 *
 * Context: Process; may sleep.
 * Return: the VM with one reference, or an error pointer: what vmx_get() says (GET_INFO has the
 *	reason), -ENOMEM, -EINTR.
 */
struct vm *vm_create(u32 flags, struct vmxhv_error *err)
{
	struct vm *vm;
	int ret;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	vm->created_tsc = rdtsc();
	vm->tsc_offset = -vm->created_tsc;
	vm->tsc_lost = vmx_tsc_lost;

	ret = vm_get_vmx(err);
	if (ret)
		goto drop_mm;
	ret = msr_bitmap_init(vm);
	if (ret)
		goto put_vmx;
	ret = apicv_vm_init(vm, flags);
	if (ret)
		goto free_apicv;
	ret = memory_init(vm);
	if (ret)
		goto free_apicv;
	/* vCPUs follow their threads: the scheduler calls notifiers from here on */
	preempt_notifier_inc();
	return vm;

free_apicv:
	apicv_vm_free(vm);
	free_page((unsigned long)vm->msr_bitmap);
put_vmx:
	vmx_put();
drop_mm:
	mmdrop(vm->mm);
	kfree(vm);
	return ERR_PTR(ret);
}

/**
 * vm_get() - another reference
 * @vm: the VM, of which the caller has one
 *
 * Context: Any.
 */
void vm_get(struct vm *vm)
{
	kref_get(&vm->ref);
}

/*
 * No descriptor of a vCPU is left, and the mm may be gone too. The notifier goes first: until then
 * it looks for vCPUs to flush.
 */
static void vm_free(struct kref *ref)
{
	struct vm *vm = container_of(ref, struct vm, ref);
	unsigned int i;

	memory_release(vm);
	preempt_notifier_dec();
	for (i = 0; i < VM_MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			vcpu_free(vm->vcpus[i]);
	}
	vm_config_free(vm);
	apicv_vm_free(vm);
	free_page((unsigned long)vm->msr_bitmap);
	vmx_put();
	mmdrop(vm->mm);
	kfree(vm);
}

/**
 * vm_put() - give a reference back; the last one frees the VM and everything of it
 * @vm: the VM
 *
 * Context: Process of any mm; may sleep.
 */
void vm_put(struct vm *vm)
{
	kref_put(&vm->ref, vm_free);
}
