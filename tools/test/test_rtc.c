// SPDX-License-Identifier: GPL-2.0-only
/* The clock, with a host time of our own: Tuesday, 2 January 2024, 15:04:05 UTC. */
#include <stdbool.h>

#include "libvmxhv-devices.h"
#include "tap.h"
#include "util.h"

#define SEC	1000000000ll
#define MSEC	1000000ll
#define USEC	1000ll

struct world {
	int64_t now;
	bool line;
	unsigned int rises;
};

static int64_t now(void *opaque)
{
	return ((struct world *)opaque)->now;
}

static void set_irq(void *opaque, bool level)
{
	struct world *world = opaque;

	world->rises += level && !world->line;
	world->line = level;
}

static void changed(void *opaque)
{
	(void)opaque;
}

static struct world host;

/* A fresh clock at 15:04:05, a hundred milliseconds into it. */
static struct vmxhv_rtc fresh(void)
{
	struct vmxhv_rtc rtc = {
		.now = now, .set_irq = set_irq, .changed = changed, .opaque = &host,
	};

	host = (struct world){ .now = 1704207845 * SEC + 100 * MSEC };
	vmxhv_rtc_init(&rtc);
	return rtc;
}

/* Time passes, and whoever owns the clock calls it when it says. Return: how often that was. */
static unsigned int pass(struct vmxhv_rtc *rtc, int64_t nsec)
{
	const int64_t end = host.now + nsec;
	unsigned int calls = 0;
	int64_t due;

	while ((due = vmxhv_rtc_next(rtc)) <= end && due != VMXHV_RTC_NEVER) {
		host.now = due > host.now ? due : host.now;
		vmxhv_rtc_run(rtc);
		calls++;
	}
	host.now = end;
	vmxhv_rtc_run(rtc);
	return calls;
}

static uint8_t get(struct vmxhv_rtc *rtc, uint8_t index)
{
	vmxhv_rtc_write(rtc, 0, 1, index);
	return vmxhv_rtc_read(rtc, 1, 1);
}

static void set(struct vmxhv_rtc *rtc, uint8_t index, uint8_t value)
{
	vmxhv_rtc_write(rtc, 0, 1, index);
	vmxhv_rtc_write(rtc, 1, 1, value);
}

static void test_reading(struct tap *t, struct vmxhv_rtc *rtc)
{
	static const struct {
		const char *name;
		uint8_t index, value;
	} bcd[] = {
		{ "seconds", 0, 0x05 }, { "minutes", 2, 0x04 }, { "hours", 4, 0x15 },
		{ "weekday", 6, 0x03 }, { "day", 7, 0x02 }, { "month", 8, 0x01 },
		{ "year", 9, 0x24 }, { "century", 0x32, 0x20 }, { "A: no update", 10, 0x26 },
		{ "B: 24 hours, BCD", 11, 0x02 }, { "C: nothing happened", 12, 0 },
		{ "D: battery good", 13, 0x80 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bcd); i++)
		tap_eq(t, get(rtc, bcd[i].index), bcd[i].value, bcd[i].name);
	tap_eq(t, get(rtc, 0x84), 0x15, "the NMI bit is no part of the index");
	tap_eq(t, vmxhv_rtc_read(rtc, 0, 1), 0xff, "the index reads nothing");
	set(rtc, 11, 0x06);
	tap_eq(t, get(rtc, 4), 15, "binary");
	set(rtc, 11, 0x00);
	tap_eq(t, get(rtc, 4), 0x83, "12 hours: 3 pm");
	set(rtc, 11, 0x02);
}

