// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that does wrong on purpose, for the tests of the test machine: a run
 * in which the kernel complained must never be judged passed.
 */
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *fault = "none";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "none, or one of the table's");

static int sink;

static void fault_none(void)
{
}

static void fault_warn(void)
{
	WARN(1, "planted by the tests of the test machine\n");
}

static void fault_oops(void)
{
	int *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	*nowhere = 1;
}

/* What only a kernel with checkers sees, from here on. */
static void fault_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static void fault_preempt(void)
{
	WRITE_ONCE(sink, smp_processor_id());
}

static void fault_shift(void)
{
	int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	WRITE_ONCE(sink, 1 << bits);
}

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);

static void fault_lock_order(void)
{
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&second);
}

static void fault_freed(void)
{
	int *memory = kzalloc(64, GFP_KERNEL);
	int *gone = memory;

	OPTIMIZER_HIDE_VAR(gone);
	kfree(memory);
	if (gone)
		WRITE_ONCE(sink, *gone);
}

static const struct {
	const char *name;
	void (*plant)(void);
} faults[] = {
	{ "none", fault_none },
	{ "warn", fault_warn },
	{ "oops", fault_oops },
	{ "sleep", fault_sleep },
	{ "preempt", fault_preempt },
	{ "shift", fault_shift },
	{ "lock-order", fault_lock_order },
	{ "freed", fault_freed },
};

static int __init planted_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(fault, faults[i].name)) {
			faults[i].plant();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("Planted faults for the test machine");
MODULE_LICENSE("GPL");
