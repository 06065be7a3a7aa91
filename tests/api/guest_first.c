// SPDX-License-Identifier: GPL-2.0-only
/* A 16-bit guest speaks to userspace: ports in all widths, HLT, segments. */
#include <string.h>

#include "machine.h"
#include "tap.h"

enum { HELLO, OUT_WIDTHS, IN_WIDTHS, HALT, SEGMENTS };

static void hello(struct cpu *c)
{
	int ret;

	cpu_start(c, MODE_REAL, HELLO);
	ret = run_guest(c);
	if (ret)
		note_exit(c);
	tap_ok(!ret && !strcmp(c->text, "hello"), "the guest says hello: '%s'", c->text);
	tap_ok(c->run->sequence >= 6, "each exit has been counted");
}

static void out_widths(struct cpu *c)
{
	static const struct { uint16_t port; uint8_t width; uint32_t data; } rows[] = {
		{ 0x300, 1, 0x78 }, { 0x300, 2, 0x5678 }, { 0x300, 4, 0x12345678 },
		{ 0x40, 1, 0x78 },
	};

	cpu_start(c, MODE_REAL, OUT_WIDTHS);
	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct vmxhv_exit_io *io = &c->run->u.io;
		int ret = run_guest(c);
		bool good = ret == VMXHV_EXIT_IO && !io->in && !io->string &&
			    io->port == rows[i].port && io->width == rows[i].width &&
			    io->data == rows[i].data && io->count == 1;

		if (!good)
			note_exit(c);
		tap_ok(good, "OUT of %u bytes to port %#x", rows[i].width, rows[i].port);
	}
	tap_equal(run_guest(c), VMXHV_EXIT_NONE, "OUT: the guest went on");
}

static void in_widths(struct cpu *c)
{
	static const uint32_t wanted[] = { 0x123456ef, 0x1234beef, 0xdeadbeef, 0x123456ef };
	int ret;

	cpu_start(c, MODE_REAL, IN_WIDTHS);
	while ((ret = run_guest(c)) == VMXHV_EXIT_IO && c->run->u.io.in)
		c->run->u.io.data = 0xdeadbeef;
	if (ret)
		note_exit(c);
	tap_equal(c->nr_values, 4, "IN: four values");
	for (int i = 0; i < 4; i++)
		tap_equal(c->values[i], wanted[i], "IN changes as many bits as it is wide");
}

static void halt(struct cpu *c)
{
	c->run->user_flags = VMXHV_USER_EXIT_HLT;
	cpu_start(c, MODE_REAL, HALT);
	tap_equal(run_guest(c), VMXHV_EXIT_HLT, "HLT exits when asked to");
	c->run->user_flags = 0;
	tap_equal(c->nr_values, 1, "HLT: nothing behind it ran");
	tap_equal(run_guest(c), VMXHV_EXIT_NONE, "HLT: the next RUN goes on behind it");
	tap_equal(c->nr_values, 2, "HLT: and reported");
}

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "first");
	cpu_create(&m, &c, 0);
	hello(&c);
	out_widths(&c);
	in_widths(&c);
	halt(&c);
	cpu_start(&c, MODE_REAL, SEGMENTS);
	EXPECT(&c, "segments: base = selector * 16", 0xcafe0001, 0xcafe0001);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
