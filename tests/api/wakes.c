// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two CPUs that mostly idle: a thread that sleeps on the other one is woken on time, whether it
 * sleeps in a halted guest or, to tell the host's fault from ours, on a futex.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { HALT = 3 };		/* of guest/spin.S */

#define ROUNDS		200
/* not a jiffy: nothing else wants that CPU, and it was told */
#define LATE		0.003

static struct machine m;
static struct cpu c;
static int asleep, awake, bell;
static double woken;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		tap_bail("sched_setaffinity");
}

static void set_and_wake(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wait_until(int *word, int value)
{
	int now;

	while ((now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != value)
		syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void sleep_in_guest(int round)
{
	cpu_start(&c, MODE_LONG, HALT);
	c.kicked = false;
	set_and_wake(&asleep, round);
	if (run_guest(&c) != VMXHV_EXIT_INTR)
		tap_bail("the guest's end");
}

static void wake_guest(int round)
{
	(void)round;
	kick(&c);
}

static void sleep_on_futex(int round)
{
	set_and_wake(&asleep, round);
	wait_until(&bell, round);
}

static void wake_futex(int round)
{
	set_and_wake(&bell, round);
}

struct way {
	const char *name;
	void (*sleep)(int round);
	void (*wake)(int round);
};

static const struct way futex = { "a futex", sleep_on_futex, wake_futex };
static const struct way guest = { "a halted guest", sleep_in_guest, wake_guest };

static void *sleeper(void *arg)
{
	const struct way *way = arg;

	pin(1);
	for (int i = 1; i <= ROUNDS; i++) {
		way->sleep(i);
		woken = now();
		set_and_wake(&awake, i);
	}
	return NULL;
}

static void wake_all(const struct way *way)
{
	double worst = 0;
	int late = 0;
	pthread_t t;

	asleep = 0;
	awake = 0;
	bell = 0;
	pthread_create(&t, NULL, sleeper, (void *)way);
	for (int i = 1; i <= ROUNDS; i++) {
		double start;

		wait_until(&asleep, i);
		/* both CPUs idle, for a time that meets all phases of the tick */
		usleep(300 + i * 7919 % 12000);
		start = now();
		way->wake(i);
		wait_until(&awake, i);
		if (woken - start > worst)
			worst = woken - start;
		late += woken - start > LATE;
	}
	pthread_join(t, NULL);
	tap_note("%s: %d of %d came late, the latest after %.2f ms", way->name, late, ROUNDS,
		 worst * 1e3);
	/* what else has to run there (a writer of the kernel log, RCU) takes its turn */
	tap_ok(late <= ROUNDS / 50 && worst < 0.02, "%s: woken on time", way->name);
}

int main(void)
{
	pin(0);
	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	wake_all(&futex);
	wake_all(&guest);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
