/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VCPU_RUN_HALT_H
#define VCPU_RUN_HALT_H

#include "vcpu/vcpu.h"

/* Requests that cannot be served with interrupts off. */
#define REQS_OUTSIDE	(BIT(REQ_KICK) | BIT(REQ_DEAD) | BIT(REQ_INIT) | BIT(REQ_SIPI) | \
			 BIT(REQ_APIC_PAGE) | BIT(REQ_DEBUG))

void wait_for_event(struct vcpu *v);

#endif /* VCPU_RUN_HALT_H */
