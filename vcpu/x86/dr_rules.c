// SPDX-License-Identifier: GPL-2.0-only
/* What stands in DR6 and DR7 after a write. Pure. */
#include <linux/bits.h>
#include <linux/percpu.h>

#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>

#include "compat.h"
#include "vcpu/x86.h"

#define DR6_SETTABLE	(DR_TRAP0 | DR_TRAP1 | DR_TRAP2 | DR_TRAP3 | BIT(13) | DR_STEP | BIT(15))
#define DR7_RESERVED	0xffffffff0000dc00ull	/* 63:32, 15, 14, 12, 11 (no RTM), and 10 reads 1 */

/**
 * dr6_stored() - DR6 after a write
 * @value: what is written; its upper half is zero
 *
 * Context: Any. SDM: "Debug Status Register (DR6)".
 * Return: the value with the fixed bits as they read.
 */
u64 dr6_stored(u64 value)
{
	return (value & DR6_SETTABLE) | DR6_RESET;
}

VMXHV_EXPORT_FOR_TEST(dr6_stored);

/**
 * dr7_stored() - DR7 after a write
 * @value: what is written; its upper half is zero
 *
 * Context: Any. SDM: "Debug Control Register (DR7)".
 * Return: the value with the fixed bits as they read.
 */
u64 dr7_stored(u64 value)
{
	return (value & ~DR7_RESERVED) | DR7_RESET;
}

VMXHV_EXPORT_FOR_TEST(dr7_stored);
