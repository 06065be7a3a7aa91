// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended page tables: four levels, leaves of 4 KiB, 2 MiB and 1 GiB, all write-back.
 *
 * An entry is written whole, with WRITE_ONCE, under the caller's lock; only the CPU's own accessed
 * and dirty flags change beside that. A flag lost to such a write costs nothing: an entry is born
 * accessed, and whoever maps a page writable takes it for dirty (vcpu/memory/fault.c).
 *
 * A table that goes out of use is unlinked with one store, however much hangs below it, and kept
 * on a list: a CPU may hold its address in a paging-structure cache until the flush. So unmapping
 * takes a time that depends on the range's edges, and the work of freeing comes after the lock.
 */
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat.h"
#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/ept.h"

#define EPT_ENTRIES	512

static unsigned int ept_index(u64 gpa, int level)
{
	return (gpa >> (12 + 9 * (level - 1))) & (EPT_ENTRIES - 1);
}

static bool is_leaf(u64 entry, int level)
{
	return entry && (level == EPT_4K || (entry & EPT_LARGE));
}

static bool is_table(u64 entry, int level)
{
	return entry && !is_leaf(entry, level);
}

static u64 *ept_table(u64 entry)
{
	return phys_to_virt(entry & EPT_ADDRESS);
}

static void *alloc_table(void)
{
	return (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

/**
 * ept_cache_fill() - get pages for tables while one may sleep
 * @cache: filled up to EPT_CACHE_PAGES zeroed pages, charged to the caller's cgroup
 *
 * Context: Process; may sleep.
 * Return: 0, or -ENOMEM with what could be had in @cache.
 */
int ept_cache_fill(struct ept_cache *cache)
{
	while (cache->count < EPT_CACHE_PAGES) {
		void *page = alloc_table();

		if (!page)
			return -ENOMEM;
		cache->page[cache->count++] = page;
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(ept_cache_fill);

/**
 * ept_cache_free() - give the pages back that were not used
 * @cache: empty afterwards
 *
 * Context: Any that may free pages.
 */
void ept_cache_free(struct ept_cache *cache)
{
	while (cache->count)
		free_page((unsigned long)cache->page[--cache->count]);
}

VMXHV_EXPORT_FOR_TEST(ept_cache_free);

/**
 * ept_init() - an EPT that maps nothing
 * @ept: to be filled in
 * @caps: what the CPU can do
 *
 * SDM: "Extended-Page-Table Pointer (EPTP)". That write-back and four levels are there was checked
 * with the other capabilities.
 *
 * Context: Process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int ept_init(struct ept *ept, const struct vmx_caps *caps)
{
	INIT_LIST_HEAD(&ept->retired);
	ept->ad = caps->ept_ad;
	ept->max_level = EPT_4K;
	if (caps->ept_2m)
		ept->max_level = caps->ept_1g ? EPT_1G : EPT_2M;
	ept->root = alloc_table();
	if (!ept->root)
		return -ENOMEM;
	atomic_long_set(&ept->pages, 1);
	ept->eptp = virt_to_phys(ept->root) | VMX_EPTP_WB | VMX_EPTP_WALK_4;
	if (ept->ad)
		ept->eptp |= VMX_EPTP_AD;
	return 0;
}

VMXHV_EXPORT_FOR_TEST(ept_init);

/**
 * ept_stop_flags() - the CPU shall set no accessed and dirty flags any more
 * @ept: the EPT
 *
 * Page walks of the guest then read its tables, and write to them only to set flags there. Until a
 * CPU has the new @ept->eptp and has flushed, it goes on as before.
 *
 * Context: Any; the caller holds the EPT's lock. SDM: "Accessed and Dirty Flags for EPT".
 */
void ept_stop_flags(struct ept *ept)
{
	ept->ad = false;
	WRITE_ONCE(ept->eptp, ept->eptp & ~VMX_EPTP_AD);
}

static void free_table(struct ept *ept, u64 *table, int level, bool may_sleep)
{
	unsigned int i;

	for (i = 0; level > EPT_4K && i < EPT_ENTRIES; i++) {
		if (is_table(table[i], level))
			free_table(ept, ept_table(table[i]), level - 1, may_sleep);
	}
	free_page((unsigned long)table);
	atomic_long_dec(&ept->pages);
	if (may_sleep)
		cond_resched();
}

/**
 * ept_free() - free all tables
 * @ept: zeroed, or from ept_init(), whether that succeeded or not
 *
 * Context: Process; may sleep. No CPU uses the EPT any more, nor has cached any of it.
 */
void ept_free(struct ept *ept)
{
	if (!ept->root)
		return;
	ept_free_retired(ept, &ept->retired, true);
	free_table(ept, ept->root, EPT_LEVELS, true);
	ept->root = NULL;
}

VMXHV_EXPORT_FOR_TEST(ept_free);

/* The level travels in page->private; the table's contents stay: a CPU may still walk it. */
static void retire_table(struct ept *ept, u64 *table, int level)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, level);
	list_add_tail(&page->lru, &ept->retired);
}

/**
 * ept_take_retired() - take over the tables that are out of use
 * @ept: the EPT
 * @to: gets them; the caller flushes and then calls ept_free_retired()
 *
 * Context: Any; the caller holds the EPT's lock since the unmapping: what another thread retires
 *	later waits for that thread's own flush.
 */
void ept_take_retired(struct ept *ept, struct list_head *to)
{
	list_splice_tail_init(&ept->retired, to);
}

VMXHV_EXPORT_FOR_TEST(ept_take_retired);

/**
 * ept_free_retired() - free tables that no CPU can walk any more
 * @ept: the EPT
 * @list: from ept_take_retired(), the flush done since; empty afterwards
 * @may_sleep: give way now and then
 *
 * Context: Any that may free pages; the EPT's lock is not needed.
 */
void ept_free_retired(struct ept *ept, struct list_head *list, bool may_sleep)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, lru) {
		int level = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		free_table(ept, page_address(page), level, may_sleep);
	}
}

