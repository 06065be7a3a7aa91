// SPDX-License-Identifier: GPL-2.0-only
/* What a process does to its memory its guest sees: new content or an exit, never the old page. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { WAIT_VALUE, WRITE_VALUE, TOUCH, SUM };

#define PAGES	1024
#define SIZE	(PAGES * 4096ul)

static struct machine m;
static struct cpu c;
static volatile uint32_t *area;

static void *runner(void *arg)
{
	return (void *)(long)run_guest(arg);
}

/* Waits until the guest has reported @count values; a vCPU's run area is not looked at. */
static void wait_values(int count)
{
	for (int i = 0; i < 4000 && __atomic_load_n(&c.nr_values, __ATOMIC_ACQUIRE) < count; i++)
		usleep(1000);
}

static void dontneed(void)
{
	pthread_t t;
	void *ret;

	area[0] = 0x111;
	cpu_start(&c, MODE_LONG, WAIT_VALUE);
	pthread_create(&t, NULL, runner, &c);
	wait_values(1);
	madvise((void *)area, 4096, MADV_DONTNEED);
	wait_values(2);
	area[0] = 0x222;
	wait_values(3);
	area[0] = 0x333;
	pthread_join(t, &ret);
	tap_ok(!ret && c.nr_values == 4 && c.values[0] == 0x111 && c.values[1] == 0 &&
	       c.values[2] == 0x222 && c.values[3] == 0x333,
	       "MADV_DONTNEED: zeros, and then what is written (%#x %#x %#x)", c.values[1],
	       c.values[2], c.values[3]);
}

static void unmapped(void)
{
	pthread_t t;
	void *ret;

	area[0] = 0x111;
	cpu_start(&c, MODE_LONG, WAIT_VALUE);
	pthread_create(&t, NULL, runner, &c);
	wait_values(1);
	munmap((void *)area, 4096);
	pthread_join(t, &ret);
	tap_equal((long)ret, VMXHV_EXIT_MEMORY_ERROR, "munmap under a running guest");
	tap_equal(c.run->u.memory_error.gpa & ~0xfffull, PAGED_BASE, "and the exit says where");
	tap_equal(c.run->u.memory_error.hva & ~0xfffull, (uintptr_t)area, "in both worlds");
	if (mmap((void *)area, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		tap_bail("mmap");
	area[0] = 0x333;
	tap_equal(run_guest(&c), VMXHV_EXIT_NONE, "mapped again, the guest goes on");
}

static void protected(void)
{
	mprotect((void *)area, 4096, PROT_READ);
	cpu_start(&c, MODE_LONG, WRITE_VALUE);
	tap_equal(run_guest(&c), VMXHV_EXIT_MEMORY_ERROR, "a write to what the process may read");
	mprotect((void *)area, 4096, PROT_READ | PROT_WRITE);
	EXPECT(&c, "and when it may write", 0x4444);
}

/* After fork each has its own: the guest belongs to the parent. */
static void copy_on_write(void)
{
	int pipes[2], status;
	pid_t pid;
	char byte;

	area[0] = 0x5555;
	cpu_start(&c, MODE_LONG, WRITE_VALUE);
	if (pipe(pipes))
		tap_bail("pipe");
	pid = fork();
	if (!pid)
		_exit(read(pipes[0], &byte, 1) == 1 && area[0] == 0x5555 ? 0 : 1);
	EXPECT(&c, "the guest writes after fork", 0x4444);
	tap_equal(area[0], 0x4444, "the parent sees it");
	if (write(pipes[1], "x", 1) != 1)
		tap_bail("write");
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "the child does not");
	close(pipes[0]);
	close(pipes[1]);
}

/* A guest reads zeros that nobody wrote, then what the host wrote. */
static void zero_page(void)
{
	madvise((void *)area, SIZE, MADV_DONTNEED);
	cpu_start(&c, MODE_LONG, SUM);
	EXPECT(&c, "fresh memory is zero", 0);
	area[1024] = 5;
	area[2048] = 6;
	cpu_start(&c, MODE_LONG, SUM);
	EXPECT(&c, "pages first read, then written by the host", 11);
}

static void many(void)
{
	uint32_t sum = PAGES * (PAGES + 1) / 2;

	cpu_start(&c, MODE_LONG, TOUCH);
	tap_equal(run_guest(&c), VMXHV_EXIT_NONE, "1024 pages are touched");
	cpu_start(&c, MODE_LONG, SUM);
	EXPECT(&c, "and hold what was written", sum);
	tap_equal(area[1023 * 1024], 1, "the host sees the last");
	madvise((void *)area, SIZE, MADV_DONTNEED);
	cpu_start(&c, MODE_LONG, SUM);
	EXPECT(&c, "and nothing after MADV_DONTNEED", 0);
}

/* Huge pages, should the host have them: the same results. */
static void huge_pages(void)
{
	uint8_t *big = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	uint8_t *aligned = (uint8_t *)(((uintptr_t)big + (2 << 20) - 1) & ~((2ul << 20) - 1));

	/* Linux leaves them off on a machine this small */
	write_line("/sys/kernel/mm/transparent_hugepage/enabled", "always");
	madvise(aligned, 4 << 20, MADV_HUGEPAGE);
	memset(aligned, 0, 4 << 20);
	machine_unmap(&m, PAGED_BASE, SIZE);
	machine_map(&m, PAGED_BASE + SIZE, aligned, 4 << 20, 0);
	machine_map(&m, PAGED_BASE, aligned, SIZE, VMXHV_MEM_PREFAULT);
	cpu_start(&c, MODE_LONG, TOUCH);
	tap_equal(run_guest(&c), VMXHV_EXIT_NONE, "huge pages, two guest addresses for one");
	tap_equal(*(uint32_t *)(aligned + 1023 * 4096), 1, "the host sees what was written");
	madvise(aligned, 4 << 20, MADV_DONTNEED);
	cpu_start(&c, MODE_LONG, SUM);
	EXPECT(&c, "and the guest that it is gone", 0);
	machine_unmap(&m, PAGED_BASE, SIZE + (4 << 20));
	munmap(big, 8 << 20);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	machine_map(&m, PAGED_BASE, (void *)area, SIZE, 0);
	load_guest(&m, "memory");
	cpu_create(&m, &c, 0);
	dontneed();
	unmapped();
	protected();
	copy_on_write();
	zero_page();
	many();
	huge_pages();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
