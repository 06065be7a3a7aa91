// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a host does to pages that it then gives back as they were: swap, KSM, fork, huge pages made
 * and split, migration, userfaultfd. A guest counts them up meanwhile, and no count may be lost.
 *
 * Each operation must also be seen to have happened, by the host's own counters.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "machine.h"
#include "pages.h"
#include "tap.h"

enum { COUNT_UP };

#define SIZE		(AREA_PAGES * 4096ul)
#define ROUNDS		4
#define SWAP_PAGES	4096u
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#define HWPOISON_ERRNO	133

static struct machine m;
static struct cpu c;
static volatile uint32_t *area;
static volatile uint32_t *gate, *ended;

/* The kernel's count of @name in /proc/vmstat. */
static long vm_counter(const char *name)
{
	char line[128];
	size_t length = strlen(name);
	long value = -1;
	FILE *f = fopen("/proc/vmstat", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, length) && line[length] == ' ')
			value = atol(line + length);
	}
	if (f)
		fclose(f);
	return value;
}

static void *guest(void *arg)
{
	return (void *)(long)run_guest(arg);
}

/* The guest's pass @n has ended, or something is wrong. */
static bool passed(uint32_t n)
{
	const double end = now() + patience(20);

	while (*ended < n && now() < end)
		usleep(500);
	return *ended >= n;
}

/* Pages never fall behind a pass that has ended, nor are they ahead of the one that may run. */
static int wrong_pages(uint32_t least, uint32_t most)
{
	int wrong = 0;

	for (int i = 0; i < AREA_PAGES; i++)
		wrong += area[i * 1024] < least || area[i * 1024] > most;
	return wrong;
}

static unsigned int rounds = ROUNDS;
static pthread_t counting;

static void start_counting(void)
{
	memset((void *)area, 0, SIZE);
	*gate = 0;
	*ended = 0;
	cpu_start(&c, MODE_LONG, COUNT_UP);
	pthread_create(&counting, NULL, guest, &c);
}

/* @n passes were asked for; true: all were done and the guest has ended. */
static bool end_counting(uint32_t n)
{
	const bool good = passed(n);
	void *ret;

	*gate = AREA_END;
	if (!good) {
		tap_note("pass %u did not end", n);
		kick(&c);
	}
	pthread_join(counting, &ret);
	return good && !ret;
}

/*
 * In each round the pages lie still while @before works on them; then @during works while the guest
 * counts them up.
 */
static void count_during(const char *name, void (*before)(void), void (*during)(void))
{
	int wrong = 0;
	bool good;
	uint32_t n;

	start_counting();
	for (n = 1; n <= rounds; n++) {
		if (before)
			before();
		*gate = n;
		if (during)
			during();
		if (!passed(n))
			break;
		wrong += wrong_pages(n, n);
	}
	good = end_counting(rounds);
	if (wrong)
		tap_note("%d pages are wrong", wrong);
	tap_ok(good && !wrong, "%s: no count is lost", name);
}

/* ---- swap, in memory ------------------------------------------------------------------------- */

static const char *swap_device;

/* On compressed memory, or where there is none, on a RAM disk. */
static bool make_swap(void)
{
	static uint8_t header[4096];
	struct { uint32_t version, last_page, bad_pages; } *info = (void *)(header + 1024);
	int fd;

	/* a signature, and what is behind the boot loader's room */
	info->version = 1;
	info->last_page = SWAP_PAGES - 1;
	memcpy(header + 4096 - 10, "SWAPSPACE2", 10);
	swap_device = access("/sys/block/zram0", F_OK) ? "/dev/ram0" : "/dev/zram0";
	if (!strcmp(swap_device, "/dev/zram0") &&
	    write_line("/sys/block/zram0/disksize", "16M"))
		return false;
	fd = open(swap_device, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, header, sizeof(header)) != sizeof(header))
		return false;
	close(fd);
	return !swapon(swap_device, 0);
}

static void page_out(void)
{
	madvise((void *)area, SIZE, MADV_PAGEOUT);
}

static void page_out_parts(void)
{
	for (int i = 0; i < AREA_PAGES; i += 64) {
		madvise((void *)(area + i * 1024), 64 * 4096, MADV_PAGEOUT);
		usleep(200);
	}
}

/*
 * MADV_FREE: until the guest writes to a page, the host may drop what is in it. Afterwards no more,
 * although its page tables say that nobody wrote.
 */
