// SPDX-License-Identifier: GPL-2.0-only
/* The I/O APIC: registers, edge, level, masks, EOI. */
#include "libvmxhv-devices.h"
#include "tap.h"
#include "util.h"

#define SELECT	0x00
#define WINDOW	0x10
#define EOI	0x40
#define MASKED	BIT(16)
#define LEVEL	BIT(15)
#define IRR	BIT(14)

#define STATUS	BIT(12)

struct bus {
	int taken;		/* what the next message is answered with */
	unsigned int sent;
	uint64_t address;
	uint32_t data;
};

static struct bus bus;

static int send(void *opaque, uint64_t address, uint32_t data)
{
	struct bus *b = opaque;

	b->sent++;
	b->address = address;
	b->data = data;
	return b->taken;
}

static uint32_t get(struct vmxhv_ioapic *ioapic, unsigned int reg)
{
	vmxhv_ioapic_write(ioapic, SELECT, 4, reg);
	return vmxhv_ioapic_read(ioapic, WINDOW, 4);
}

static void set(struct vmxhv_ioapic *ioapic, unsigned int reg, uint32_t value)
{
	vmxhv_ioapic_write(ioapic, SELECT, 4, reg);
	vmxhv_ioapic_write(ioapic, WINDOW, 4, value);
}

static struct vmxhv_ioapic fresh(void)
{
	struct vmxhv_ioapic ioapic;

	bus = (struct bus){ .taken = 1 };
	vmxhv_ioapic_init(&ioapic, 1, send, &bus);
	return ioapic;
}

static void test_registers(struct tap *t)
{
	struct vmxhv_ioapic ioapic = fresh();

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
	struct vmxhv_ioapic ioapic = fresh();

	vmxhv_ioapic_set_line(&ioapic, 4, true);
	tap_eq(t, bus.sent, 0, "masked: nothing");
	vmxhv_ioapic_set_line(&ioapic, 4, false);
	set(&ioapic, 0x19, 0x03000000);
	set(&ioapic, 0x18, 0x31);
	vmxhv_ioapic_set_line(&ioapic, 4, true);
	tap_eq(t, bus.sent, 1, "edge: sent");
	tap_eq(t, bus.address, 0xfee03000, "edge: to APIC 3");
	tap_eq(t, bus.data, 0x4031, "edge: vector, assert");
	vmxhv_ioapic_set_line(&ioapic, 4, true);
	tap_eq(t, bus.sent, 1, "edge: high is no edge");
	vmxhv_ioapic_set_line(&ioapic, 4, false);
	set(&ioapic, 0x18, 0x831);
	vmxhv_ioapic_set_line(&ioapic, 4, true);
	tap(t, bus.sent == 2 && bus.address == 0xfee03004, "edge again, logical destination");
}

static void test_level(struct tap *t)
{
	struct vmxhv_ioapic ioapic = fresh();

	set(&ioapic, 0x20, LEVEL | 0x40);
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	tap(t, bus.sent == 1 && bus.data == 0xc040, "level: sent as level");
	tap_eq(t, get(&ioapic, 0x20), LEVEL | IRR | 0x40, "level: remote IRR");
	vmxhv_ioapic_eoi(&ioapic, 0x41);
	tap_eq(t, bus.sent, 1, "level: another vector's EOI is nothing");
	vmxhv_ioapic_eoi(&ioapic, 0x40);
	tap_eq(t, bus.sent, 2, "level: still high at EOI: again");
	vmxhv_ioapic_set_line(&ioapic, 8, false);
	tap_eq(t, get(&ioapic, 0x20) & IRR, IRR, "level: low does not end it once EOIs are seen");
	vmxhv_ioapic_write(&ioapic, EOI, 4, 0x40);
	tap_eq(t, get(&ioapic, 0x20) & IRR, 0, "level: the EOI register does");
	tap_eq(t, bus.sent, 2, "level: low at EOI: silence");
	set(&ioapic, 0x20, MASKED | LEVEL | 0x40);
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	tap_eq(t, bus.sent, 2, "level: masked");
	set(&ioapic, 0x20, LEVEL | 0x40);
	tap_eq(t, bus.sent, 3, "level: sent when unmasked");
	set(&ioapic, 0x20, MASKED | 0x40);
	tap_eq(t, get(&ioapic, 0x20) & IRR, 0, "level: edge mode clears remote IRR");
}

/* A module that reports no EOI must not leave a pin stuck. */
static void test_no_eoi(struct tap *t)
{
	struct vmxhv_ioapic ioapic = fresh();

	set(&ioapic, 0x20, LEVEL | 0x40);
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	vmxhv_ioapic_set_line(&ioapic, 8, false);
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	tap_eq(t, bus.sent, 2, "level without EOIs: a new assertion is sent");
}

