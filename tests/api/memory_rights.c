// SPDX-License-Identifier: GPL-2.0-only
/*
 * What MEMORY says of a range, and the EPT then does: execute-only, PREFAULT, large pages. That an
 * access needed no exit is seen by its ticks: an exit takes hundreds, and this machine counts each.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"
#include "machine.h"
#include "pages.h"
#include "refusal.h"
#include "tap.h"

enum { COUNT_UP, TICKS, CALL_IT, READ_IT, WRITE_IT, OUTS_IT };

#define MB		0x100000ul
#define PAGES		256
#define SIZE		(PAGES * 4096ul)
#define PER_READ	8	/* ticks for a page that is there, with room for the loop's end */
#define PER_EXIT	150	/* less than any exit costs, with a neighbour mapped by it or not */

static const uint8_t code[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, 0xc3 };	/* mov $..., %eax; ret */

static struct machine m;
static struct cpu c;

static int change(uint32_t kind, uint64_t gpa, uint64_t length, void *hva, uint32_t flags)
{
	struct vmxhv_mem_op op = {
		.kind = kind, .gpa = gpa, .length = length, .hva = (uintptr_t)hva, .flags = flags,
	};
	struct vmxhv_memory mem = { .size = sizeof(mem), .count = 1, .ops = (uintptr_t)&op };

	return call(m.vm, VMXHV_MEMORY, &mem);
}

static uint8_t *memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	return p;
}

static int go(unsigned int entry)
{
	cpu_start(&c, MODE_LONG, entry);
	return run_guest(&c);
}

/* ---- execute-only ---------------------------------------------------------------------------- */

static void expect_mmio(unsigned int entry, uint32_t access, const char *name)
{
	tap_equal(go(entry), VMXHV_EXIT_MMIO, name);
	tap_equal(c.run->u.mmio.gpa, PAGED_BASE, "where");
	tap_equal(c.run->u.mmio.access, access, "and how");
}

static void refusals(void *page, bool there)
{
	const size_t flags = offsetof(struct vmxhv_mem_op, flags);
	int ret = change(VMXHV_MEM_MAP, PAGED_BASE, 4096, page,
			 VMXHV_MEM_EXEC_ONLY | VMXHV_MEM_READONLY);

	expect_error(m.vm, ret, EINVAL, VMXHV_ERR_MEM_OP, flags, NULL, "EXEC_ONLY and READONLY");
	ret = change(VMXHV_MEM_MAP, PAGED_BASE, 4096, page, VMXHV_MEM_EXEC_ONLY | VMXHV_MEM_NOEXEC);
	expect_error(m.vm, ret, EINVAL, VMXHV_ERR_MEM_OP, flags, NULL, "EXEC_ONLY and NOEXEC");
	if (there)
		return;
	ret = change(VMXHV_MEM_MAP, PAGED_BASE, 4096, page, VMXHV_MEM_EXEC_ONLY);
	expect_error(m.vm, ret, EOPNOTSUPP, VMXHV_ERR_MEM_OP, flags, NULL,
		     "EXEC_ONLY, which this CPU's EPT lacks");
}

static void execute_only(void)
{
	struct vmxhv_info info = { .size = sizeof(info) };
	uint8_t *page = memory(4096);
	bool there;

	memcpy(page, code, sizeof(code));
	if (call(m.dev, VMXHV_GET_INFO, &info))
		tap_bail("GET_INFO");
	there = info.features[0] & VMXHV_FEATURE_EPT_EXEC_ONLY;
	refusals(page, there);
	if (!there)
		return;
	machine_map(&m, PAGED_BASE, page, 4096, VMXHV_MEM_EXEC_ONLY);
	cpu_start(&c, MODE_LONG, CALL_IT);
	EXPECT(&c, "execute-only: it is executed", 0x12345678);
	expect_mmio(READ_IT, VMXHV_MMIO_READ, "execute-only: a read exits");
	expect_mmio(WRITE_IT, VMXHV_MMIO_WRITE, "execute-only: a write exits");
	tap_ok(!memcmp(page, code, sizeof(code)), "nothing was written");
	tap_equal(go(OUTS_IT), VMXHV_EXIT_MMIO, "and so does OUTS from there");

	tap_equal(change(VMXHV_MEM_PROTECT, PAGED_BASE, 4096, NULL, 0), 0, "PROTECT: no more");
	cpu_start(&c, MODE_LONG, READ_IT);
	EXPECT(&c, "it is read", 0x345678b8);
	tap_equal(change(VMXHV_MEM_PROTECT, PAGED_BASE, 4096, NULL, VMXHV_MEM_EXEC_ONLY), 0,
		  "PROTECT: again");
	expect_mmio(READ_IT, VMXHV_MMIO_READ, "and a read exits");
	tap_equal(c.run->u.mmio.insn_count, 15, "with the instruction's bytes");

	tap_equal(change(VMXHV_MEM_PROTECT, PAGED_BASE, 4096, NULL, VMXHV_MEM_NOEXEC), 0,
		  "PROTECT: NOEXEC in its place");
	cpu_start(&c, MODE_LONG, READ_IT);
	EXPECT(&c, "it is read", 0x345678b8);
	expect_mmio(CALL_IT, VMXHV_MMIO_FETCH, "and not executed");
	machine_unmap(&m, PAGED_BASE, 4096);
	machine_map(&m, PAGED_BASE, page, 4096, VMXHV_MEM_EXEC_ONLY | VMXHV_MEM_PREFAULT);
	cpu_start(&c, MODE_LONG, CALL_IT);
	EXPECT(&c, "PREFAULT of execute-only memory", 0x12345678);
	machine_unmap(&m, PAGED_BASE, 4096);
	munmap(page, 4096);
}

