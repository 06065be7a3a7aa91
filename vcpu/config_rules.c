// SPDX-License-Identifier: GPL-2.0-only
/* The ranges of CONFIG: which are legal, what they cover, and their bits in the bitmaps. Pure. */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "compat.h"
#include "vcpu/config.h"
#include "vcpu/cpuid.h"
#include "vcpu/msr.h"

#define ACCESS_BOTH	(VMXHV_RANGE_READ | VMXHV_RANGE_WRITE)

/* The local APIC's: hardware that virtualizes it may leave no exit to report. */
#define X2APIC_FIRST	0x800
#define X2APIC_LAST	0x8ff

#define refuse_range(err, error, i, member, seen, want, ...)			\
	refuse(err, error, &(const struct refusal){				\
		.code = VMXHV_ERR_RANGE, .index = (i),				\
		.item = offsetof(struct vmxhv_range, member),			\
		.value = (seen), .wanted = (want) }, __VA_ARGS__)

static bool overlaps(const struct vmxhv_range *r, u32 first, u32 last)
{
	return r->first <= last && r->last >= first;
}

static int check_msr_exit(const struct vmxhv_range *r, u32 i, struct vmxhv_error *err)
{
	if (overlaps(r, X2APIC_FIRST, X2APIC_LAST))
		return refuse_range(err, -EINVAL, i, first, r->first, X2APIC_FIRST,
				    "the x2APIC's registers do not exit");
	return 0;
}

static bool within(const struct vmxhv_range *r, u32 first, u32 count)
{
	return r->first >= first && r->last <= first + count - 1;
}

/* Leaves that the table of a vCPU has a slot for: see struct cpuid_table. */
static int check_cpuid_exit(const struct vmxhv_range *r, u32 i, struct vmxhv_error *err)
{
	if (r->access != VMXHV_RANGE_READ)
		return refuse_range(err, -EINVAL, i, access, r->access, VMXHV_RANGE_READ,
				    "a leaf is only read");
	if (!within(r, 0, CPUID_BASIC_SLOTS) && !within(r, 0x40000000, CPUID_HYPER_SLOTS) &&
	    !within(r, 0x80000000, CPUID_EXT_SLOTS))
		return refuse_range(err, -EINVAL, i, last, r->last, r->first,
				    "these leaves do not exit, or not in one range");
	return 0;
}

static int check_kind(const struct vmxhv_range *r, u32 i, struct vmxhv_error *err)
{
	switch (r->kind) {
	case VMXHV_RANGE_MSR_EXIT:
		return check_msr_exit(r, i, err);
	case VMXHV_RANGE_CPUID_EXIT:
		return check_cpuid_exit(r, i, err);
	}
	return refuse_range(err, -EINVAL, i, kind, r->kind, VMXHV_RANGE_CPUID_EXIT,
			    "unknown kind of range");
}

static int check_range(const struct vmxhv_range *r, u32 i, struct vmxhv_error *err)
{
	if (!r->access || r->access & ~ACCESS_BOTH)
		return refuse_range(err, -EINVAL, i, access, r->access, ACCESS_BOTH,
				    "neither read nor write, or an unknown bit");
	if (r->first > r->last)
		return refuse_range(err, -EINVAL, i, last, r->last, r->first,
				    "last is before first");
	if (r->reserved)
		return refuse_range(err, -EINVAL, i, reserved, r->reserved, 0,
				    "reserved field is not 0");
	return check_kind(r, i, err);
}

/**
 * config_check_ranges() - may these be asked for?
 * @ranges: the ranges
 * @count: how many
 * @err: where the first refusal goes
 *
 * Context: Any.
 * Return: 0 or -EINVAL.
 */
int config_check_ranges(const struct vmxhv_range *ranges, u32 count, struct vmxhv_error *err)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++)
		ret = check_range(&ranges[i], i, err);
	return ret;
}

VMXHV_EXPORT_FOR_TEST(config_check_ranges);

/**
 * config_covers() - is this access to that MSR or leaf in a range?
 * @config: the VM's
 * @kind: of ranges
 * @access: VMXHV_RANGE_READ or VMXHV_RANGE_WRITE
 * @n: the MSR, or the leaf
 *
 * Context: Any.
 * Return: true if it is.
 */
bool config_covers(const struct vm_config *config, enum vmxhv_range_kind kind, u32 access, u32 n)
{
	const struct vmxhv_range *r = config->ranges;
	const struct vmxhv_range *end = r + config->count;

	for (; r < end; r++)
		if (r->kind == kind && r->access & access && overlaps(r, n, n))
			return true;
	return false;
}

VMXHV_EXPORT_FOR_TEST(config_covers);

#define HALF_MSRS	0x2000	/* of one quarter of the bitmap */
#define HIGH_MSRS	0xc0000000u
#define HIGH_AT		0x400	/* bytes */
#define WRITES_AT	0x800

static void set_quarter(u8 *quarter, u32 base, const struct vmxhv_range *r, bool exits)
{
	unsigned long *bits = (unsigned long *)quarter;
	u32 first = max(r->first, base), last = min(r->last, base + HALF_MSRS - 1);

	if (first > last)
		return;
	if (exits)
		bitmap_set(bits, first - base, last - first + 1);
	else
		bitmap_clear(bits, first - base, last - first + 1);
}

static void set_access(u8 *half, const struct vmxhv_range *r, bool exits)
{
	set_quarter(half, 0, r, exits);
	set_quarter(half + HIGH_AT, HIGH_MSRS, r, exits);
}

/**
 * config_fill_msr_bitmap() - a VM's MSR bitmap: the common one, and the VM's own ranges
 * @config: the VM's
 * @bitmap: one page
 *
 * MSRs that the bitmap has no bit for exit always.
 *
 * Context: Any. SDM: "MSR-Bitmap Address".
 */
void config_fill_msr_bitmap(const struct vm_config *config, u8 *bitmap)
{
	const struct vmxhv_range *r = config->ranges;
	const struct vmxhv_range *end = r + config->count;

	msr_bitmap_fill(bitmap);
	for (; r < end; r++) {
		if (r->kind != VMXHV_RANGE_MSR_EXIT)
			continue;
		if (r->access & VMXHV_RANGE_READ)
			set_access(bitmap, r, true);
		if (r->access & VMXHV_RANGE_WRITE)
			set_access(bitmap + WRITES_AT, r, true);
	}
}

VMXHV_EXPORT_FOR_TEST(config_fill_msr_bitmap);
