// SPDX-License-Identifier: GPL-2.0-only
/* The ranges of CONFIG: which are legal, what they cover, and their bits in the bitmaps. Pure. */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"

#define ACCESS_BOTH	(VMXHV_RANGE_READ | VMXHV_RANGE_WRITE)

/* The MSR bitmap has four quarters: reads of low and of high MSRs, then writes. */
#define HALF_MSRS	0x2000	/* that one quarter has bits for */
#define HIGH_MSRS	0xc0000000u
#define HIGH_AT		0x400	/* bytes */
#define WRITES_AT	0x800

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

/* What a bitmap has bits for. SDM: "MSR-Bitmap Address". */
static int check_msr_pass(const struct vmxhv_range *r, u32 i, struct vmxhv_error *err)
{
	const char *why;
	u32 msr = 0;

	if (!within(r, 0, HALF_MSRS) && !within(r, HIGH_MSRS, HALF_MSRS))
		return refuse_range(err, -EINVAL, i, last, r->last, HALF_MSRS - 1,
				    "these MSRs exit always, or are not in one range");
	why = msr_kept_back(r->first, r->last, r->access, &msr);
	if (why)
		return refuse_range(err, -EACCES, i, first, msr, 0, "MSR %#x: %s", msr, why);
	return 0;
}

static int check_port_pass(const struct vmxhv_range *r, u32 i, struct vmxhv_error *err)
{
	if (r->access != ACCESS_BOTH)
		return refuse_range(err, -EINVAL, i, access, r->access, ACCESS_BOTH,
				    "the bitmap of ports does not tell IN from OUT");
	if (r->last > U16_MAX)
		return refuse_range(err, -EINVAL, i, last, r->last, U16_MAX,
				    "there is no such port");
	return 0;
}

static int check_kind(const struct vmxhv_range *r, u32 i, struct vmxhv_error *err)
{
	switch (r->kind) {
	case VMXHV_RANGE_MSR_EXIT:
		return check_msr_exit(r, i, err);
	case VMXHV_RANGE_CPUID_EXIT:
		return check_cpuid_exit(r, i, err);
	case VMXHV_RANGE_MSR_PASS:
		return check_msr_pass(r, i, err);
	case VMXHV_RANGE_PORT_PASS:
		return check_port_pass(r, i, err);
	}
	return refuse_range(err, -EINVAL, i, kind, r->kind, VMXHV_RANGE_PORT_PASS,
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

static bool both_ways(const struct vmxhv_range *a, const struct vmxhv_range *b)
{
	return (a->kind == VMXHV_RANGE_MSR_EXIT && b->kind == VMXHV_RANGE_MSR_PASS) ||
	       (a->kind == VMXHV_RANGE_MSR_PASS && b->kind == VMXHV_RANGE_MSR_EXIT);
}

/* An access exits, or it does not. */
static int check_contradiction(const struct vmxhv_range *ranges, u32 i, struct vmxhv_error *err)
{
	const struct vmxhv_range *r = &ranges[i];
	u32 k;

	for (k = 0; k < i; k++)
		if (both_ways(r, &ranges[k]) && r->access & ranges[k].access &&
		    overlaps(r, ranges[k].first, ranges[k].last))
			return refuse_range(err, -EINVAL, i, kind, r->kind, ranges[k].kind,
					    "exits by this range, and does not by range %u", k);
	return 0;
}

/**
 * config_check_ranges() - may these be asked for?
 * @ranges: the ranges
 * @count: how many
 * @err: where the first refusal goes
 *
 * Context: Any.
 * Return: 0; -EINVAL; -EACCES for an MSR that is never passed.
 */
int config_check_ranges(const struct vmxhv_range *ranges, u32 count, struct vmxhv_error *err)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++) {
		ret = check_range(&ranges[i], i, err);
		if (!ret)
			ret = check_contradiction(ranges, i, err);
	}
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
		bool exits = r->kind == VMXHV_RANGE_MSR_EXIT;

		if (!exits && r->kind != VMXHV_RANGE_MSR_PASS)
			continue;
		if (r->access & VMXHV_RANGE_READ)
			set_access(bitmap, r, exits);
		if (r->access & VMXHV_RANGE_WRITE)
			set_access(bitmap + WRITES_AT, r, exits);
	}
}

VMXHV_EXPORT_FOR_TEST(config_fill_msr_bitmap);

/**
 * config_has() - is there a range of this kind?
 * @config: the VM's
 * @kind: of ranges
 *
 * Context: Any.
 * Return: true if there is.
 */
bool config_has(const struct vm_config *config, enum vmxhv_range_kind kind)
{
	u32 i;

	for (i = 0; i < config->count; i++)
		if (config->ranges[i].kind == kind)
			return true;
	return false;
}

/**
 * config_fill_io_bitmap() - which ports exit
 * @config: the VM's
 * @bitmap: two pages, A and B
 *
 * Context: Any. SDM: "I/O-Bitmap Addresses".
 */
void config_fill_io_bitmap(const struct vm_config *config, u8 *bitmap)
{
	const struct vmxhv_range *r = config->ranges;
	const struct vmxhv_range *end = r + config->count;

	memset(bitmap, 0xff, PAGE_SIZE << IO_BITMAP_ORDER);
	for (; r < end; r++)
		if (r->kind == VMXHV_RANGE_PORT_PASS)
			bitmap_clear((unsigned long *)bitmap, r->first, r->last - r->first + 1);
}

VMXHV_EXPORT_FOR_TEST(config_fill_io_bitmap);
