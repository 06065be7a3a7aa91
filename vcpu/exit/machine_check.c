// SPDX-License-Identifier: GPL-2.0-only
/* The host's own machine checks, met while the guest ran or was entered. */
#include "compat.h"
#include "vcpu/exit.h"
#include "vcpu/vcpu.h"

/**
 * machine_check() - a machine check ended guest mode: the host's handler looks at it now
 * @v: the vCPU, loaded
 *
 * What the handler wants done about a page that went bad, or about this process, is done on the way
 * to userspace: a guest that went on would only consume the same page again.
 *
 * Context: Interrupts off. SDM: "Machine-Check Events During VM Entry".
 * Return: TO_USER: INTR, or INTERNAL where this kernel has no handler.
 */
int machine_check(struct vcpu *v)
{
	vcpu_assert_burst(v);
	if (!compat_machine_check())
		return exit_internal(v, "a machine check, and this kernel has no handler for it");
	exit_to_user(v, VMXHV_EXIT_INTR);
	return TO_USER;
}

/**
 * handle_mce_during_entry() - a machine check before the guest's first instruction
 * @v: the vCPU, loaded
 *
 * The entry failed, as bit 31 of the reason says, and nobody's state is wrong. What was to be
 * injected waits for the next.
 *
 * Context: Interrupts off.
 * Return: as machine_check().
 */
int handle_mce_during_entry(struct vcpu *v)
{
	take_back_event(v);
	return machine_check(v);
}
