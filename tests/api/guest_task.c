// SPDX-License-Identifier: GPL-2.0-only
/* Hardware task switches: how they begin and end, what they save and load, and how they fault. */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"
#include "task.h"

enum {
	JUMP, CALL_IRET, CALL_AGAIN, BY_INT, BY_FAULT, BY_DOUBLE_FAULT, NARROW_JUMP,
	NARROW_FAULT, TO_USER, TO_VM86, DEBUG_TRAP, DEBUG_REGISTERS, ACCESSED,
	TO_ABSENT, TO_BUSY, TO_SHORT, IRET_NOT_BUSY,
	BAD_LDT, ABSENT_LDT, LDT_SEGMENT, BAD_DS, ABSENT_DS, READ_ONLY_SS, ABSENT_SS,
	ABSENT_SS_ALONE, NULL_SS, BAD_CS, ABSENT_CS, CONFORMING_CS, RPL_SS, BEYOND_LIMIT,
	NO_ROOM, BY_IRQ, BY_NMI, OTHER_CR3, OLD_TSS_READ_ONLY, NEW_TSS_READ_ONLY,
	OLD_TSS_TOO_SHORT, GATE_TO_BAD_DS, IRQ_TO_BAD_DS, FROM_USER, INT_THEN_EVENTS,
};

enum { TS = 10, NP = 11, GP = 13, PF = 14 };

#define TASK_MODE	MODE_PROTECTED
#define OTHER_STACK	(STACK_TOP - 0x200)
#define FREE		0x89	/* access bytes of a 32-bit TSS */
#define BUSY		0x8b
#define FREE_16		0x81
#define BUSY_16		0x83
#define NT		0x4000

#define IRQ_VECTOR	0x40

