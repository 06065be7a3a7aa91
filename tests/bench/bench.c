// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench vmxhv|kvm: ticks per operation, one line each: "bench SIDE NAME TICKS".
 *
 * On the test machine with one CPU a tick is an instruction. The guest measures with RDTSC, which
 * neither hypervisor intercepts; so what userspace does to answer an exit is counted too. Each
 * figure is the median of SAMPLES, so that a timer interrupt in one of them does not show.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "refusal.h"
#include "side.h"

#define SAMPLES		9
#define REPEATS		200

static const struct side *side;
static struct machine m;
static uint8_t *pages;

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

static double median(double *values)
{
	qsort(values, SAMPLES, sizeof(*values), by_value);
	return values[SAMPLES / 2];
}

static void report(const char *name, double ticks)
{
	printf("bench %s %s %.1f\n", side->name, name, ticks);
	fflush(stdout);
}

static double run_case(unsigned int entry, uint32_t count)
{
	uint64_t ticks;

	memset(m.ram + BENCH_TICKS, 0, 8);
	memcpy(m.ram + BENCH_COUNT, &count, 4);
	side->start(entry);
	side->run();
	memcpy(&ticks, m.ram + BENCH_TICKS, 8);
	if (!ticks)
		die("case %u measured nothing", entry);
	return (double)ticks / count;
}

/* Ticks per operation; @prepare comes before each sample. The first run only warms up. */
static double measure(unsigned int entry, uint32_t count, void (*prepare)(void))
{
	double ticks[SAMPLES];

	for (int i = -1; i < SAMPLES; i++) {
		double t;

		if (prepare)
			prepare();
		t = run_case(entry, count);
		if (i >= 0)
			ticks[i] = t;
	}
	return median(ticks);
}

/* The host lacks the pages, or has them: either way the guest's mapping is gone. */
static void drop(size_t first, size_t count)
{
	if (madvise(pages + first * 4096, count * 4096, MADV_DONTNEED))
		die("MADV_DONTNEED");
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

static void *memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	/* 4K pages on both sides, whatever the host's setting is */
	madvise(p, size, MADV_NOHUGEPAGE);
	memset(p, 0, size);
	return p;
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
	double ticks[SAMPLES];

	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = __rdtsc();

		for (int n = 0; n < REPEATS; n++)
			call();
		ticks[i] = (double)(__rdtsc() - start) / REPEATS;
	}
	return median(ticks);
}

static void guest_rows(void)
{
	static const char *const names[] = { "cpuid", "vmcall", "rdmsr", "wrmsr", "out", "mmio" };
	const int count = ARRAY_SIZE(names);
	double empty = measure(0, REPEATS, NULL);

	report("loop", empty);
	for (int i = 0; i < count; i++)
		report(names[i], measure(1 + i, REPEATS, NULL) - empty);
	drop_pages();
	report("touch-present",
	       measure(2 + count, BENCH_PAGES / BENCH_APART, renew_apart) - empty);
	report("touch-around", measure(1 + count, BENCH_PAGES, renew_pages) - empty);
	report("touch-absent", measure(1 + count, BENCH_PAGES, drop_pages) - empty);
}

static void floors(void)
{
	double empty = host_ticks(nothing);

	report("run-at-once", host_ticks(side->run_at_once) - empty);
	report("ioctl", host_ticks(side->ioctl) - empty);
	report("getppid", host_ticks(getppid_call) - empty);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], vmxhv_side.name))
		side = &vmxhv_side;
	else if (argc == 2 && !strcmp(argv[1], kvm_side.name))
		side = &kvm_side;
	else
		die("usage: bench vmxhv|kvm");
	m.ram_size = 1 << 20;
	m.ram = memory(m.ram_size);
	pages = memory(BENCH_PAGES * 4096);
	machine_tables(&m);
	load_guest(&m, "bench");
	side->create(&m, pages);
	guest_rows();
	floors();
	return 0;
}