/* ---- what needs no exit ---------------------------------------------------------------------- */

static uint32_t ticks(uint64_t from, uint64_t step, uint64_t count)
{
	struct vmxhv_gprs gprs;

	cpu_start(&c, MODE_LONG, TICKS);
	get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	gprs.gpr[5] = from;
	gprs.gpr[3] = step;
	gprs.gpr[1] = count;
	set_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	if (run_guest(&c) != VMXHV_EXIT_NONE || c.nr_values != 1) {
		note_exit(&c);
		return 0;
	}
	return c.values[0];
}

static void expect_exits(bool exits, uint64_t from, uint64_t step, uint64_t count, const char *name)
{
	const uint32_t t = ticks(from, step, count);

	tap_ok(exits ? t >= count * PER_EXIT : t && t <= count * PER_READ,
	       "%s: %u ticks for %llu pages", name, t, (unsigned long long)count);
}

static void prefault(void)
{
	uint8_t *area = memory(SIZE);
	uint8_t there[PAGES];
	int missing = 0;

	madvise(area, SIZE, MADV_NOHUGEPAGE);
	machine_map(&m, AREA_BASE, area, SIZE, 0);
	expect_exits(true, AREA_BASE, 4096, PAGES, "without PREFAULT");
	machine_unmap(&m, AREA_BASE, SIZE);
	madvise(area, SIZE, MADV_DONTNEED);
	machine_map(&m, AREA_BASE, area, SIZE, VMXHV_MEM_PREFAULT);
	mincore(area, SIZE, there);
	for (int i = 0; i < PAGES; i++)
		missing += !there[i];
	tap_equal(missing, 0, "PREFAULT: the host has brought every page");
	expect_exits(false, AREA_BASE, 4096, PAGES, "with PREFAULT");
	machine_unmap(&m, AREA_BASE, SIZE);

	/* of a range that can only be read, pages come without being made the process's own */
	madvise(area, SIZE, MADV_DONTNEED);
	machine_map(&m, AREA_BASE, area, SIZE, VMXHV_MEM_READONLY | VMXHV_MEM_PREFAULT);
	expect_exits(false, AREA_BASE, 4096, PAGES, "with PREFAULT, read-only");
	machine_unmap(&m, AREA_BASE, SIZE);
	munmap(area, SIZE);
}

/* How much of the process's anonymous memory is in huge pages, in KiB. */
static long huge_kib(void)
{
	char line[128];
	long sum = 0;
	FILE *f = fopen("/proc/self/smaps_rollup", "re");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "AnonHugePages: %ld", &sum);
	if (f)
		fclose(f);
	return sum;
}

/* One fault maps all of a large page; what is logged, or divided, is mapped by small ones. */
static void large_2m(void)
{
	uint8_t *room = memory(8 * MB);
	uint8_t *area = (uint8_t *)(((uintptr_t)room + 4 * MB - 1) & ~(4 * MB - 1));

	/* Linux leaves them off on a machine this small */
	write_line("/sys/kernel/mm/transparent_hugepage/enabled", "always");
	madvise(area, 4 * MB, MADV_HUGEPAGE);
	memset(area, 1, 4 * MB);
	if (huge_kib() < 4096) {
		tap_skip("large pages", "the host has none: %ld KiB", huge_kib());
		return;
	}
	machine_map(&m, AREA_BASE, area, 4 * MB, 0);
	ticks(AREA_BASE, 4096, 1);
	expect_exits(false, AREA_BASE, 4096, 512, "2 MiB by one fault");
	tap_equal(change(VMXHV_MEM_LOG, AREA_BASE, 4 * MB, NULL, VMXHV_MEM_LOG_DIRTY), 0,
		  "its log begins");
	expect_exits(true, AREA_BASE, 16 * 4096, 32, "while it is logged");
	tap_equal(change(VMXHV_MEM_LOG, AREA_BASE, 4 * MB, NULL, 0), 0, "its log ends");
	ticks(AREA_BASE, 4096, 1);
	expect_exits(false, AREA_BASE, 4096, 512, "large again");
	tap_equal(change(VMXHV_MEM_UNMAP, AREA_BASE + MB, 4096, NULL, 0), 0, "a hole in it");
	cpu_start(&c, MODE_LONG, TICKS);
	ticks(AREA_BASE, 4096, 1);
	expect_exits(true, AREA_BASE + 128 * 4096, 16 * 4096, 8, "small pages beside the hole");
	machine_unmap(&m, AREA_BASE, MB);
	machine_unmap(&m, AREA_BASE + MB + 4096, 3 * MB - 4096);
	munmap(room, 8 * MB);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "pages");
	cpu_create(&m, &c, 0);
	execute_only();
	prefault();
	large_2m();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
