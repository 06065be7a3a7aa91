// SPDX-License-Identifier: GPL-2.0-only
/* RUN, KICK and the run area: what is refused, and what ends a RUN. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { SPIN, CLI_CPUID, COUNT, HALT, OUT };

static void run_args(struct cpu *c)
{
	struct { struct vmxhv_run_args a; uint32_t tail[2]; } big = { .a.size = sizeof(big) };
	struct vmxhv_run_args args = { .size = sizeof(args) };

	expect_struct_rules(c->fd, VMXHV_RUN, &args, sizeof(args), "RUN");
	cpu_start(c, MODE_LONG, OUT);
	tap_equal(call(c->fd, VMXHV_RUN, &big), 0, "RUN with a longer structure");
	tap_equal(big.a.size, sizeof(args), "and size becomes the kernel's");
}

/* unknown bits in what RUN reads from the run area */
static void run_area_fields(struct cpu *c)
{
	static const struct { const char *name; size_t at; } rows[] = {
		{ "unknown bit in user_flags", offsetof(struct vmxhv_run, user_flags) },
		{ "unknown bit in wanted", offsetof(struct vmxhv_run, wanted) },
		{ "unknown bit in dirty", offsetof(struct vmxhv_run, dirty) },
	};

	cpu_start(c, MODE_LONG, OUT);
	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t *field = (uint32_t *)((uint8_t *)c->run + rows[i].at);
		int ret;

		*field = 1u << 31;
		ret = run(c);
		*field = 0;
		expect_error(c->fd, ret, EINVAL, VMXHV_ERR_RUN, rows[i].at, NULL, rows[i].name);
	}
	tap_equal(run(c), 0, "and the vCPU runs on");
}

static void *map(struct cpu *c, size_t size, int prot, int flags, off_t offset)
{
	errno = 0;
	return mmap(NULL, size, prot, flags, c->fd, offset);
}

static void mappings(struct cpu *c)
{
	const int rw = PROT_READ | PROT_WRITE;
	void *p = map(c, VMXHV_RUN_SIZE, rw, MAP_SHARED, 0);

	tap_ok(p == MAP_FAILED ? 0 : ((struct vmxhv_run *)p)->sequence == c->run->sequence,
	       "a second mapping shows the same");
	tap_ok(mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EACCES,
	       "it never becomes executable");
	tap_ok(mremap(p, VMXHV_RUN_SIZE, 2 * VMXHV_RUN_SIZE, MREMAP_MAYMOVE) == MAP_FAILED &&
	       errno == EFAULT, "nor longer");
	munmap(p, VMXHV_RUN_SIZE);
	p = map(c, 4096, rw, MAP_SHARED, 0);
	tap_ok(p != MAP_FAILED, "its first page alone can be mapped");
	munmap(p, 4096);
	tap_ok(map(c, VMXHV_RUN_SIZE, rw, MAP_PRIVATE, 0) == MAP_FAILED && errno == EINVAL,
	       "not private");
	tap_ok(map(c, VMXHV_RUN_SIZE, rw | PROT_EXEC, MAP_SHARED, 0) == MAP_FAILED &&
	       errno == EINVAL, "not executable");
	tap_ok(map(c, 4096, rw, MAP_SHARED, 4096) == MAP_FAILED && errno == EINVAL,
	       "not from another offset");
	tap_ok(map(c, VMXHV_RUN_SIZE + 4096, rw, MAP_SHARED, 0) == MAP_FAILED && errno == EINVAL,
	       "not longer than it is");
}

static void *runner(void *arg)
{
	struct cpu *c = arg;

	return (void *)(long)run_guest(c);
}

