/* SPDX-License-Identifier: GPL-2.0-only */
/* Every call of the interface, with an argument that is good: a call that is added belongs here. */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

enum fd { DEV, VM, VCPU, FDS };

#define NR_CALLS	24

#define MAX_RESERVED	5

/* A field of a structure; no size: none. */
struct field {
	uint32_t at;
	uint32_t size;
};

/**
 * struct a_call - a call
 * @name: of the call
 * @fd: the kind of descriptor that it is for
 * @command: its number
 * @argument: its structure, or NULL; good once calls_prepare() has made it so
 * @size: of the structure
 * @array: where in the structure the address of an array is; 0: none
 * @out: the structure is written back
 * @alive: it is refused once the VM is dead; so is RUN, by itself
 * @flags: that it may have
 * @reserved: fields that must be 0
 */
extern const struct a_call {
	const char *name;
	enum fd fd;
	unsigned long command;
	void *argument;
	uint32_t size;
	uint32_t array;
	bool out;
	bool alive;
	uint32_t flags;
	struct field reserved[MAX_RESERVED + 1];
} calls[NR_CALLS];

/*
 * Makes all arguments as they were. Each does something, any number of times, where page 0 is
 * memory; but CONFIG needs a VM without a vCPU, and CREATE_VCPU each time another id.
 */
void calls_prepare(void);

#endif /* TESTS_CALLS_H */
