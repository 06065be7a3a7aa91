// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that halts often and briefly, on a CPU of its own: its thread looks for the next interrupt
 * instead of going to sleep, unless it is told not to, or somebody else wants the CPU.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config.h"
#include "host.h"
#include "machine.h"
#include "refusal.h"

#define PARAMETER	"/sys/module/vmxhv/parameters/halt_poll_us"
#define WAKES		500
#define COUNTER		0x600

/* again: hlt; jmp again */
static const uint8_t program[] = { 0xf4, 0xeb, 0xfd };

/* NMI: incl COUNTER; iret */
static const uint8_t handler[] = { 0x66, 0xff, 0x06, COUNTER & 0xff, COUNTER >> 8, 0xcf };

struct halts {
	struct machine m;
	struct cpu c;
	volatile bool stop;
	long sleeps;
};

static void *guest(void *arg)
{
	struct halts *h = arg;
	struct rusage before, after;

	pin(pthread_self(), 1);
	getrusage(RUSAGE_THREAD, &before);
	while (!h->stop)
		run(&h->c);
	getrusage(RUSAGE_THREAD, &after);
	h->sleeps = after.ru_nvcsw - before.ru_nvcsw;
	return NULL;
}

static void wake(struct halts *h)
{
	struct vmxhv_inject nmi = { .size = sizeof(nmi), .kind = VMXHV_INJECT_NMI };
	volatile uint32_t *counter = (volatile uint32_t *)(h->m.ram + COUNTER);
	const uint32_t before = *counter;
	int i;

	if (call(h->c.fd, VMXHV_INJECT, &nmi))
		tap_bail("INJECT");
	while (*counter == before)
		;
	/* it is in HLT by then */
	for (i = 0; i < 2000; i++)
		asm volatile("pause");
}

/* How often the thread went to sleep. */
static long sleeps(uint32_t flags, uint32_t us)
{
	const struct vmxhv_config config = { .flags = flags, .halt_poll_us = us };
	struct halts h = {};
	pthread_t thread;
	int i;

	configured(&h.m, &h.c, &config, "spin");
	load_code(&h.m, program, sizeof(program));
	memcpy(h.m.ram + GUEST_BASE + 0x20, handler, sizeof(handler));
	memcpy(h.m.ram + 8, &(const uint32_t){ GUEST_BASE + 0x20 }, 4);
	cpu_start(&h.c, MODE_REAL, 0);
	if (pthread_create(&thread, NULL, guest, &h))
		tap_bail("no thread");
	for (i = 0; i < WAKES; i++)
		wake(&h);
	h.stop = true;
	kick(&h.c);
	pthread_join(thread, NULL);
	cpu_destroy(&h.c);
	machine_destroy(&h.m);
	return h.sleeps;
}

static void expect_sleeps(const char *name, bool often, long seen)
{
	tap_note("%s: %ld sleeps in %d halts", name, seen, WAKES);
	tap_ok(often ? seen > WAKES / 2 : seen < WAKES / 4, "%s", name);
}

int main(void)
{
	pin(pthread_self(), 0);
	write_line(PARAMETER, "100000");
	expect_sleeps("by default it looks first", false, sleeps(0, 0));
	expect_sleeps("with a limit of 0 it sleeps", true, sleeps(VMXHV_CONFIG_HALT_POLL, 0));
	write_line(PARAMETER, "0");
	expect_sleeps("a parameter of 0 is for all VMs", true, sleeps(0, 0));
	expect_sleeps("but those with a limit of their own", false,
		      sleeps(VMXHV_CONFIG_HALT_POLL, 100000));
	expect_sleeps("which may be too short", true, sleeps(VMXHV_CONFIG_HALT_POLL, 1));
	return tap_done();
}
