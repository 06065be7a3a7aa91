// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's life: made, loaded on a CPU, followed across CPUs, gone. */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/memory.h"
#include "vcpu/run.h"
#include "vcpu/vcpu.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/*
 * The VMCS becomes current here; a CPU that it was not on may hold stale translations. Where it is
 * current already it was so the last time, too: nobody else has it, and leaving it clears it.
 */
static int load_on_this_cpu(struct vcpu *v)
{
	int cpu = smp_processor_id();
	int ret;

	if (likely(!vmcs_lost(v)))
		return 0;
	ret = vmcs_load(&v->vmcs);
	if (ret)
		return ret;
	vcpu_own_nmi_blocking(v);
	if (unlikely(v->tsc.lost != vmx_tsc_lost))
		tsc_follow_host(v);
	if (v->cpu == cpu)
		return 0;

	WRITE_ONCE(v->cpu, cpu);
	v->burst.l1d_stale = true;
	host_state_cpu(v);
	set_bit(REQ_TLB_FLUSH, &v->requests);
	return 0;
}

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct vcpu *v = container_of(notifier, struct vcpu, notifier);

	/*
	 * VMX can be off here while the CPU goes down. The next burst sees that before it
	 * enters, leaves the CPU and tries again; VMREADs until then fail and say so.
	 */
	v->burst.l1d_stale = true;
	load_on_this_cpu(v);
}

static void sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	host_thread_return(container_of(notifier, struct vcpu, notifier));
}

static struct preempt_ops vcpu_preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

#define LOAD_TRIES	100	/* jiffies */

static noinline int load_patiently(struct vcpu *v)
{
	int tries = LOAD_TRIES;
	int ret;

	do {
		preempt_disable();
		ret = load_on_this_cpu(v);
		if (!ret)
			preempt_notifier_register(&v->notifier);
		v->loaded = !ret;
		preempt_enable();
		/* this CPU is going down, and its tasks with it to others: a jiffy or two */
		if (unlikely(ret == -EAGAIN))
			schedule_timeout_uninterruptible(1);
	} while (ret == -EAGAIN && --tries);
	return ret == -EAGAIN ? -ESHUTDOWN : ret;
}

/**
 * vcpu_load() - make a vCPU's VMCS current, and keep it so for this thread
 * @v: the vCPU; its mutex is held
 *
 * Most often it is current still from the last time.
 *
 * Context: May be preempted and migrated afterwards: a preempt notifier follows.
 * Return: 0, or -ESHUTDOWN when this CPU has left VMX operation.
 */
int vcpu_load(struct vcpu *v)
{
	vcpu_assert_held(v);
	preempt_disable();
	if (unlikely(vmcs_lost(v))) {
		preempt_enable();
		return load_patiently(v);
	}
	preempt_notifier_register(&v->notifier);
	v->loaded = true;
	preempt_enable();
	return 0;
}

/**
 * vcpu_put() - the end of what vcpu_load() began
 * @v: the vCPU
 *
 * The VMCS stays current on its CPU until another wants the place: the next load is then free.
 * Nothing is left to do when RUN tried to load it anew and could not: the host goes down.
 *
 * Context: Process.
 */
void vcpu_put(struct vcpu *v)
{
	vcpu_assert_held(v);
	if (!v->loaded)
		return;
	v->loaded = false;
	preempt_disable();
	host_thread_return(v);
	preempt_notifier_unregister(&v->notifier);
	preempt_enable();
}

static int init_vmcs(struct vcpu *v)
{
	int ret = vcpu_load(v);

	if (ret)
		return ret;
	preempt_disable();
	vcpu_setup_vmcs(v);
	preempt_enable();
	vcpu_reset_state(v);
	/* all but the bootstrap processor wait for a start-up IPI, or for userspace */
	v->events.activity = v->id ? VMXHV_WAIT_SIPI : VMXHV_ACTIVE;
	vcpu_put(v);
	return 0;
}

static struct vcpu *vcpu_alloc(struct vm *vm, u32 id)
{
	struct vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return NULL;

	v->vm = vm;
	v->id = id;
	v->cpu = -1;
	v->recheck = true;
	v->shadow_mask = ~0u;
	v->burst.plain_row = ROW_IRQS_OFF;
	v->timer_stale = true;
	v->tsc.lost = vmx_tsc_lost;
	mutex_init(&v->mutex);
	rcuwait_init(&v->wait);
	preempt_notifier_init(&v->notifier, &vcpu_preempt_ops);
	return v;
}

/* Pages, each with a count of its own, since each is mapped by itself. */
static struct vmxhv_run *alloc_run(void)
{
	const unsigned int order = get_order(VMXHV_RUN_SIZE);
	struct page *page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, order);

	BUILD_BUG_ON(PAGE_SIZE << get_order(VMXHV_RUN_SIZE) != VMXHV_RUN_SIZE);
	if (!page)
		return NULL;
	split_page(page, order);
	return page_address(page);
}

