// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's page walk: no paging, 32-bit, PAE and 4-level paging (SDM: "Paging"). Pure logic.
 *
 * Not there, as the guest's CPUID does not have them: 5-level paging, protection keys, CET's shadow
 * stacks. PSE-36 is there: addresses in 4 MiB pages are as wide as MAXPHYADDR, 40 bits at most.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

/* Bits of all paging-structure entries (SDM: "Format of a ..." tables of the paging chapter) */
#define ENTRY_PRESENT	BIT_ULL(0)
#define ENTRY_WRITE	BIT_ULL(1)
#define ENTRY_USER	BIT_ULL(2)
#define ENTRY_ACCESSED	BIT_ULL(5)
#define ENTRY_DIRTY	BIT_ULL(6)
#define ENTRY_LARGE	BIT_ULL(7)
#define ENTRY_NX	BIT_ULL(63)

#define WALK_LEVELS	4
#define WALK_TRIES	16	/* while another CPU keeps changing an entry */

/**
 * struct walk - one walk under way
 * @mode: what it depends on
 * @gva: the linear address, cut to 32 bits outside long mode
 * @access: WALK_*
 * @wide: entries are of 8 bytes
 * @level: of the entry read last; 1 is a page table's
 * @shift: where in @gva the bits below its index end
 * @address: the bits of an entry that are a table's address
 * @reserved: the bits that are 0 in every entry
 * @all: all entries' bits ANDed: what every level allows
 * @any: the same ORed
 * @steps: entries read
 * @entry: what they held ...
 * @at: ... and where
 */
struct walk {
	const struct walk_mode *mode;
	u64 gva;
	u32 access;
	bool wide;
	int level;
	unsigned int shift;
	u64 address;
	u64 reserved;
	u64 all;
	u64 any;
	int steps;
	u64 entry[WALK_LEVELS];
	u64 at[WALK_LEVELS];
};

static bool no_execute_on(const struct walk_mode *mode)
{
	return mode->efer & EFER_NX;
}

static u64 address_bits(const struct walk_mode *mode)
{
	return GENMASK_ULL(mode->maxphyaddr - 1, 12);
}

static u32 entry_size(const struct walk *w)
{
	return w->wide ? sizeof(u64) : sizeof(u32);
}

/* The fetch bit tells only where something distinguishes fetches: NX or SMEP. */
static int fault(const struct walk *w, u32 why, struct walk_result *out)
{
	const struct walk_mode *mode = w->mode;
	bool nx = (mode->cr4 & X86_CR4_PAE) && no_execute_on(mode);

	if (w->access & WALK_WRITE)
		why |= PAGE_FAULT_WRITE;
	if (w->access & WALK_USER)
		why |= PAGE_FAULT_USER;
	if ((w->access & WALK_FETCH) && (nx || (mode->cr4 & X86_CR4_SMEP)))
		why |= PAGE_FAULT_FETCH;
	out->fault_error = why;
	out->linear = w->gva;
	return 1;
}

static bool is_large(const struct walk *w, u64 entry)
{
	const struct walk_mode *mode = w->mode;

	if (likely(!(entry & ENTRY_LARGE)))
		return false;
	switch (w->level) {
	case 2:
		return w->wide || (mode->cr4 & X86_CR4_PSE);
	case 3:
		return mode->page_1g;
	default:
		return false;
	}
}

/*
 * 4 MiB pages keep address bits 39:32 in bits 20:13; bit 21, and those of 20:13 that MAXPHYADDR
 * does not reach, are reserved.
 */
static u64 reserved_narrow(const struct walk *w, bool large)
{
	unsigned int bits = clamp_t(unsigned int, w->mode->maxphyaddr, 32, 40);

	return large ? GENMASK_ULL(21, bits - 19) : 0;
}

static u64 reserved_wide(const struct walk *w, bool large)
{
	if (large)
		return GENMASK_ULL(w->shift - 1, 13);
	return w->level > 2 ? ENTRY_LARGE : 0;
}

