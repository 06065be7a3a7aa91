/* SPDX-License-Identifier: GPL-2.0-only */
/* entry.S and C: who calls whom. */
#ifndef VCPU_RUN_ENTRY_H
#define VCPU_RUN_ENTRY_H

#include <linux/linkage.h>
#include <linux/types.h>

struct vcpu;

asmlinkage int vmx_enter(struct vcpu *v);	/* entry.S */
asmlinkage bool vcpu_exited(struct vcpu *v);	/* run.c: called by it */
extern const char vmx_exit_point[];		/* HOST_RIP */

#endif /* VCPU_RUN_ENTRY_H */
