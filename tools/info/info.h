/* SPDX-License-Identifier: GPL-2.0-only */
/* vmxhv-info: what is asked of a host, and what this one says. */
#ifndef INFO_INFO_H
#define INFO_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libvmxhv.h"

/* Exit status; --help prints them. */
enum info_status {
	INFO_USABLE = 0,
	INFO_OTHER = 1,
	INFO_NO_VMX = 2,
	INFO_LOCKED = 3,
	INFO_IN_USE = 4,
	INFO_MISSING = 5,
	INFO_CPUS_DIFFER = 6,
	INFO_NO_MODULE = 7,
	INFO_NO_ACCESS = 8,	/* as vmxhv-run has it */
	INFO_OUTPUT = 9,	/* the same */
};

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/**
 * struct finding - one line of the report
 * @name: what is asked for, in words
 * @required: false if vmxhv only makes use of it
 * @answer: whether it is there
 * @seen: the value, with where it was read
 * @wanted: what it would have to be
 */
struct finding {
	const char *name;
	bool required;
	enum answer answer;
	char seen[80];
	char wanted[80];
};

#define FINDINGS_MAX	40

/**
 * struct report - everything that is printed
 * @info: what GET_INFO said; valid if @module
 * @module: the module is loaded and answered
 * @text: one sentence: the verdict, and what to do
 */
struct report {
	struct vmxhv_info info;
	bool module;
	enum info_status status;
	const char *reason;
	char text[400];
	unsigned int count;
	struct finding finding[FINDINGS_MAX];
};

/* check.c: judge the CPUs by raw CPUID; then, if @info is not NULL, the MSRs that it brings. */
void check_cpuid(struct report *report);
void check_msrs(struct report *report, const struct vmxhv_info *info);

/* json.c */
void print_json(const struct report *report);

#endif /* INFO_INFO_H */
