/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What userspace asked of a VM before its first vCPU: which exits it wants. It never changes while
 * there is a vCPU, so that everybody reads it without a lock.
 */
#ifndef VCPU_CONFIG_H
#define VCPU_CONFIG_H

#include <linux/bits.h>
#include <linux/types.h>

#include "vmxhv.h"
#include "vcpu/error.h"

struct cpuid_table;
struct exit_row;
struct vcpu;
struct vm;

/**
 * struct vm_config - the CONFIG call's argument, as it is in force
 * @flags: VMXHV_CONFIG_*
 * @exceptions: a bit for each vector that exits to userspace
 * @count: entries of @ranges
 * @ranges: checked; NULL: none
 * @io_bitmap: IO_BITMAP_PAGES; NULL: each port exits
 */
struct vm_config {
	u32 flags;
	u32 exceptions;
	u32 count;
	const struct vmxhv_range *ranges;
	u8 *io_bitmap;
};

#define IO_BITMAP_ORDER	1	/* pages A and B, one behind the other */

#define CONFIG_FLAGS	(VMXHV_CONFIG_HYPERCALL | VMXHV_CONFIG_UNKNOWN_MSR | VMXHV_CONFIG_PAUSE | \
			 VMXHV_CONFIG_PAUSE_LOOP | VMXHV_CONFIG_TSC)

/* An NMI is no exception, and a machine check is the host's. */
#define CONFIG_EXCEPTIONS	(~(BIT(2) | BIT(18)))

/* vcpu/exit/config_rules.c: pure */
int config_check_ranges(const struct vmxhv_range *ranges, u32 count, struct vmxhv_error *err);
bool config_covers(const struct vm_config *config, enum vmxhv_range_kind kind, u32 access, u32 n);
bool config_has(const struct vm_config *config, enum vmxhv_range_kind kind);
void config_fill_msr_bitmap(const struct vm_config *config, u8 *bitmap);
void config_fill_io_bitmap(const struct vm_config *config, u8 *bitmap);	/* two pages */

/* vcpu/cpu/msr_kept.c: pure */
const char *msr_kept_back(u32 first, u32 last, u32 access, u32 *which);

/* vcpu/exit/config.c */
void config_init(void);			/* once, when the module loads */
int vm_configure(struct vm *vm, const struct vmxhv_config *wanted,
		 const struct vmxhv_range *ranges, struct vmxhv_error *err);
void vm_config_free(struct vm *vm);
const struct exit_row *config_exit_rows(const struct vm *vm);
void config_mark_cpuid(const struct vm *vm, struct cpuid_table *table);

#endif /* VCPU_CONFIG_H */
