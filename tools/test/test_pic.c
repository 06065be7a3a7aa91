// SPDX-License-Identifier: GPL-2.0-only
/* The 8259 pair: each case is a list of steps, and fails at the first that gives another value. */
#include <stdlib.h>

#include "libvmxhv-devices.h"
#include "tap.h"
#include "util.h"

static struct vmxhv_pic pic;
static bool intr;

static void set_intr(void *opaque, bool level)
{
	(void)opaque;
	intr = level;
}

static void out(unsigned int port, uint8_t value)
{
	if (port >= 0x4d0)
		vmxhv_pic_elcr_write(&pic, port & 1, 1, value);
	else
		vmxhv_pic_write(port & 0x80 ? &pic.slave : &pic.master, port & 1, 1, value);
}

static uint8_t in(unsigned int port)
{
	if (port >= 0x4d0)
		return vmxhv_pic_elcr_read(&pic, port & 1, 1);
	return vmxhv_pic_read(port & 0x80 ? &pic.slave : &pic.master, port & 1, 1);
}

/* Vectors 30H and 38H, nothing masked. */
static void fresh(void)
{
	static const uint8_t icw[2][4] = { { 0x11, 0x30, 0x04, 0x01 }, { 0x11, 0x38, 0x02, 0x01 } };
	unsigned int i;

	intr = false;
	vmxhv_pic_init(&pic, set_intr, NULL);
	for (i = 0; i < 4; i++) {
		out(i ? 0x21 : 0x20, icw[0][i]);
		out(i ? 0xa1 : 0xa0, icw[1][i]);
	}
}

/*
 * Steps: uN and dN a line up and down, oP=V and rP=V a port written and read, aV an acknowledge, iN
 * the INTR line; ports, values and vectors in hexadecimal. Return: whether it gave what it says.
 */
static bool perform(char op, unsigned int where, unsigned int value)
{
	switch (op) {
	case 'o':
		out(where, value);
		return true;
	case 'r':
		return in(where) == value;
	case 'a':
		return vmxhv_pic_acknowledge(&pic) == where;
	case 'i':
		return intr == where;
	default:
		vmxhv_pic_set_line(&pic, where, op == 'u');
		return true;
	}
}

static const struct {
	const char *name;
	const char *steps;
} cases[] = {
	{ "an edge: requested, in service, ended",
	  "i0 u3 i1 r20=08 a33 i0 r20=00 o20=0b r20=08 o20=20 r20=00 o20=0a" },
	{ "an edge: high is no new one",
	  "u3 a33 o20=20 u3 i0 d3 u3 i1" },
	{ "ICW1 forgets edges",
	  "u1 i1 o20=11 o21=20 o21=04 o21=01 i0 d1 u1 a21" },
	{ "ICW1 clears the mask",
	  "o21=ff o20=13 o21=20 o21=01 r21=00" },
	{ "ICW1 without ICW4",
	  "o20=10 o21=47 o21=04 o21=a5 r21=a5 u0 i0 u3 a43" },
	{ "a single chip without ICW3 and ICW4",
	  "o20=12 o21=40 o21=5a r21=5a" },
	{ "OCW1 masks, and a request waits behind it",
	  "o21=02 r21=02 u1 i0 r20=02 o21=00 i1 o21=ff i0" },
	{ "the lowest number first",
	  "u5 u1 a31 i0 o20=20 i1 a35" },
	{ "what is in service holds back lower ones only",
	  "u4 a34 u6 i0 u0 i1 a30 o20=20 i0 o20=20 i1 a36" },
	{ "specific EOI",
	  "u4 a34 u1 a31 o20=64 o20=0b r20=02" },
	{ "EOI of nothing",
	  "o20=20 u1 a31" },
	{ "rotate on EOI: the one served becomes the last",
	  "u3 a33 o20=a0 u1 u4 a34" },
	{ "rotate on specific EOI",
	  "u3 a33 o20=e3 u1 u4 a34" },
	{ "set priority",
	  "o20=c4 u1 u5 a35 i0 o20=20 a31" },
	{ "automatic EOI",
	  "o20=11 o21=30 o21=04 o21=03 u1 a31 o20=0b r20=00 u5 i1 a35" },
	{ "automatic EOI that rotates",
	  "o20=11 o21=30 o21=04 o21=03 o20=80 u3 a33 u1 u4 a34 o20=00 d3 u3 a31" },
	{ "special mask: a masked one in service holds nothing back",
	  "u1 a31 o21=02 u5 i0 o20=68 i1 a35 o20=20 o20=0b r20=02 o20=48 d5 u5 i0" },
	{ "poll",
	  "o20=0c r20=00 u6 o20=0c r20=86 o20=0b r20=40 i0" },
	{ "spurious: gone before the acknowledge",
	  "u3 d3 i0 a37 o20=0b r20=00" },
	{ "spurious: masked before the acknowledge",
	  "u3 o21=08 a37 o20=0b r20=00" },
	{ "the slave's are vectors of its own, both in service",
	  "u12 i1 r20=04 a3c o20=0b r20=04 oa0=0b ra0=10 oa0=20 o20=20 r20=00 ra0=00" },
	{ "the slave ranks at the cascade",
	  "u3 u8 a38 i0 u1 a31" },
	{ "two of the slave, one after the other",
	  "u8 u9 a38 oa0=20 o20=20 i1 a39" },
	{ "two of the slave with automatic EOI",
	  "oa0=11 oa1=38 oa1=02 oa1=03 u8 u9 a38 o20=20 i1 a39" },
	{ "a higher one of the slave waits for the master's EOI",
	  "u12 a3c u8 i0 o20=20 i1 a38" },
	{ "but not in special fully nested mode",
	  "o20=11 o21=30 o21=04 o21=11 u12 a3c u3 i0 u8 i1 a38" },
	{ "spurious at the slave: the master's is in service",
	  "u12 oa1=10 i0 oa1=00 d12 a37" },
	{ "ELCR: a PC's own inputs stay edges",
	  "o4d0=ff r4d0=f8 o4d1=ff r4d1=de" },
	{ "a level: requests until it is low",
	  "o4d1=02 u9 a39 oa0=20 o20=20 i1 a39 d9 oa0=20 o20=20 i0" },
	{ "a line that is high becomes level-triggered",
	  "u5 a35 o20=20 i0 o4d0=20 i1 o4d0=00 i0" },
	{ "a level outlives ICW1",
	  "o4d0=20 u5 o20=11 o21=40 o21=04 o21=01 a45" },
};

static void run(struct tap *t, const char *name, const char *steps)
{
	const char *step = steps;
	bool good = true;

	fresh();
	while (*step && good) {
		const char op = *step++;
		const bool decimal = op == 'u' || op == 'd';
		unsigned int where, value = 0;
		char *end;

		where = strtoul(step, &end, decimal ? 10 : 16);
		if (*end == '=')
			value = strtoul(end + 1, &end, 16);
		good = perform(op, where, value);
		step = end + (*end == ' ');
	}
	if (!tap(t, good, name))
		printf("# failed before: %s\n", step);
}

int main(void)
{
	struct tap t = { 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		run(&t, cases[i].name, cases[i].steps);
	return tap_end(&t);
}
