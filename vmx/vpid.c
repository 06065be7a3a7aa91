// SPDX-License-Identifier: GPL-2.0-only
/* Virtual-processor identifiers: numbers from 1 that tag a guest's cached translations. */
#include <linux/idr.h>
#include <linux/kernel.h>

#include "compat.h"
#include "vmx/vpid.h"

#define VPID_MAX	0xffff

static DEFINE_IDA(vpids);

/**
 * vpid_alloc() - take a VPID
 *
 * What a CPU has cached under it for its last holder is still there: flush it on each CPU before
 * the first entry with it.
 *
 * Context: May sleep.
 * Return: 1 to 65535, or -ENOSPC, -ENOMEM.
 */
int vpid_alloc(void)
{
	return ida_alloc_range(&vpids, 1, VPID_MAX, GFP_KERNEL_ACCOUNT);
}

VMXHV_EXPORT_FOR_TEST(vpid_alloc);

/**
 * vpid_free() - give a VPID back
 * @vpid: from vpid_alloc(); 0 and errors are ignored
 *
 * Context: May sleep.
 */
void vpid_free(int vpid)
{
	if (vpid > 0)
		ida_free(&vpids, vpid);
}

VMXHV_EXPORT_FOR_TEST(vpid_free);
