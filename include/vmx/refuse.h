/* SPDX-License-Identifier: GPL-2.0-only */
/* Filling in a struct vmx_refusal. */
#ifndef VMX_REFUSE_H
#define VMX_REFUSE_H

#include <linux/compiler.h>

#include "vmx/caps.h"

void vmx_refusal_clear(struct vmx_refusal *why);
__printf(6, 7)
int vmx_refuse(struct vmx_refusal *why, enum vmxhv_unusable reason, u32 msr, u64 seen, u64 wanted,
	       const char *format, ...);
__printf(2, 3)
void vmx_refusal_add(struct vmx_refusal *why, const char *format, ...);

#endif /* VMX_REFUSE_H */
