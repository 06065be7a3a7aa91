// SPDX-License-Identifier: GPL-2.0-only
/* What the SDM says of the 32 vectors of exceptions. */
#include <kunit/test.h>
#include <linux/kernel.h>

#include "vcpu/x86.h"
#include "vmx/arch.h"

/**
 * struct sdm_row - a row of the SDM's two tables
 * @name: mnemonic; NULL: reserved
 * @type: Fault, Trap, Abort, Interrupt; of #DB, which is two of them, the one for RF
 * @error: it has an error code
 * @class: Benign, Contributory, Page fault, Double fault
 */
struct sdm_row {
	const char *name;
	char type;
	char error;
	char class;
};

/* SDM: "Protected-Mode Exceptions and Interrupts", "Interrupt and Exception Classes" */
static const struct sdm_row sdm[32] = {
	{ "DE", 'F', 'n', 'C' },
	{ "DB", 'T', 'n', 'B' },
	{ "NMI", 'I', 'n', 'B' },
	{ "BP", 'T', 'n', 'B' },
	{ "OF", 'T', 'n', 'B' },
	{ "BR", 'F', 'n', 'B' },
	{ "UD", 'F', 'n', 'B' },
	{ "NM", 'F', 'n', 'B' },
	{ "DF", 'A', 'y', 'D' },
	{ "coprocessor segment overrun", 'F', 'n', 'B' },
	{ "TS", 'F', 'y', 'C' },
	{ "NP", 'F', 'y', 'C' },
	{ "SS", 'F', 'y', 'C' },
	{ "GP", 'F', 'y', 'C' },
	{ "PF", 'F', 'y', 'P' },
	{ NULL, '-', 'n', 'B' },
	{ "MF", 'F', 'n', 'B' },
	{ "AC", 'F', 'y', 'B' },
	{ "MC", 'A', 'n', 'B' },
	{ "XM", 'F', 'n', 'B' },
	{ "VE", 'F', 'n', 'P' },
	{ "CP", 'F', 'y', 'C' },
	[22 ... 31] = { NULL, '-', 'n', 'B' },
};

static void error_codes(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sdm); i++)
		KUNIT_EXPECT_EQ_MSG(test, exception_rule(i)->error_code, sdm[i].error == 'y',
				    "vector %u, %s", i, sdm[i].name ?: "reserved");
}

/* SET_STATE takes an event with an error code where there is one, and nowhere else. */
static void state_agrees(struct kunit *test)
{
	const u32 info = INTR_TYPE_HARD_EXCEPTION | INTR_INFO_DELIVER_CODE_MASK |
			 INTR_INFO_VALID_MASK;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sdm); i++) {
		struct vmxhv_events e = { .pending.info = info | i };

		KUNIT_EXPECT_EQ_MSG(test, state_check_events(&e, 2, NULL),
				    sdm[i].error == 'y' ? 0 : -EINVAL, "vector %u", i);
	}
}

/* Only faults push RF set. */
static void kinds(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sdm); i++) {
		if (!strchr("FTA", sdm[i].type))
			continue;
		KUNIT_EXPECT_EQ_MSG(test, exception_rule(i)->kind == EXCEPTION_FAULT,
				    sdm[i].type == 'F', "vector %u, %s", i, sdm[i].name);
		KUNIT_EXPECT_EQ_MSG(test, exception_rule(i)->kind == EXCEPTION_ABORT,
				    sdm[i].type == 'A', "vector %u, %s", i, sdm[i].name);
	}
}

/* SDM: "Conditions for Generating a Double Fault". What #DF meets but these two comes after it. */
static int sdm_compose(char first, char second, int vector)
{
	static const char *const doubles[] = { "CC", "PC", "PP" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(doubles); i++)
		if (first == doubles[i][0] && second == doubles[i][1])
			return 8;
	if (first == 'D' && (second == 'C' || second == 'P'))
		return -1;
	return vector;
}

static void composed(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sdm); i++)
		for (j = 0; j < ARRAY_SIZE(sdm); j++)
			KUNIT_EXPECT_EQ_MSG(test, exception_compose(i, j),
					    sdm_compose(sdm[i].class, sdm[j].class, j),
					    "vector %u, then %u", i, j);
}

/* Userspace may inject a software exception of any vector: it is benign, whatever its low bits. */
static void beyond_31(struct kunit *test)
{
	unsigned int first;

	for (first = 32; first < 256; first++)
		KUNIT_EXPECT_EQ_MSG(test, exception_compose(first, 13), 13, "vector %u", first);
}

static struct kunit_case exceptions_cases[] = {
	KUNIT_CASE(error_codes),
	KUNIT_CASE(state_agrees),
	KUNIT_CASE(kinds),
	KUNIT_CASE(composed),
	KUNIT_CASE(beyond_31),
	{}
};

static struct kunit_suite exceptions_suite = {
	.name = "vcpu_exceptions",
	.test_cases = exceptions_cases,
};

kunit_test_suite(exceptions_suite);
