// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two vCPUs on two CPUs: the time from right before an interrupt is sent until the handler of the
 * other vCPU begins. What sends is a device (an MSI, from a thread on CPU 0) or the first vCPU (an
 * IPI); the second is on CPU 1, and runs, has halted a short while ago, or so long ago that its
 * thread sleeps and the CPU idles. Both TSCs are the host's: the host may note the first time, and
 * the guest the second.
 *
 * The median of PAIR_SAMPLES, behind a few that warm up: halt polling learns by them. How often the
 * thread went to sleep says whether the halts were what they are meant to be.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <x86intrin.h>

#include "host.h"
#include "pair.h"
#include "side.h"

#define WARM_UP		16
#define PAIR_SAMPLES	51
#define ALL_SAMPLES	(WARM_UP + PAIR_SAMPLES)
#define MOST		(PAIR_SAMPLES / 4 * 3)	/* of the halts, at least */

/* Ticks of 20 ns; both sides look for 200 us at most by default. */
#define AWAKE		5000	/* longer than any EOI takes */
#define LITTLE		2000
#define LONG		60000

/* the order of CASES in guest/pair.S */
enum pair_case { PAIR_SPIN, PAIR_HALT, PAIR_SEND };

enum sleeps { NEVER, MOSTLY_NOT, MOSTLY };

static const struct pair_row {
	const char *name;
	enum { MSI, XAPIC_IPI, X2APIC_IPI } sent;
	enum pair_case receiver;
	uint32_t pause;
	enum sleeps sleeps;
} rows[] = {
	{ "xapic-running", XAPIC_IPI, PAIR_SPIN, AWAKE, NEVER },
	{ "xapic-brief", XAPIC_IPI, PAIR_HALT, LITTLE, MOSTLY_NOT },
	{ "xapic-long", XAPIC_IPI, PAIR_HALT, LONG, MOSTLY },
	/* from here on both are in x2APIC mode: KVM's EOI is quicker there */
	{ "x2apic-running", X2APIC_IPI, PAIR_SPIN, AWAKE, NEVER },
	{ "x2apic-brief", X2APIC_IPI, PAIR_HALT, LITTLE, MOSTLY_NOT },
	{ "x2apic-long", X2APIC_IPI, PAIR_HALT, LONG, MOSTLY },
	{ "msi-running", MSI, PAIR_SPIN, AWAKE, NEVER },
	{ "msi-brief", MSI, PAIR_HALT, LITTLE, MOSTLY_NOT },
	{ "msi-long", MSI, PAIR_HALT, LONG, MOSTLY },
};

struct receiver {
	const struct side *side;
	enum pair_case entry;
	long sleeps;
};

static volatile uint8_t *ram;

static void put32(uint32_t at, uint32_t value)
{
	*(volatile uint32_t *)(ram + at) = value;
}

static void put64(uint32_t at, uint64_t value)
{
	*(volatile uint64_t *)(ram + at) = value;
}

static uint64_t get64(uint32_t at)
{
	return *(volatile uint64_t *)(ram + at);
}

static void *receive(void *arg)
{
	struct receiver *r = arg;
	struct rusage before, after;

	pin(pthread_self(), 1);
	getrusage(RUSAGE_THREAD, &before);
	r->side->pair_run(1, r->entry);
	getrusage(RUSAGE_THREAD, &after);
	r->sleeps = after.ru_nvcsw - before.ru_nvcsw;
	return NULL;
}

static void send_msis(const struct side *side, uint32_t pause)
{
	for (int i = 0; i < ALL_SAMPLES; i++) {
		uint64_t sent;

		put64(PAIR_SEEN, 0);
		wait_ticks(pause);
		sent = __rdtsc();
		side->pair_msi(PAIR_VECTOR);
		while (!get64(PAIR_SEEN))
			;
		put64(PAIR_TIMES + 8 * i, get64(PAIR_SEEN) - sent);
	}
}

static void send(const struct side *side, const struct pair_row *row)
{
	if (row->sent == MSI) {
		send_msis(side, row->pause);
		return;
	}
	put32(PAIR_COUNT, ALL_SAMPLES);
	put32(PAIR_PAUSE, row->pause);
	side->pair_run(0, PAIR_SEND);
}

static void check_sleeps(const struct pair_row *row, long sleeps)
{
	printf("# %s: %ld sleeps, %d interrupts\n", row->name, sleeps, ALL_SAMPLES);
	if (row->sleeps == MOSTLY ? sleeps < MOST :
				    sleeps > (row->sleeps == NEVER ? WARM_UP : ALL_SAMPLES - MOST))
		die("%s: the halts were not such", row->name);
}

static double median(void)
{
	double times[PAIR_SAMPLES];

	for (int i = 0; i < PAIR_SAMPLES; i++) {
		times[i] = get64(PAIR_TIMES + 8 * (WARM_UP + i));
		/* negative: one of the two has another TSC */
		if (times[i] > 1e9)
			die("%g ticks", times[i]);
	}
	return middle(times, PAIR_SAMPLES);
}

static double measure_pair(const struct side *side, const struct pair_row *row)
{
	struct receiver r = { .side = side, .entry = row->receiver };
	pthread_t thread;

	put32(PAIR_READY, 0);
	put32(PAIR_X2APIC, row->sent != XAPIC_IPI);
	if (pthread_create(&thread, NULL, receive, &r))
		die("pthread_create");
	while (!*(volatile uint32_t *)(ram + PAIR_READY))
		;
	send(side, row);
	side->pair_msi(PAIR_END);
	pthread_join(thread, NULL);
	check_sleeps(row, r.sleeps);
	return median();
}

void pair(const struct side *side, struct machine *m)
{
	ram = m->ram;
	pin(pthread_self(), 0);
	side->pair_create(m);
	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		report(side, rows[i].name, measure_pair(side, &rows[i]));
}
