// SPDX-License-Identifier: GPL-2.0-only
/* RUN, KICK and the run area: what is refused, and what ends a RUN. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
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
	int ret;

	/* another thread's look at the vCPU may be in the way */
	do {
		ret = run_guest(arg);
	} while (ret == -EBUSY);
	return (void *)(long)ret;
}

/* What is refused while another thread is in RUN: all that needs the vCPU. */
static void expect_busy(struct cpu *c, const char *state)
{
	static uint8_t bytes[sizeof(struct vmxhv_gprs)];
	static struct vmxhv_state_entry gprs = { VMXHV_STATE_GPRS, sizeof(bytes), 0 };
	static struct vmxhv_msr_entry star = { .index = 0xc0000081 };
	static const struct vmxhv_run_args again = { .size = sizeof(again) };
	static struct vmxhv_state group = { .size = sizeof(group), .count = 1 };
	static struct vmxhv_msrs msrs = { .size = sizeof(msrs), .count = 1 };
	static const struct vmxhv_cpuid cpuid = { .size = sizeof(cpuid) };
	static const struct vmxhv_inject ud = { .size = sizeof(ud), .vector = 6 };
	static const struct vmxhv_lapic_access apic = { .size = sizeof(apic), .offset = 0x20,
							.length = 4 };
	static const struct vmxhv_translate where = { .size = sizeof(where),
						      .access = VMXHV_ACCESS_READ };
	static const struct vmxhv_debug debug = { .size = sizeof(debug) };
	static const struct { const char *name; unsigned long command; const void *arg; } rows[] = {
		{ "a second RUN", VMXHV_RUN, &again },
		{ "GET_STATE", VMXHV_GET_STATE, &group },
		{ "SET_STATE", VMXHV_SET_STATE, &group },
		{ "GET_MSRS", VMXHV_GET_MSRS, &msrs },
		{ "SET_MSRS", VMXHV_SET_MSRS, &msrs },
		{ "SET_CPUID", VMXHV_SET_CPUID, &cpuid },
		{ "INJECT an exception", VMXHV_INJECT, &ud },
		{ "LAPIC_ACCESS", VMXHV_LAPIC_ACCESS, &apic },
		{ "TRANSLATE", VMXHV_TRANSLATE, &where },
		{ "DEBUG", VMXHV_DEBUG, &debug },
	};
	char name[64];

	gprs.data = (uintptr_t)bytes;
	group.entries = (uintptr_t)&gprs;
	msrs.entries = (uintptr_t)&star;
	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		msrs.count = 1;
		snprintf(name, sizeof(name), "%s: busy: %s", state, rows[i].name);
		expect_error(c->fd, call(c->fd, rows[i].command, rows[i].arg), EBUSY,
			     VMXHV_ERR_NONE, 0, "at work", name);
	}
}

/* What works meanwhile: the VM's calls, and what is meant for a vCPU that runs. */
static void expect_free(const struct cpu *c, const char *state)
{
	struct vmxhv_mem_op op = { .kind = VMXHV_MEM_LOG, .flags = VMXHV_MEM_LOG_DIRTY,
				   .length = 4096 };
	struct vmxhv_memory memory = { .size = sizeof(memory), .count = 1,
				       .ops = (uintptr_t)&op };
	struct vmxhv_dirty dirty = { .size = sizeof(dirty), .op = VMXHV_DIRTY_CLEAR,
				     .length = 4096 };
	/* to nobody */
	struct vmxhv_msi msi = { .size = sizeof(msi), .address = 0xfee3f000, .data = 0x41 };
	struct vmxhv_extint line = { .size = sizeof(line) };

	tap_equal(call(c->m->vm, VMXHV_MEMORY, &memory), 0, "MEMORY works meanwhile");
	tap_equal(call(c->m->vm, VMXHV_DIRTY, &dirty), 0, "DIRTY works meanwhile");
	tap_equal(call(c->m->vm, VMXHV_SIGNAL_MSI, &msi), 0, "SIGNAL_MSI works meanwhile");
	tap_equal(call(c->fd, VMXHV_EXTINT, &line), 0, "EXTINT works meanwhile");
	tap_ok(last_error(c->fd).error == EBUSY, "%s: and GET_ERROR", state);
}

/* It is in RUN: it counts, or it has said that it is busy. */
static void until_in_run(struct cpu *c, unsigned int entry)
{
	volatile uint32_t *counter = (volatile uint32_t *)(c->m->ram + DATA_BASE);
	struct vmxhv_debug_regs debug;

	while (entry == COUNT ? !*counter :
	       get_group(c, VMXHV_STATE_DEBUG, &debug, sizeof(debug)) != -EBUSY)
		usleep(1000);
}

