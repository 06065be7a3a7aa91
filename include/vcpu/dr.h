/* SPDX-License-Identifier: GPL-2.0-only */
/* Debug registers. */
#ifndef VCPU_DR_H
#define VCPU_DR_H

#include <linux/types.h>

struct vcpu;

/* vcpu/cpu/dr.c: pure */
u64 dr6_stored(u64 value);		/* what stands in DR6 or DR7 after a write of value */
u64 dr7_stored(u64 value);

#define DR6_RESET	0xffff0ff0ull
#define DR7_RESET	0x400ull

#endif /* VCPU_DR_H */