/* What each case reports: see task.S. A fault: vector, error code, EIP's distance. */
static const struct reports rows[] = {
	{ "JMP there and back", JUMP,
	  COUNTED(0xbbbb0001, 0xbbbb0002, 0xbbbb0003, 0xbbbb0004, OTHER_STACK, 0xbbbb0005,
		  0xbbbb0006, 0xbbbb0007, 0x10, 0x18, 0x10, 0x10, 0x10, 0, 2, TASK_OTHER, 9,
		  FREE, BUSY, 0, 3,
		  0xaaaa0001, 0xaaaa0002, 0xaaaa0003, 0xaaaa0004, STACK_TOP, 0xaaaa0005,
		  0xaaaa0006, 0xaaaa0007, TASK_MAIN, BUSY, FREE) },
	{ "CALL and IRET: nesting", CALL_IRET,
	  COUNTED(NT | 2, BUSY, BUSY, TASK_MAIN, 0, 2, TASK_MAIN, BUSY, FREE, 0, 2) },
	{ "a task goes on behind its IRET", CALL_AGAIN, COUNTED(0x11, 1, 0x12, 2) },
	{ "INT n by a task gate", BY_INT,
	  COUNTED(TASK_OTHER, OTHER_STACK, TASK_MAIN, 0, 2, TASK_MAIN) },
	{ "an exception by a task gate: error code, RF", BY_FAULT,
	  COUNTED(0x58, OTHER_STACK, 0, 0x10002, TASK_MAIN) },
	{ "a double fault by a task gate", BY_DOUBLE_FAULT,
	  COUNTED(0, OTHER_STACK, TASK_OTHER, 0) },
	{ "a 16-bit TSS", NARROW_JUMP,
	  COUNTED(0xcc01, 0xcc02, 0xcc03, 0xcc04, STACK_TOP - 0x400, 0xcc05, 0xcc06, 0xcc07,
		  0x10, 0x18, 0x10, 0x10, TASK_NARROW, BUSY_16,
		  0xaaaa0004, TASK_MAIN, FREE_16, 0) },
	{ "a 16-bit TSS: the error code is a word", NARROW_FAULT,
	  COUNTED(STACK_TOP - 0x402, 0x58, TASK_MAIN) },
	{ "to ring 3, and back by a task gate in the GDT", TO_USER,
	  COUNTED(0x2b, 0x23, 0x2b, 0x2b, 0, 0, TASK_MAIN, BUSY, FREE, 0x18) },
	{ "to virtual-8086 mode, and back by INT n", TO_VM86,
	  COUNTED(TASK_MAIN, NT | 2, TASK_OTHER, 0x23002, 0x20, 0x20, 0x21, 0x86868686) },
	{ "T: a debug trap at the first instruction", DEBUG_TRAP,
	  COUNTED(1, 0, 0, 0xffff8ff0, TASK_OTHER) },
	{ "DR7: local enables are gone, global ones are not", DEBUG_REGISTERS, COUNTED(0x6a2) },
	{ "a descriptor is marked as accessed", ACCESSED, COUNTED(0x92, 0x93, SEL_FRESH) },
	{ "the TSS is not present", TO_ABSENT,
	  COUNTED(NP, TASK_ABSENT, 0, TASK_MAIN, BUSY, FREE) },
	{ "the TSS is busy", TO_BUSY, COUNTED(GP, TASK_MAIN, 0, GP, TASK_MAIN, 0, TASK_MAIN) },
	{ "the TSS is too short", TO_SHORT, COUNTED(TS, TASK_SHORT, 0, TASK_MAIN, BUSY, FREE) },
	{ "IRET to a TSS that is not busy", IRET_NOT_BUSY,
	  COUNTED(TS, TASK_OTHER, 0, TASK_MAIN) },
	{ "LDTR: no LDT", BAD_LDT, COUNTED(TS, SEL_DATA, 0, TASK_OTHER, FREE, BUSY) },
	{ "LDTR: not present", ABSENT_LDT,
	  COUNTED(TS, SEL_LDT_ABSENT, 0, TASK_OTHER, FREE, BUSY) },
	{ "a segment of the new LDT", LDT_SEGMENT, COUNTED(SEL_LDT, 0x1d1d1d1d) },
	{ "DS: beyond the GDT", BAD_DS, COUNTED(TS, SEL_BEYOND, 0, TASK_OTHER, FREE, BUSY) },
	{ "DS: not present", ABSENT_DS,
	  COUNTED(NP, SEL_DATA_ABSENT, 0, TASK_OTHER, FREE, BUSY) },
	{ "SS: not writable", READ_ONLY_SS,
	  COUNTED(SEL_READ_ONLY, TASK_OTHER, 0, 0x18, SEL_READ_ONLY) },
	{ "SS: not present", ABSENT_SS,
	  COUNTED(SEL_DATA_ABSENT, TASK_OTHER, 0, 0x18, SEL_DATA_ABSENT) },
	{ "SS: null", NULL_SS, COUNTED(0, TASK_OTHER, 0, 0x18, 0) },
	{ "SS: RPL is not CPL", RPL_SS, COUNTED(SEL_DATA, TASK_OTHER, 0, 0x18, SEL_DATA + 1) },
	{ "CS: data", BAD_CS, COUNTED(SEL_DATA, TASK_OTHER, 0, SEL_DATA, 0x10) },
	{ "CS: not present", ABSENT_CS,
	  COUNTED(SEL_CODE_ABSENT, TASK_OTHER, 0, SEL_CODE_ABSENT, 0x10) },
	{ "CS: conforming, in ring 3", CONFORMING_CS, COUNTED(SEL_CONFORMING + 3, GP, 0, 1) },
	{ "EIP beyond the limit of CS", BEYOND_LIMIT,
	  COUNTED(0, TASK_OTHER, 0, SEL_CODE_LOW, 0x10) },
	{ "no room for the error code: a double fault", NO_ROOM,
	  COUNTED(0, TASK_OTHER, 0, 0x18, SEL_LAST) },
	{ "CR3 is the task's", OTHER_CR3,
	  COUNTED(0xd1, OTHER_DIRECTORY, 0xd2, DIRECTORY, 0xd1) },
	{ "the old TSS cannot be written: a page fault in the old task", OLD_TSS_READ_ONLY,
	  COUNTED(PF, 3, 0, 0x80000000, TASK_MAIN) },
	{ "the new TSS cannot be written: likewise, unless by JMP", NEW_TSS_READ_ONLY,
	  COUNTED(PF, 3, 0, 0x80000000, TASK_MAIN, TASK_OTHER) },
	{ "the old TSS is too short", OLD_TSS_TOO_SHORT, COUNTED(TS, TASK_MAIN, 0, TASK_MAIN) },
	{ "a fault by INT3: EXT is clear", GATE_TO_BAD_DS, COUNTED(TS, SEL_BEYOND, 0) },
	{ "ring 3 may not name a TSS of ring 0", FROM_USER, COUNTED(GP, TASK_MAIN, 0) },
};

