// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where syscore operations are registered through struct syscore. Never linked. */
#include <linux/syscore_ops.h>

static struct syscore probe;

static inline void vmxhv_probe(void)
{
	register_syscore(&probe);
}
