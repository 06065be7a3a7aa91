// SPDX-License-Identifier: GPL-2.0-only
/*
 * A watchpoint of the host's on the thread that runs a guest, which has breakpoints of its own, at
 * addresses that mean something to the host's kernel: neither must ever be taken for the other.
 */
#define _GNU_SOURCE
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"

#define POINTS		4
#define STEP		(8 * POINTS)
#define BYTES		4096
#define RUNS		3
#define DR7_ALL		0xbbbb0455ull	/* DR0 to DR3: any access to eight bytes */

static volatile uint64_t untouched[POINTS] __attribute__((aligned(8)));
static int fds[POINTS];

/* The module's own variables: it looks at some of them right before it enters the guest. */
static uint64_t module_bss(void)
{
	FILE *f = fopen("/sys/module/vmxhv/sections/.bss", "r");
	unsigned long long at = 0;

	if (!f || fscanf(f, "%llx", &at) != 1)
		at = 0;
	if (f)
		fclose(f);
	return at;
}

static int open_watchpoint(volatile uint64_t *at)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = HW_BREAKPOINT_RW,
		.bp_addr = (uintptr_t)at, .bp_len = HW_BREAKPOINT_LEN_8,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t hits(void)
{
	uint64_t n, sum = 0;
	int i;

	for (i = 0; i < POINTS; i++)
		sum += read(fds[i], &n, sizeof(n)) == sizeof(n) ? n : 1000000;
	return sum;
}

/* 0, or the first address that was hit. */
static uint64_t look(struct cpu *c, uint64_t from, int *wrong)
{
	struct vmxhv_debug_regs d = { .dr6 = 0xffff0ff0, .dr7 = DR7_ALL };
	uint64_t at;
	int i;

	for (at = from; at < from + BYTES; at += STEP) {
		for (i = 0; i < POINTS; i++)
			d.dr[i] = at + 8 * i;
		*wrong += !!set_group(c, VMXHV_STATE_DEBUG, &d, sizeof(d));
		for (i = 0; i < RUNS; i++)
			*wrong += run(c) || c->run->exit_reason != VMXHV_EXIT_IO;
		if (hits())
			return at;
	}
	return 0;
}

/* out %al, $0x80; jmp back */
static const uint8_t program[] = { 0xe6, 0x80, 0xeb, 0xfc };

int main(void)
{
	const uint64_t bss = module_bss();
	int i, wrong = 0;
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	machine_tables(&m);
	cpu_create(&m, &c, 0);
	load_code(&m, program, sizeof(program));
	cpu_start(&c, MODE_REAL, 0);
	for (i = 0; i < POINTS; i++) {
		fds[i] = open_watchpoint(&untouched[i]);
		if (fds[i] < 0)
			tap_bail("no watchpoint");
	}
	tap_ok(bss >> 63, "the module's variables are at %#llx", (unsigned long long)bss);
	tap_equal(look(&c, bss, &wrong), 0, "no watchpoint of the host's was hit");
	tap_equal(wrong, 0, "the guest ran each time");
	for (i = 0; i < POINTS; i++)
		untouched[i]++;
	tap_ok(hits() >= POINTS, "they work");
	for (i = 0; i < POINTS; i++)
		close(fds[i]);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
