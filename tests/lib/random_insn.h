/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random 64-bit instructions with an operand in memory, for tests that let the CPU do each of them
 * on memory and the library on a device. Needs neither the device nor a guest.
 */
#ifndef TESTS_RANDOM_INSN_H
#define TESTS_RANDOM_INSN_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct random_world - where they run
 * @seed: changes with each; never 0
 * @code: where the instruction will be
 * @base: of the memory that they may use ...
 * @length: ... in bytes: accesses are within it, and near the middle
 * @avx: the CPU has it
 * @movbe: likewise
 */
struct random_world {
	uint64_t seed;
	uint64_t code;
	uint64_t base;
	unsigned int length;
	bool avx, movbe;
};

/**
 * struct random_insn - an instruction, and the registers that it begins with
 * @name: of its form
 * @form: the form's number, below random_insn_forms()
 * @bytes: it
 * @length: of it
 * @gpr: in the order of their encodings
 * @flags: status flags and DF
 * @memory: eight bytes that stand at @at first, as most do not mind; @length 0: nothing
 */
struct random_insn {
	const char *name;
	unsigned int form;
	uint8_t bytes[15];
	unsigned int length;
	uint64_t gpr[16];
	uint64_t flags;
	uint64_t at, memory;
	bool planted;
};

uint64_t random_next(struct random_world *w);
unsigned int random_insn_forms(void);
/* @form: which; false: not on this CPU */
bool random_insn(struct random_world *w, unsigned int form, struct random_insn *insn);

#endif /* TESTS_RANDOM_INSN_H */
