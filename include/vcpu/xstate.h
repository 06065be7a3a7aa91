/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's extended state as an image, for the state group XSAVE. */
#ifndef VCPU_XSTATE_H
#define VCPU_XSTATE_H

#include <linux/types.h>

#include "vcpu/error.h"

struct vcpu;

#define XSTATE_MIN_SIZE		576	/* legacy region and header */

u32 xstate_size(void);
void xstate_get_image(struct vcpu *v, void *image);
int xstate_check_image(const void *image, struct vmxhv_error *err);
int xstate_check_fields(const void *image, u64 valid, u32 mxcsr_valid, struct vmxhv_error *err);
void xstate_set_image(struct vcpu *v, const void *image);
void xstate_set_xcr0(struct vcpu *v, u64 value);

#endif /* VCPU_XSTATE_H */
