// SPDX-License-Identifier: GPL-2.0-only
/* vmxhv-kunit-vmx.ko: the suites beside this file; they run VMX instructions. */
#include <linux/module.h>

#include "compat.h"

MODULE_DESCRIPTION("vmxhv unit tests on VMX");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VMXHV_TEST_NS);
