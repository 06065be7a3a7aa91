// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench vmxhv|kvm [short [SHIFT]]: ticks per operation, one line each: "bench SIDE NAME TICKS".
 * It begins SHIFT ticks later: another phase of the host's timer tick, and the same figures.
 * bench vmxhv|kvm memory: bytes, likewise.
 * bench vmxhv|kvm pair: ticks likewise, of what two vCPUs on two CPUs do: see pair.c.
 * bench vmxhv count: "count NAME VMREADS VMWRITES MSRS", with a module that counts.
 * bench launch SIDE NAME CONSOLE COMMAND...: ticks of a command, likewise.
 *
 * On the test machine with one CPU a tick is an instruction. The guest measures with RDTSC, which
 * neither hypervisor intercepts; so what userspace does to answer an exit is counted too. Each
 * figure is the median of SAMPLES, or in short the third least of MAX_SAMPLES: what the host's
 * allocator has to do for some of them alone does not show, nor what a lucky one saves.
 *
 * A sample begins when the host's timer tick has just passed, and nearly all end before the next:
 * how many ticks it has does not depend on when the program was started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "host.h"
#include "refusal.h"
#include "side.h"

/* Of what is repeated so often, a jiffy has room; a jiffy is 200,000 ticks. */
#define REPEATS		200	/* below 900 ticks each */
#define REPEATS_OUT	100	/* 1,800 */
#define REPEATS_MMIO	40	/* 4,500 */
#define ABSENT		32	/* 5,000: pages */
#define ARMED		8	/* 23,000: timers, each of which waits */
#define FEW_SAMPLES	3	/* where it is enough that there is a figure */
#define LUCKY		7	/* of so many samples one may have had less to do */
#define INTERRUPTED	1000	/* ticks: longer than a turn of a loop takes */

int samples = SAMPLES;
static const struct side *side;
static struct machine m;
static uint8_t *pages, *huge;

