// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation as all files see it: data that vmx/own/ writes and everybody reads. It calls
 * nothing, so that the lowest may ask.
 */
#include <linux/percpu.h>

#include "compat.h"
#include "vmx/operation.h"

struct vmx_caps vmx_caps;
VMXHV_EXPORT_FOR_TEST(vmx_caps);

DEFINE_PER_CPU(bool, vmx_on);
VMXHV_EXPORT_FOR_TEST(vmx_on);

u64 vmx_tsc_lost;
VMXHV_EXPORT_FOR_TEST(vmx_tsc_lost);
bool vmx_active;
bool vmx_shutting_down;
bool vmx_broken;
