// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device, VM, vCPU and run area are let go in every order while another thread is in RUN, in guest
 * mode or halted: it stays there, and when a signal ends it all of it is freed. Needs the module
 * vmxe.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

#define TRIES	10

enum { SPIN, CLI_CPUID, COUNT, HALT };	/* of tests/guest/spin.S */
enum thing { DEV, VM, VCPU, AREA, THINGS };

static const char *const thing_name[THINGS] = { "device", "VM", "vCPU", "run area" };

static struct machine m;
static struct cpu c;
static volatile bool entered;

static void on_signal(int signal)
{
	(void)signal;
}

/*
 * One RUN. The host may have work for the thread, which then comes back with INTR and finds the
 * descriptor closed, or another one in its place: the order is tried again.
 */
static void *runner(void *unused)
{
	(void)unused;
	entered = true;
	return (void *)(long)run(&c);
}

static void let_go(enum thing thing)
{
	if (thing == DEV)
		close(m.dev);
	else if (thing == VM)
		close(m.vm);
	else if (thing == VCPU)
		close(c.fd);
	else
		munmap(c.run, VMXHV_RUN_SIZE);
}

static uint32_t counter(void)
{
	return *(volatile uint32_t *)(m.ram + DATA_BASE);
}

/* Has it counted on, or slept on? */
static bool is_in_run(unsigned int entry)
{
	const double until = now() + patience(1);
	const uint32_t start = counter();

	if (entry == HALT)
		return true;
	while (counter() == start && now() < until)
		usleep(200);
	return counter() != start;
}

static void set_up(unsigned int entry)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	cpu_start(&c, MODE_LONG, entry);
	entered = false;
}

/* What RUN returned. *stayed: it was in the guest when all else was gone. */
static long in_order(unsigned int entry, const enum thing order[THINGS], bool *stayed)
{
	pthread_t thread;
	void *ret;

	set_up(entry);
	if (pthread_create(&thread, NULL, runner, NULL))
		tap_bail("pthread_create");
	while (!entered || (entry == COUNT && !counter()))
		usleep(200);
	if (entry == HALT)
		usleep(2000);
	for (int i = 0; i < THINGS; i++)
		let_go(order[i]);
	*stayed = is_in_run(entry);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, &ret);
	return (long)ret;
}

static void try_order(unsigned int entry, const enum thing order[THINGS])
{
	const char *state = entry == HALT ? "halted" : "running";
	long ret = 0;
	bool stayed = false, freed = true;

	for (int i = 0; i < TRIES && ret != -EINTR; i++) {
		ret = in_order(entry, order, &stayed);
		freed = nobody_uses_vmx() && freed;
		munmap(m.ram, m.ram_size);
	}
	if (ret != -EINTR)
		tap_note("RUN returned %ld", ret);
	tap_ok(ret == -EINTR && stayed && freed, "%s: %s, %s, %s, %s", state, thing_name[order[0]],
	       thing_name[order[1]], thing_name[order[2]], thing_name[order[3]]);
}

/* Every order of what is not in @order's first @chosen places. */
static void every_order(unsigned int entry, enum thing order[THINGS], int chosen)
{
	if (chosen == THINGS) {
		try_order(entry, order);
		return;
	}
	for (int i = chosen; i < THINGS; i++) {
		const enum thing swapped = order[chosen];

		order[chosen] = order[i];
		order[i] = swapped;
		every_order(entry, order, chosen + 1);
		order[i] = order[chosen];
		order[chosen] = swapped;
	}
}

int main(void)
{
	const struct sigaction act = { .sa_handler = on_signal };
	enum thing order[THINGS] = { DEV, VM, VCPU, AREA };

	sigaction(SIGUSR1, &act, NULL);
	every_order(COUNT, order, 0);
	every_order(HALT, order, 0);
	return tap_done();
}