/* Of 8 bytes: from MAXPHYADDR on, and what the mode leaves unused. */
static u64 reserved_always(const struct walk_mode *mode)
{
	u64 reserved = GENMASK_ULL(51, 12) & ~address_bits(mode);

	if (!no_execute_on(mode))
		reserved |= ENTRY_NX;
	if (!(mode->efer & EFER_LMA))
		reserved |= GENMASK_ULL(62, 52);
	return reserved;
}

/* Where the walk begins: the first table's address; 1: #PF; -errno. */
static int first_table(struct walk *w, u64 *table, struct walk_result *out)
{
	const struct walk_mode *mode = w->mode;
	u64 pdpte;

	w->wide = mode->cr4 & X86_CR4_PAE;
	w->address = w->wide ? address_bits(mode) : GENMASK_ULL(31, 12);
	w->reserved = w->wide ? reserved_always(mode) : 0;
	if (mode->efer & EFER_LMA) {
		if (mode->cr4 & X86_CR4_LA57)
			return -EOPNOTSUPP;
		if (!linear_canonical(w->gva, LINEAR_BITS_LA48))
			return -EINVAL;
		w->level = 5;
		w->shift = 48;
		*table = mode->cr3 & w->address;
		return 0;
	}
	w->gva = (u32)w->gva;
	w->level = 3;
	if (!w->wide) {
		w->shift = 32;
		*table = mode->cr3 & w->address;
		return 0;
	}
	w->shift = 30;
	pdpte = mode->pdpte[w->gva >> 30];
	if (!(pdpte & ENTRY_PRESENT))
		return fault(w, 0, out);
	*table = pdpte & w->address;
	return 0;
}

/* Reads the entry of the next level in @table. 0; 1: #PF; -errno. */
static int next_entry(struct walk *w, u64 table, struct walk_result *out)
{
	const struct walk_mode *mode = w->mode;
	u64 entry = 0, at, reserved;
	bool large;
	int ret;

	w->level--;
	if (likely(w->wide)) {
		w->shift -= 9;
		at = table + (w->gva >> w->shift & 511) * sizeof(u64);
	} else {
		w->shift -= 10;
		at = table + (w->gva >> w->shift & 1023) * sizeof(u32);
	}
	ret = mode->read(mode->ctx, at, &entry, entry_size(w));
	if (unlikely(ret)) {
		out->gpa = at;
		return ret;
	}
	if (!(entry & ENTRY_PRESENT))
		return fault(w, 0, out);
	large = is_large(w, entry);
	reserved = w->wide ? reserved_wide(w, large) : reserved_narrow(w, large);
	if (entry & (w->reserved | reserved))
		return fault(w, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED, out);

	w->at[w->steps] = at;
	w->entry[w->steps++] = entry;
	w->all &= entry;
	w->any |= entry;
	return 0;
}

/* SDM: "Determination of Access Rights". What an access of this privilege may do with the page. */
static u32 page_rights(const struct walk *w)
{
	const struct walk_mode *mode = w->mode;
	const bool user_page = w->all & ENTRY_USER;
	const bool no_execute = w->wide && (w->any & ENTRY_NX);
	const bool by_user = w->access & WALK_USER;
	const bool ac = (mode->rflags & X86_EFLAGS_AC) && !(w->access & WALK_IMPLICIT);
	u32 rights = user_page ? WALK_USER | WALK_READ : WALK_READ;

	if ((w->all & ENTRY_WRITE) || (!by_user && !(mode->cr0 & X86_CR0_WP)))
		rights |= WALK_WRITE;
	if (!by_user && user_page && (mode->cr4 & X86_CR4_SMAP) && !ac)
		rights &= ~(WALK_READ | WALK_WRITE);
	if (!no_execute && !(!by_user && user_page && (mode->cr4 & X86_CR4_SMEP)))
		rights |= WALK_FETCH;
	return rights;
}

