// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMIO by every form of MOV. The guest runs its forms on memory first; then the memory is gone,
 * each access exits, and the library completes it on a copy: registers and pages must be alike.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libvmxhv.h"
#include "machine.h"
#include "mov.h"
#include "refusal.h"
#include "tap.h"

enum { WIDE, NARROW, REAL };

#define SIZE		0x2000
#define LOG_SIZE	0x8000
#define FORM		64

static struct machine m;
static struct cpu c;
static uint8_t *page;		/* what the guest has for memory */
static uint8_t device[SIZE];	/* what it has not */
static int exits, parts[9];	/* by width */

static int device_read(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value)
{
	(void)opaque;
	if (gpa < MOV_PAGES || gpa + width > MOV_PAGES + SIZE)
		return -ENXIO;
	memcpy(value, device + gpa - MOV_PAGES, width);
	parts[width]++;
	return 0;
}

static int device_write(void *opaque, uint64_t gpa, unsigned int width, uint64_t value)
{
	(void)opaque;
	if (gpa < MOV_PAGES || gpa + width > MOV_PAGES + SIZE)
		return -ENXIO;
	memcpy(device + gpa - MOV_PAGES, &value, width);
	parts[width]++;
	return 0;
}

static void *ram(void *opaque, uint64_t gpa, uint64_t length)
{
	(void)opaque;
	return gpa + length <= m.ram_size ? m.ram + gpa : NULL;
}

static void fill(uint8_t *to, int length)
{
	for (int i = 0; i < length; i++)
		to[i] = i * 37 + (i >> 8) * 11 + 0x83;
}

static void start(enum cpu_mode mode, int entry)
{
	struct vmxhv_sregs s;

	memset(m.ram + MOV_LOG, 0, LOG_SIZE);
	fill(m.ram + DATA_BASE, 0x1000);
	cpu_start(&c, mode, entry);
	if (get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS");
	if (mode != MODE_REAL) {
		s.fs.base = MOV_PAGES;
		s.gs.base = MOV_PAGES;
	}
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS: %.96s", last_error(c.fd).text);
}

/* To the end of the case; each exit is completed. False: one was not understood. */
static bool run_completed(void)
{
	static const struct vmxhv_mmio_ops ops = { device_read, device_write, ram };
	struct vmxhv_vcpu vcpu = { .fd = c.fd, .run = c.run };
	const struct vmxhv_exit_mmio *mmio = &c.run->u.mmio;
	int ret, err;

	while ((ret = run_guest(&c)) == VMXHV_EXIT_MMIO) {
		exits++;
		err = vmxhv_mmio_complete(&vcpu, &ops, NULL);
		if (!err)
			continue;
		tap_note("%s: gpa %#llx, bytes %02x %02x %02x %02x %02x", strerror(-err),
			 (unsigned long long)mmio->gpa, mmio->insn[0], mmio->insn[1],
			 mmio->insn[2], mmio->insn[3], mmio->insn[4]);
		return false;
	}
	if (ret)
		note_exit(&c);
	return !ret && c.nr_values == 1;
}

/* Where two logs differ first: the form ends at the address that is logged. */
static bool same_log(const uint8_t *wanted)
{
	const uint8_t *seen = m.ram + MOV_LOG;
	const uint32_t *a, *b;
	int i;

	for (i = 0; i < LOG_SIZE && !memcmp(seen + i, wanted + i, 4); i += 4)
		;
	if (i == LOG_SIZE)
		return true;
	a = (const uint32_t *)(seen + i);
	b = (const uint32_t *)(wanted + i);
	tap_note("form %d, which ends at %#x: bytes %d of its log are %#x, wanted %#x", i / FORM,
		 *(const uint32_t *)(seen + i / FORM * FORM), i % FORM, *a, *b);
	return false;
}

static bool same_bytes(const uint8_t *seen, const uint8_t *wanted, int length, const char *what)
{
	for (int i = 0; i < length; i++) {
		if (seen[i] != wanted[i])
			return tap_note("%s: byte %#x is %#x, wanted %#x", what, i, seen[i],
					wanted[i]), false;
	}
	return true;
}

static void all_forms(enum cpu_mode mode, int entry, const char *name)
{
	static uint8_t log[LOG_SIZE], data[0x1000];
	int count;
	bool good;

	fill(page, SIZE);
	machine_map(&m, MOV_PAGES, page, SIZE, 0);
	start(mode, entry);
	good = run_completed() && !exits;
	count = c.nr_values ? (c.values[0] - MOV_LOG) / FORM : 0;
	tap_ok(good && count > 8, "%s: %d forms on memory", name, count);
	memcpy(log, m.ram + MOV_LOG, sizeof(log));
	memcpy(data, m.ram + DATA_BASE, sizeof(data));
	machine_unmap(&m, MOV_PAGES, SIZE);

	memset(parts, 0, sizeof(parts));
	fill(device, SIZE);
	start(mode, entry);
	good = run_completed();
	tap_ok(good && exits >= count - 1, "%s: as MMIO, %d exits", name, exits);
	tap_note("accesses of 1, 2, 4 and 8 bytes: %d, %d, %d, %d", parts[1], parts[2], parts[4],
		 parts[8]);
	tap_ok(same_log(log), "%s: the same registers and flags", name);
	tap_ok(same_bytes(device, page, SIZE, "device") &&
	       same_bytes(m.ram + DATA_BASE, data, sizeof(data), "memory"),
	       "%s: the same content", name);
	exits = 0;
}

int main(void)
{
	machine_create(&m, 1 << 20);
	page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	load_guest(&m, "mov");
	cpu_create(&m, &c, 0);
	c.run->wanted = VMXHV_GROUP_GPRS;
	all_forms(MODE_LONG, WIDE, "64 bits");
	all_forms(MODE_PROTECTED, NARROW, "32 bits");
	all_forms(MODE_REAL, REAL, "16 bits");
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
