// SPDX-License-Identifier: GPL-2.0-only
/* vmxhv-kunit.ko: the suites beside this file; they need no VMX. */
#include <linux/module.h>

#include "compat.h"

MODULE_DESCRIPTION("vmxhv unit tests for any CPU");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VMXHV_TEST_NS);
