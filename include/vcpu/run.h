/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the run loop and the exit table. */
#ifndef VCPU_RUN_H
#define VCPU_RUN_H

#include "vcpu/vcpu.h"
#include "vmx/exit_reasons.h"
#include "vmx/nospec.h"

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
#define ROW_L1D		BIT(4)	/* it says for itself whether the L1 data cache is stale */

/* A power of two above the greatest basic reason: see exit_row(). The last row stays empty. */
#define EXIT_ROWS	128

extern const struct exit_row exit_rows[EXIT_ROWS];

/**
 * exit_row() - the row of an exit reason
 * @v: the vCPU
 * @reason: the exit-reason field
 *
 * The guest chooses among the reasons.
 *
 * Return: never NULL; its handler may be.
 */
static __always_inline const struct exit_row *exit_row(const struct vcpu *v, u32 reason)
{
	u32 basic = VMX_EXIT_BASIC_REASON(reason);

	if (unlikely(basic >= EXIT_ROWS))
		basic = EXIT_ROWS - 1;
	return &v->rows[nospec_mask(basic, EXIT_ROWS)];
}

int exit_failed_entry(struct vcpu *v, int how);

#endif /* VCPU_RUN_H */