static void freed(void)
{
	int lost = 0;
	uint32_t n;

	start_counting();
	for (n = 1; n <= rounds; n++) {
		madvise((void *)area, SIZE, MADV_FREE);
		*gate = n;
		if (!passed(n))
			break;
		page_out();
		lost += wrong_pages(1, n);
	}
	if (lost)
		tap_note("%d pages are wrong", lost);
	tap_ok(end_counting(rounds) && !lost, "MADV_FREE: what was written later is kept");
}

static void swapping(void)
{
	long out, in;

	if (!make_swap()) {
		tap_ok(false, "swap space on %s: %s", swap_device, strerror(errno));
		return;
	}
	out = vm_counter("pswpout");
	in = vm_counter("pswpin");
	count_during("swapped out between", page_out, NULL);
	count_during("swapped out meanwhile", NULL, page_out_parts);
	freed();
	out = vm_counter("pswpout") - out;
	in = vm_counter("pswpin") - in;
	if (out > AREA_PAGES)
		tap_ok(in > AREA_PAGES, "%ld pages went out, %ld came back", out, in);
	else
		tap_skip("pages went out", "this kernel found only %ld to swap", out);
	if (swapoff(swap_device))
		tap_note("swapoff: %s", strerror(errno));
	if (!strcmp(swap_device, "/dev/zram0"))
		write_line("/sys/block/zram0/reset", "1");
}

/* ---- KSM ------------------------------------------------------------------------------------- */

static long ksm_sharing(void)
{
	char line[32] = "";

	read_line("/sys/kernel/mm/ksm/pages_sharing", line, sizeof(line));
	return atol(line);
}

/* All pages are alike between two passes. */
static void merge(void)
{
	const double end = now() + patience(20);

	while (ksm_sharing() < AREA_PAGES / 2 && now() < end)
		usleep(2000);
}

static void merging(void)
{
	const long copied = vm_counter("cow_ksm");

	/* it would leave out pages that it has tried in vain */
	write_line("/sys/kernel/mm/ksm/smart_scan", "0");
	if (write_line("/sys/kernel/mm/ksm/pages_to_scan", "4000") ||
	    write_line("/sys/kernel/mm/ksm/sleep_millisecs", "2") ||
	    write_line("/sys/kernel/mm/ksm/run", "1")) {
		tap_skip("KSM", "no /sys/kernel/mm/ksm");
		return;
	}
	madvise((void *)area, SIZE, MADV_MERGEABLE);
	rounds = 2;
	count_during("merged by KSM", merge, NULL);
	rounds = ROUNDS;
	if (copied < 0)
		tap_skip("merged pages were copied", "this kernel does not count them");
	else
		tap_ok(vm_counter("cow_ksm") - copied > AREA_PAGES / 2,
		       "merged pages were copied when the guest wrote: %ld",
		       vm_counter("cow_ksm") - copied);
	write_line("/sys/kernel/mm/ksm/run", "2");
	madvise((void *)area, SIZE, MADV_UNMERGEABLE);
}

/* ---- fork, huge pages, migration ------------------------------------------------------------- */

/* What the child sees is its own: it looks later, and finds what was there. */
static void fork_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		uint32_t first = area[0];

		usleep(2000);
		_exit(area[0] != first);
	}
}

static void reap(void)
{
	int status, wrong = 0;

	while (wait(&status) > 0)
		wrong += status != 0;
	tap_ok(!wrong, "a child's copy stays as it was (%d did not)", wrong);
}

static int collapsed;

static void collapse(void)
{
	collapsed += !madvise((void *)area, SIZE, MADV_COLLAPSE);
}

