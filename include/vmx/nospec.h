/* SPDX-License-Identifier: GPL-2.0-only */
/* Bounds that hold in speculation too, at the price of one instruction. */
#ifndef VMX_NOSPEC_H
#define VMX_NOSPEC_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

/**
 * nospec_mask() - an index that has been compared with the size of its table, masked by it
 * @index: the index
 * @size: the table's entries, a constant and a power of two
 *
 * array_index_nospec() without the arithmetic that other sizes need. The compiler must not conclude
 * from the comparison that there is nothing to mask.
 *
 * Context: Any.
 * Return: @index if it is below @size; below @size in any case.
 */
static __always_inline u32 nospec_mask(u32 index, const u32 size)
{
	BUILD_BUG_ON_NOT_POWER_OF_2(size);
	OPTIMIZER_HIDE_VAR(index);
	return index & (size - 1);
}

#endif /* VMX_NOSPEC_H */
