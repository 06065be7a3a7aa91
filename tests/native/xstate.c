// SPDX-License-Identifier: GPL-2.0-only
/*
 * One vCPU's extended state, switched as a burst does, by two threads on a CPU each that take
 * turns. Each must find its own registers afterwards: what the CPU may leave out when it saves is
 * out of reach for any emulator that always saves all.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tap.h"
#include "../../vcpu/cpu/xsave.h"

#define TURNS	20000
#define ENOUGH	1000	/* on a crowded machine */
#define SECONDS	10

/* x87, SSE, AVX, AVX-512: what guests can have, as xstate_allowed_xcr0() */
#define COMPONENTS	0xe7

static struct xregs_state *guest, *host;	/* as struct xstate has them */
static u64 mask;
static int cpus[2];
static _Atomic unsigned int turn;
static atomic_bool stop;
static unsigned int wrong[2];

static u64 xcr0(void)
{
	u32 eax, edx;

	asm volatile("xgetbv" : "=a" (eax), "=d" (edx) : "c" (0));
	return eax | (u64)edx << 32;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		tap_bail("CPU %d: no affinity", cpu);
}

/* the compiler uses no vector register here: see the Makefile */
static void set_vector(u64 value)
{
	asm volatile("movq %0, %%xmm7" : : "r" (value));
}

static u64 get_vector(void)
{
	u64 value;

	asm volatile("movq %%xmm7, %0" : "=r" (value));
	return value;
}

static bool my_turn(unsigned int number)
{
	unsigned int spins = 0;

	while (atomic_load(&turn) != number && !atomic_load(&stop)) {
		asm volatile("pause");
		/* somebody else may have the other's CPU */
		if (!(++spins % 4096))
			sched_yield();
	}
	return !atomic_load(&stop);
}

static void *thread(void *arg)
{
	const unsigned int me = *(const unsigned int *)arg;
	const u64 mine = 0x1111111111111111 * (me + 1);
	unsigned int number;

	pin(cpus[me]);
	set_vector(mine);
	for (number = me; number < TURNS && my_turn(number); number += 2) {
		save_host_registers(host, mask);
		load_registers(guest, mask);
		save_guest_registers(guest, mask);
		load_registers(host, mask);
		if (get_vector() != mine) {
			wrong[me]++;
			set_vector(mine);
		}
		atomic_store(&turn, number + 1);
	}
	return NULL;
}

static void two_threads(void)
{
	static const unsigned int who[2] = { 0, 1 };
	const struct timespec tick = { .tv_nsec = 10000000 };
	pthread_t threads[2];
	int i, ticks;

	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, thread, (void *)&who[i]))
			tap_bail("no thread");
	for (ticks = 0; ticks < SECONDS * 100 && atomic_load(&turn) < TURNS; ticks++)
		nanosleep(&tick, NULL);
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static bool two_cpus(void)
{
	cpu_set_t set;
	int cpu, found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		tap_bail("no affinity");
	for (cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[found++] = cpu;
	return found == 2;
}

int main(void)
{
	u32 eax, ebx, ecx, edx;

	if (!two_cpus())
		tap_skip_all("one CPU");
	if (!__get_cpuid_count(0xd, 1, &eax, &ebx, &ecx, &edx) || !(eax & 1))
		tap_skip_all("no XSAVEOPT");
	__get_cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx);
	mask = xcr0() & COMPONENTS;
	guest = aligned_alloc(64, (ecx + 63) / 64 * 64);
	host = aligned_alloc(64, (ecx + 63) / 64 * 64);
	if (!guest || !host)
		tap_bail("no memory");
	memset(host, 0, ecx);
	memset(guest, 0, ecx);
	/* anything that can be loaded */
	save_guest_registers(guest, mask);

	two_threads();
	tap_note("%u turns; found other registers: %u and %u times", atomic_load(&turn), wrong[0],
		 wrong[1]);
	tap_ok(atomic_load(&turn) >= ENOUGH, "they take turns");
	tap_ok(!wrong[0] && !wrong[1], "each finds its own registers");
	return tap_done();
}