static void test_setting(struct tap *t, struct vmxhv_rtc *rtc)
{
	set(rtc, 11, 0x82);
	set(rtc, 0, 0x59);
	set(rtc, 2, 0x59);
	set(rtc, 4, 0x23);
	set(rtc, 7, 0x31);
	set(rtc, 8, 0x12);
	set(rtc, 9, 0x99);
	set(rtc, 0x32, 0x19);
	tap_eq(t, get(rtc, 0), 0x59, "SET: the registers are memory");
	set(rtc, 11, 0x02);
	tap_eq(t, get(rtc, 9), 0x99, "the clock goes on from there");
	host.now += SEC;
	tap_eq(t, get(rtc, 9), 0x00, "a second later it is 2000: year");
	tap_eq(t, get(rtc, 0x32), 0x20, "century");
	tap_eq(t, get(rtc, 8), 0x01, "month");
	tap_eq(t, get(rtc, 4), 0x00, "hours");
	set(rtc, 0x40, 0xaa);
	tap_eq(t, get(rtc, 0x40), 0xaa, "CMOS memory");
	set(rtc, 13, 0);
	tap_eq(t, get(rtc, 13), 0x80, "D is read-only");
}

/* ---- the update ----------------------------------------------------------------------------- */

static void test_uip(struct tap *t)
{
	struct vmxhv_rtc rtc = fresh();

	tap_eq(t, get(&rtc, 10), 0x26, "UIP: clear early in a second");
	host.now += 900 * MSEC - 2300 * USEC;
	tap_eq(t, get(&rtc, 10), 0x26, "UIP: clear until 2,228 us before its end");
	host.now += 100 * USEC;
	tap_eq(t, get(&rtc, 10), 0xa6, "UIP: set then");
	tap_eq(t, get(&rtc, 0), 0x05, "UIP: the second is the old one");
	host.now += 2199 * USEC;
	tap_eq(t, get(&rtc, 10), 0xa6, "UIP: set to the end");
	host.now += 2 * USEC;
	tap_eq(t, get(&rtc, 10), 0x26, "UIP: clear when it is over");
	tap_eq(t, get(&rtc, 0), 0x06, "UIP: and the second is the next");
	set(&rtc, 10, 0xa6);
	tap_eq(t, get(&rtc, 10), 0x26, "UIP: read-only");
	host.now += 999 * MSEC;
	set(&rtc, 11, 0x82);
	tap_eq(t, get(&rtc, 10), 0x26, "UIP: SET holds it clear");
	set(&rtc, 11, 0x02);
	set(&rtc, 10, 0x76);
	tap_eq(t, get(&rtc, 10), 0x76, "UIP: so does the divider's reset");
}

static void test_flags(struct tap *t)
{
	struct vmxhv_rtc rtc = fresh();

	tap_eq(t, get(&rtc, 12), 0, "C: nothing has happened");
	host.now += 10 * MSEC;
	tap_eq(t, get(&rtc, 12), 0x40, "C: a period is over, enabled or not");
	tap_eq(t, get(&rtc, 12), 0, "C: reading clears it");
	host.now += SEC;
	tap_eq(t, get(&rtc, 12), 0x50, "C: and an update");
	set(&rtc, 12, 0xff);
	tap_eq(t, get(&rtc, 12), 0, "C: read-only");
	tap_eq(t, host.rises, 0, "no interrupt that is not enabled");
	tap(t, vmxhv_rtc_next(&rtc) == VMXHV_RTC_NEVER, "and none is due");
	set(&rtc, 10, 0x20);
	host.now += SEC;
	tap_eq(t, get(&rtc, 12), 0x10, "rate 0: no periods");
	set(&rtc, 11, 0x82);
	host.now += 2 * SEC;
	tap_eq(t, get(&rtc, 12), 0, "SET: no updates");
	host.now -= 3600 * SEC;
	tap_eq(t, get(&rtc, 12), 0, "a host's clock that is set back is no event");
}

