// SPDX-License-Identifier: GPL-2.0-only
/* The I/O APIC: registers, edge, level, masks, EOI. */
#include <string.h>

#include "ioapic.h"
#include "tap.h"
#include "util.h"

#define SELECT	0x00
#define WINDOW	0x10
#define EOI	0x40
#define MASKED	BIT(16)
#define LEVEL	BIT(15)
#define IRR	BIT(14)

struct bus {
	unsigned int sent;
	uint64_t address;
	uint32_t data;
};

static struct bus bus;

static void send(void *opaque, uint64_t address, uint32_t data)
{
	struct bus *b = opaque;

	b->sent++;
	b->address = address;
	b->data = data;
}

static uint32_t get(struct ioapic *ioapic, unsigned int reg)
{
	ioapic_write(ioapic, SELECT, 4, reg);
	return ioapic_read(ioapic, WINDOW, 4);
}

static void set(struct ioapic *ioapic, unsigned int reg, uint32_t value)
{
	ioapic_write(ioapic, SELECT, 4, reg);
	ioapic_write(ioapic, WINDOW, 4, value);
}

static struct ioapic fresh(void)
{
	struct ioapic ioapic;

	memset(&bus, 0, sizeof(bus));
	ioapic_init(&ioapic, 1, send, &bus);
	return ioapic;
}

static void test_registers(struct tap *t)
{
	struct ioapic ioapic = fresh();

	tap_eq(t, get(&ioapic, 0), 0x01000000, "id");
	set(&ioapic, 0, 0xff000000);
	tap_eq(t, get(&ioapic, 0), 0x0f000000, "id has four bits");
	tap_eq(t, get(&ioapic, 1), 0x00170020, "24 pins, version 20H");
	tap_eq(t, get(&ioapic, 0x10), MASKED, "entries begin masked");
	set(&ioapic, 0x10, 0xffffffff);
	tap_eq(t, get(&ioapic, 0x10), 0x1afff, "status and remote IRR are read-only");
	set(&ioapic, 0x11, 0x12345678);
	tap_eq(t, get(&ioapic, 0x11), 0x12000000, "high half: the destination only");
	tap_eq(t, get(&ioapic, 0x3f), 0, "last entry");
	tap_eq(t, get(&ioapic, 0x40), 0xffffffff, "no entry beyond");
}

static void test_edge(struct tap *t)
{
	struct ioapic ioapic = fresh();

	ioapic_set_line(&ioapic, 4, true);
	tap_eq(t, bus.sent, 0, "masked: nothing");
	ioapic_set_line(&ioapic, 4, false);
	set(&ioapic, 0x19, 0x03000000);
	set(&ioapic, 0x18, 0x31);
	ioapic_set_line(&ioapic, 4, true);
	tap_eq(t, bus.sent, 1, "edge: sent");
	tap_eq(t, bus.address, 0xfee03000, "edge: to APIC 3");
	tap_eq(t, bus.data, 0x4031, "edge: vector, assert");
	ioapic_set_line(&ioapic, 4, true);
	tap_eq(t, bus.sent, 1, "edge: high is no edge");
	ioapic_set_line(&ioapic, 4, false);
	set(&ioapic, 0x18, 0x831);
	ioapic_set_line(&ioapic, 4, true);
	tap(t, bus.sent == 2 && bus.address == 0xfee03004, "edge again, logical destination");
}

static void test_level(struct tap *t)
{
	struct ioapic ioapic = fresh();

	set(&ioapic, 0x20, LEVEL | 0x40);
	ioapic_set_line(&ioapic, 8, true);
	tap(t, bus.sent == 1 && bus.data == 0xc040, "level: sent as level");
	tap_eq(t, get(&ioapic, 0x20), LEVEL | IRR | 0x40, "level: remote IRR");
	ioapic_eoi(&ioapic, 0x41);
	tap_eq(t, bus.sent, 1, "level: another vector's EOI is nothing");
	ioapic_eoi(&ioapic, 0x40);
	tap_eq(t, bus.sent, 2, "level: still high at EOI: again");
	ioapic_set_line(&ioapic, 8, false);
	tap_eq(t, get(&ioapic, 0x20) & IRR, IRR, "level: low does not end it once EOIs are seen");
	ioapic_write(&ioapic, EOI, 4, 0x40);
	tap_eq(t, get(&ioapic, 0x20) & IRR, 0, "level: the EOI register does");
	tap_eq(t, bus.sent, 2, "level: low at EOI: silence");
	set(&ioapic, 0x20, MASKED | LEVEL | 0x40);
	ioapic_set_line(&ioapic, 8, true);
	tap_eq(t, bus.sent, 2, "level: masked");
	set(&ioapic, 0x20, LEVEL | 0x40);
	tap_eq(t, bus.sent, 3, "level: sent when unmasked");
	set(&ioapic, 0x20, MASKED | 0x40);
	tap_eq(t, get(&ioapic, 0x20) & IRR, 0, "level: edge mode clears remote IRR");
}

/* A module that reports no EOI must not leave a pin stuck. */
static void test_no_eoi(struct tap *t)
{
	struct ioapic ioapic = fresh();

	set(&ioapic, 0x20, LEVEL | 0x40);
	ioapic_set_line(&ioapic, 8, true);
	ioapic_set_line(&ioapic, 8, false);
	ioapic_set_line(&ioapic, 8, true);
	tap_eq(t, bus.sent, 2, "level without EOIs: a new assertion is sent");
}

int main(void)
{
	struct tap t = { 0 };

	test_registers(&t);
	test_edge(&t);
	test_level(&t);
	test_no_eoi(&t);
	return tap_end(&t);
}