/* While one thread is in RUN, what needs the vCPU is refused, and what does not works. */
static void while_it_runs(struct cpu *c)
{
	struct vmxhv_cpuid cpuid = { .size = sizeof(cpuid) };
	struct vmxhv_inject inject = { .size = sizeof(inject), .vector = 6 };
	struct vmxhv_lapic_access apic = { .size = sizeof(apic), .offset = 0x20, .length = 4 };
	struct vmxhv_translate where = { .size = sizeof(where), .access = VMXHV_ACCESS_READ };
	struct vmxhv_debug debug = { .size = sizeof(debug) };
	struct vmxhv_extint line = { .size = sizeof(line) };
	struct vmxhv_gprs gprs;
	uint64_t value = 0;
	pthread_t t;
	void *ret;

	cpu_start(c, MODE_LONG, COUNT);
	*(volatile uint32_t *)(c->m->ram + DATA_BASE) = 0;
	pthread_create(&t, NULL, runner, c);
	while (!*(volatile uint32_t *)(c->m->ram + DATA_BASE))
		usleep(1000);
	expect_error(c->fd, run(c), EBUSY, ANY, ANY, "at work", "busy: a second RUN");
	tap_equal(-get_group(c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs)), EBUSY, "busy: GET_STATE");
	tap_equal(-set_group(c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs)), EBUSY, "busy: SET_STATE");
	tap_equal(-get_msr(c, 0xc0000081, &value), EBUSY, "busy: GET_MSRS");
	tap_equal(-set_msr(c, 0xc0000081, 0), EBUSY, "busy: SET_MSRS");
	tap_equal(-call(c->fd, VMXHV_SET_CPUID, &cpuid), EBUSY, "busy: SET_CPUID");
	tap_equal(-call(c->fd, VMXHV_INJECT, &inject), EBUSY, "busy: INJECT an exception");
	tap_equal(-call(c->fd, VMXHV_LAPIC_ACCESS, &apic), EBUSY, "busy: LAPIC_ACCESS");
	tap_equal(-call(c->fd, VMXHV_TRANSLATE, &where), EBUSY, "busy: TRANSLATE");
	tap_equal(-call(c->fd, VMXHV_DEBUG, &debug), EBUSY, "busy: DEBUG");
	tap_equal(call(c->fd, VMXHV_EXTINT, &line), 0, "EXTINT works meanwhile");
	kick(c);
	pthread_join(t, &ret);
	tap_equal((long)ret, VMXHV_EXIT_INTR, "and RUN returns INTR");
}

static void kicks(struct cpu *c)
{
	cpu_start(c, MODE_LONG, SPIN);
	kick(c);
	tap_equal(run_guest(c), VMXHV_EXIT_INTR, "a kick before RUN is not lost");
	c->run->kick = 1;
	c->kicked = true;
	tap_equal(run_guest(c), VMXHV_EXIT_INTR, "nor the run area's kick byte");
	c->run->kick = 0;
	cpu_start(c, MODE_LONG, OUT);
	tap_equal(run_guest(c), VMXHV_EXIT_IO, "and each counts once");
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A signal gives EINTR, with INTR written; a kick that comes too stays for the next RUN. */
static void signals(struct cpu *c)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGALRM, &act, NULL);
	cpu_start(c, MODE_LONG, SPIN);
	ualarm(20000, 0);
	tap_equal(-run_guest(c), EINTR, "a signal ends RUN");
	tap_equal(c->run->exit_reason, VMXHV_EXIT_INTR, "with INTR in the run area");
	cpu_start(c, MODE_LONG, HALT);
	ualarm(20000, 0);
	tap_equal(-run_guest(c), EINTR, "also a halted guest's");
	signal(SIGALRM, SIG_DFL);
	alarm(20);
}

static void complete_only(struct cpu *c)
{
	struct vmxhv_run_args args = { .size = 8, .flags = VMXHV_RUN_COMPLETE_ONLY };
	struct vmxhv_gprs before, after;

	cpu_start(c, MODE_LONG, OUT);
	tap_equal(run_guest(c), VMXHV_EXIT_IO, "an OUT waits to be completed");
	get_group(c, VMXHV_STATE_GPRS, &before, sizeof(before));
	tap_equal(call(c->fd, VMXHV_RUN, &args), 0, "COMPLETE_ONLY");
	tap_equal(c->run->exit_reason, VMXHV_EXIT_NONE, "is no exit");
	get_group(c, VMXHV_STATE_GPRS, &after, sizeof(after));
	tap_equal(after.rip - before.rip, 1, "and RIP is behind the instruction");
	tap_equal(run_guest(c), VMXHV_EXIT_IO, "RUN goes on from there");
}

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	run_args(&c);
	run_area_fields(&c);
	mappings(&c);
	kicks(&c);
	complete_only(&c);
	while_it_runs(&c);
	signals(&c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
