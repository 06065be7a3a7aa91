// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports and MSRs of the host that a guest is given: a UART's scratch register, which is there for
 * nothing else, and an MSR that the emulated CPU takes without effect.
 */
#include <errno.h>
#include <string.h>
#include <sys/io.h>

#include "config.h"
#include "machine.h"
#include "tap.h"

#define SCRATCH		0x3ff	/* of the first UART, which is the console's */
#define MODEM_STATUS	0x3fe
#define NOTHING_THERE	0xfff0
#define MSR_ENERGY_BIAS	0x1b0

#define MSRS(access_, first_, last_)						\
	{ .kind = VMXHV_RANGE_MSR_PASS, .access = access_, .first = first_, .last = last_ }
#define PORTS(first_, last_)							\
	{ .kind = VMXHV_RANGE_PORT_PASS, .access = READ | WRITE, .first = first_, .last = last_ }

static struct machine m;
static struct cpu c;

static void start(const struct vmxhv_range *ranges, uint32_t count)
{
	configured(&m, &c, &(const struct vmxhv_config){
		.count = count, .ranges = (uintptr_t)ranges }, "config");
}

static void end(void)
{
	cpu_destroy(&c);
	machine_destroy(&m);
}

/* The case's instruction on this port; what it exits as, NONE if it does not. */
static int access_port(unsigned int entry, uint16_t port, uint8_t data)
{
	prepare(&c, entry, 0, (uint64_t)port << 32 | data);
	return run_guest(&c);
}

static void ports(void)
{
	static const struct vmxhv_range ranges[] = {
		PORTS(SCRATCH, SCRATCH), PORTS(0x7fff, 0x8000), PORTS(NOTHING_THERE, 0xfff7),
	};

	if (ioperm(SCRATCH, 1, 1))
		tap_bail("ioperm: %s", strerror(errno));
	start(ranges, ARRAY_SIZE(ranges));
	outb(0xa5, SCRATCH);
	tap_equal(access_port(IN, SCRATCH, 0), VMXHV_EXIT_NONE, "IN does not exit");
	tap_ok(c.nr_values == 1 && c.values[0] == 0xa5, "IN: what the host has there");
	tap_equal(access_port(OUT, SCRATCH, 0x5a), VMXHV_EXIT_NONE, "OUT does not exit");
	tap_equal(inb(SCRATCH), 0x5a, "OUT: the host finds it there");
	tap_equal(access_port(IN, MODEM_STATUS, 0), VMXHV_EXIT_IO, "IN of the port before exits");
	tap_equal(access_port(OUT, MODEM_STATUS, 0), VMXHV_EXIT_IO, "OUT to it exits");
	tap_equal(access_port(IN, SCRATCH + 1, 0), VMXHV_EXIT_IO, "IN of the port behind exits");
	tap_equal(access_port(IN, 0x7fff, 0), VMXHV_EXIT_NONE, "the last port of bitmap A");
	tap_equal(access_port(IN, 0x8000, 0), VMXHV_EXIT_NONE, "the first of bitmap B");
	tap_equal(access_port(IN, 0x8001, 0), VMXHV_EXIT_IO, "and the one behind it, which exits");
	tap_equal(access_port(IN, 0xfff7, 0), VMXHV_EXIT_NONE, "a port far up");
	tap_equal(access_port(IN, 0xfff8, 0), VMXHV_EXIT_IO, "and the one behind it exits");
	end();

	start(NULL, 0);
	tap_equal(access_port(OUT, SCRATCH, 0x11), VMXHV_EXIT_IO, "OUT of another VM exits");
	tap_equal(inb(SCRATCH), 0x5a, "OUT: nothing reached the host");
	end();
}

static bool faults(unsigned int entry)
{
	prepare(&c, entry, MSR_ENERGY_BIAS, 6);
	return run_guest(&c) == VMXHV_EXIT_NONE && c.nr_values == 3 && c.values[0] == 13;
}

static bool is_there(unsigned int entry)
{
	prepare(&c, entry, MSR_ENERGY_BIAS, 6);
	return run_guest(&c) == VMXHV_EXIT_NONE && c.nr_values && c.values[0] != 13;
}

static void msrs(void)
{
	static const struct vmxhv_range reads = MSRS(READ, MSR_ENERGY_BIAS, MSR_ENERGY_BIAS);
	static const struct vmxhv_range writes = MSRS(WRITE, MSR_ENERGY_BIAS, MSR_ENERGY_BIAS);
	static const struct vmxhv_range both[] = {
		MSRS(READ, MSR_ENERGY_BIAS, MSR_ENERGY_BIAS),
		{ .access = WRITE, .first = MSR_ENERGY_BIAS, .last = MSR_ENERGY_BIAS },
	};

	start(&reads, 1);
	tap_ok(is_there(READ_MSR), "RDMSR of a passed MSR");
	tap_ok(faults(WRITE_MSR), "WRMSR of it, if only reads are passed");
	end();
	start(&writes, 1);
	tap_ok(is_there(WRITE_MSR), "WRMSR of a passed MSR");
	tap_ok(faults(READ_MSR), "RDMSR of it, if only writes are passed");
	end();
	start(both, ARRAY_SIZE(both));
	tap_ok(is_there(READ_MSR), "RDMSR passed while WRMSR exits");
	prepare(&c, WRITE_MSR, MSR_ENERGY_BIAS, 6);
	tap_equal(run_guest(&c), VMXHV_EXIT_MSR_WRITE, "WRMSR exits while RDMSR is passed");
	end();
	start(NULL, 0);
	tap_ok(faults(READ_MSR) && faults(WRITE_MSR), "another VM has no such MSR");
	end();
}

int main(void)
{
	ports();
	msrs();
	return tap_done();
}
