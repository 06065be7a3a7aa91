// SPDX-License-Identifier: GPL-2.0-only
/* A guest that never lets go: the host's timers and a kick stay on time. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { SPIN, CLI_CPUID, COUNT, HALT, OUT };

#define PERIOD		0.02
#define PERIODS		40
/* two threads and a slow machine: some ticks of the scheduler, not a hang */
#define LATE		0.1

static struct machine m;
static struct cpu c;

static void *runner(void *arg)
{
	return (void *)(long)run_guest(arg);
}

static void on_time(unsigned int entry, const char *what)
{
	double worst = 0, start, kicked;
	pthread_t t;
	void *ret;

	cpu_start(&c, MODE_LONG, entry);
	pthread_create(&t, NULL, runner, &c);
	start = now();
	for (int i = 1; i <= PERIODS; i++) {
		double late;

		while (now() < start + i * PERIOD) {
			struct timespec left = {
				.tv_nsec = (start + i * PERIOD - now()) * 1e9,
			};

			if (left.tv_nsec > 0)
				nanosleep(&left, NULL);
		}
		late = now() - (start + i * PERIOD);
		if (late > worst)
			worst = late;
	}
	tap_note("%s: the latest of %d timers came %.1f ms late", what, PERIODS, worst * 1e3);
	tap_ok(worst < LATE, "%s: timers of the host are on time", what);
	kicked = now();
	kick(&c);
	pthread_join(t, &ret);
	kicked = now() - kicked;
	tap_note("%s: RUN returned %.1f ms after the kick", what, kicked * 1e3);
	tap_ok((long)ret == VMXHV_EXIT_INTR && kicked < LATE, "%s: so is a kick", what);
}

/* What a guest computes counts as guest time of its process. */
static void guest_time(void)
{
	unsigned long guest = 0;
	char line[1024];
	const char *p;
	FILE *f = fopen("/proc/self/stat", "re");

	if (!f || !fgets(line, sizeof(line), f))
		tap_bail("/proc/self/stat");
	fclose(f);
	p = strrchr(line, ')');
	for (int field = 2; p && field < 43; field++)
		p = strchr(p + 1, ' ');
	if (p)
		sscanf(p, "%lu", &guest);
	tap_ok(guest > 10, "guest time in /proc/PID/stat: %lu ticks", guest);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	on_time(SPIN, "a loop");
	on_time(CLI_CPUID, "exits with interrupts off");
	on_time(COUNT, "a loop that writes");
	tap_ok(*(uint32_t *)(m.ram + DATA_BASE) > 1000, "and it did run");
	on_time(HALT, "a halt that nothing ends");
	guest_time();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
