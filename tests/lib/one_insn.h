/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One instruction, laid down by the host, run by a guest, and completed by the library where it
 * exits. For programs that link Zydis; what not all of them use is marked so.
 */
#ifndef TESTS_ONE_INSN_H
#define TESTS_ONE_INSN_H

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "libvmxhv.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define MAYBE	__attribute__((__unused__))

#define RAM_SIZE	(2u << 20)
#define DEVICE		RAM_SIZE	/* a page; what is behind it is nothing, or memory */
#define CODE		0x2000
#define TABLES		0x100000	/* PML4, PDPT, PD, and two page tables: 4 MiB to itself */
#define PT(page)	(TABLES + 0x3000 + 8 * (page))
#define TARGET		0x180000	/* a page that tests map as they like */
#define ROM		(DEVICE + 0x10000)
#define HIGH		0x8000000000ull	/* 512 GiB: the second entry of the PML4 */

#define P		1ull
#define W		2ull
#define U		4ull
#define A		0x20ull
#define D		0x40ull

#define CR0_WP		0x10000ull
#define CR0_AM		0x40000ull
#define RFLAGS_IOPL	(3ull << 12)
#define RFLAGS_AC	0x40000ull
#define CR4_SMAP	0x200000ull

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

static struct machine m;
static struct cpu c;

/* the device, and what it was asked */
static struct {
	uint8_t bytes[0x1000];
	uint64_t fill;			/* read elsewhere */
	int reads, writes;
	uint64_t gpa;			/* of the last access */
	unsigned int width;
} dev;

static int device_read(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value)
{
	(void)opaque;
	dev.reads++;
	dev.gpa = gpa;
	dev.width = width;
	*value = dev.fill;
	if (gpa - DEVICE < sizeof(dev.bytes) && !dev.fill)
		memcpy(value, dev.bytes + (gpa - DEVICE), width);
	return 0;
}

static int device_write(void *opaque, uint64_t gpa, unsigned int width, uint64_t value)
{
	(void)opaque;
	dev.writes++;
	dev.gpa = gpa;
	dev.width = width;
	if (gpa - DEVICE < sizeof(dev.bytes))
		memcpy(dev.bytes + (gpa - DEVICE), &value, width);
	return 0;
}

static uint8_t *beside;			/* a page of memory that some tests have elsewhere */
static uint64_t beside_at;

static void *ram(void *opaque, uint64_t gpa, uint64_t length)
{
	(void)opaque;
	if (beside && gpa - beside_at < 4096)
		return beside + (gpa - beside_at);
	return gpa + length <= m.ram_size ? m.ram + gpa : NULL;
}

/* how the instruction ended */
static struct {
	int ret;			/* of RUN: NONE: it came to its end */
	int error;			/* of the library */
	int exits;
	uint32_t access;		/* of the last exit */
	int vector;			/* of the fault that the library answers; -1: none */
	uint32_t code;
	uint64_t cr2;
	char text[320];
} end;

static uint64_t *entry_at(uint64_t gpa)
{
	return (uint64_t *)(m.ram + gpa);
}

/* Tables of small pages, all of them clean. */
static void map_all(void)
{
	unsigned int i;

	memset(m.ram + TABLES, 0, 0x5000);
	*entry_at(TABLES) = (TABLES + 0x1000) | P | W | U;
	*entry_at(TABLES + 0x1000) = (TABLES + 0x2000) | P | W | U;
	/* the GiB with the APIC: a large page for each 2 MiB of it */
	*entry_at(TABLES + 0x1000 + 3 * 8) = (PAGE_TABLES + 0x3000) | P | W | U;
	*entry_at(TABLES + 0x2000) = (TABLES + 0x3000) | P | W | U;
	*entry_at(TABLES + 0x2008) = (TABLES + 0x4000) | P | W | U;
	for (i = 0; i < 1024; i++)
		*entry_at(PT(i)) = (i << 12) | P | W | U;
}

/* One instruction, ready to run in @mode; registers are set up by the caller. */
static void prepare(enum cpu_mode mode, const char *code, int length)
{
	static const char done[] = "\xe6\xe4\xeb\xfc";	/* out %al, $PORT_DONE, again */
	struct vmxhv_sregs s;

	*entry_at(GUEST_BASE) = CODE;
	memcpy(m.ram + CODE, code, length);
	memcpy(m.ram + CODE + length, done, sizeof(done));
	cpu_start(&c, mode, 0);
	if (mode == MODE_LONG) {
		get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
		s.cr3 = TABLES;
		s.cr0 |= CR0_WP;
		set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	}
	memset(&dev, 0, sizeof(dev));
}

static void set_reg(int reg, uint64_t value)
{
	struct vmxhv_gprs g;

	get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g));
	g.gpr[reg] = value;
	if (set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("GPRS: %.96s", last_error(c.fd).text);
}

MAYBE static uint64_t get_reg(int reg)
{
	struct vmxhv_gprs g;

	get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g));
	return g.gpr[reg];
}

/* Runs it, up to its end, to a fault that the library answers, or to its refusal. */
static void go(void)
{
	static const struct vmxhv_mmio_ops ops = { device_read, device_write, ram };
	struct vmxhv_vcpu vcpu = { .fd = c.fd, .run = c.run };
	const struct vmxhv_exit_mmio *mmio = &c.run->u.mmio;

	memset(&end, 0, sizeof(end));
	end.vector = -1;
	while ((end.ret = run_guest(&c)) == VMXHV_EXIT_MMIO && end.exits++ < 20) {
		end.access = mmio->access;
		end.error = vmxhv_mmio_complete(&vcpu, &ops, NULL);
		if (end.error)
			strcpy(end.text, vmxhv_message(&vcpu.fail));
		if (end.error || mmio->completion == VMXHV_MMIO_FAULT)
			break;
	}
	if (end.error || end.ret != VMXHV_EXIT_MMIO)
		return;
	end.vector = mmio->fault_vector;
	end.code = mmio->fault_error;
	end.cr2 = mmio->fault_address;
}

static void note_end(void)
{
	tap_note("RUN %d, %d exits, the last of access %#x; error %d '%s'", end.ret, end.exits,
		 end.access, end.error, end.text);
	tap_note("vector %d code %#x CR2 %#llx", end.vector, end.code,
		 (unsigned long long)end.cr2);
	tap_note("device: %d reads, %d writes, the last of %u bytes at %#llx", dev.reads,
		 dev.writes, dev.width, (unsigned long long)dev.gpa);
}

static bool expect(bool good, const char *name)
{
	if (!good)
		note_end();
	return tap_ok(good, "%s", name);
}

static bool ended(void)
{
	return !end.error && end.ret == VMXHV_EXIT_NONE;
}

MAYBE static bool faulted(int vector, uint32_t code, uint64_t cr2)
{
	return !end.error && end.vector == vector && end.code == code &&
	       (vector != 14 || end.cr2 == cr2);
}

MAYBE static bool refused(const char *word)
{
	return end.error == -EOPNOTSUPP && strstr(end.text, word) && !dev.writes;
}

#endif /* TESTS_ONE_INSN_H */
