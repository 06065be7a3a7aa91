/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's side of a vCPU: what an exit restores, and what we must. */
#ifndef VCPU_HOST_H
#define VCPU_HOST_H

struct vcpu;

void host_state_constant(struct vcpu *v, unsigned long exit_point);	/* VMCS host area: what never changes */
void host_state_cpu(struct vcpu *v);		/* ... what changes with the CPU */
void host_thread_leave(struct vcpu *v);		/* IRQs off: the guest's MSRs and bases in */
void host_thread_return(struct vcpu *v);	/* preemption off: the thread's own back */
void host_burst_begin(struct vcpu *v);		/* IRQs off: what may have changed since */
void host_syscall_sync(struct vcpu *v);		/* after EFER changed */
void host_burst_end(struct vcpu *v);		/* IRQs off: debug registers, DEBUGCTL */

#endif /* VCPU_HOST_H */
