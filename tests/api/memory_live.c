// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests on memory that its process pulls about: they see what belongs there or zeros, or exit, and
 * never a page that is somebody else's by now. What leaves the guest's memory is filled with
 * POISON at once, and checked for traces of the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libvmxhv.h"

#include "live.h"
#include "machine.h"
#include "tap.h"

enum { VISIT, EITHER, HIGH };

#define SIZE		(LIVE_PAGES * 4096ul)
#define HALF		(LIVE_PAGES / 2)	/* anonymous below, a file above */
#define GUESTS		2
#define OPERATIONS	130
#define REPLACEMENTS	100
#define TAKEN		16	/* pages at a time */
#define POISON		0xdeadbeef
#define HIGH_GPA	0x140000000ull
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

static struct machine m;
static struct cpu cpus[GUESTS];
static uint8_t *area;
static int file;
static int stopped;	/* atomic */
static int traces;	/* atomic: words of the guest's in memory that is not its own */

static uint32_t *word(int page)
{
	return (uint32_t *)(area + page * 4096ul);
}

static void put_back(int page, int count)
{
	const bool anon = page < HALF;

	if (mmap(word(page), count * 4096ul, PROT_READ | PROT_WRITE,
		 MAP_FIXED | (anon ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), anon ? -1 : file,
		 anon ? 0 : (page - HALF) * 4096ul) == MAP_FAILED)
		tap_bail("mmap");
}

static void stamp(int page, int count)
{
	for (; count--; page++)
		*word(page) = page + 1;
}

static void poison(uint32_t *p, int pages)
{
	for (int i = 0; i < pages * 1024; i++)
		p[i] = POISON;
}

static void expect_poison(const uint32_t *p, int pages)
{
	for (int i = 0; i < pages * 1024; i++) {
		if (p[i] != POISON)
			__atomic_fetch_add(&traces, 1, __ATOMIC_RELAXED);
	}
}

/* ---- what is done to the memory: @page and those after it, all of one half ------------------- */

static void drop(int page, int count)
{
	madvise(word(page), count * 4096ul, MADV_DONTNEED);
}

static void protect(int page, int count)
{
	mprotect(word(page), count * 4096ul, PROT_READ);
	mprotect(word(page), count * 4096ul, PROT_READ | PROT_WRITE);
}

/* Nothing is there for a while, not even room: another thread's mapping would come to lie there. */
static void unmap(int page, int count)
{
	if (mmap(word(page), count * 4096ul, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS,
		 -1, 0) == MAP_FAILED)
		tap_bail("mmap");
	put_back(page, count);
}

/* The pages themselves go on living, at an address that is no guest's. */
static void move(int page, int count)
{
	const int how = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
	uint32_t *away;

	if (page >= HALF)
		return;
	away = mremap(word(page), count * 4096ul, count * 4096ul, how, NULL);
	/* what was put back piece by piece is not one mapping */
	if (away == MAP_FAILED) {
		count = 1;
		away = mremap(word(page), 4096, 4096, how, NULL);
	}
	if (away == MAP_FAILED)
		tap_bail("mremap: %s", strerror(errno));
	poison(away, count);
	sched_yield();
	expect_poison(away, count);
	munmap(away, count * 4096ul);
}

/* What the child writes is its own; the guest's is the parent's. */
static void copy_on_write(int page, int count)
{
	pid_t pid = page < HALF ? fork() : -1;

	if (pid < 0)
		return;
	if (!pid) {
		poison(word(page), count);
		_exit(0);
	}
	stamp(page, count);
	waitpid(pid, NULL, 0);
}

static void punch(int page, int count)
{
	if (page >= HALF)
		fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (page - HALF) * 4096l, count * 4096l);
}

static void truncate_file(int page, int count)
{
	if (page < HALF || !count)
		return;
	if (ftruncate(file, (page - HALF) * 4096l) || ftruncate(file, HALF * 4096l))
		tap_bail("ftruncate");
}

static void collapse(int page, int count)
{
	/* the half as a whole, whatever part of it was meant */
	if (count)
		madvise(word(page / HALF * HALF), HALF * 4096ul, MADV_COLLAPSE);
}

static void (*const operations[])(int page, int count) = {
	drop, protect, unmap, move, punch, truncate_file, drop, unmap, move, punch,
	collapse, protect, copy_on_write,
};

static void stress(void)
{
	unsigned int seed = 1;

	for (int i = 0; i < OPERATIONS; i++) {
		int page = rand_r(&seed) % LIVE_PAGES;
		int room = (page < HALF ? HALF : LIVE_PAGES) - page;
		int count = 1 + rand_r(&seed) % 40;

		operations[i % ARRAY_SIZE(operations)](page, count < room ? count : room);
		stamp(page, count < room ? count : room);
	}
}

/* ---- the guests, and who takes the pages that they lose -------------------------------------- */

static void *guest(void *arg)
{
	struct cpu *c = arg;
	int exit;

	do
		exit = run_guest(c);
	while (exit == VMXHV_EXIT_MEMORY_ERROR);
	return (void *)(long)exit;
}