static struct machine m;
static struct cpu c;

/* 4 MiB of identity; a page of its own at 1 GiB in each; all of it again, read-only, at 2 GiB. */
static void build_directory(uint32_t at, uint32_t table, uint32_t page, uint32_t word)
{
	uint32_t *directory = (uint32_t *)(m.ram + at);

	memset(directory, 0, 4096);
	directory[0] = 0x87;
	directory[0x40000000 >> 22] = table | 7;
	directory[0x80000000 >> 22] = 0x85;
	*(uint32_t *)(m.ram + table) = page | 7;
	*(uint32_t *)(m.ram + page) = word;
}

static void start(int entry)
{
	load_guest(&m, "task");
	build_directory(DIRECTORY, 0x22000, 0x24000, 0xd1);
	build_directory(OTHER_DIRECTORY, 0x23000, 0x25000, 0xd2);
	cpu_start(&c, TASK_MODE, entry);
}

static bool at_request(void)
{
	int ret = run_guest(&c);

	if (ret == VMXHV_EXIT_IO && c.run->u.io.port == PORT_ASK)
		return true;
	if (ret >= 0)
		note_exit(&c);
	return tap_ok(false, "the guest asks for its event");
}

static void inject_interrupt(void)
{
	struct vmxhv_events events;

	if (!at_request())
		return;
	if (get_group(&c, VMXHV_STATE_EVENTS, &events, sizeof(events)))
		tap_bail("EVENTS");
	events.injected.info = 0x80000000 | IRQ_VECTOR;
	if (set_group(&c, VMXHV_STATE_EVENTS, &events, sizeof(events)))
		tap_bail("EVENTS: %.96s", last_error(c.fd).text);
}

static void interrupt(int entry)
{
	start(entry);
	inject_interrupt();
}

static void inject_nmi(void)
{
	struct vmxhv_inject nmi = { .size = sizeof(nmi), .kind = VMXHV_INJECT_NMI };

	if (at_request() && call(c.fd, VMXHV_INJECT, &nmi))
		tap_bail("INJECT");
}

static void events(void)
{
	interrupt(BY_IRQ);
	EXPECT(&c, "an interrupt by a task gate", TASK_OTHER, NT | 2, 0, 0x202, TASK_MAIN, 2);
	interrupt(IRQ_TO_BAD_DS);
	EXPECT(&c, "a fault by an interrupt: EXT is set", TS, SEL_BEYOND | 1, 0);

	start(BY_NMI);
	inject_nmi();
	inject_nmi();
	at_request();
	EXPECT(&c, "an NMI by a task gate: the next one waits for IRET", 1, 2, 1, 2, 3);

	start(INT_THEN_EVENTS);
	inject_interrupt();
	inject_nmi();
	EXPECT(&c, "INT n, an interrupt and an NMI by task gates: each EIP is the next", 0, 4, 7);
}

/* Step by step all is as before, and the step over a switch ends at the new task's instruction. */
static void under_debugger(void)
{
	struct vmxhv_debug d = { .size = sizeof(d), .control = VMXHV_DEBUG_STEP };
	char name[96];
	int ret;

	for (const struct reports *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		start(r->entry);
		if (call(c.fd, VMXHV_DEBUG, &d))
			tap_bail("DEBUG: %.96s", last_error(c.fd).text);
		do {
			ret = run_guest(&c);
		} while (ret == VMXHV_EXIT_DEBUG);
		snprintf(name, sizeof(name), "step by step: %s", r->name);
		expect_outcome(&c, ret, name, r->count, r->values);
	}
	d.control = 0;
	if (call(c.fd, VMXHV_DEBUG, &d))
		tap_bail("DEBUG");
}

int main(void)
{
	machine_create(&m, 1 << 20);
	cpu_create(&m, &c, 0);
	for (const struct reports *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		start(r->entry);
		expect_values(&c, r->name, r->count, r->values);
	}
	events();
	under_debugger();
	start(ABSENT_SS_ALONE);
	tap_equal(run_guest(&c), VMXHV_EXIT_SHUTDOWN, "no stack and no task gate: shutdown");
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