VMXHV_EXPORT_FOR_TEST(ept_free_retired);

static u64 make_leaf(u64 hpa, int level, u64 rights)
{
	u64 leaf = (hpa & ~(EPT_ENTRY_SIZE(level) - 1)) | (rights & EPT_RWX);

	leaf |= EPT_MT_WB | EPT_IGNORE_PAT | EPT_ACCESSED;
	if ((rights & EPT_WRITE) && !(rights & EPT_CLEAN))
		leaf |= EPT_DIRTY;
	if (level > EPT_4K)
		leaf |= EPT_LARGE;
	return leaf;
}

/*
 * Two CPUs may fault on one page, one to read and one to write: whoever comes last does not take
 * away what the other was given. Both asked the host, and nothing was invalidated since.
 */
static bool set_leaf(u64 *entry, u64 hpa, int level, u64 rights)
{
	u64 old = READ_ONCE(*entry);
	u64 leaf = make_leaf(hpa, level, rights);
	bool same_page = !((old ^ leaf) & EPT_ADDRESS);

	if (old && same_page)
		leaf |= old & (EPT_RWX | EPT_DIRTY);
	if (old != leaf)
		WRITE_ONCE(*entry, leaf);
	return old && !same_page;
}

/**
 * ept_map() - map one page
 * @ept: the EPT
 * @cache: gives the tables that are missing, at most EPT_CACHE_MIN
 * @gpa: guest-physical address in bytes, below 2^EPT_GPA_BITS, anywhere in the page
 * @hpa: host-physical address that @gpa becomes
 * @level: the largest leaf that may be used: @gpa and @hpa agree in the bits that it translates
 *	not. Where a table is linked already, a smaller leaf is used: a table with entries is there
 *	for a reason, and an empty one goes with the next unmapping of its whole range.
 * @rights: EPT_READ, EPT_WRITE, EPT_EXEC; EPT_CLEAN
 *
 * SDM: "EPT Translation Mechanism". Leaves are born accessed, writable ones dirty, which saves the
 * CPU writing the flags (without that capability it ignores them), unless the rights say EPT_CLEAN.
 *
 * Context: Any; the caller holds the EPT's lock.
 * Return: 0; 1 when an entry was replaced that a CPU may have cached: a flush is due; -ENOMEM when
 *	@cache ran out: the page is not mapped, and what tables were linked do no harm. Call again
 *	with a full cache, without giving up a flush that is due.
 */