static void split(void)
{
	/* another protection for one page takes the huge page apart */
	for (int i = 100; i < AREA_PAGES; i += 512) {
		mprotect((void *)(area + i * 1024), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
		mprotect((void *)(area + i * 1024), 4096, PROT_READ | PROT_WRITE);
	}
}

static int offlined;

/* Their content moves to other pages, and the host never uses these again. */
static void soft_offline(void)
{
	static int next;

	for (int i = 0; i < 4; i++, next += 37)
		offlined += !madvise((void *)(area + next % AREA_PAGES * 1024), 4096,
				     MADV_SOFT_OFFLINE);
}

static void compact(void)
{
	write_line("/proc/sys/vm/compact_memory", "1");
}

static void others(void)
{
	long moved;

	count_during("fork", fork_child, NULL);
	reap();
	count_during("fork meanwhile", NULL, fork_child);
	reap();

	madvise((void *)area, SIZE, MADV_HUGEPAGE);
	count_during("made huge between", collapse, NULL);
	count_during("made huge meanwhile", NULL, collapse);
	count_during("made huge, then split", collapse, split);
	tap_ok(collapsed, "made huge: %d times", collapsed);
	madvise((void *)area, SIZE, MADV_NOHUGEPAGE);

	moved = vm_counter("pgmigrate_success");
	count_during("compaction", NULL, compact);
	moved = vm_counter("pgmigrate_success") - moved;
	tap_note("compaction moved %ld pages of the machine's", moved);
	count_during("pages taken out of service", soft_offline, soft_offline);
	if (offlined)
		tap_ok(true, "taken out of service: %d", offlined);
	else
		tap_skip("pages taken out of service", "this kernel cannot: %s", strerror(errno));
}

/* ---- userfaultfd: the process itself decides when a write may go on -------------------------- */

static int uffd;
static int uffd_writes;

static void write_protect(uint64_t start, uint64_t length, bool protect)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = start, .len = length },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	if (ioctl(uffd, UFFDIO_WRITEPROTECT, &wp))
		tap_bail("UFFDIO_WRITEPROTECT: %s", strerror(errno));
}

static void protect_all(void)
{
	write_protect((uintptr_t)area, SIZE, true);
}

/* Each page that the guest comes to waits for permission, and gets it with its neighbours. */
static void permit(void)
{
	const double end = now() + patience(20);
	struct uffd_msg msg;

	while (*ended < *gate && now() < end) {
		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg)) {
			usleep(200);
			continue;
		}
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		write_protect(msg.arg.pagefault.address & ~0x7fffull, 8 * 4096, false);
		uffd_writes++;
	}
}

static void userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register all = {
		.range = { .start = (uintptr_t)area, .len = SIZE },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &all)) {
		tap_skip("userfaultfd", "%s", strerror(errno));
		return;
	}
	count_during("write-protected by userfaultfd", protect_all, permit);
	tap_ok(uffd_writes > ROUNDS * 10, "%d writes of the guest waited for the process",
	       uffd_writes);
	close(uffd);
}

/* ---- a page that has broken down ------------------------------------------------------------- */

static void told(int sig)
{
	(void)sig;
}

static void poisoned(void)
{
	memset((void *)area, 0, SIZE);
	/* the process is told too */
	signal(SIGBUS, told);
	if (madvise((void *)(area + 5 * 1024), 4096, MADV_HWPOISON)) {
		tap_skip("a broken page", "this kernel cannot: %s", strerror(errno));
		return;
	}
	*gate = 1;
	*ended = 0;
	cpu_start(&c, MODE_LONG, COUNT_UP);
	tap_equal(run_guest(&c), VMXHV_EXIT_MEMORY_ERROR, "a broken page: the guest stops there");
	tap_equal(c.run->u.memory_error.gpa & ~0xfffull, AREA_BASE + 5 * 4096, "where");
	tap_equal(c.run->u.memory_error.error, HWPOISON_ERRNO, "and why: EHWPOISON");
	if (mmap((void *)(area + 5 * 1024), 4096, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		tap_bail("mmap");
	pthread_create(&counting, NULL, guest, &c);
	tap_ok(end_counting(1), "with another page in its place it goes on");
	tap_ok(!wrong_pages(1, 1), "and has missed none");
}

int main(void)
{
	uint8_t *room;

	machine_create(&m, 1 << 20);
	alarm(patience(80));
	/* Linux leaves it off on a machine this small */
	write_line("/sys/kernel/mm/transparent_hugepage/enabled", "always");
	load_guest(&m, "pages");
	room = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		tap_bail("memory");
	area = (uint32_t *)(((uintptr_t)room + SIZE - 1) & ~(SIZE - 1));
	madvise((void *)area, SIZE, MADV_NOHUGEPAGE);
	gate = (uint32_t *)(m.ram + AREA_GATE);
	ended = (uint32_t *)(m.ram + AREA_DONE);
	machine_map(&m, AREA_BASE, (void *)area, SIZE, 0);
	cpu_create(&m, &c, 0);
	count_during("left alone", NULL, NULL);
	swapping();
	merging();
	others();
	/* with two, read() of the descriptor comes to say EAGAIN while fdinfo shows a fault */
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		userfault();
	else
		tap_skip("userfaultfd", "more than one CPU");
	poisoned();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
