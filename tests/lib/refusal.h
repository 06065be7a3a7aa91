/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refused input: a request that is valid but for one thing, written as a table of pokes into it.
 * Each row says what must come back: the errno, and what GET_ERROR tells.
 */
#ifndef TESTS_REFUSAL_H
#define TESTS_REFUSAL_H

#include <stddef.h>
#include <stdint.h>

#include "vmxhv.h"

/**
 * struct poke - one way to spoil a request
 * @name: of the test
 * @at: byte offset in the structure that is spoiled
 * @bytes: 1, 2, 4 or 8
 * @code: enum vmxhv_error_code wanted; ANY: not looked at
 * @item: vmxhv_error.item wanted; ANY: not looked at
 * @value: what goes there
 * @error: the errno wanted
 * @text: what vmxhv_error.text contains, or NULL
 */
struct poke {
	const char *name;
	uint32_t at;
	uint32_t bytes;
	uint32_t code;
	uint32_t item;
	uint64_t value;
	int error;
	const char *text;
};

#define ANY	0xffffffffu
#define POKE_AT(type, member, code_wanted)					\
	.at = offsetof(struct type, member), .bytes = sizeof(((struct type *)0)->member), \
	.code = (code_wanted), .item = offsetof(struct type, member)
/* a field of the ioctl's own structure */
#define POKE_ARG(type, member)	POKE_AT(type, member, VMXHV_ERR_ARGUMENT)
/* an address there: the kernel cannot say more than EFAULT */
#define POKE_ADDRESS(type, member)						\
	.at = offsetof(struct type, member), .bytes = 8, .code = VMXHV_ERR_NONE, .item = 0

/* like ioctl(), but a failure is a negative errno */
int call(int fd, unsigned long command, const void *arg);
struct vmxhv_error last_error(int fd);
/* @target is what is poked and put right again: @arg itself, or an array that it points to */
void expect_refused(int fd, unsigned long command, void *arg, void *target,
		    const struct poke *rows, int count);
void expect_error(int fd, int seen, int error, uint32_t code, uint32_t item, const char *text,
		  const char *name);
/* the rules that hold for every structure: size, flags, tail, address */
void expect_struct_rules(int fd, unsigned long command, const void *good, uint32_t size,
			 const char *name);
/* ... of a structure whose first version had @first bytes */
void expect_grown_rules(int fd, unsigned long command, const void *good, uint32_t first,
			uint32_t size, const char *name);

#endif /* TESTS_REFUSAL_H */
