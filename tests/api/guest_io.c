// SPDX-License-Identifier: GPL-2.0-only
/* String I/O: data, registers and counts, however many exits it takes. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define PORT	0x310

/**
 * struct row - one case of the image
 * @width: of a unit
 * @in: INS
 * @back: the direction flag is set
 * @at: where the first unit lies in the guest's data
 * @units: how many
 * @si: register values afterwards; and so on
 */
struct row {
	const char *name;
	uint8_t width, in, back;
	uint32_t at, units;
	uint32_t si, di, cx;
};

#define D DATA_BASE
static const struct row rows[] = {
	{ "outsb once", 1, 0, 0, D, 1, D + 1, 0, 7 },
	{ "rep outsw", 2, 0, 0, D, 6, D + 12, 0, 0 },
	{ "rep outsl backward", 4, 0, 1, D + 8, 3, D - 4, 0, 0 },
	{ "rep outsb over three pages", 1, 0, 0, D + 0x800, 0x2800, D + 0x3000, 0, 0 },
	{ "rep insb", 1, 1, 0, D, 5, 0, D + 5, 0 },
	{ "rep insw backward", 2, 1, 1, D + 4, 3, 0, D - 2, 0 },
	{ "rep insl, a unit across pages", 4, 1, 0, D + 0xffa, 3, 0, D + 0xffa + 12, 0 },
	{ "rep with a count of 0", 1, 0, 0, D, 0, D, 0, 0 },
	{ "rep insb over two pages", 1, 1, 0, D + 0x10, 0x1800, 0, D + 0x1810, 0 },
	{ "rep outsl backward, a unit across pages", 4, 0, 1, D + 0x1003, 16, D + 0xfc3, 0, 0 },
	{ "rep insl backward, a unit across pages", 4, 1, 1, D + 0x1005, 16, 0, D + 0xfc5, 0 },
	{ "rep outsb, 32-bit addresses", 1, 0, 0, D + 0xff8, 16, D + 0x1008, 0, 0 },
	{ "rep insw backward, 32-bit addresses", 2, 1, 1, D + 0x1005, 16, 0, D + 0xfe5, 0 },
	{ "32-bit code: rep outsw backward", 2, 0, 1, D + 0x1002, 16, D + 0xfe2, 0, 0 },
	{ "32-bit code: rep insl backward", 4, 1, 1, D + 0x1001, 16, 0, D + 0xfc1, 0 },
	{ "32-bit code: rep outsb, 16-bit addresses", 1, 0, 0, D + 0xffc, 9, D + 0x121005, 0,
	  0x340000 },
	{ "32-bit code: rep insw backward, 16-bit addresses", 2, 1, 1, D + 0x1003, 7, 0,
	  D + 0x120ff5, 0x340000 },
};

#define NARROW	13	/* the first one of 32-bit code */

/* unit number @i, as the guest meets it */
static uint8_t *unit(struct cpu *c, const struct row *r, uint32_t i)
{
	int64_t step = r->back ? -(int64_t)r->width : r->width;

	return c->m->ram + r->at + i * step;
}

static uint8_t pattern(uint32_t i)
{
	return i * 7 + i / 256 + 1;
}

/* One exit's worth of units; what came before is in *done. False: the exit is wrong. */
static bool transfer(struct cpu *c, const struct row *r, uint32_t *done)
{
	const struct vmxhv_exit_io *io = &c->run->u.io;
	uint8_t *data = (uint8_t *)c->run + io->data_offset;

	if (io->port != PORT || io->width != r->width || io->in != r->in || !io->string)
		return false;
	if (!io->count || *done + io->count > r->units || io->done != *done)
		return false;
	if (io->data_offset < VMXHV_RUN_IO_OFFSET ||
	    io->data_offset + io->count * io->width > VMXHV_RUN_SIZE)
		return false;
	for (uint32_t i = 0; i < io->count * r->width; i++) {
		uint32_t at = *done + i / r->width;

		if (r->in)
			data[i] = pattern(*done * r->width + i);
		else if (data[i] != unit(c, r, at)[i % r->width])
			return false;
	}
	*done += io->count;
	return true;
}

static bool arrived(struct cpu *c, const struct row *r)
{
	if (!r->in)
		return true;
	for (uint32_t i = 0; i < r->units * r->width; i++) {
		if (unit(c, r, i / r->width)[i % r->width] != pattern(i))
			return false;
	}
	return true;
}

static void one(struct cpu *c, const struct row *r)
{
	uint32_t done = 0;
	int exits = 0, ret;
	bool good = true;

	for (uint32_t i = 0; i < 0x5000; i++)
		c->m->ram[DATA_BASE + i] = r->in ? 0xee : i ^ i >> 8;
	cpu_start(c, r < rows + NARROW ? MODE_LONG : MODE_PROTECTED, r - rows);
	while (good && (ret = run_guest(c)) == VMXHV_EXIT_IO) {
		good = transfer(c, r, &done);
		exits++;
	}
	if (!good || ret) {
		note_exit(c);
		tap_note("count %u done %llu data_offset %#x rep %u", c->run->u.io.count,
			 (unsigned long long)c->run->u.io.done, c->run->u.io.data_offset,
			 c->run->u.io.rep);
	}
	tap_note("%s: %u units in %d exits", r->name, done, exits);
	tap_ok(good && !ret && done == r->units && arrived(c, r), "%s: data", r->name);
	good = c->nr_values == 3 && c->values[0] == r->si && c->values[1] == r->di &&
	       c->values[2] == r->cx;
	if (!good)
		tap_note("si %#x di %#x cx %#x", c->values[0], c->values[1], c->values[2]);
	tap_ok(good, "%s: registers", r->name);
}

/* One instruction, executed twice: each time "done" begins at 0. */
static void twice(struct cpu *c)
{
	int exits = 0, ret;
	bool good = true;

	cpu_start(c, MODE_LONG, ARRAY_SIZE(rows));
	while ((ret = run_guest(c)) == VMXHV_EXIT_IO) {
		good &= c->run->u.io.done == 0 && c->run->u.io.count == 5;
		exits++;
	}
	tap_ok(good && exits == 2 && !ret, "rep outsb, two times: the second begins anew");
}

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "io");
	cpu_create(&m, &c, 0);
	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		one(&c, &rows[i]);
	twice(&c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