int ept_map(struct ept *ept, struct ept_cache *cache, u64 gpa, u64 hpa, enum ept_level level,
	    u64 rights)
{
	u64 *table = ept->root;
	bool flush = false;
	int at;

	if (cache->count < EPT_CACHE_MIN)
		return -ENOMEM;

	for (at = EPT_LEVELS; ; at--) {
		u64 *entry = &table[ept_index(gpa, at)];
		u64 old = READ_ONCE(*entry);

		if (is_table(old, at)) {
			table = ept_table(old);
			continue;
		}
		if (at <= (int)level)
			return set_leaf(entry, hpa, at, rights) || flush;
		table = cache->page[--cache->count];
		atomic_long_inc(&ept->pages);
		WRITE_ONCE(*entry, virt_to_phys(table) | EPT_RWX);
		flush |= old != 0;
	}
}

VMXHV_EXPORT_FOR_TEST(ept_map);

/**
 * ept_map_beside() - map pages that nobody touched yet, where it costs little
 * @ept: the EPT
 * @gpa: guest-physical address of the first, 4 KiB aligned
 * @count: pages, all translated by one table
 * @leaf: for each its host-physical address and rights, as ept_map() takes them; 0: none
 *
 * Only entries that are empty are filled, and only in a table that is there. They are born not
 * accessed.
 *
 * Context: Any; the caller holds the EPT's lock. No flush is due: what is empty is not cached.
 */
void ept_map_beside(struct ept *ept, u64 gpa, unsigned int count, const u64 *leaf)
{
	u64 *table = ept->root;
	unsigned int i;
	int at;

	for (at = EPT_LEVELS; at > EPT_4K; at--) {
		u64 entry = READ_ONCE(table[ept_index(gpa, at)]);

		if (!is_table(entry, at))
			return;
		table = ept_table(entry);
	}
	table += ept_index(gpa, EPT_4K);
	for (i = 0; i < count; i++) {
		if (leaf[i] && !READ_ONCE(table[i]))
			WRITE_ONCE(table[i], make_leaf(leaf[i] & EPT_ADDRESS, EPT_4K,
						       leaf[i] & ~EPT_ADDRESS) & ~EPT_ACCESSED);
	}
}

VMXHV_EXPORT_FOR_TEST(ept_map_beside);

/**
 * struct ept_visitor - what to do with the entries of a range
 * @visit: called with each leaf in the range; @whole says that the range covers all of it.
 *	Returns whether the walk as a whole returns true
 * @tables: @visit also takes tables that the range covers wholly, instead of what they hold
 * @clear: passed on
 */
struct ept_visitor {
	bool (*visit)(struct ept *ept, u64 *entry, int level, bool whole, bool clear);
	bool tables;
	bool clear;
};

static bool ept_walk(struct ept *ept, u64 *table, int level, u64 gpa, u64 end,
		     const struct ept_visitor *with)
{
	const u64 size = EPT_ENTRY_SIZE(level);
	bool hit = false;
	u64 next;

	for (; gpa < end; gpa = next) {
		u64 *entry = &table[ept_index(gpa, level)];
		u64 old = READ_ONCE(*entry);
		bool whole;

		next = min(end, (gpa | (size - 1)) + 1);
		if (!old)
			continue;
		whole = next - gpa == size;
		if (is_leaf(old, level) || (with->tables && whole))
			hit |= with->visit(ept, entry, level, whole, with->clear);
		else
			hit |= ept_walk(ept, ept_table(old), level - 1, gpa, next, with);
	}
	return hit;
}

static bool ept_walk_root(struct ept *ept, u64 gpa, u64 length, const struct ept_visitor *with)
{
	return ept_walk(ept, ept->root, EPT_LEVELS, gpa, gpa + length, with);
}

/* A large leaf that is only touched goes as a whole: the rest faults in again. */
static bool visit_unmap(struct ept *ept, u64 *entry, int level, bool whole, bool clear)
{
	u64 old = READ_ONCE(*entry);

	WRITE_ONCE(*entry, 0);
	if (is_table(old, level))
		retire_table(ept, ept_table(old), level - 1);
	return true;
}

