// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fills the memory that the kernel has free with one byte, so that whoever forgets to clear what
 * it allocates is seen: writing 0x5a to /sys/module/stain/parameters/fill does it once, and
 * .../found reads how much of what is then allocated without being cleared holds it. On a kernel
 * that clears all it allocates (init_on_alloc, which is Debian's default) that is nothing.
 */
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/poison.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#define OBJECTS		256		/* of each size, of each kind */
#define LARGEST		8192		/* what slabs have */
#define RESERVE_PAGES	4096UL		/* nobody shall notice */
#define LARGE_ORDER	6
#define SAMPLES		64

static u8 stained_with;			/* under the lock of the module's parameters */

static void fill_pages(struct list_head *held, u8 byte, unsigned int order, unsigned long reserve)
{
	struct page *page;

	while (global_zone_page_state(NR_FREE_PAGES) > reserve + (1UL << order)) {
		page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, order);
		if (!page)
			break;
		memset(page_address(page), byte, PAGE_SIZE << order);
		set_page_private(page, order);
		list_add(&page->lru, held);
		cond_resched();
	}
}

/* Large blocks first: what is left is small, and goes with the second turn. */
static void fill_all_pages(u8 byte)
{
	struct page *page, *next;
	LIST_HEAD(held);

	fill_pages(&held, byte, LARGE_ORDER, 2 * RESERVE_PAGES);
	fill_pages(&held, byte, 0, RESERVE_PAGES);
	list_for_each_entry_safe(page, next, &held, lru) {
		unsigned int order = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		__free_pages(page, order);
	}
}

static void fill_slab(void **object, size_t size, gfp_t gfp, u8 byte)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		object[i] = kmalloc(size, gfp);
		if (object[i])
			memset(object[i], byte, size);
	}
	for (i = 0; i < OBJECTS; i++)
		kfree(object[i]);
}

static int fill_set(const char *value, const struct kernel_param *param)
{
	void **object;
	size_t size;
	u8 byte;
	int ret = kstrtou8(value, 0, &byte);

	if (ret)
		return ret;
	object = kcalloc(OBJECTS, sizeof(*object), GFP_KERNEL);
	if (!object)
		return -ENOMEM;
	for (size = 8; size <= LARGEST; size *= 2) {
		fill_slab(object, size, GFP_KERNEL, byte);
		fill_slab(object, size, GFP_KERNEL_ACCOUNT, byte);
		fill_slab(object, size + size / 2, GFP_KERNEL, byte);
		fill_slab(object, size + size / 2, GFP_KERNEL_ACCOUNT, byte);
	}
	kfree(object);
	/* last: what slabs gave back is filled too */
	fill_all_pages(byte);
	stained_with = byte;
	return 0;
}

static const struct kernel_param_ops fill_ops = {
	.set = fill_set,
};

module_param_cb(fill, &fill_ops, NULL, 0200);
MODULE_PARM_DESC(fill, "a byte: free memory is filled with it, once");

static bool holds(const void *at, size_t length, u8 byte)
{
	return at && !memchr_inv(at, byte, length);
}

static unsigned int stained_pages(void)
{
	unsigned long page[SAMPLES];
	unsigned int i, found = 0;

	for (i = 0; i < SAMPLES; i++)
		page[i] = __get_free_page(GFP_KERNEL_ACCOUNT);
	for (i = 0; i < SAMPLES; i++) {
		found += holds((void *)page[i], PAGE_SIZE, stained_with);
		free_page(page[i]);
	}
	return found;
}

/* A free object's link to the next stands in its middle; SLUB has a poison of its own, too. */
static unsigned int stained_objects(void)
{
	u8 *object[SAMPLES];
	unsigned int i, found = 0;

	for (i = 0; i < SAMPLES; i++)
		object[i] = kmalloc(1024, GFP_KERNEL_ACCOUNT);
	for (i = 0; i < SAMPLES; i++) {
		found += holds(object[i], 256, stained_with) || holds(object[i], 256, POISON_FREE);
		kfree(object[i]);
	}
	return found;
}

static int found_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%u of %d pages, %u of %d objects\n", stained_pages(), SAMPLES,
			  stained_objects(), SAMPLES);
}

static const struct kernel_param_ops found_ops = {
	.get = found_get,
};

module_param_cb(found, &found_ops, NULL, 0444);
MODULE_PARM_DESC(found, "how much of what is allocated uncleared holds the byte");

static int __init stain_init(void)
{
	return 0;
}

static void __exit stain_exit(void)
{
}

module_init(stain_init);
module_exit(stain_exit);
MODULE_DESCRIPTION("Fills the kernel's free memory");
MODULE_LICENSE("GPL");
