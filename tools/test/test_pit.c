// SPDX-License-Identifier: GPL-2.0-only
/* The 8254 and port 0x61, and ACPI's timer, at times of our own. */
#include <string.h>

#include "acpi_pm.h"
#include "libvmxhv-devices.h"
#include "tap.h"
#include "util.h"

#define CONTROL	3

static struct vmxhv_pit pit;
static uint64_t now;		/* in nanoseconds */
static unsigned int rises, changes;
static bool line;

static uint64_t get_now(void *opaque)
{
	(void)opaque;
	return now;
}

static void set_line(void *opaque, bool level)
{
	(void)opaque;
	rises += level && !line;
	line = level;
}

static void changed(void *opaque)
{
	(void)opaque;
	changes++;
}

/* The middle of a tick, counted from the start of the case. */
static void at(uint64_t tick)
{
	now = (tick * 2 + 1) * 1000000000ull / (2ull * VMXHV_PIT_HZ);
}

static void out(unsigned int port, uint8_t value)
{
	vmxhv_pit_write(&pit, port, 1, value);
}

static uint8_t in(unsigned int port)
{
	return vmxhv_pit_read(&pit, port, 1);
}

static void fresh(void)
{
	at(0);
	pit = (struct vmxhv_pit){ .set_irq = set_line, .changed = changed, .now = get_now };
	vmxhv_pit_init(&pit);
	line = false;
	rises = 0;
}

static void program(unsigned int channel, uint8_t control, uint16_t value)
{
	out(CONTROL, channel << 6 | control);
	out(channel, value);
	out(channel, value >> 8);
}

/* Count and output by the read-back command. Return: status << 16 | count. */
static uint32_t read_back(unsigned int channel)
{
	uint32_t status, low;

	out(CONTROL, 0xc0 | 2 << channel);
	status = in(channel);
	low = in(channel);
	return status << 16 | in(channel) << 8 | low;
}

/* ---- counting ------------------------------------------------------------------------------ */

