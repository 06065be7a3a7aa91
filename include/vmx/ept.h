/* SPDX-License-Identifier: GPL-2.0-only */
/* Extended page tables (SDM: "The Extended Page-Table Mechanism (EPT)"). */
#ifndef VMX_EPT_H
#define VMX_EPT_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#include "vmx/arch.h"

struct vmx_caps;

enum ept_level { EPT_4K = 1, EPT_2M = 2, EPT_1G = 3 };

#define EPT_LEVELS	4
#define EPT_GPA_BITS	48	/* what four levels can translate */

/* the bits of an entry that are an address */
#define EPT_ADDRESS	GENMASK_ULL(51, 12)

/* beside EPT_WRITE in the rights of a new leaf: not dirty, so that the first write is logged */
#define EPT_CLEAN	BIT_ULL(62)

/* bytes that one entry of a table at @level maps */
#define EPT_ENTRY_SIZE(level)	(1ull << (12 + 9 * ((level) - 1)))

/**
 * struct ept - one set of extended page tables
 * @root: the PML4 table, one page
 * @eptp: as the VMCS field wants it
 * @pages: table pages, the root and the retired ones included
 * @max_level: the largest leaf that the CPU takes
 * @ad: the CPU sets accessed and dirty flags
 * @retired: table pages that are linked no more, but that a CPU may still walk: free them after
 *	the flush
 */
struct ept {
	u64 *root;
	u64 eptp;
	atomic_long_t pages;
	enum ept_level max_level;
	bool ad;
	struct list_head retired;
};

#define EPT_CACHE_PAGES	4
#define EPT_CACHE_MIN	3	/* what one ept_map() can need: PDPT, PD, PT */

/* Pages for tables, allocated where one may sleep and used where one may not. */
struct ept_cache {
	unsigned int count;
	void *page[EPT_CACHE_PAGES];
};

int ept_cache_fill(struct ept_cache *cache);		/* may sleep; -ENOMEM */
void ept_cache_free(struct ept_cache *cache);

int ept_init(struct ept *ept, const struct vmx_caps *caps);	/* may sleep */
void ept_stop_flags(struct ept *ept);
void ept_free(struct ept *ept);				/* all tables; no CPU uses it any more */

/* the caller holds the lock that guards the EPT; none of these sleeps or flushes */
int ept_map(struct ept *ept, struct ept_cache *cache, u64 gpa, u64 hpa, enum ept_level level,
	    u64 rights);
void ept_map_beside(struct ept *ept, u64 gpa, unsigned int count, const u64 *leaf);
bool ept_unmap_range(struct ept *ept, u64 gpa, u64 length);	/* true: a flush is due */
bool ept_clean_range(struct ept *ept, u64 gpa, u64 length, bool flags);	/* see writes again */
bool ept_age_range(struct ept *ept, u64 gpa, u64 length, bool clear);	/* was any accessed? */
u64 ept_lookup(const struct ept *ept, u64 gpa, enum ept_level *level);	/* the leaf entry, or 0 */

/* under the lock, what was retired so far; after the flush and without the lock, free it */
void ept_take_retired(struct ept *ept, struct list_head *to);
void ept_free_retired(struct ept *ept, struct list_head *list, bool may_sleep);

#endif /* VMX_EPT_H */
