// SPDX-License-Identifier: GPL-2.0-only
/*
 * A dirty log over 16 GiB of guest memory, which are 2 MiB of the host's again and again: while it
 * begins, and while it is cleared, the kernel lets others run.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"

#define PIECE		(2ul << 20)
#define GPA		(4ul << 30)
#define MOST_SHARE	4		/* of the whole time, one part of so many without a break */

static unsigned long size = 16ul << 30;
static volatile bool stop;
static uint64_t longest;

static uint64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* What cannot be preempted keeps this one waiting, too. */
static void *watch(void *unused)
{
	const struct sched_param first = { .sched_priority = 50 };
	const struct timespec tick = { .tv_nsec = 1000000 };

	(void)unused;
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		tap_bail("no SCHED_FIFO");
	while (!stop) {
		uint64_t begin = nanoseconds(), took;

		nanosleep(&tick, NULL);
		took = nanoseconds() - begin;
		if (took > longest)
			longest = took;
	}
	return NULL;
}

static void timed(int (*operation)(struct machine *m), struct machine *m, const char *name)
{
	uint64_t begin, whole;
	pthread_t watcher;
	int ret;

	stop = false;
	longest = 0;
	if (pthread_create(&watcher, NULL, watch, NULL))
		tap_bail("no thread");
	usleep(10000);
	longest = 0;
	begin = nanoseconds();
	ret = operation(m);
	whole = nanoseconds() - begin;
	stop = true;
	pthread_join(watcher, NULL);
	tap_note("%s: %llu us, at most %llu us without a break", name,
		 (unsigned long long)whole / 1000, (unsigned long long)longest / 1000);
	tap_equal(-ret, 0, name);
	tap_ok(longest < whole / MOST_SHARE, "%s: others run meanwhile", name);
}

static int change(struct machine *m, uint32_t kind, uint32_t flags, void *hva)
{
	struct vmxhv_mem_op op = { .kind = kind, .flags = flags, .gpa = GPA, .length = size,
				   .hva = (uintptr_t)hva };
	struct vmxhv_memory memory = { .size = sizeof(memory), .count = 1,
				       .ops = (uintptr_t)&op };

	return call(m->vm, VMXHV_MEMORY, &memory);
}

static int begin_log(struct machine *m)
{
	return change(m, VMXHV_MEM_LOG, VMXHV_MEM_LOG_DIRTY, NULL);
}

static int clear_log(struct machine *m)
{
	struct vmxhv_dirty all = { .size = sizeof(all), .op = VMXHV_DIRTY_CLEAR, .gpa = GPA,
				   .length = size };

	return call(m->vm, VMXHV_DIRTY, &all);
}

/* Each stretch is written to once here, so that the host has a page to map. */
static void *memory_of(int fd)
{
	char *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned long i;

	if (at == MAP_FAILED || ftruncate(fd, PIECE))
		tap_bail("no address space");
	for (i = 0; i < size; i += PIECE)
		if (mmap(at + i, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED)
			tap_bail("mmap of stretch %lu", i / PIECE);
	memset(at, 1, PIECE);
	return at;
}

int main(int argc, char **argv)
{
	struct machine m;
	void *at;

	if (argc > 1)
		size = strtoul(argv[1], NULL, 0) << 20;
	machine_create(&m, 1 << 20);
	at = memory_of(memfd_create("again", 0));
	if (change(&m, VMXHV_MEM_MAP, VMXHV_MEM_PREFAULT, at))
		tap_bail("MAP");
	timed(begin_log, &m, "a log begins");
	timed(clear_log, &m, "a log is cleared");
	machine_destroy(&m);
	return tap_done();
}
