/* SPDX-License-Identifier: GPL-2.0-only */
/* Hardware task switches: task-state segments, and the rules of a switch. Pure logic. */
#ifndef VCPU_TASK_H
#define VCPU_TASK_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include "vmxhv.h"

struct vcpu;

/* Exit qualification for task switches, bits 31:30 */
enum task_source {
	TASK_CALL,
	TASK_IRET,
	TASK_JMP,
	TASK_GATE,	/* a task gate in the IDT */
};

/* The selectors of a TSS, in its order: the first six are also those of struct vmxhv_sregs. */
enum task_segment_index {
	TASK_ES, TASK_CS, TASK_SS, TASK_DS, TASK_FS, TASK_GS,
	TASK_LDTR,
	TASK_SEGMENTS
};

#define TASK_NARROW_SELECTORS	4	/* a 16-bit TSS has neither FS nor GS */

/* SDM: "16-Bit Task-State Segment (TSS)" */
struct tss16 {
	u16 link;
	u16 stacks[6];
	u16 ip, flags;
	u16 gpr[8];
	u16 selector[TASK_NARROW_SELECTORS];
	u16 ldt;
};

/* SDM: "Task-State Segment (TSS)" */
struct tss32 {
	u32 link;
	u32 stacks[6];
	u32 cr3;
	u32 eip, eflags;
	u32 gpr[8];
	u32 selector[6];
	u32 ldt;
	u16 trap;
	u16 io_map;
};

static_assert(sizeof(struct tss16) == 44);
static_assert(sizeof(struct tss32) == 104);

union tss {
	struct tss16 narrow;
	struct tss32 wide;
};

/**
 * struct task_image - what a task switch saves and loads
 * @cr3: loaded only, from a 32-bit TSS
 * @eip: instruction pointer
 * @eflags: flags; those that do not exist are gone after parsing
 * @gpr: in the order of their encodings
 * @selector: by enum task_segment_index; LDTR's is loaded only
 * @trap: the debug trap flag T
 */
struct task_image {
	u32 cr3;
	u32 eip, eflags;
	u32 gpr[8];
	u16 selector[TASK_SEGMENTS];
	bool trap;
};

/**
 * struct task_segment - a selector, and the descriptor that it names
 * @selector: it
 * @null: it names none
 * @outside: it names one that lies outside its table, or where there is no such table
 * @raw: the descriptor, if neither is so
 */
struct task_segment {
	u16 selector;
	bool null, outside;
	u64 raw;
};

/**
 * struct task_fault - the exception that a rule raises
 * @vector: #TS, #NP, #SS or #GP; 0: none
 * @selector: for the error code: EXT is not part of it
 */
struct task_fault {
	u8 vector;
	u16 selector;
};

#define TSS_DESCRIPTOR_BUSY	2u	/* of its access byte */

/* vcpu/x86/task_rules.c */
u32 tss_size(bool wide);
void tss_saved_range(bool wide, u32 *offset, u32 *length);
void tss_parse(const union tss *tss, bool wide, struct task_image *image);
void tss_format(const struct task_image *image, bool wide, union tss *tss);
void task_descriptor(const struct task_segment *from, struct vmxhv_segment *to);
int task_check_tss(const struct task_segment *tss, enum task_source source,
		   struct task_fault *fault);
bool task_segment_good(const struct task_segment *segments, enum task_segment_index index);
int task_check_segments(const struct task_segment *segments, bool vm86, struct task_fault *fault);
void task_place_segments(const struct task_segment *segments, bool vm86, struct vmxhv_sregs *s);

/* vcpu/exit/task.c */
int handle_task_switch(struct vcpu *v);

#endif /* VCPU_TASK_H */