static bool access_allowed(const struct walk *w, u32 rights)
{
	u32 wanted = w->access & (WALK_USER | WALK_WRITE | WALK_FETCH);

	if (!(wanted & (WALK_WRITE | WALK_FETCH)))
		wanted |= WALK_READ;
	return !(wanted & ~rights);
}

/* SDM: "Accessed and Dirty Flags". 0; 1: an entry changed meanwhile; -errno: @out says which */
static int set_flags(const struct walk *w, struct walk_result *out)
{
	const struct walk_mode *mode = w->mode;
	int i, ret;

	/* the usual case, in one look */
	if ((w->all & ENTRY_ACCESSED) &&
	    (!(w->access & WALK_WRITE) || (w->entry[w->steps - 1] & ENTRY_DIRTY)))
		return 0;
	for (i = 0; mode->update && i < w->steps; i++) {
		u64 flags = ENTRY_ACCESSED;

		if (i == w->steps - 1 && (w->access & WALK_WRITE))
			flags |= ENTRY_DIRTY;
		if ((w->entry[i] & flags) == flags)
			continue;
		ret = mode->update(mode->ctx, w->at[i], w->entry[i], w->entry[i] | flags,
				   entry_size(w));
		if (ret) {
			out->gpa = w->at[i];
			return ret;
		}
	}
	return 0;
}

static u64 mapped_address(const struct walk *w, u64 size)
{
	u64 leaf = w->entry[w->steps - 1];
	u64 base;

	if (!w->wide && w->level == 2)
		base = (leaf & GENMASK_ULL(31, 22)) | (leaf & GENMASK_ULL(20, 13)) << 19;
	else
		base = leaf & w->address;
	return (base & ~(size - 1)) | (w->gva & (size - 1));
}

/* 0; 1: #PF; -EAGAIN: begin again; -errno */
static int walk_once(struct walk *w, struct walk_result *out)
{
	u64 table, entry;
	int ret;

	ret = first_table(w, &table, out);
	if (ret)
		return ret;
	do {
		ret = next_entry(w, table, out);
		if (ret)
			return ret;
		entry = w->entry[w->steps - 1];
		table = entry & w->address;
	} while (w->level > 1 && !is_large(w, entry));

	out->rights = page_rights(w);
	if (!access_allowed(w, out->rights))
		return fault(w, PAGE_FAULT_PRESENT, out);
	ret = set_flags(w, out);
	if (ret)
		return ret == 1 ? -EAGAIN : ret;
	out->page_size = 1ull << w->shift;
	out->gpa = mapped_address(w, out->page_size);
	return 0;
}

/**
 * walk_page_tables() - translate a linear address as the guest's CPU would
 * @mode: registers and the way to memory
 * @gva: the linear address
 * @access: WALK_*: who accesses, and how
 * @out: the translation, or the error code
 *
 * Sets accessed and dirty flags as the access does, if it is allowed and @mode says how.
 *
 * Context: That of @mode's callbacks.
 * Return: 0; 1 for a page fault; -EINVAL if @gva is not canonical (#GP or #SS is the caller's to
 *	know); -EOPNOTSUPP for 5-level paging; -EAGAIN if an entry kept changing; what a callback
 *	returned, if an entry is not memory: @out->gpa is then its address.
 */
int walk_page_tables(const struct walk_mode *mode, u64 gva, u32 access, struct walk_result *out)
{
	int tries, ret = -EAGAIN;

	if (!(mode->cr0 & X86_CR0_PG)) {
		out->gpa = (u32)gva;
		out->page_size = 4096;
		out->rights = WALK_READ | WALK_WRITE | WALK_USER | WALK_FETCH;
		return 0;
	}
	for (tries = 0; tries < WALK_TRIES && ret == -EAGAIN; tries++) {
		struct walk w;

		/* not its arrays, of which only what was read is looked at */
		w.mode = mode;
		w.gva = gva;
		w.access = access;
		w.all = ~0ull;
		w.any = 0;
		w.steps = 0;
		ret = walk_once(&w, out);
	}
	return ret;
}

VMXHV_EXPORT_FOR_TEST(walk_page_tables);
