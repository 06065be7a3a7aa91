// SPDX-License-Identifier: GPL-2.0-only
/*
 * INS and OUTS exit before the CPU looks at the segment that they use: whether it is usable and how
 * far it reaches is left to us, as is alignment (SDM: "Relative Priority of Faults and VM Exits").
 * What the CPU did check is the privilege to use the port.
 */
#include <linux/bits.h>
#include <linux/minmax.h>

#include "compat.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

/* SDM: "Type Checking". Real and virtual-8086 mode know no types. */
static bool allows(const struct io_segment *s)
{
	const bool code = s->access & VMX_AR_TYPE_CODE;

	if (s->mode == VMXHV_MODE_REAL || s->mode == VMXHV_MODE_VM86)
		return true;
	if (s->access & VMX_AR_UNUSABLE)
		return false;
	/* the bit says "writable" of a data segment and "readable" of a code segment */
	if (s->write)
		return !code && (s->access & VMX_AR_TYPE_READABLE);
	return !code || (s->access & VMX_AR_TYPE_READABLE);
}

static bool expands_down(const struct io_segment *s)
{
	return (s->access & (VMX_AR_TYPE_CODE | VMX_AR_TYPE_EXPAND_DOWN)) ==
	       VMX_AR_TYPE_EXPAND_DOWN;
}

/**
 * io_segment_units() - how many units of a string may be accessed, one after the other, upwards
 * @s: the segment
 * @offset: of the first unit, within the address size
 * @mask: the largest offset of the address size
 * @width: bytes of a unit
 *
 * SDM: "Limit Checking". In 64-bit mode there is neither type nor limit. Behind the largest offset
 * the index begins again at 0, somewhere else in linear memory: no unit that begins there counts.
 *
 * Context: Any.
 * Return: the number of units; 0: the first one faults.
 */
u64 io_segment_units(const struct io_segment *s, u64 offset, u64 mask, u32 width)
{
	const u64 to_wrap = (mask - offset) / width + 1;
	u64 first = 0, last = s->limit;

	if (s->mode == VMXHV_MODE_64)
		return to_wrap;
	if (!allows(s))
		return 0;
	if (expands_down(s)) {
		first = last + 1;
		last = s->access & VMX_AR_DB ? U32_MAX : U16_MAX;
	}
	if (offset < first || offset > last)
		return 0;
	return min(to_wrap, (last - offset + 1) / width);
}

VMXHV_EXPORT_FOR_TEST(io_segment_units);
