/* SPDX-License-Identifier: GPL-2.0-only */
/* RUN, and the life of vCPUs and VMs. */
#ifndef VCPU_RUN_H
#define VCPU_RUN_H

#include <linux/types.h>

#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/vmcs.h"

/* vcpu/run/vm.c */
struct vm *vm_create(u32 flags, struct vmxhv_error *err);
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);

/* vcpu/run/vcpu.c */
int vcpu_create(struct vm *vm, u32 id, struct vcpu **out, struct vmxhv_error *err);
void vcpu_release(struct vcpu *v);	/* its last descriptor is closed */
void vcpu_free(struct vcpu *v);		/* its VM goes */
int vcpu_load(struct vcpu *v);
void vcpu_put(struct vcpu *v);

/**
 * vmcs_lost() - has this CPU left VMX operation since the vCPU was loaded?
 * @v: the vCPU, loaded
 *
 * It goes down, or the host does. VMREADs give 0 since then.
 *
 * Context: vCPU thread.
 * Return: true if the VMCS is not current.
 */
static inline bool vmcs_lost(const struct vcpu *v)
{
	return this_cpu_read(vmcs_current) != &v->vmcs;
}

/* vcpu/run/run.c: RUN itself; the mutex is held */
int vcpu_run(struct vcpu *v, u32 flags, struct vmxhv_error *err);

/* vcpu/run/halt.c */
u64 halt_poll_next(u64 poll, u64 waited, u64 limit, u64 first);	/* pure */

/* vcpu/run/setup.c */
void vcpu_setup_vmcs(struct vcpu *v);		/* controls and constant fields; VMCS current */
void vcpu_flush_tlb(struct vcpu *v);		/* this CPU: the VM's EPT and the vCPU's VPID */

/* vcpu/run/reset.c: INIT and start-up IPIs, served by the vCPU's own thread */
void vcpu_init(struct vcpu *v);
void vcpu_take_init(struct vcpu *v);
void vcpu_start_up(struct vcpu *v);

#endif /* VCPU_RUN_H */
