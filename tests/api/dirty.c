// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: what is written is logged, whoever writes it; nothing else is; and memory that is
 * copied by the log while the guest runs is in the end the guest's own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libvmxhv.h"

#include "dirty.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { WRITE_ONE, READ_ALL, WRITE_ALL, IN_STRING, PATTERN, WRITE_FAR };

#define SIZE		(DIRTY_PAGES * 4096ul)
#define WORDS		(DIRTY_PAGES / 64)
#define WRITERS		2
#define ROUNDS		60
#define DIRTY(member)	POKE_ARG(vmxhv_dirty, member)

static struct machine m;
static struct cpu c;
static uint8_t *area;

static int dirty(uint32_t op, uint64_t gpa, uint64_t length, const uint64_t *bitmap)
{
	const struct vmxhv_dirty arg = {
		.size = sizeof(arg), .op = op, .gpa = gpa, .length = length,
		.bitmap = (uintptr_t)bitmap,
	};

	return call(m.vm, VMXHV_DIRTY, &arg);
}

static void change(uint32_t kind, uint32_t flags)
{
	struct vmxhv_mem_op op = {
		.kind = kind, .flags = flags, .gpa = DIRTY_BASE, .length = SIZE,
	};
	struct vmxhv_memory mem = { .size = sizeof(mem), .count = 1, .ops = (uintptr_t)&op };
	int ret = call(m.vm, VMXHV_MEMORY, &mem);

	if (ret)
		tap_bail("MEMORY %u: %s: %.96s", kind, strerror(-ret), last_error(m.vm).text);
}

static void get(uint64_t *bitmap)
{
	int ret = dirty(VMXHV_DIRTY_GET, DIRTY_BASE, SIZE, bitmap);

	if (ret)
		tap_bail("GET: %s", strerror(-ret));
}

static void clear(const uint64_t *bitmap)
{
	int ret = dirty(VMXHV_DIRTY_CLEAR, DIRTY_BASE, SIZE, bitmap);

	if (ret)
		tap_bail("CLEAR: %s", strerror(-ret));
}

/* The log holds @count pages, and the first ones are those of @low. */
static void expect_log(const char *name, int count, uint64_t low)
{
	uint64_t bitmap[WORDS];
	int seen = 0;

	memset(bitmap, 0xa5, sizeof(bitmap));
	get(bitmap);
	for (int i = 0; i < WORDS; i++)
		seen += __builtin_popcountll(bitmap[i]);
	if (!tap_ok(seen == count && bitmap[0] == low, "%s", name))
		tap_note("%d pages, not %d; the first word is %#llx", seen, count,
			 (unsigned long long)bitmap[0]);
}

static void guest(unsigned int entry)
{
	int exit;

	cpu_start(&c, MODE_LONG, entry);
	do {
		exit = run_guest(&c);
		if (exit == VMXHV_EXIT_IO)
			memset((uint8_t *)c.run + c.run->u.io.data_offset, 0x77,
			       c.run->u.io.count);
	} while (exit == VMXHV_EXIT_IO);
	if (exit != VMXHV_EXIT_NONE)
		tap_bail("case %u ended with %s", entry, exit_name(exit));
}

static void basics(void)
{
	static const uint64_t page5[WORDS] = { 1 << 5 }, page6[WORDS] = { 1 << 6 };

	guest(WRITE_ALL);
	change(VMXHV_MEM_LOG, VMXHV_MEM_LOG_DIRTY);
	expect_log("a log begins empty", 0, 0);
	guest(READ_ALL);
	expect_log("reads are not logged", 0, 0);
	guest(WRITE_ONE);
	expect_log("a write is", 1, page5[0]);
	expect_log("and GET changes nothing", 1, page5[0]);
	clear(page6);
	expect_log("CLEAR of another page does not either", 1, page5[0]);
	clear(page5);
	expect_log("CLEAR", 0, 0);
	guest(READ_ALL);
	guest(WRITE_ONE);
	expect_log("the next write is logged again", 1, page5[0]);
	guest(WRITE_ALL);
	expect_log("all are written", DIRTY_PAGES, ~0ull);
	dirty(VMXHV_DIRTY_CLEAR, DIRTY_BASE + 4096, 4096 * 2, NULL);
	expect_log("CLEAR of a range", DIRTY_PAGES - 2, ~6ull);
	clear(NULL);
	expect_log("CLEAR of all", 0, 0);
	guest(WRITE_ALL);
	expect_log("all are written again", DIRTY_PAGES, ~0ull);
	clear(NULL);
}

