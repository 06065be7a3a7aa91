/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU's page-modification log (SDM: "Page-Modification Logging"). */
#ifndef VCPU_PML_H
#define VCPU_PML_H

#include <linux/types.h>

#define PML_ENTRIES	512
#define PML_NOTHING	(~0ull)	/* in an entry that the CPU has not written: no guest address */

struct vcpu;
struct vm;

int pml_create(struct vcpu *v);		/* nothing where the CPU has no such log; -ENOMEM */
void pml_destroy(struct vcpu *v);
u32 pml_setup_vmcs(struct vcpu *v);
void pml_flush(struct vcpu *v);
void pml_collect(struct vm *vm);	/* into the dirty log; memory.lock held for writing */
int handle_pml_full(struct vcpu *v);

#endif /* VCPU_PML_H */
