// SPDX-License-Identifier: GPL-2.0-only
/* The guest's own breakpoints, and a debugger's, on what the hypervisor does in software. */
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "state.h"
#include "tap.h"

enum { POINTS = 3, POINT_MMIO, POINT_APIC, OUTS_AT = 18, INS_AT };

#define DB(distance)	1, 0, distance
#define CLEAR		0xffff0ff0
#define B0		0xffff0ff1
#define B0_STEP		0xffff4ff1
#define NOTHING		0xff, CLEAR

static struct machine m;
static struct cpu c;

static int run_ports(void)
{
	int ret;

	while ((ret = run_guest(&c)) == VMXHV_EXIT_IO && c.run->u.io.port >= POINT_PORT - 3 &&
	       c.run->u.io.port <= POINT_PORT + 1)
		;
	return ret;
}

static void by_ports(void)
{
	static const uint32_t wanted[] = {
		NOTHING,		/* CR4.DE is clear */
		DB(2), B0, DB(2), B0, DB(2), B0,
		NOTHING,		/* the next port */
		DB(2), B0_STEP,
		DB(1), B0, NOTHING, DB(1), B0,
		DB(0), B0, 1,		/* one of four is left */
		DB(3), B0,
	};

	cpu_start(&c, MODE_LONG, POINTS);
	expect_outcome(&c, run_ports(), "OUT, IN, OUTS, INS, LMSW: the guest's breakpoints",
		       ARRAY_SIZE(wanted), wanted);
}

static void retire(uint32_t length)
{
	c.run->u.mmio.completion = VMXHV_MMIO_RETIRE;
	c.run->u.mmio.retire_len = length;
}

static void by_mmio(void)
{
	static const uint32_t wanted[] = { DB(2), B0, NOTHING };
	int ret;

	cpu_start(&c, MODE_LONG, POINT_MMIO);
	while ((ret = run_guest(&c)) == VMXHV_EXIT_MMIO)
		retire(2);
	expect_outcome(&c, ret, "MMIO: the guest's breakpoints", ARRAY_SIZE(wanted), wanted);
}

static void debug(uint32_t kind, uint64_t address)
{
	struct vmxhv_debug d = { .size = sizeof(d) };

	d.point[0].kind = kind;
	d.point[0].address = address;
	d.point[0].length = kind ? 1 : 0;
	if (call(c.fd, VMXHV_DEBUG, &d))
		tap_bail("DEBUG: %.96s", last_error(c.fd).text);
}

/* A debugger's watchpoint on the buffer of a string instruction. */
static void debuggers(int entry, uint32_t kind, const char *name)
{
	struct vmxhv_gprs g;
	int ret;

	cpu_start(&c, MODE_LONG, entry);
	if (get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("GPRS");
	g.gpr[6] = DATA_BASE;
	g.gpr[7] = DATA_BASE;
	if (set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("GPRS");
	debug(kind, DATA_BASE);
	ret = run_ports();
	if (ret > 0 && ret != VMXHV_EXIT_DEBUG)
		note_exit(&c);
	tap_ok(ret == VMXHV_EXIT_DEBUG && c.run->u.debug.kind == VMXHV_DEBUG_POINT &&
	       c.run->u.debug.dr6 == 1, "%s", name);
	debug(0, 0);
	EXPECT(&c, "and the guest hears nothing of it", 0xff, DATA_BASE + 1);
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "state");
	cpu_create(&m, &c, 0);
	by_ports();
	by_mmio();
	cpu_start(&c, MODE_LONG, POINT_APIC);
	EXPECT(&c, "the APIC's page: the guest's breakpoints", DB(2), B0, NOTHING, DB(2), B0);
	debuggers(OUTS_AT, VMXHV_POINT_ACCESS, "a debugger's watchpoint: OUTS");
	debuggers(INS_AT, VMXHV_POINT_WRITE, "a debugger's watchpoint: INS");
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