static void free_run(struct vmxhv_run *run)
{
	unsigned long at = (unsigned long)run;
	unsigned long end = at + VMXHV_RUN_SIZE;

	for (; at < end; at += PAGE_SIZE)
		free_page(at);
}

static int vcpu_create_parts(struct vcpu *v)
{
	int ret;

	v->run = alloc_run();
	if (!v->run)
		return -ENOMEM;
	ret = vpid_alloc();
	if (ret < 0)
		goto undo_run;
	v->vpid = ret;
	ret = loaded_vmcs_init(&v->vmcs);
	if (ret)
		goto free_vpid;
	ret = lapic_create(v);
	if (ret)
		goto free_vmcs;
	ret = xstate_create(v);
	if (ret)
		goto free_lapic;
	ret = cpuid_create(v);
	if (ret)
		goto free_xstate;
	config_choose_rows(v);
	ret = pml_create(v);
	if (ret)
		goto free_cpuid;
	ret = init_vmcs(v);
	if (!ret)
		return 0;

	pml_destroy(v);
free_cpuid:
	cpuid_free(v);
free_xstate:
	xstate_destroy(v);
free_lapic:
	lapic_destroy(v);
free_vmcs:
	loaded_vmcs_free(&v->vmcs);
free_vpid:
	vpid_free(v->vpid);
undo_run:
	free_run(v->run);
	return ret;
}

static int vcpu_publish(struct vcpu *v, struct vmxhv_error *err)
{
	struct vm *vm = v->vm;

	if (READ_ONCE(vm->dead))
		return -EIO;
	if (vm->vcpus[v->id])
		return refuse_field(err, -EEXIST, struct vmxhv_create_vcpu, id, v->id, 0,
				    "the VM has, or had, a vCPU with this APIC id");
	vm_get(vm);
	/* readers look without the lock: the vCPU must be whole before it can be found */
	smp_store_release(&vm->vcpus[v->id], v);
	return 0;
}

/* From the first one on, CONFIG is closed: what a vCPU is made by does not change under it. */
static void count_vcpus(struct vm *vm, int more)
{
	mutex_lock(&vm->lock);
	vm->nr_vcpus += more;
	mutex_unlock(&vm->lock);
}

static int vcpu_create_counted(struct vm *vm, u32 id, struct vcpu **out, struct vmxhv_error *err)
{
	struct vcpu *v = vcpu_alloc(vm, id);
	int ret;

	if (!v)
		return -ENOMEM;
	ret = vcpu_create_parts(v);
	if (ret) {
		kfree(v);
		return ret;
	}

	mutex_lock(&vm->lock);
	ret = vcpu_publish(v, err);
	mutex_unlock(&vm->lock);
	if (ret) {
		vcpu_free(v);
		return ret;
	}
	*out = v;
	return 0;
}

/**
 * vcpu_create() - add a vCPU to a VM
 * @vm: the VM; the vCPU takes a reference
 * @id: its APIC id, below VM_MAX_VCPUS
 * @out: the vCPU, in power-on state
 * @err: detail of a refusal
 *
 * Context: May sleep; takes vm->lock.
 * Return: 0; -EINVAL id too large; -EEXIST id taken; -ENOMEM; -ENOSPC no VPID left; -EIO the VM is
 * dead; -ESHUTDOWN.
 */
int vcpu_create(struct vm *vm, u32 id, struct vcpu **out, struct vmxhv_error *err)
{
	int ret;

	if (id >= VM_MAX_VCPUS)
		return refuse_field(err, -EINVAL, struct vmxhv_create_vcpu, id, id,
				    VM_MAX_VCPUS - 1, "the APIC id is too large");
	count_vcpus(vm, 1);
	ret = vcpu_create_counted(vm, id, out, err);
	if (ret)
		count_vcpus(vm, -1);
	return ret;
}

/**
 * vcpu_release() - the last descriptor of a vCPU was closed
 * @v: the vCPU; nobody runs it any more
 *
 * It stays in its VM's table, where interrupts may still look for it, until the VM goes: no reader
 * needs a lock or a grace period. Its APIC id is therefore not free again.
 *
 * Context: May sleep; drops the vCPU's reference to the VM.
 */
void vcpu_release(struct vcpu *v)
{
	vm_put(v->vm);
}

/**
 * vcpu_free() - the VM goes, and its vCPUs with it
 * @v: the vCPU; nobody can find it any more
 *
 * Context: May sleep.
 */
void vcpu_free(struct vcpu *v)
{
	pml_destroy(v);
	xstate_destroy(v);
	lapic_destroy(v);
	cpuid_free(v);
	loaded_vmcs_free(&v->vmcs);
	vpid_free(v->vpid);
	free_run(v->run);
	kfree(v);
}
