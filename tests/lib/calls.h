/* SPDX-License-Identifier: GPL-2.0-only */
/* Every call of the interface, with an argument that is good: a call that is added belongs here. */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

enum fd { DEV, VM, VCPU, FDS };

#define NR_CALLS	24

/**
 * struct a_call - a call
 * @name: of the call
 * @fd: the kind of descriptor that it is for
 * @command: its number
 * @argument: its structure, or NULL; good once calls_prepare() has made it so
 * @size: of the structure
 * @array: where in the structure the address of an array is; 0: none
 * @out: the structure is written back
 * @flags: that it may have
 */
extern const struct a_call {
	const char *name;
	enum fd fd;
	unsigned long command;
	void *argument;
	uint32_t size;
	uint32_t array;
	bool out;
	uint32_t flags;
} calls[NR_CALLS];

/*
 * Makes all arguments as they were. Each does something, any number of times, where page 0 is
 * memory; but CONFIG needs a VM without a vCPU, and CREATE_VCPU each time another id.
 */
void calls_prepare(void);

#endif /* TESTS_CALLS_H */
