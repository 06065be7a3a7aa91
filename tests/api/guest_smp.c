// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_smp [open]: two vCPUs in two threads: start-up, shared memory, interprocessor interrupts;
 * open: without those that wait with interrupts masked (see WAIT_OPEN in guest/smp.S).
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { BOOT_AP, COUNT_LOCKED, PING, PONG, SERVE, RETURN, PATCHER, PATCHED };

static struct machine m;
static struct cpu c[2];

static void *runner(void *arg)
{
	return (void *)(long)run_guest(arg);
}

static void both(long ret[2])
{
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, runner, &c[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], (void **)&ret[i]);
}

static void expect_both(const char *name)
{
	long ret[2];

	both(ret);
	for (int i = 0; i < 2; i++) {
		if (ret[i] > 0)
			note_exit(&c[i]);
		else if (ret[i])
			tap_note("vCPU %d: RUN gave %ld", i, ret[i]);
	}
	tap_ok(!ret[0] && !ret[1], "%s", name);
}

static void play(unsigned int first, unsigned int second, const char *name)
{
	cpu_start(&c[0], MODE_LONG, first);
	cpu_start(&c[1], MODE_LONG, second);
	memset(m.ram + DATA_BASE, 0, 256);
	expect_both(name);
}

static void wait_for_sipi(void)
{
	struct vmxhv_events events = { .activity = VMXHV_WAIT_SIPI };

	tap_equal(set_group(&c[1], VMXHV_STATE_EVENTS, &events, sizeof(events)), 0,
		  "the second vCPU waits for its start-up IPI");
}

static void play_polled(void)
{
	if (apic_level(&m) == LEVEL_FULL_EMULATED)
		tap_skip("IPIs go to and fro, polled for", "this CPU delivers them all the same");
	else
		play(PING, PONG, "IPIs go to and fro, polled for");
}

int main(int argc, char **argv)
{
	const bool masked = argc < 2 || strcmp(argv[1], "open");
	const uint32_t *counter;

	machine_create(&m, 1 << 20);
	load_guest(&m, "smp");
	for (int i = 0; i < 2; i++)
		cpu_create(&m, &c[i], i);
	counter = (uint32_t *)(m.ram + DATA_BASE + 64);

	cpu_start(&c[0], MODE_LONG, BOOT_AP);
	cpu_start(&c[1], MODE_REAL, BOOT_AP);
	wait_for_sipi();
	expect_both("INIT and start-up IPI");
	tap_ok(c[0].nr_values == 1 && c[0].values[0] == 0xf00,
	       "the second CPU starts where the IPI says: CS %#x", c[0].values[0]);

	for (int i = 0; i < 2; i++)
		cpu_start(&c[i], MODE_LONG, COUNT_LOCKED);
	expect_both("two vCPUs count");
	tap_equal(*counter, 40000, "and none of their increments is lost");

	memcpy(m.ram + DATA_BASE + 0x2000, "\xb8\0\0\0\0\xc3", 6);
	memset(m.ram + DATA_BASE + 0x100, 0, 4);
	cpu_start(&c[0], MODE_LONG, PATCHER);
	cpu_start(&c[1], MODE_LONG, PATCHED);
	expect_both("one vCPU executes what the other writes");
	tap_ok(c[1].nr_values == 1 && c[1].values[0] == 200, "and each change of it");

	play(SERVE, RETURN, "IPIs go to and fro");
	tap_equal(c[0].values[0], 40, "and each is taken once");
	if (masked)
		play_polled();
	for (int i = 0; i < 2; i++)
		cpu_destroy(&c[i]);
	machine_destroy(&m);
	return tap_done();
}
