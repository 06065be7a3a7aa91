/* SPDX-License-Identifier: GPL-2.0-only */
/* What entry.S and C agree on: offsets in struct vcpu, asserted in vcpu/run/run.c. */
#ifndef VCPU_ENTRY_H
#define VCPU_ENTRY_H

#define VCPU_RAX	0
#define VCPU_RCX	8
#define VCPU_RDX	16
#define VCPU_RBX	24
#define VCPU_RSP	32
#define VCPU_RBP	40
#define VCPU_RSI	48
#define VCPU_RDI	56
#define VCPU_R8		64
#define VCPU_R9		72
#define VCPU_R10	80
#define VCPU_R11	88
#define VCPU_R12	96
#define VCPU_R13	104
#define VCPU_R14	112
#define VCPU_R15	120
#define VCPU_HOST_RSP	128
#define VCPU_LAUNCHED	156

#define VMCS_HOST_RSP	0x6c14

#ifndef __ASSEMBLY__
#include <linux/linkage.h>
#include <linux/types.h>

struct vcpu;

asmlinkage int vmx_enter(struct vcpu *v);	/* entry.S */
asmlinkage bool vcpu_exited(struct vcpu *v);	/* run.c: called by it */
extern const char vmx_exit_point[];	/* HOST_RIP */
#endif

#endif /* VCPU_ENTRY_H */
