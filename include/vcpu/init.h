/* SPDX-License-Identifier: GPL-2.0-only */
/* INIT and start-up IPIs, served by the vCPU's own thread. */
#ifndef VCPU_INIT_H
#define VCPU_INIT_H

struct vcpu;

void vcpu_init(struct vcpu *v);
void vcpu_start_up(struct vcpu *v);

#endif /* VCPU_INIT_H */
