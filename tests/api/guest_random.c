// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random instructions, done by the CPU on memory and by the library on a device: registers, flags,
 * vector registers, exceptions and memory must be alike. tools/test/test_mmio_cpu.c does the same
 * on the CPU that it is built on.
 *
 *	guest_random [seed [instructions]]
 */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backed_device.h"
#include "config.h"
#include "libvmxhv.h"
#include "machine.h"
#include "random_insn.h"
#include "refusal.h"
#include "tap.h"

#define CODE		0x2000
#define WORLD		0x100000
#define PAGES		4		/* memory, device, device, memory */
#define DEVICE		(WORLD + 0x1000)
#define DEVICE_SIZE	0x2000
#define BATCH		200
#define XSAVE_SIZE	4096
#define FLAGS		0xcd5ull	/* the status flags, and DF */
#define NO_EXCEPTION	-1

#define CR4_OSFXSR	0x200ull
#define CR4_OSXSAVE	0x40000ull

static struct machine m;
static struct cpu c;
static uint8_t *world;
static uint8_t device[DEVICE_SIZE];
static struct random_world w = { .code = CODE, .base = WORLD, .length = PAGES * 0x1000 };
static int exits;

struct outcome {
	int vector;
	uint64_t gpr[16], flags, rip;
};

static struct {
	struct random_insn insn[BATCH];
	struct outcome outcome[2][BATCH];
	uint8_t before[PAGES * 0x1000], after[2][PAGES * 0x1000];
	uint8_t xsave[2][XSAVE_SIZE];
	int count;
} batch;

static const struct backed_device backed = { DEVICE, DEVICE_SIZE, device };

static int device_read(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value)
{
	(void)opaque;
	return backed_read(&backed, gpa, width, value);
}

static int device_write(void *opaque, uint64_t gpa, unsigned int width, uint64_t value)
{
	(void)opaque;
	return backed_write(&backed, gpa, width, value);
}

static void *ram(void *opaque, uint64_t gpa, uint64_t length)
{
	(void)opaque;
	if (gpa >= WORLD && gpa + length <= WORLD + PAGES * 0x1000)
		return world + gpa - WORLD;
	return gpa + length <= m.ram_size ? m.ram + gpa : NULL;
}

static const struct vmxhv_mmio_ops ops = { device_read, device_write, ram };

/* The byte that stands for the guest-physical address @gpa. */
static uint8_t *byte_at(uint64_t gpa, bool as_device)
{
	if (as_device && gpa - DEVICE < DEVICE_SIZE)
		return device + (gpa - DEVICE);
	return world + (gpa - WORLD);
}

static void lay_down(const struct random_insn *i, bool as_device)
{
	static const uint8_t done[] = { 0xe6, PORT_DONE, 0xeb, 0xfc };
	struct vmxhv_gprs *g = &c.run->gprs;
	int k;

	memcpy(m.ram + CODE, i->bytes, i->length);
	memcpy(m.ram + CODE + i->length, done, sizeof(done));
	for (k = 0; i->planted && k < 8; k++)
		*byte_at(i->at + k, as_device) = i->memory >> 8 * k;
	memcpy(g->gpr, i->gpr, sizeof(g->gpr));
	g->rip = CODE;
	g->rflags = i->flags;
	c.run->u.mmio.completion = VMXHV_MMIO_RETRY;
	c.run->dirty = VMXHV_GROUP_GPRS;
}

/* Up to its end or its exception. */
static void run_one(const struct random_insn *i, bool as_device, struct outcome *o)
{
	struct vmxhv_vcpu vcpu = { .fd = c.fd, .run = c.run };
	const struct vmxhv_exit_mmio *mmio = &c.run->u.mmio;
	int ret;

	lay_down(i, as_device);
	o->vector = NO_EXCEPTION;
	while ((ret = run_guest(&c)) == VMXHV_EXIT_MMIO) {
		exits++;
		if (vmxhv_mmio_complete(&vcpu, &ops, NULL))
			tap_bail("%s: %s", i->name, vmxhv_message(&vcpu.fail));
		if (mmio->completion == VMXHV_MMIO_FAULT) {
			o->vector = mmio->fault_vector;
			return;
		}
	}
	if (ret == VMXHV_EXIT_EXCEPTION)
		o->vector = c.run->u.exception.vector;
	else if (ret != VMXHV_EXIT_NONE)
		tap_bail("%s: RUN gave %d", i->name, ret);
	memcpy(o->gpr, c.run->gprs.gpr, sizeof(o->gpr));
	o->flags = c.run->gprs.rflags & FLAGS;
	o->rip = c.run->gprs.rip;
}

static void get_xsave(uint8_t *image)
{
	memset(image, 0, XSAVE_SIZE);
	if (get_group(&c, VMXHV_STATE_XSAVE, image, XSAVE_SIZE))
		tap_bail("XSAVE: %.96s", last_error(c.fd).text);
}

