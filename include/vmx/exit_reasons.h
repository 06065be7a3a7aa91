/* SPDX-License-Identifier: GPL-2.0-only */
/* VM-exit reasons: numbers, names, and which can interrupt the delivery of an event. */
#ifndef VMX_EXIT_REASONS_H
#define VMX_EXIT_REASONS_H

#include <linux/types.h>

enum vmx_exit_reason {
#include "vmx/exit_reasons.def"
};

#define EXIT_REASON_COUNT		80	/* one more than the greatest basic reason */

/* SDM "Format of Exit Reason" */
#define VMX_EXIT_BASIC_REASON(reason)	((reason) & 0xffff)
#define VMX_EXIT_REASON_BUS_LOCK	0x04000000u
#define VMX_EXIT_REASON_ENCLAVE		0x08000000u
#define VMX_EXIT_REASON_PENDING_MTF	0x10000000u
#define VMX_EXIT_REASON_FROM_ROOT	0x20000000u
#define VMX_EXIT_REASON_FAILED_ENTRY	0x80000000u

const char *vmx_exit_reason_name(u32 reason);
bool vmx_exit_in_delivery(u32 reason);

#endif /* VMX_EXIT_REASONS_H */