static void other_writers(void)
{
	guest(IN_STRING);
	expect_log("the kernel writes for the guest: rep insb", 2, 3 << 2);
	tap_equal(area[3 * 4096 - 1], 0x77, "and it has written");
	clear(NULL);
	madvise(area, 4096 * 8, MADV_DONTNEED);
	guest(WRITE_ONE);
	expect_log("a write to a page that the host lacked", 1, 1 << 5);
	change(VMXHV_MEM_PROTECT, VMXHV_MEM_NOEXEC);
	expect_log("PROTECT keeps the log", 1, 1 << 5);
	change(VMXHV_MEM_PROTECT, 0);
	guest(WRITE_ALL);
	expect_log("and goes on with it", DIRTY_PAGES, ~0ull);
	change(VMXHV_MEM_LOG, VMXHV_MEM_LOG_DIRTY);
	expect_log("a log that begins again is empty", 0, 0);
}

/* A huge page is logged by small ones. */
static void in_huge_page(void)
{
	memset(area, 0, SIZE);
	change(VMXHV_MEM_LOG, 0);
	change(VMXHV_MEM_UNMAP, 0);
	madvise(area, SIZE, MADV_DONTNEED);
	madvise(area, SIZE, MADV_HUGEPAGE);
	memset(area, 0, SIZE);
	machine_map(&m, DIRTY_BASE, area, SIZE, 0);
	guest(WRITE_ALL);
	change(VMXHV_MEM_LOG, VMXHV_MEM_LOG_DIRTY);
	guest(READ_ALL);
	guest(WRITE_ONE);
	expect_log("a write in a huge page", 1, 1 << 5);
	change(VMXHV_MEM_UNMAP, 0);
	machine_map(&m, DIRTY_BASE, area, SIZE, VMXHV_MEM_LOG_DIRTY);
	guest(WRITE_ONE);
	expect_log("logged from the beginning", 1, 1 << 5);
	clear(NULL);
}

static void *runner(void *arg)
{
	return (void *)(long)run_guest(arg);
}

static uint8_t *copy;
static uint64_t odd_pages;

static void copy_by_log(void)
{
	uint64_t bitmap[WORDS];

	get(bitmap);
	clear(bitmap);
	for (int i = 0; i < DIRTY_PAGES; i++) {
		if (bitmap[i / 64] >> i % 64 & 1)
			memcpy(copy + i * 4096, area + i * 4096, 4096);
	}
	for (int i = 0; i < WORDS; i++)
		odd_pages |= bitmap[i] & 0xaaaaaaaaaaaaaaaa;
}

static int differing_pages(void)
{
	int count = 0;

	for (int i = 0; i < DIRTY_PAGES; i++)
		count += !!memcmp(copy + i * 4096, area + i * 4096, 4096);
	return count;
}