static void test_counts(struct tap *t)
{
	static const struct {
		const char *name;
		uint8_t control;
		uint16_t value;
		uint32_t tick;
		uint16_t count;
		bool out;
	} rows[] = {
		{ "mode 0: counts down", 0x30, 1000, 1, 999, 0 },
		{ "mode 0: low to the end", 0x30, 1000, 999, 1, 0 },
		{ "mode 0: then high", 0x30, 1000, 1000, 0, 1 },
		{ "mode 0: and on from FFFFH", 0x30, 1000, 1001, 0xffff, 1 },
		{ "mode 0: for ever", 0x30, 1000, 1000 + 3 * 65536 + 6, 0xfffa, 1 },
		{ "mode 0: 0 is 65536", 0x30, 0, 65535, 1, 0 },
		{ "mode 0: 0 is 65536, its end", 0x30, 0, 65536, 0, 1 },
		{ "mode 0, BCD: counts down", 0x31, 0x1000, 1, 0x0999, 0 },
		{ "mode 0, BCD: on from 9999", 0x31, 0x1000, 1001, 0x9999, 1 },
		{ "mode 0, BCD: 0 is 10000", 0x31, 0, 9999, 1, 0 },
		{ "mode 2: starts full and high", 0x34, 100, 0, 100, 1 },
		{ "mode 2: low for one tick", 0x34, 100, 99, 1, 0 },
		{ "mode 2: and again", 0x34, 100, 100, 100, 1 },
		{ "mode 2: the tenth time", 0x34, 100, 999, 1, 0 },
		{ "mode 6 is 2", 0x3c, 100, 99, 1, 0 },
		{ "mode 3: by two", 0x36, 100, 1, 98, 1 },
		{ "mode 3: high for half", 0x36, 100, 49, 2, 1 },
		{ "mode 3: low for half", 0x36, 100, 50, 100, 0 },
		{ "mode 3: to the end", 0x36, 100, 99, 2, 0 },
		{ "mode 3: odd, high one longer", 0x36, 101, 50, 0, 1 },
		{ "mode 3: odd, low one shorter", 0x36, 101, 51, 100, 0 },
		{ "mode 3: odd, its end", 0x36, 101, 100, 2, 0 },
		{ "mode 3: odd, and again", 0x36, 101, 101, 100, 1 },
		{ "mode 7 is 3", 0x3e, 100, 50, 100, 0 },
		{ "mode 4: high", 0x38, 100, 99, 1, 1 },
		{ "mode 4: the strobe", 0x38, 100, 100, 0, 0 },
		{ "mode 4: high, once and for all", 0x38, 100, 101, 0xffff, 1 },
		{ "mode 1: waits for its gate", 0x32, 100, 50, 100, 1 },
		{ "mode 5: waits for its gate", 0x3a, 100, 50, 100, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		fresh();
		program(0, rows[i].control, rows[i].value);
		at(rows[i].tick);
		/* Mode 6 and 7 read as what they are. */
		tap_eq(t, read_back(0), (rows[i].out ? 0x800000u : 0) |
		       (rows[i].control & (rows[i].control & 4 ? ~8u : ~0u)) << 16 |
		       rows[i].count, rows[i].name);
	}
}

static void test_latches(struct tap *t)
{
	fresh();
	program(0, 0x34, 0x1234);
	at(0x100);
	out(CONTROL, 0x00);
	at(0x200);
	out(CONTROL, 0x00);
	tap_eq(t, in(0), 0x34, "latched: low byte of then");
	tap_eq(t, in(0), 0x11, "latched: high byte, and no second latch over it");
	tap_eq(t, in(0), 0x34, "not latched: low byte of now");
	tap_eq(t, in(0), 0x10, "not latched: high byte of now");
	out(CONTROL, 0xe2);
	tap_eq(t, in(0), 0xb4, "read-back: status only");
	out(CONTROL, 0x34);
	tap_eq(t, read_back(0) >> 16, 0xf4, "null count until a count is written");
	out(CONTROL, 0x14);
	out(0, 0x80);
	at(0x201);
	tap_eq(t, in(0), 0x7f, "low byte only");
	out(CONTROL, 0x24);
	out(0, 0x80);
	tap_eq(t, in(0), 0x80, "high byte only");
	tap_eq(t, in(CONTROL), 0xff, "the control word is not to be read");
	program(1, 0x34, 5000);
	program(2, 0x34, 6000);
	out(CONTROL, 0xdc);
	tap_eq(t, in(1) | in(1) << 8, 5000, "read-back latches channel 1");
	tap_eq(t, in(2) | in(2) << 8, 6000, "and channel 2");
}

/* ---- the interrupt ------------------------------------------------------------------------- */

/* Run whenever something is due, up to a tick. */
static void run_to(uint64_t tick)
{
	uint64_t end;

	at(tick);
	end = now;
	for (now = vmxhv_pit_next(&pit); now <= end; now = vmxhv_pit_next(&pit))
		vmxhv_pit_run(&pit);
	now = end;
}

static void test_interrupt(struct tap *t)
{
	static const struct {
		const char *name;
		uint8_t control;
		uint16_t value;
		uint32_t ticks, rises;
	} rows[] = {
		{ "mode 0: before its end", 0x30, 100, 99, 0 },
		{ "mode 0: once", 0x30, 100, 100000, 1 },
		{ "mode 2: each period", 0x34, 100, 1000, 10 },
		{ "mode 3: each period", 0x36, 101, 1009, 9 },
		{ "mode 4: before its strobe ends", 0x38, 100, 100, 0 },
		{ "mode 4: once", 0x38, 100, 100000, 1 },
		{ "mode 1: never", 0x32, 100, 100000, 0 },
		{ "250 Hz for a second", 0x34, 4773, VMXHV_PIT_HZ, 249 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		fresh();
		program(0, rows[i].control, rows[i].value);
		rises = 0;
		run_to(rows[i].ticks);
		tap_eq(t, rises, rows[i].rises, rows[i].name);
	}
	fresh();
	tap(t, vmxhv_pit_next(&pit) == VMXHV_PIT_NEVER && !line,
	    "before it is programmed: nothing");
	program(0, 0x34, 100);
	rises = 0;
	at(1050);
	vmxhv_pit_run(&pit);
	tap_eq(t, rises, 1, "ten periods too late are one edge");
	tap_eq(t, (vmxhv_pit_next(&pit) * VMXHV_PIT_HZ + 999999999) / 1000000000, 1101,
	       "the next is on time");
	changes = 0;
	out(CONTROL, 0x30);
	tap(t, !line && changes && vmxhv_pit_next(&pit) == VMXHV_PIT_NEVER,
	    "mode 0 without a count: silence");
	out(CONTROL, 0x38);
	tap(t, line, "mode 4: its output is high at once");
}

static void test_control_port(struct tap *t)
{
	unsigned int i, toggles = 0;
	uint8_t last, value;

	fresh();
	program(2, 0x30, 1000);
	at(5000);
	tap_eq(t, vmxhv_pit_control_read(&pit, 0, 1) & 0x23, 0, "port 61: gate closed, output low");
	vmxhv_pit_control_write(&pit, 0, 1, 0x03);
	at(5999);
	tap_eq(t, vmxhv_pit_control_read(&pit, 0, 1) & 0x23, 0x03, "port 61: open, it counts");
	vmxhv_pit_control_write(&pit, 0, 1, 0x00);
	at(7000);
	tap_eq(t, read_back(2) & 0xffff, 1, "port 61: closed again, it waits");
	vmxhv_pit_control_write(&pit, 0, 1, 0x01);
	at(7001);
	tap_eq(t, vmxhv_pit_control_read(&pit, 0, 1) & 0x23, 0x21, "port 61: and is done");
	program(2, 0x32, 10);
	vmxhv_pit_control_write(&pit, 0, 1, 0x00);
	vmxhv_pit_control_write(&pit, 0, 1, 0x01);
	at(7010);
	tap_eq(t, read_back(2), 0x320001, "mode 1: triggered by the gate");
	vmxhv_pit_control_write(&pit, 0, 1, 0x00);
	vmxhv_pit_control_write(&pit, 0, 1, 0x01);
	tap_eq(t, read_back(2), 0x32000a, "mode 1: and again");
	at(7020);
	tap_eq(t, read_back(2), 0xb20000, "mode 1: its end");
	last = vmxhv_pit_control_read(&pit, 0, 1) & 0x10;
	for (i = 0; i < 100; i++) {
		now += 5000;
		value = vmxhv_pit_control_read(&pit, 0, 1) & 0x10;
		toggles += value != last;
		last = value;
	}
	tap(t, toggles == 33, "port 61: the refresh bit toggles every 15 us");
}

/* ---- ACPI's timer -------------------------------------------------------------------------- */

static bool sci_line;
static unsigned int sleep_type;

static void set_sci(void *opaque, bool level)
{
	(void)opaque;
	sci_line = level;
}

static void set_sleep(void *opaque, unsigned int type)
{
	(void)opaque;
	sleep_type = type;
}

static void test_acpi(struct tap *t)
{
	struct acpi_pm pm = {
		.set_sci = set_sci, .sleep = set_sleep, .changed = changed, .now = get_now };
	const uint64_t half = 8388608ull * 1000000000 / ACPI_PM_HZ + 1;

	now = 1000000000;
	acpi_pm_init(&pm);
	tap_eq(t, acpi_pm_timer_read(&pm, 0, 4), 3579545, "ACPI timer: its frequency");
	now = 5000000000;
	tap_eq(t, acpi_pm_timer_read(&pm, 0, 4), 3579545 * 5 & 0xffffff, "ACPI timer: 24 bits");
	tap_eq(t, acpi_pm_timer_read(&pm, 1, 1), (3579545 * 5 & 0xffffff) >> 8 & 0xffff,
	       "ACPI timer: from its second byte on");
	now = 0;
	acpi_pm_init(&pm);
	tap(t, acpi_pm_next(&pm) == ACPI_PM_NEVER, "ACPI timer: nobody waits");
	acpi_pm_event_write(&pm, 2, 2, 0xffff);
	tap_eq(t, acpi_pm_event_read(&pm, 2, 2), 0x721, "PM1_EN: the bits that there are");
	tap_eq(t, acpi_pm_next(&pm), half, "ACPI timer: due when bit 23 changes");
	now = half;
	acpi_pm_run(&pm);
	tap(t, sci_line && acpi_pm_event_read(&pm, 0, 2) == 1, "SCI, and the status says why");
	acpi_pm_event_write(&pm, 0, 2, 1);
	tap(t, !sci_line && !acpi_pm_event_read(&pm, 0, 2), "a one clears it");
	tap_eq(t, acpi_pm_next(&pm), 2 * half - 1, "ACPI timer: due again");
	acpi_pm_event_write(&pm, 2, 2, 0);
	now = 2 * half;
	tap_eq(t, acpi_pm_event_read(&pm, 0, 2), 1, "PM1_STS without PM1_EN");
	tap(t, !sci_line, "but no SCI");
	tap_eq(t, acpi_pm_control_read(&pm, 0, 2), 1, "PM1_CNT: ACPI mode");
	acpi_pm_control_write(&pm, 0, 2, 5 << 10);
	tap(t, !sleep_type && acpi_pm_control_read(&pm, 0, 2) == 0x1401, "SLP_TYP alone");
	acpi_pm_control_write(&pm, 1, 1, 0x34);
	tap_eq(t, sleep_type, 5, "SLP_EN, by its byte");
}

int main(void)
{
	struct tap t = { 0 };

	test_counts(&t);
	test_latches(&t);
	test_interrupt(&t);
	test_control_port(&t);
	test_acpi(&t);
	return tap_end(&t);
}