/* No APIC takes it: what is up is sent until one does, and only then is it being served. */
static void test_level_waits(struct tap *t)
{
	struct vmxhv_ioapic ioapic = fresh();

	bus.taken = 0;
	set(&ioapic, 0x20, LEVEL | 0x40);
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	tap_eq(t, bus.sent, 1, "level, not taken: sent");
	tap_eq(t, get(&ioapic, 0x20), LEVEL | STATUS | 0x40,
	       "level, not taken: send pending, no remote IRR");
	tap_eq(t, ioapic.waiting, BIT(8), "level, not taken: it waits");
	vmxhv_ioapic_retry(&ioapic);
	tap_eq(t, bus.sent, 2, "level, not taken: sent again");
	bus.taken = 1;
	vmxhv_ioapic_retry(&ioapic);
	tap_eq(t, bus.sent, 3, "level: and again");
	tap_eq(t, get(&ioapic, 0x20), LEVEL | IRR | 0x40, "level, taken: remote IRR");
	vmxhv_ioapic_retry(&ioapic);
	tap(t, bus.sent == 3 && !ioapic.waiting, "level, taken: no more");
	bus.taken = 0;
	vmxhv_ioapic_eoi(&ioapic, 0x40);
	tap_eq(t, get(&ioapic, 0x20), LEVEL | STATUS | 0x40,
	       "level, not taken after EOI: it waits");
	vmxhv_ioapic_set_line(&ioapic, 8, false);
	tap(t, !ioapic.waiting && !(get(&ioapic, 0x20) & STATUS),
	    "level: a line that falls ends that");
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	set(&ioapic, 0x20, MASKED | LEVEL | 0x40);
	tap_eq(t, ioapic.waiting, 0, "level: so does the mask");
	set(&ioapic, 0x20, LEVEL | 0x41);
	tap_eq(t, ioapic.waiting, BIT(8), "level, not taken when unmasked: it waits");
	bus.taken = 1;
	vmxhv_ioapic_retry(&ioapic);
	tap_eq(t, bus.data, 0xc041, "level: as the entry is now");
}

static void test_edge_waits(struct tap *t)
{
	struct vmxhv_ioapic ioapic = fresh();

	bus.taken = 0;
	set(&ioapic, 0x18, 0x31);
	vmxhv_ioapic_set_line(&ioapic, 4, true);
	vmxhv_ioapic_set_line(&ioapic, 4, false);
	tap_eq(t, get(&ioapic, 0x18), STATUS | 0x31, "edge, not taken: send pending");
	bus.taken = 1;
	vmxhv_ioapic_retry(&ioapic);
	tap(t, bus.sent == 2 && bus.data == 0x4031,
	    "edge, not taken: sent again, though it is over");
	vmxhv_ioapic_retry(&ioapic);
	tap(t, bus.sent == 2 && get(&ioapic, 0x18) == 0x31, "edge, taken: no more");
	bus.taken = 0;
	vmxhv_ioapic_set_line(&ioapic, 4, true);
	set(&ioapic, 0x18, MASKED | 0x31);
	set(&ioapic, 0x18, 0x31);
	tap(t, bus.sent == 3 && !ioapic.waiting, "edge, not taken: the mask takes it back");
	bus.taken = -22;
	vmxhv_ioapic_set_line(&ioapic, 4, false);
	vmxhv_ioapic_set_line(&ioapic, 4, true);
	tap(t, bus.sent == 4 && !ioapic.waiting, "edge that no APIC ever takes: not sent again");
	set(&ioapic, 0x20, LEVEL | 0x05);
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	tap_eq(t, get(&ioapic, 0x20), LEVEL | 0x05,
	       "level that no APIC ever takes: nothing is served");
}

/* Modes that no EOI ends. */
static void test_modes(struct tap *t)
{
	static const uint32_t modes[] = { 0x200, 0x400, 0x500, 0x700 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct vmxhv_ioapic ioapic = fresh();

		set(&ioapic, 0x20, LEVEL | modes[i] | 0x40);
		vmxhv_ioapic_set_line(&ioapic, 8, true);
		vmxhv_ioapic_set_line(&ioapic, 8, false);
		vmxhv_ioapic_set_line(&ioapic, 8, true);
		tap_eq(t, bus.sent, 2, "NMI and the like: an edge, whatever the trigger mode says");
		tap_eq(t, bus.data, 0x4040 | modes[i], "NMI and the like: sent as an edge");
		tap_eq(t, get(&ioapic, 0x20) & IRR, 0, "NMI and the like: no remote IRR");
	}
}

/* What is being served stays so whatever is written to its entry, but for edge mode. */
static void test_rewrite(struct tap *t)
{
	struct vmxhv_ioapic ioapic = fresh();

	set(&ioapic, 0x20, LEVEL | 0x40);
	vmxhv_ioapic_set_line(&ioapic, 8, true);
	set(&ioapic, 0x20, LEVEL | 0x40);
	tap_eq(t, get(&ioapic, 0x20), LEVEL | IRR | 0x40, "rewritten in service: remote IRR stays");
	tap_eq(t, bus.sent, 1, "rewritten in service: not sent again");
	set(&ioapic, 0x21, 0x02000000);
	tap_eq(t, get(&ioapic, 0x20) & IRR, IRR,
	       "rewritten in service, high half: remote IRR stays");
	set(&ioapic, 0x20, LEVEL | MASKED | 0x40);
	set(&ioapic, 0x20, LEVEL | 0x40);
	tap_eq(t, bus.sent, 1, "masked and unmasked in service: not sent again");
	set(&ioapic, 0x20, LEVEL | 0x51);
	tap_eq(t, get(&ioapic, 0x20), LEVEL | IRR | 0x51,
	       "another vector in service: remote IRR stays");
	vmxhv_ioapic_eoi(&ioapic, 0x51);
	tap(t, bus.sent == 2 && bus.data == 0xc051, "and its EOI sends again");
}

int main(void)
{
	struct tap t = { 0 };

	test_registers(&t);
	test_edge(&t);
	test_level(&t);
	test_no_eoi(&t);
	test_level_waits(&t);
	test_edge_waits(&t);
	test_modes(&t);
	test_rewrite(&t);
	return tap_end(&t);
}