static void while_in_run(struct cpu *c, unsigned int entry, const char *state)
{
	pthread_t t;
	void *ret;

	cpu_start(c, MODE_LONG, entry);
	*(volatile uint32_t *)(c->m->ram + DATA_BASE) = 0;
	pthread_create(&t, NULL, runner, c);
	until_in_run(c, entry);
	expect_busy(c, state);
	expect_free(c, state);
	kick(c);
	pthread_join(t, &ret);
	tap_equal((long)ret, VMXHV_EXIT_INTR, "and RUN returns INTR");
}

#define RIVAL_RUNS	3000

struct rival {
	struct cpu *c;
	int done, busy, other;
};

static void *rival(void *opaque)
{
	struct rival *r = opaque;

	for (int i = 0; i < RIVAL_RUNS; i++) {
		int ret = run(r->c);

		r->done += !ret;
		r->busy += ret == -EBUSY;
		r->other += ret && ret != -EBUSY;
	}
	return NULL;
}

/* Two threads in RUN over and over: an exit is one thread's, or RUN is refused. */
static void rivals(struct cpu *c)
{
	struct rival one = { .c = c }, two = { .c = c };
	uint64_t sequence;
	pthread_t t;

	cpu_start(c, MODE_LONG, OUT);
	sequence = c->run->sequence;
	pthread_create(&t, NULL, rival, &one);
	rival(&two);
	pthread_join(t, NULL);
	tap_note("%d and %d exits, %d and %d times refused", one.done, two.done, one.busy,
		 two.busy);
	tap_equal(c->run->sequence - sequence, one.done + two.done,
		  "two threads in RUN: each exit is one thread's");
	tap_equal(one.other + two.other, 0, "and nothing but EBUSY is said to the other");
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
	const struct vmxhv_events waits = { .activity = VMXHV_WAIT_SIPI };
	struct vmxhv_extint line = { .size = sizeof(line), .level = 1 };
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGALRM, &act, NULL);
	cpu_start(c, MODE_LONG, SPIN);
	ualarm(20000, 0);
	tap_equal(-run_guest(c), EINTR, "a signal ends RUN");
	tap_equal(c->run->exit_reason, VMXHV_EXIT_INTR, "with INTR in the run area");
	cpu_start(c, MODE_LONG, HALT);
	ualarm(20000, 0);
	tap_equal(-run_guest(c), EINTR, "also a halted guest's");
	/* an event is there, which such a vCPU does not look at */
	cpu_start(c, MODE_LONG, HALT);
	set_group(c, VMXHV_STATE_EVENTS, &waits, sizeof(waits));
	call(c->fd, VMXHV_EXTINT, &line);
	ualarm(20000, 0);
	tap_equal(-run_guest(c), EINTR, "also that of one that waits for a start-up IPI");
	line.level = 0;
	call(c->fd, VMXHV_EXTINT, &line);
	signal(SIGALRM, SIG_DFL);
	alarm(20);
}

#define PRIORITY	10

struct both {
	struct cpu *c;
	pthread_t thread;
};

/* Both at once: the thread in RUN, which sleeps, finds them together. */
static void *kick_and_signal(void *arg)
{
	struct both *b = arg;

	usleep(20000);
	if (call(b->c->fd, VMXHV_KICK, NULL))
		tap_bail("KICK");
	pthread_kill(b->thread, SIGUSR1);
	return NULL;
}

/* The signal ends RUN; the kick is still there for the next one, which does not sleep. */
static void kick_beside_signal(struct cpu *c)
{
	struct both b = { .c = c, .thread = pthread_self() };
	struct sched_param first = { .sched_priority = PRIORITY };
	struct sigaction act = { .sa_handler = on_signal };
	pthread_attr_t attr;
	cpu_set_t one;
	pthread_t t;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	sigaction(SIGUSR1, &act, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &first);
	sigaction(SIGALRM, &act, NULL);
	cpu_start(c, MODE_LONG, HALT);
	if (pthread_create(&t, &attr, kick_and_signal, &b))
		tap_bail("pthread_create");
	tap_equal(-run_guest(c), EINTR, "a kick and a signal: the signal ends RUN");
	pthread_join(t, NULL);
	ualarm(500000, 0);
	tap_equal(run(c), 0, "and the kick the next one");
	tap_equal(c->run->exit_reason, VMXHV_EXIT_INTR, "which says so");
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
	while_in_run(&c, COUNT, "running");
	while_in_run(&c, HALT, "halted");
	rivals(&c);
	signals(&c);
	kick_beside_signal(&c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