static void test_update_interrupt(struct tap *t)
{
	struct vmxhv_rtc rtc = fresh();

	set(&rtc, 11, 0x12);
	tap(t, vmxhv_rtc_next(&rtc) == host.now + 900 * MSEC, "update: due at the second's end");
	tap_eq(t, pass(&rtc, 5 * SEC), 1, "update: one, until C is read");
	tap(t, host.line && host.rises == 1, "update: the line is up");
	tap_eq(t, get(&rtc, 12), 0xd0, "update: IRQF, and why");
	tap(t, !host.line, "update: reading C lowers the line");
	pass(&rtc, SEC);
	tap_eq(t, host.rises, 2, "update: the next one");
	get(&rtc, 12);
	set(&rtc, 11, 0x92);
	tap_eq(t, get(&rtc, 11), 0x82, "update: SET takes its enable with it");
	set(&rtc, 11, 0x02);
	pass(&rtc, 2 * SEC);
	tap_eq(t, host.rises, 2, "update: disabled");
	set(&rtc, 11, 0x12);
	tap(t, host.line && host.rises == 3, "update: enabled with its flag up: at once");
}

static void test_periodic(struct tap *t)
{
	static const unsigned int hz[16] = { 0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128,
		64, 32, 16, 8, 4, 2 };
	unsigned int rate, i, count;

	for (rate = 0; rate < 16; rate++) {
		struct vmxhv_rtc rtc = fresh();
		char name[60];

		set(&rtc, 10, 0x20 | rate);
		set(&rtc, 11, 0x42);
		get(&rtc, 12);
		host.rises = 0;
		for (i = count = 0; i < 100000; i++) {
			host.now += 10 * USEC;
			vmxhv_rtc_run(&rtc);
			if (host.line && (get(&rtc, 12) & 0xc0) == 0xc0)
				count++;
		}
		snprintf(name, sizeof(name), "periodic: rate %u is %u Hz", rate, hz[rate]);
		tap_eq(t, count, hz[rate], name);
	}
}

/* It is called when it says so, and never later than that. */
static void test_periodic_due(struct tap *t)
{
	struct vmxhv_rtc rtc = fresh();
	unsigned int i, late = 0;

	set(&rtc, 11, 0x42);
	get(&rtc, 12);
	for (i = 0; i < 2048; i++) {
		const int64_t due = vmxhv_rtc_next(&rtc);

		late += due <= host.now || due > host.now + SEC / 1024 + 1;
		host.now = due - 1;
		vmxhv_rtc_run(&rtc);
		late += host.line;
		host.now = due;
		vmxhv_rtc_run(&rtc);
		late += !host.line;
		get(&rtc, 12);
	}
	tap_eq(t, late, 0, "periodic: due to the nanosecond");
}

