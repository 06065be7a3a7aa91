/* SPDX-License-Identifier: GPL-2.0-only */
/* Bounds that hold in speculation too, at the price of one instruction. */
#ifndef VMX_NOSPEC_H
#define VMX_NOSPEC_H

#include <linux/build_bug.h>
#include <linux/compiler.h>

/**
 * nospec_mask - an index that has been compared with the size of its table, masked by it
 * @index: the index
 * @size: the table's entries, a constant and a power of two
 *
 * array_index_nospec() without the arithmetic that other sizes need. The compiler must not conclude
 * from the comparison that there is nothing to mask.
 *
 * Return: @index if it is below @size; below @size in any case.
 */
#define nospec_mask(index, size) ({			\
	u32 __index = (index);				\
							\
	BUILD_BUG_ON_NOT_POWER_OF_2(size);		\
	OPTIMIZER_HIDE_VAR(__index);			\
	__index & ((size) - 1);				\
})

#endif /* VMX_NOSPEC_H */
