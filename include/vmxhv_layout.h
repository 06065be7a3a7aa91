/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The layout of <vmxhv.h> is a contract: the same for C and C++, 64- and 32-bit. The module and the
 * tests include this; userspace need not.
 */
#ifndef VMXHV_LAYOUT_H
#define VMXHV_LAYOUT_H

#include "vmxhv.h"

#ifdef __cplusplus
#define VMXHV_ASSERT(what)	static_assert(what, #what)
#else
#define VMXHV_ASSERT(what)	_Static_assert(what, #what)
#endif
#define VMXHV_ASSERT_SIZE(type, bytes)	VMXHV_ASSERT(sizeof(struct type) == (bytes))
#define VMXHV_ASSERT_AT(type, member, offset) \
	VMXHV_ASSERT(__builtin_offsetof(struct type, member) == (offset))

VMXHV_ASSERT_SIZE(vmxhv_info, 480);
VMXHV_ASSERT_SIZE(vmxhv_create_vm, 8);
VMXHV_ASSERT_SIZE(vmxhv_cpuid_entry, 32);
VMXHV_ASSERT_SIZE(vmxhv_cpuid, 24);
VMXHV_ASSERT_SIZE(vmxhv_mem_op, 48);
VMXHV_ASSERT_SIZE(vmxhv_memory, 24);
VMXHV_ASSERT_SIZE(vmxhv_dirty, 40);
VMXHV_ASSERT_SIZE(vmxhv_create_vcpu, 16);
VMXHV_ASSERT_SIZE(vmxhv_msi, 24);
VMXHV_ASSERT_SIZE(vmxhv_run_args, 8);
VMXHV_ASSERT_SIZE(vmxhv_hw, 96);
VMXHV_ASSERT_SIZE(vmxhv_exit_io, 32);
VMXHV_ASSERT_SIZE(vmxhv_exit_mmio, 96);
VMXHV_ASSERT_SIZE(vmxhv_exit_msr, 16);
VMXHV_ASSERT_SIZE(vmxhv_exit_cpuid, 24);
VMXHV_ASSERT_SIZE(vmxhv_exit_exception, 24);
VMXHV_ASSERT_SIZE(vmxhv_exit_hypercall, 64);
VMXHV_ASSERT_SIZE(vmxhv_exit_memory_error, 24);
VMXHV_ASSERT_SIZE(vmxhv_exit_fail_entry, 136);
VMXHV_ASSERT_SIZE(vmxhv_exit_internal, 104);
VMXHV_ASSERT_SIZE(vmxhv_gprs, 144);
VMXHV_ASSERT_SIZE(vmxhv_segment, 24);
VMXHV_ASSERT_SIZE(vmxhv_table, 16);
VMXHV_ASSERT_SIZE(vmxhv_sregs, 320);
VMXHV_ASSERT_SIZE(vmxhv_event, 24);
VMXHV_ASSERT_SIZE(vmxhv_events, 64);
VMXHV_ASSERT_SIZE(vmxhv_debug_regs, 48);
VMXHV_ASSERT_SIZE(vmxhv_lapic, 1032);
VMXHV_ASSERT_SIZE(vmxhv_tsc, 32);
VMXHV_ASSERT_SIZE(vmxhv_state_entry, 16);
VMXHV_ASSERT_SIZE(vmxhv_state, 24);
VMXHV_ASSERT_SIZE(vmxhv_msr_entry, 16);
VMXHV_ASSERT_SIZE(vmxhv_msrs, 24);
VMXHV_ASSERT_SIZE(vmxhv_inject, 32);
VMXHV_ASSERT_SIZE(vmxhv_extint, 16);
VMXHV_ASSERT_SIZE(vmxhv_lapic_access, 24);
VMXHV_ASSERT_SIZE(vmxhv_translate, 64);
VMXHV_ASSERT_SIZE(vmxhv_exit_debug, 24);
VMXHV_ASSERT_SIZE(vmxhv_debug_point, 16);
VMXHV_ASSERT_SIZE(vmxhv_debug, 80);
VMXHV_ASSERT_SIZE(vmxhv_range, 24);
VMXHV_ASSERT_SIZE(vmxhv_config, 40);
VMXHV_ASSERT_SIZE(vmxhv_error, 136);
VMXHV_ASSERT_AT(vmxhv_run, exit_reason, 0x40);
VMXHV_ASSERT_AT(vmxhv_run, hw, 0x80);
VMXHV_ASSERT_AT(vmxhv_run, u, 0xe0);
VMXHV_ASSERT_AT(vmxhv_run, gprs, 0x180);

#endif /* VMXHV_LAYOUT_H */