/* Alarm at hours, minutes, seconds; the clock begins at 15:04:05. */
static void test_alarm(struct tap *t)
{
	static const struct {
		const char *name;
		uint8_t control, hours, minutes, seconds;
		unsigned int after;	/* seconds, 0: never */
	} alarms[] = {
		{ "alarm: in five seconds", 0x22, 0x15, 0x04, 0x10, 5 },
		{ "alarm: this second is over", 0x22, 0x15, 0x04, 0x05, 86400 },
		{ "alarm: tomorrow", 0x22, 0x15, 0x04, 0x04, 86399 },
		{ "alarm: every second", 0x22, 0xff, 0xff, 0xff, 1 },
		{ "alarm: every minute", 0x22, 0xc0, 0xd5, 0x30, 25 },
		{ "alarm: every hour", 0x22, 0xff, 0x00, 0x00, 55 * 60 + 55 },
		{ "alarm: binary", 0x26, 16, 0, 0, 55 * 60 + 55 },
		{ "alarm: 12 hours, 4 pm", 0x20, 0x84, 0x00, 0x00, 55 * 60 + 55 },
		{ "alarm: 12 hours, 4 am", 0x20, 0x04, 0x00, 0x00, 12 * 3600 + 55 * 60 + 55 },
		{ "alarm: 12 hours, midnight", 0x20, 0x12, 0x00, 0x00, 8 * 3600 + 55 * 60 + 55 },
		{ "alarm: no such hour", 0x22, 0x25, 0x00, 0x00, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(alarms); i++) {
		struct vmxhv_rtc rtc = fresh();
		int64_t due;

		set(&rtc, 1, alarms[i].seconds);
		set(&rtc, 3, alarms[i].minutes);
		set(&rtc, 5, alarms[i].hours);
		set(&rtc, 11, alarms[i].control);
		due = vmxhv_rtc_next(&rtc);
		if (!alarms[i].after) {
			tap(t, due == VMXHV_RTC_NEVER, alarms[i].name);
			continue;
		}
		tap(t, due == host.now + alarms[i].after * SEC - 100 * MSEC, alarms[i].name);
		host.now = due;
		vmxhv_rtc_run(&rtc);
		tap(t, host.line && (get(&rtc, 12) & 0xb0) == 0xb0,
		    "and its flags, with the update's");
	}
}

/* Enabled or not, an alarm that has passed while nobody looked is seen. */
static void test_alarm_missed(struct tap *t)
{
	struct vmxhv_rtc rtc = fresh();

	set(&rtc, 1, 0x10);
	set(&rtc, 3, 0x04);
	set(&rtc, 5, 0x15);
	host.now += 4 * SEC;
	tap_eq(t, get(&rtc, 12) & 0x20, 0, "alarm: not yet");
	host.now += 4 * SEC;
	tap_eq(t, get(&rtc, 12) & 0x20, 0x20, "alarm: passed while nobody looked");
	host.now += SEC;
	tap_eq(t, get(&rtc, 12) & 0x20, 0, "alarm: once");
}

/* Linux sets the time with the divider in reset: the next update comes half a second later. */
static void test_divider(struct tap *t)
{
	struct vmxhv_rtc rtc = fresh();

	set(&rtc, 11, 0x82);
	set(&rtc, 10, 0x76);
	set(&rtc, 0, 0x30);
	set(&rtc, 11, 0x12);
	host.now += 10 * SEC;
	tap_eq(t, get(&rtc, 0), 0x30, "divider in reset: the clock stands still");
	tap_eq(t, get(&rtc, 12), 0, "divider in reset: nothing happens");
	tap(t, vmxhv_rtc_next(&rtc) == VMXHV_RTC_NEVER, "divider in reset: nothing is due");
	set(&rtc, 10, 0x26);
	tap(t, vmxhv_rtc_next(&rtc) == host.now + 500 * MSEC,
	    "divider: the first update after half a second");
	host.now += 499 * MSEC;
	tap_eq(t, get(&rtc, 0), 0x30, "divider: until then the second that was set");
	host.now += 2 * MSEC;
	tap_eq(t, get(&rtc, 0), 0x31, "divider: and then the next");
	set(&rtc, 11, 0x82);
	set(&rtc, 0, 0x00);
	host.now += 3 * SEC + 200 * MSEC;
	set(&rtc, 11, 0x02);
	tap_eq(t, get(&rtc, 0), 0x00, "SET: it goes on from there");
	host.now += 798 * MSEC;
	tap_eq(t, get(&rtc, 0), 0x00, "SET: the divider has gone on: not yet");
	host.now += 2 * MSEC;
	tap_eq(t, get(&rtc, 0), 0x01, "SET: the next second when its time is");
}

static void test_control(struct tap *t)
{
	struct vmxhv_rtc rtc = fresh();

	set(&rtc, 11, 0x0b);
	tap_eq(t, get(&rtc, 11), 0x0b, "B: square wave and daylight saving are memory");
	set(&rtc, 11, 0x62);
	tap_eq(t, get(&rtc, 11), 0x62, "B: interrupt enables read back");
	set(&rtc, 13, 0x7f);
	tap_eq(t, get(&rtc, 13), 0x80, "D: valid, whatever is written");
	set(&rtc, 1, 0x59);
	tap_eq(t, get(&rtc, 1), 0x59, "alarm registers are memory");
}

int main(void)
{
	struct vmxhv_rtc rtc = fresh();
	struct tap t = { 0 };

	test_reading(&t, &rtc);
	test_setting(&t, &rtc);
	test_uip(&t);
	test_flags(&t);
	test_update_interrupt(&t);
	test_periodic(&t);
	test_periodic_due(&t);
	test_alarm(&t);
	test_alarm_missed(&t);
	test_divider(&t);
	test_control(&t);
	return tap_end(&t);
}