static void run_batch(bool as_device)
{
	int i;

	memcpy(world, batch.before, sizeof(batch.before));
	memcpy(device, batch.before + 0x1000, DEVICE_SIZE);
	if (as_device)
		machine_unmap(&m, DEVICE, DEVICE_SIZE);
	for (i = 0; i < batch.count; i++)
		run_one(&batch.insn[i], as_device, &batch.outcome[as_device][i]);
	if (as_device) {
		machine_map(&m, DEVICE, world + 0x1000, DEVICE_SIZE, 0);
		memcpy(world + 0x1000, device, DEVICE_SIZE);
	}
	memcpy(batch.after[as_device], world, sizeof(batch.before));
	get_xsave(batch.xsave[as_device]);
}

static bool same(int n)
{
	const struct outcome *a = &batch.outcome[0][n], *b = &batch.outcome[1][n];
	const struct random_insn *i = &batch.insn[n];
	char bytes[64] = "";
	int r;

	if (a->vector == b->vector &&
	    (a->vector != NO_EXCEPTION || !memcmp(a, b, sizeof(*a))))
		return true;
	for (r = 0; r < (int)i->length; r++)
		sprintf(bytes + 3 * r, " %02x", i->bytes[r]);
	tap_note("%s:%s, flags %#llx", i->name, bytes, (unsigned long long)i->flags);
	tap_note("exception %d, wanted %d; flags %#llx, wanted %#llx; RIP %#llx", b->vector,
		 a->vector, (unsigned long long)b->flags, (unsigned long long)a->flags,
		 (unsigned long long)b->rip);
	for (r = 0; r < 16; r++) {
		if (a->gpr[r] != b->gpr[r])
			tap_note("register %d: %#llx, %#llx, wanted %#llx", r,
				 (unsigned long long)i->gpr[r], (unsigned long long)b->gpr[r],
				 (unsigned long long)a->gpr[r]);
	}
	return false;
}

static bool check_batch(void)
{
	bool good = true;
	int i;

	for (i = 0; i < batch.count; i++)
		good &= same(i);
	for (i = 0; i < PAGES * 0x1000 && good; i++) {
		if (batch.after[0][i] == batch.after[1][i])
			continue;
		tap_note("byte %#x: %#x, wanted %#x", WORLD + i, batch.after[1][i],
			 batch.after[0][i]);
		good = false;
	}
	/* the low halves: what is not there is the CPU's to leave as it likes */
	if (good && memcmp(batch.xsave[0] + 160, batch.xsave[1] + 160, 256)) {
		tap_note("vector registers");
		good = false;
	}
	return good;
}

/* What both runs begin with. */
static void new_batch(unsigned int *form, int count)
{
	unsigned int i;

	for (i = 0; i < sizeof(batch.before); i += 8)
		*(uint64_t *)(batch.before + i) = random_next(&w);
	for (batch.count = 0; batch.count < count; ++*form) {
		if (random_insn(&w, *form % random_insn_forms(), &batch.insn[batch.count]))
			batch.count++;
	}
}

static void set_vectors(const uint8_t *image)
{
	if (set_group(&c, VMXHV_STATE_XSAVE, image, XSAVE_SIZE))
		tap_bail("XSAVE: %.96s", last_error(c.fd).text);
}

static void set_up(void)
{
	static const struct vmxhv_config config = { .exceptions = 0x27041 };
	struct vmxhv_sregs s;
	unsigned int a, b, cx = 0, d;

	configured(&m, &c, &config, "mov");
	world = mmap(NULL, PAGES * 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (world == MAP_FAILED)
		tap_bail("no memory");
	machine_map(&m, WORLD, world, PAGES * 0x1000, 0);
	cpu_start(&c, MODE_LONG, 0);
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	s.cr4 |= CR4_OSFXSR;
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS: %.96s", last_error(c.fd).text);
	__get_cpuid(1, &a, &b, &cx, &d);
	w.movbe = cx & bit_MOVBE;
	s.cr4 |= CR4_OSXSAVE;
	s.xcr0 = 7;
	w.avx = (cx & bit_AVX) && !set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	c.run->wanted = VMXHV_GROUP_GPRS;
}

int main(int argc, char **argv)
{
	static uint8_t vectors[XSAVE_SIZE];
	const int total = argc > 2 ? atoi(argv[2]) : 20000;
	unsigned int form;
	int done, bad = 0;

	w.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	set_up();
	tap_note("seed %llu, %d instructions of %u forms, AVX %d", (unsigned long long)w.seed,
		 total, random_insn_forms(), w.avx);
	form = random_next(&w) % random_insn_forms();
	for (done = 0; done < total && bad < 3; done += batch.count) {
		new_batch(&form, total - done < BATCH ? total - done : BATCH);
		get_xsave(vectors);
		run_batch(false);
		set_vectors(vectors);
		run_batch(true);
		bad += !check_batch();
	}
	tap_ok(!bad, "%d instructions, on memory and on a device: the same", total);
	tap_ok(exits > total / 2, "most of them exited");
	tap_note("%d exits, %.1f s of CPU", exits, cpu_seconds());
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
