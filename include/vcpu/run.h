/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the run loop and the exit table. */
#ifndef VCPU_RUN_H
#define VCPU_RUN_H

#include "vcpu/vcpu.h"

/*
 * struct exit_row - what to do with one exit reason
 * @handle: the handler; NULL: we never asked for this exit
 * @flags: ROW_*
 */
struct exit_row {
	int (*handle)(struct vcpu *v);
	unsigned int flags;
};

#define ROW_IRQS_OFF	BIT(0)	/* the handler neither sleeps nor needs interrupts */
#define ROW_EVENTS	BIT(1)	/* it may have changed what can be injected, or the timer */
#define ROW_DELIVERY	BIT(2)	/* the exit may have interrupted an event's delivery */
#define ROW_OPEN	BIT(3)	/* interrupts are opened after it: the host has work */

const struct exit_row *exit_row(u32 reason);
int exit_unexpected(struct vcpu *v);
int exit_failed_entry(struct vcpu *v, int how);

#endif /* VCPU_RUN_H */