/* What migrates a running guest: copy all, then what the log says, and once more at the end. */
static void migration(const char *name)
{
	struct cpu other;
	struct cpu *writers[WRITERS] = { &c, &other };
	uint32_t *stop = (uint32_t *)(m.ram + DIRTY_STOP);
	pthread_t threads[WRITERS];
	uint32_t writes = 0;
	static uint32_t id;
	int differing;
	void *ret;
	bool ended = true;

	cpu_create(&m, &other, ++id);
	memset(area, 0, SIZE);
	memset(copy, 0xff, SIZE);
	__atomic_store_n(stop, 0, __ATOMIC_SEQ_CST);
	odd_pages = 0;
	for (int i = 0; i < WRITERS; i++) {
		struct vmxhv_gprs gprs;

		cpu_start(writers[i], MODE_LONG, PATTERN);
		get_group(writers[i], VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
		gprs.gpr[5] = 12345 + i;
		set_group(writers[i], VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
		pthread_create(&threads[i], NULL, runner, writers[i]);
	}
	usleep(20000);
	change(VMXHV_MEM_LOG, VMXHV_MEM_LOG_DIRTY);
	memcpy(copy, area, SIZE);
	for (int i = 0; i < ROUNDS; i++) {
		copy_by_log();
		if (i % 4 == 0)
			usleep(1000);
	}
	__atomic_store_n(stop, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &ret);
		ended = ended && !ret && writers[i]->nr_values == 1;
		writes += writers[i]->values[0];
	}
	copy_by_log();
	if (!tap_ok(ended && writes > 1000, "%s: the guest writes", name))
		tap_note("%u writes", writes);
	differing = differing_pages();
	if (!tap_ok(!differing, "%s: no write is lost", name))
		tap_note("%d pages differ", differing);
	tap_ok(!odd_pages, "%s: no page is logged that nobody wrote to", name);
	cpu_destroy(&other);
}

static const struct poke pokes[] = {
	{ "op", DIRTY(op), 2, EINVAL },
	{ "reserved", DIRTY(reserved), 1, EINVAL },
	{ "gpa not aligned", DIRTY(gpa), DIRTY_BASE + 1, EINVAL },
	{ "gpa below what is logged", DIRTY(gpa), DIRTY_BASE - 4096, ENOENT },
	{ "gpa wraps", DIRTY(gpa), -4096ull, ENOENT },
	{ "length 0", DIRTY(length), 0, EINVAL },
	{ "length not aligned", DIRTY(length), 4095, EINVAL },
	{ "length of more than one call", DIRTY(length), VMXHV_DIRTY_MAX + 4096, EINVAL },
	{ "bitmap", POKE_ADDRESS(vmxhv_dirty, bitmap), 8, EFAULT },
	{ "bitmap in the kernel", POKE_ADDRESS(vmxhv_dirty, bitmap), 0xffff800000000000, EFAULT },
};

static void refusals(void)
{
	uint64_t bitmap[WORDS];
	struct vmxhv_dirty arg = {
		.size = sizeof(arg), .gpa = DIRTY_BASE, .length = SIZE,
		.bitmap = (uintptr_t)bitmap,
	};
	struct vmxhv_vm vm = { .fd = m.vm };
	int ret;

	expect_struct_rules(m.vm, VMXHV_DIRTY, &arg, sizeof(arg), "DIRTY");
	expect_refused(m.vm, VMXHV_DIRTY, &arg, &arg, pokes, ARRAY_SIZE(pokes));
	arg.op = VMXHV_DIRTY_CLEAR;
	guest(WRITE_ONE);
	expect_refused(m.vm, VMXHV_DIRTY, &arg, &arg, pokes, ARRAY_SIZE(pokes));
	expect_log("a refused CLEAR changes nothing", 1, 1 << 5);

	ret = dirty(VMXHV_DIRTY_GET, DIRTY_BASE, SIZE + 4096, bitmap);
	expect_error(m.vm, ret, ENOENT, VMXHV_ERR_ARGUMENT, offsetof(struct vmxhv_dirty, gpa),
		     "no memory that is being logged", "beyond the end");
	tap_equal(last_error(m.vm).value, DIRTY_BASE + SIZE, "GET_ERROR says where");
	tap_equal(vmxhv_vm_dirty_get(&vm, DIRTY_BASE, SIZE, bitmap), 0, "the library's GET");
	tap_equal(bitmap[0], 1 << 5, "the same");
	tap_equal(vmxhv_vm_dirty_clear(&vm, DIRTY_BASE, SIZE, bitmap), 0, "its CLEAR");
	expect_log("and that is done", 0, 0);
	tap_equal(vmxhv_vm_log(&vm, DIRTY_BASE, SIZE, false), 0, "its end of the log");
	tap_equal(-vmxhv_vm_dirty_get(&vm, DIRTY_BASE, SIZE, bitmap), ENOENT, "nothing is logged");
	guest(WRITE_ALL);
}

#define FAR_SIZE	((uint64_t)DIRTY_FAR_STEP * DIRTY_FAR_PAGES)

static int far_pages(void)
{
	static uint64_t bitmap[FAR_SIZE / 4096 / 64];
	int seen = 0;

	if (dirty(VMXHV_DIRTY_GET, DIRTY_FAR, FAR_SIZE, bitmap))
		tap_bail("GET");
	for (int i = 0; i < ARRAY_SIZE(bitmap); i++)
		seen += __builtin_popcountll(bitmap[i]);
	return seen;
}

/* CLEAR goes on in stretches of 16 MiB: none is left out. */
static void long_log(void)
{
	uint8_t *far = mmap(NULL, FAR_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (far == MAP_FAILED)
		tap_bail("mmap");
	madvise(far, FAR_SIZE, MADV_NOHUGEPAGE);
	machine_map(&m, DIRTY_FAR, far, FAR_SIZE, VMXHV_MEM_LOG_DIRTY);
	guest(WRITE_FAR);
	tap_equal(far_pages(), DIRTY_FAR_PAGES, "64 MiB: a page in each 16 MiB is logged");
	dirty(VMXHV_DIRTY_CLEAR, DIRTY_FAR, FAR_SIZE, NULL);
	tap_equal(far_pages(), 0, "CLEAR of all 64 MiB");
	guest(WRITE_FAR);
	tap_equal(far_pages(), DIRTY_FAR_PAGES, "and all are logged again");
	machine_unmap(&m, DIRTY_FAR, FAR_SIZE);
	munmap(far, FAR_SIZE);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	area = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	copy = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || copy == MAP_FAILED)
		tap_bail("mmap");
	area = (uint8_t *)(((uintptr_t)area + (2 << 20) - 1) & ~((2ul << 20) - 1));
	madvise(area, SIZE, MADV_NOHUGEPAGE);
	machine_map(&m, DIRTY_BASE, area, SIZE, 0);
	load_guest(&m, "dirty");
	cpu_create(&m, &c, 0);
	basics();
	other_writers();
	migration("small pages");
	in_huge_page();
	migration("2M pages");
	refusals();
	long_log();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