void die(const char *fmt, ...)
{
	va_list args;

	printf("bench: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(" (%s)\n", strerror(errno));
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void sort(double *values, int count)
{
	qsort(values, count, sizeof(*values), by_value);
}

double figure(double *values)
{
	sort(values, samples);
	return values[samples == SAMPLES ? samples / 2 : samples / LUCKY];
}

double middle(double *values, int count)
{
	sort(values, count);
	return values[count / 2];
}

void report(const struct side *side, const char *name, double value)
{
	printf("bench %s %s %.1f\n", side->name, name, value);
	fflush(stdout);
}

void await_tick(void)
{
	uint64_t last = __rdtsc(), now = last;

	while (now - last < INTERRUPTED) {
		last = now;
		now = __rdtsc();
	}
}

static double run_case(unsigned int entry, uint32_t count)
{
	uint64_t ticks;

	memset(m.ram + BENCH_TICKS, 0, 8);
	memcpy(m.ram + BENCH_COUNT, &count, 4);
	side->start(entry);
	await_tick();
	side->run();
	memcpy(&ticks, m.ram + BENCH_TICKS, 8);
	if (!ticks)
		die("case %u measured nothing", entry);
	return (double)ticks / count;
}

/* Ticks per operation; @prepare comes before each sample. The first run only warms up. */
static double measure(unsigned int entry, uint32_t count, void (*prepare)(void))
{
	double ticks[MAX_SAMPLES];

	for (int i = -1; i < samples; i++) {
		double t;

		if (prepare)
			prepare();
		t = run_case(entry, count);
		if (i >= 0)
			ticks[i] = t;
	}
	return figure(ticks);
}

/* The host lacks the pages, or has them: either way the guest's mapping is gone. */
static void drop(size_t first, size_t count)
{
	if (madvise(pages + first * 4096, count * 4096, MADV_DONTNEED))
		die("MADV_DONTNEED");
}

static void drop_absent(void)
{
	drop(0, ABSENT);
}

static void drop_pages(void)
{
	drop(0, BENCH_PAGES);
}

static void renew_pages(void)
{
	drop_pages();
	memset(pages, 1, BENCH_PAGES * 4096);
}

/* Before this the host has none: there is nothing beside a page that could be mapped with it. */
static void renew_apart(void)
{
	for (size_t i = 0; i < BENCH_PAGES; i += BENCH_APART) {
		drop(i, 1);
		pages[i * 4096] = 1;
	}
}

/* The host has them, in large pages; the guest's mappings are gone. */
static void renew_huge(void)
{
	const size_t size = BENCH_HUGE_PAGES * BENCH_HUGE_SIZE;

	if (mprotect(huge, size, PROT_READ) || mprotect(huge, size, PROT_READ | PROT_WRITE))
		die("mprotect");
	for (size_t i = 0; i < size; i += BENCH_HUGE_SIZE)
		huge[i] = 1;
}

static void *reserve(size_t size, int advice)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	madvise(p, size, advice);
	return p;
}

/* 4K pages on both sides, whatever the host's setting is */
static void *memory(size_t size)
{
	void *p = reserve(size, MADV_NOHUGEPAGE);

	memset(p, 0, size);
	return p;
}

static void expect_huge(size_t size)
{
	unsigned long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/self/smaps_rollup", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	}
	if (!f || kib < size / 1024)
		die("%lu KiB in large pages, wanted %zu", kib, size / 1024);
	fclose(f);
}

/* A kernel with little memory has switched them off. */
static void *huge_memory(size_t size)
{
	const uintptr_t odd = BENCH_HUGE_SIZE - 1;
	uintptr_t p = (uintptr_t)reserve(size + BENCH_HUGE_SIZE, MADV_HUGEPAGE);

	write_line("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	p = (p + odd) & ~odd;
	memset((void *)p, 0, size);
	expect_huge(size);
	return (void *)p;
}

static void getppid_call(void)
{
	syscall(SYS_getppid);
}

static void nothing(void)
{
}

/* Ticks of what the host does itself. */
static double host_ticks(void (*call)(void))
{
	double ticks[MAX_SAMPLES];

	for (int i = 0; i < samples; i++) {
		uint64_t start;

		await_tick();
		start = __rdtsc();
		for (int n = 0; n < REPEATS; n++)
			call();
		ticks[i] = (double)(__rdtsc() - start) / REPEATS;
	}
	return figure(ticks);
}

/* Less the empty turn, unless the guest itself takes the times. */
static const struct guest_row {
	const char *name;
	enum bench_case entry;
	uint32_t count;
	void (*prepare)(void);
	bool whole;
} guest_rows[] = {
	{ "cpuid", CASE_CPUID, REPEATS, NULL, false },
	{ "vmcall", CASE_VMCALL, REPEATS, NULL, false },
	{ "rdmsr", CASE_RDMSR, REPEATS, NULL, false },
	{ "wrmsr", CASE_WRMSR, REPEATS, NULL, false },
	{ "wbinvd", CASE_WBINVD, REPEATS, NULL, false },
	{ "out", CASE_OUT, REPEATS_OUT, NULL, false },
	{ "in", CASE_IN, REPEATS_OUT, NULL, false },
	{ "mmio", CASE_MMIO_WRITE, REPEATS_MMIO, NULL, false },
	{ "mmio-read", CASE_MMIO_READ, REPEATS_MMIO, NULL, false },
	{ "touch-present", CASE_TOUCH_APART, BENCH_PAGES / BENCH_APART, renew_apart, false },
	{ "touch-around", CASE_TOUCH, BENCH_PAGES, renew_pages, false },
	{ "touch-absent", CASE_TOUCH, ABSENT, drop_absent, false },
	{ "touch-2m", CASE_TOUCH_HUGE, BENCH_HUGE_PAGES, renew_huge, false },
	/* these by the xAPIC page, before the others leave it for good */
	{ "self-ipi", CASE_SELF_IPI, REPEATS, NULL, false },
	{ "self-ipi-hlt", CASE_SELF_IPI_HALTED, REPEATS, NULL, false },
	{ "deadline", CASE_DEADLINE, ARMED, NULL, true },
	{ "window", CASE_WINDOW, REPEATS, NULL, false },
};

static void measure_guest(void)
{
	const double empty = measure(CASE_EMPTY, REPEATS, NULL);

	report(side, "loop", empty);
	for (int i = 0; i < ARRAY_SIZE(guest_rows); i++) {
		const struct guest_row *r = &guest_rows[i];

		report(side, r->name,
		       measure(r->entry, r->count, r->prepare) - (r->whole ? 0 : empty));
	}
}

static void floors(void)
{
	double empty = host_ticks(nothing);

	report(side, "run-at-once", host_ticks(side->run_at_once) - empty);
	report(side, "ioctl", host_ticks(side->ioctl) - empty);
	report(side, "getppid", host_ticks(getppid_call) - empty);
}

static void count_of_guest(const void *row, uint32_t count)
{
	const struct guest_row *r = row;

	if (r->prepare)
		r->prepare();
	run_case(r->entry, count);
}

static void count_of_run(const void *unused, uint32_t count)
{
	(void)unused;
	while (count--)
		side->run_at_once();
}

static void count(void)
{
	for (int i = 0; i < ARRAY_SIZE(guest_rows); i++)
		count_row(guest_rows[i].name, count_of_guest, &guest_rows[i], guest_rows[i].count);
	count_row("run-at-once", count_of_run, NULL, REPEATS);
	lives_count(side);
}

static void ticks(void)
{
	lives(side, false);
	measure_guest();
	floors();
}

static void create(const char *image)
{
	m.ram_size = 1 << 20;
	m.ram = memory(m.ram_size);
	machine_tables(&m);
	load_guest(&m, image);
}

static void create_pages(void)
{
	pages = memory(BENCH_PAGES * 4096);
	huge = huge_memory(BENCH_HUGE_PAGES * BENCH_HUGE_SIZE);
	/* until a row brings the others, those that lie apart have no neighbours */
	drop_pages();
}

static const struct side *side_of(const char *name)
{
	return !strcmp(name, vmxhv_side.name) ? &vmxhv_side :
	       !strcmp(name, kvm_side.name) ? &kvm_side : NULL;
}

void wait_ticks(uint64_t ticks)
{
	const uint64_t start = __rdtsc();

	while (__rdtsc() - start < ticks)
		;
}

int main(int argc, char **argv)
{
	const char *what = argc >= 3 ? argv[2] : "";

	if (argc > 5 && !strcmp(argv[1], "launch"))
		return launch(argv[2], argv[3], argv[4], argv + 5);
	side = argc >= 2 && argc <= 4 ? side_of(argv[1]) : NULL;
	if (!side)
		die("usage: bench vmxhv|kvm [short|memory|pair|count [SHIFT]]; bench launch ...");
	side->open(&m);
	if (!strcmp(what, "memory")) {
		memory_of_idle(side);
		return 0;
	}
	if (!strcmp(what, "pair")) {
		create("pair");
		pair(side, &m);
		return 0;
	}
	if (!strcmp(what, "short"))
		samples = side == &vmxhv_side ? MAX_SAMPLES : FEW_SAMPLES;
	create("bench");
	create_pages();
	if (argc == 4)
		wait_ticks(strtoull(argv[3], NULL, 0));
	if (strcmp(what, "count"))
		lives(side, true);
	side->create(&m, pages, huge);
	if (strcmp(what, "count"))
		ticks();
	else
		count();
	return 0;
}
