// SPDX-License-Identifier: GPL-2.0-only
/* The clock, with a host time of our own: Tuesday, 2 January 2024, 15:04:05 UTC. */
#include "rtc.h"
#include "tap.h"
#include "util.h"

static time_t host = 1704207845;

static time_t now(void *opaque)
{
	return *(time_t *)opaque;
}

static uint8_t get(struct rtc *rtc, uint8_t index)
{
	rtc_write(rtc, 0, 1, index);
	return rtc_read(rtc, 1, 1);
}

static void set(struct rtc *rtc, uint8_t index, uint8_t value)
{
	rtc_write(rtc, 0, 1, index);
	rtc_write(rtc, 1, 1, value);
}

static void test_reading(struct tap *t, struct rtc *rtc)
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
	tap_eq(t, rtc_read(rtc, 0, 1), 0xff, "the index reads nothing");
	set(rtc, 11, 0x06);
	tap_eq(t, get(rtc, 4), 15, "binary");
	set(rtc, 11, 0x00);
	tap_eq(t, get(rtc, 4), 0x83, "12 hours: 3 pm");
	set(rtc, 11, 0x02);
}

static void test_setting(struct tap *t, struct rtc *rtc)
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
	host++;
	tap_eq(t, get(rtc, 9), 0x00, "a second later it is 2000: year");
	tap_eq(t, get(rtc, 0x32), 0x20, "century");
	tap_eq(t, get(rtc, 8), 0x01, "month");
	tap_eq(t, get(rtc, 4), 0x00, "hours");
	set(rtc, 0x40, 0xaa);
	tap_eq(t, get(rtc, 0x40), 0xaa, "CMOS memory");
	set(rtc, 13, 0);
	tap_eq(t, get(rtc, 13), 0x80, "D is read-only");
}

int main(void)
{
	struct tap t = { 0 };
	struct rtc rtc;

	rtc_init(&rtc, now, &host);
	test_reading(&t, &rtc);
	test_setting(&t, &rtc);
	return tap_end(&t);
}
