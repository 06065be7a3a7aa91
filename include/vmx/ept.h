/* SPDX-License-Identifier: GPL-2.0-only */
/* Extended page tables (SDM: "The Extended Page-Table Mechanism (EPT)"). */
#ifndef VMX_EPT_H
#define VMX_EPT_H

#include <linux/types.h>

#define EPT_READ	(1ull << 0)
#define EPT_WRITE	(1ull << 1)
#define EPT_EXEC	(1ull << 2)

enum ept_level { EPT_4K = 1, EPT_2M = 2, EPT_1G = 3 };

struct ept {
	u64 *root;		/* one page */
	u64 eptp;		/* as the VMCS field wants it */
	unsigned long pages;	/* table pages, the root included */
};

/* Pages for tables, allocated where one may sleep and used where one may not. */
struct ept_cache {
	unsigned int count;
	void *page[8];
};

int ept_cache_fill(struct ept_cache *cache);		/* may sleep; -ENOMEM */
void ept_cache_free(struct ept_cache *cache);

int ept_init(struct ept *ept);				/* may sleep; reads vmx_caps for A/D and levels */
void ept_free(struct ept *ept);				/* all tables; no CPU uses it any more */

/* the caller holds the lock that guards the EPT; none of these sleeps or flushes */
int ept_map(struct ept *ept, struct ept_cache *cache, u64 gpa, u64 hpa, enum ept_level level,
	    u64 rights);
bool ept_unmap_range(struct ept *ept, u64 gpa, u64 length);	/* true: a flush is due */
bool ept_protect_range(struct ept *ept, u64 gpa, u64 length);	/* write-protects */
bool ept_age_range(struct ept *ept, u64 gpa, u64 length, bool clear);	/* was any accessed? */
u64 ept_lookup(const struct ept *ept, u64 gpa, enum ept_level *level);	/* the leaf entry, or 0 */

#endif /* VMX_EPT_H */