static void *taker(void *arg)
{
	while (!__atomic_load_n(&stopped, __ATOMIC_ACQUIRE)) {
		uint32_t *p = mmap(NULL, TAKEN * 4096, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			break;
		poison(p, TAKEN);
		sched_yield();
		expect_poison(p, TAKEN);
		munmap(p, TAKEN * 4096);
	}
	return arg;
}

static void start(struct cpu *c, unsigned int entry, uint64_t seed, pthread_t *thread)
{
	struct vmxhv_gprs gprs;

	cpu_start(c, MODE_LONG, entry);
	get_group(c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	gprs.gpr[5] = seed;
	set_group(c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	pthread_create(thread, NULL, guest, c);
}

/* Guests run case @entry while @work is done; none of them may find anything to report. */
static void with_guests(unsigned int entry, void (*work)(void), const char *name)
{
	uint32_t *stop = (uint32_t *)(m.ram + LIVE_STOP);
	pthread_t threads[GUESTS], taking;
	void *ret;

	__atomic_store_n(stop, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&stopped, 0, __ATOMIC_SEQ_CST);
	pthread_create(&taking, NULL, taker, NULL);
	for (int i = 0; i < GUESTS; i++)
		start(&cpus[i], entry, 1000 + i, &threads[i]);
	work();
	__atomic_store_n(stop, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < GUESTS; i++) {
		pthread_join(threads[i], &ret);
		if (!tap_ok(!ret && !cpus[i].nr_values, "%s: what guest %d sees", name, i))
			tap_note("exit %s, value %#x, wanted %#x", exit_name((long)ret),
				 cpus[i].values[0], cpus[i].values[1]);
	}
	__atomic_store_n(&stopped, 1, __ATOMIC_SEQ_CST);
	pthread_join(taking, NULL);
	tap_ok(!traces, "%s: no trace of a guest in memory that it lost", name);
}

/* One call takes a range away and puts another in its place: there is no moment without. */
static void replace(void)
{
	uint8_t *two[2] = { area, area + 4 * 4096 };
	struct vmxhv_vm vm = { .fd = m.vm };

	for (int i = 1; i <= REPLACEMENTS; i++) {
		const struct vmxhv_mem_op ops[] = {
			{ .kind = VMXHV_MEM_UNMAP, .gpa = LIVE_BASE, .length = 2 * 4096 },
			{ .kind = VMXHV_MEM_MAP, .gpa = LIVE_BASE, .length = 2 * 4096,
			  .hva = (uintptr_t)two[i & 1] },
		};

		if (vmxhv_vm_memory(&vm, ops, 2))
			tap_bail("MEMORY: %s", vmxhv_message(&vm.fail));
	}
}

static void replacement(void)
{
	machine_unmap(&m, LIVE_BASE, SIZE);
	machine_map(&m, LIVE_BASE, area, 2 * 4096, 0);
	for (int page = 0; page < 2; page++) {
		*word(page) = LIVE_OLD;
		*word(4 + page) = LIVE_NEW;
	}
	with_guests(EITHER, replace, "replaced in one call");
	machine_unmap(&m, LIVE_BASE, 2 * 4096);
}

/* The second GiB of linear addresses lies above 4 GiB of physical ones. */
static void above_4g(void)
{
	uint64_t *tables = (uint64_t *)(m.ram + PAGE_TABLES);
	uint64_t *directory = (uint64_t *)(m.ram + DATA_BASE + 0x1000);

	directory[0] = HIGH_GPA | 0xe7;
	tables[512 + 1] = (DATA_BASE + 0x1000) | 7;
	machine_map(&m, HIGH_GPA, area, 4096, 0);
	*word(0) = 41;
	cpu_start(&cpus[0], MODE_LONG, HIGH);
	tap_equal(run_guest(&cpus[0]), VMXHV_EXIT_MMIO, "above 4 GiB, beyond the range");
	tap_equal(cpus[0].run->u.mmio.gpa, HIGH_GPA + 4096, "the address");
	tap_equal(cpus[0].values[0], 41, "above 4 GiB, a read");
	tap_equal(*word(0), 42, "and a write");
}

static void drop_halves(void)
{
	for (int i = 0; i < 20; i++) {
		drop(i % 2 * HALF, HALF);
		stamp(i % 2 * HALF, HALF);
		usleep(500);
	}
}

/* Pages of hugetlbfs, should the host have two to spare. */
static void hugetlb(void)
{
	uint8_t *old = area;
	int fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY);

	if (fd < 0 || write(fd, "2", 1) != 1)
		tap_note("nr_hugepages: %s", strerror(errno));
	close(fd);
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (area == MAP_FAILED) {
		tap_skip("hugetlb", "no huge pages: %s", strerror(errno));
	} else {
		machine_map(&m, LIVE_BASE, area, SIZE, 0);
		with_guests(VISIT, drop_halves, "hugetlb");
		machine_unmap(&m, LIVE_BASE, SIZE);
		munmap(area, SIZE);
	}
	area = old;
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "live");
	area = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	file = memfd_create("guest", 0);
	if (area == MAP_FAILED || file < 0 || ftruncate(file, HALF * 4096l))
		tap_bail("memory");
	area = (uint8_t *)(((uintptr_t)area + (2 << 20) - 1) & ~((2ul << 20) - 1));
	madvise(area, HALF * 4096ul, MADV_HUGEPAGE);
	put_back(HALF, HALF);
	stamp(0, LIVE_PAGES);
	machine_map(&m, LIVE_BASE, area, SIZE, 0);
	for (int i = 0; i < GUESTS; i++)
		cpu_create(&m, &cpus[i], i);
	with_guests(VISIT, stress, "pulled about");
	replacement();
	hugetlb();
	above_4g();
	for (int i = 0; i < GUESTS; i++)
		cpu_destroy(&cpus[i]);
	machine_destroy(&m);
	return tap_done();
}
