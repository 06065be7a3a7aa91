// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's thread goes to and fro between two CPUs, and the guest does not notice. */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

#include "machine.h"
#include "migrate.h"
#include "tap.h"

#define MOVES	200

static struct machine m;

static void go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		tap_bail("cannot run on CPU %d", cpu);
}

/* The guest's next number; 0 if it has none. */
static uint32_t next(struct cpu *c)
{
	int ret = run_guest(c);

	if (ret == VMXHV_EXIT_IO && c->run->u.io.port == MIGRATE_PORT)
		return c->run->u.io.data;
	if (ret >= 0)
		note_exit(c);
	return 0;
}

static void to_and_fro(struct cpu *c)
{
	int moved = 0, there = 0, registers = 0;

	cpu_start(c, MODE_LONG, 0);
	for (int i = 1; i <= MOVES; i++) {
		struct vmxhv_gprs g;

		go_to(i & 1);
		if (next(c) != (uint32_t)i)
			break;
		moved++;
		there += (c->run->hw.valid & VMXHV_HW_CPU) && c->run->hw.cpu == (i & 1);
		/* reading state brings the VMCS to the other CPU, too */
		go_to(~i & 1);
		registers += !get_group(c, VMXHV_STATE_GPRS, &g, sizeof(g)) &&
			     g.gpr[3] == (uint64_t)i;
	}
	tap_equal(moved, MOVES, "the guest counts on, each step on the other CPU");
	tap_equal(there, MOVES, "the exit says on which CPU it was");
	tap_equal(registers, MOVES, "registers are read on a CPU where the vCPU did not run");
}

/* Two vCPUs whose VMCSs pass each other. */
static void crossing(struct cpu *a, struct cpu *b)
{
	int good = 0;

	cpu_start(a, MODE_LONG, 0);
	cpu_start(b, MODE_LONG, 0);
	for (int i = 1; i <= MOVES / 2; i++) {
		go_to(i & 1);
		good += next(a) == (uint32_t)i;
		go_to(~i & 1);
		good += next(b) == (uint32_t)i;
	}
	tap_equal(good, MOVES, "two vCPUs change places");
}

int main(void)
{
	struct cpu a, b;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		tap_skip_all("one CPU");
	machine_create(&m, 1 << 20);
	load_guest(&m, "migrate");
	cpu_create(&m, &a, 0);
	cpu_create(&m, &b, 1);
	to_and_fro(&a);
	crossing(&a, &b);
	/* a is destroyed on the CPU where its VMCS is active, b on the other one */
	go_to(0);
	tap_ok(next(&a), "it runs once more");
	go_to(1);
	tap_ok(next(&b), "so does the other");
	go_to(0);
	cpu_destroy(&a);
	cpu_destroy(&b);
	machine_destroy(&m);
	return tap_done();
}
