// SPDX-License-Identifier: GPL-2.0-only
/* String I/O whose buffer is no memory, or no more: the exit is any instruction's there. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "machine.h"
#include "refusal.h"
#include "state.h"
#include "tap.h"

enum { OUTS_AT = 18, INS_AT, SPIN };

#define READONLY_AT	0x100000	/* two pages, of which one is READONLY */
#define LOST_AT		0x102000
#define PML4		PAGE_TABLES
#define FAR		0x8000000000ull	/* PML4[1] */
#define BYTE		0x5a

static struct machine m;
static struct cpu c;
static uint8_t *pages;

static void start(int entry, uint64_t at)
{
	struct vmxhv_gprs g;

	cpu_start(&c, MODE_LONG, entry);
	if (get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("GPRS");
	g.gpr[6] = at;
	g.gpr[7] = at;
	if (set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("GPRS");
}

static bool exits(int wanted)
{
	int ret = run_guest(&c);

	if (ret >= 0 && ret != wanted)
		note_exit(&c);
	return ret == wanted;
}

/* The whole instruction is userspace's to do. */
static void expect_mmio(int entry, uint64_t at, uint64_t gpa, const char *name)
{
	bool write = entry == INS_AT;

	start(entry, at);
	tap_ok(exits(VMXHV_EXIT_MMIO) && c.run->u.mmio.gpa == gpa && c.run->u.mmio.gva == at &&
	       c.run->u.mmio.access == (write ? VMXHV_MMIO_WRITE : VMXHV_MMIO_READ) &&
	       c.run->u.mmio.insn_count && c.run->u.mmio.insn[0] == (write ? 0x6c : 0x6e),
	       "%s: MMIO, before the port", name);
	c.run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	c.run->u.mmio.retire_len = 1;
	EXPECT(&c, "and userspace ends it", 0xff, (uint32_t)at);
}

static void readonly(void)
{
	expect_mmio(INS_AT, READONLY_AT, READONLY_AT, "INS to READONLY memory");
	tap_equal(pages[0], 0x11, "which stays as it was");
	start(OUTS_AT, READONLY_AT);
	tap_ok(exits(VMXHV_EXIT_IO) && *((uint8_t *)c.run + VMXHV_RUN_IO_OFFSET) == 0x11,
	       "OUTS from READONLY memory reads it");
	EXPECT(&c, "and goes on", 0xff, READONLY_AT + 1);
}

/* The host has lost the memory: nothing is read from the port until it is there again. */
static void lost(void)
{
	uint8_t *page = pages + 0x2000;

	mprotect(page, 4096, PROT_NONE);
	start(INS_AT, LOST_AT);
	tap_ok(exits(VMXHV_EXIT_MEMORY_ERROR) && c.run->u.memory_error.gpa == LOST_AT &&
	       c.run->u.memory_error.hva == (uintptr_t)page &&
	       c.run->u.memory_error.error == EFAULT, "INS to memory that is gone: MEMORY_ERROR");
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	tap_ok(exits(VMXHV_EXIT_IO) && c.run->u.io.in, "it is back: the port is read");
	*((uint8_t *)c.run + VMXHV_RUN_IO_OFFSET) = BYTE;
	/* and lost between the port and the memory */
	mprotect(page, 4096, PROT_NONE);
	tap_ok(exits(VMXHV_EXIT_MEMORY_ERROR) && c.run->exit_flags & VMXHV_EXITF_PENDING,
	       "gone with the port's byte in hand: MEMORY_ERROR, to be completed");
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	EXPECT(&c, "back again: it is stored, and the port is not read twice", 0xff, LOST_AT + 1);
	tap_equal(page[0], BYTE, "the byte is the port's");

	mprotect(page, 4096, PROT_NONE);
	start(OUTS_AT, LOST_AT);
	tap_ok(exits(VMXHV_EXIT_MEMORY_ERROR) && c.run->u.memory_error.gpa == LOST_AT,
	       "OUTS from memory that is gone: MEMORY_ERROR");
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	tap_ok(exits(VMXHV_EXIT_IO) && *((uint8_t *)c.run + VMXHV_RUN_IO_OFFSET) == BYTE,
	       "it is back: the port is written");
	EXPECT(&c, "and the guest goes on", 0xff, LOST_AT + 1);
}

/* A paging-structure entry leads to where no memory is: the walk, not the access, meets it. */
static void lost_table(void)
{
	((uint64_t *)(m.ram + PML4))[1] = NO_MEMORY | 7;
	start(OUTS_AT, FAR);
	tap_ok(exits(VMXHV_EXIT_MMIO) && c.run->u.mmio.gpa == NO_MEMORY,
	       "a page table that is no memory: MMIO at the entry");
	((uint64_t *)(m.ram + PML4))[1] = 0;
	c.run->u.mmio.completion = VMXHV_MMIO_RETRY;
	EXPECT(&c, "tried again without it: #PF", 14, 0, 0, 0);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "state");
	cpu_create(&m, &c, 0);
	pages = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(pages, 0x11, 0x3000);
	machine_map(&m, READONLY_AT, pages, 0x1000, VMXHV_MEM_READONLY);
	machine_map(&m, LOST_AT, pages + 0x2000, 0x1000, 0);
	readonly();
	expect_mmio(OUTS_AT, NO_MEMORY, NO_MEMORY, "OUTS from a device");
	expect_mmio(INS_AT, NO_MEMORY, NO_MEMORY, "INS to a device");
	lost();
	lost_table();
	start(OUTS_AT, 0x800000000000);
	EXPECT(&c, "an address that is not canonical: #GP", 13, 0, 0, 0);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
