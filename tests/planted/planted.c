// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that does wrong on purpose, for the tests of the test machine: a run
 * in which the kernel complained must never be judged passed.
 */
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/string.h>

static char *fault = "none";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "none, warn or oops");

static int __init planted_init(void)
{
	int *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	if (!strcmp(fault, "warn"))
		WARN(1, "planted by the tests of the test machine\n");
	else if (!strcmp(fault, "oops"))
		*nowhere = 1;
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("Planted faults for the test machine");
MODULE_LICENSE("GPL");
