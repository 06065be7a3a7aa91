/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM that userspace has configured, with its only vCPU. */
#ifndef TESTS_CONFIG_H
#define TESTS_CONFIG_H

#include "machine.h"

#define READ		VMXHV_RANGE_READ
#define WRITE		VMXHV_RANGE_WRITE

/* size is filled in; a refusal ends the test */
void configured(struct machine *m, struct cpu *c, const struct vmxhv_config *config,
		const char *image);
/* An instruction of config.S, on these registers. */
void prepare(struct cpu *c, unsigned int entry, uint32_t ecx, uint64_t edx_eax);

/* The cases of config.S */
enum {
	READ_MSR, WRITE_MSR, HYPERCALL, PAUSE, PAUSES, CPUID, OUT, IN,
	UD2, READ_NOWHERE, BAD_SELECTOR, BREAKPOINT, SINGLE_STEP, NESTED, TSC,
	BREAKPOINT_WIDE,
};

#endif /* TESTS_CONFIG_H */