/**
 * ept_unmap_range() - unmap a range
 * @ept: the EPT
 * @gpa: guest-physical address in bytes, 4 KiB aligned
 * @length: bytes, 4 KiB aligned; the end is at most 2^EPT_GPA_BITS
 *
 * Large leaves that reach into the range are unmapped as a whole.
 *
 * Context: Any; the caller holds the EPT's lock.
 * Return: true if anything was linked there: a flush is due, then ept_free_retired().
 */
bool ept_unmap_range(struct ept *ept, u64 gpa, u64 length)
{
	static const struct ept_visitor unmap = { .visit = visit_unmap, .tables = true };

	return ept_walk_root(ept, gpa, length, &unmap);
}

VMXHV_EXPORT_FOR_TEST(ept_unmap_range);

/* Only small leaves tell pages apart. */
static bool visit_clean(struct ept *ept, u64 *entry, int level, bool whole, bool flags)
{
	u64 old = READ_ONCE(*entry);

	if (!(old & EPT_WRITE))
		return false;
	if (level > EPT_4K)
		WRITE_ONCE(*entry, 0);
	else
		WRITE_ONCE(*entry, old & ~(EPT_DIRTY | (flags ? 0 : EPT_WRITE)));
	return true;
}

/**
 * ept_clean_range() - the next write to each page of a range is to be seen
 * @ept: the EPT
 * @gpa: guest-physical address in bytes, 4 KiB aligned
 * @length: bytes, 4 KiB aligned
 * @flags: only the dirty flags are cleared, the CPU logs writes that set them; otherwise the right
 *	to write is taken away
 *
 * Large leaves that can be written to are unmapped: the pages come back small.
 *
 * Context: Any; the caller holds the EPT's lock.
 * Return: true if any page could be written to: a flush is due, whatever its dirty flag says: a
 *	CPU may have cached that it is set.
 */
bool ept_clean_range(struct ept *ept, u64 gpa, u64 length, bool flags)
{
	const struct ept_visitor clean = { .visit = visit_clean, .clear = flags };

	return ept_walk_root(ept, gpa, length, &clean);
}

VMXHV_EXPORT_FOR_TEST(ept_clean_range);

static bool visit_age(struct ept *ept, u64 *entry, int level, bool whole, bool clear)
{
	u64 old = READ_ONCE(*entry);

	if (!ept->ad) {
		if (clear)
			WRITE_ONCE(*entry, 0);
		return true;
	}
	if (!(old & EPT_ACCESSED))
		return false;
	if (clear)
		WRITE_ONCE(*entry, old & ~EPT_ACCESSED);
	return true;
}

/**
 * ept_age_range() - was a range used since the last time?
 * @ept: the EPT
 * @gpa: guest-physical address in bytes, 4 KiB aligned
 * @length: bytes, 4 KiB aligned
 * @clear: forget it
 *
 * Where the CPU keeps no accessed flags, a page that is mapped was used, and is forgotten by
 * unmapping it: then, and only then, a flush is due if the answer is yes.
 *
 * Context: Any; the caller holds the EPT's lock, for writing if @clear.
 * Return: true if any page was used.
 */
bool ept_age_range(struct ept *ept, u64 gpa, u64 length, bool clear)
{
	const struct ept_visitor age = { .visit = visit_age, .clear = clear };

	return ept_walk_root(ept, gpa, length, &age);
}

VMXHV_EXPORT_FOR_TEST(ept_age_range);

/**
 * ept_lookup() - what maps an address
 * @ept: the EPT
 * @gpa: guest-physical address in bytes, below 2^EPT_GPA_BITS
 * @level: gets the leaf's level, if there is one; may be NULL
 *
 * Context: Any; the caller holds the EPT's lock.
 * Return: the leaf entry, or 0.
 */
u64 ept_lookup(const struct ept *ept, u64 gpa, enum ept_level *level)
{
	const u64 *table = ept->root;
	int at;

	for (at = EPT_LEVELS; ; at--) {
		u64 entry = READ_ONCE(table[ept_index(gpa, at)]);

		if (is_table(entry, at)) {
			table = ept_table(entry);
			continue;
		}
		if (entry && level)
			*level = at;
		return entry;
	}
}

VMXHV_EXPORT_FOR_TEST(ept_lookup);
