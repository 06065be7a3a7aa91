// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock reads the host's time; what a guest sets is kept as a difference. It has no interrupt
 * (the ACPI tables offer none), so that alarms are memory only.
 */
#include <string.h>

#include "rtc.h"

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, WEEKDAY = 6, DAY = 7, MONTH = 8, YEAR = 9,
	REG_A = 10, REG_B = 11, REG_C = 12, REG_D = 13, CENTURY = 0x32 };

#define REG_A_DEFAULT	0x26	/* 32.768 kHz, 1024 Hz; UIP is never set */
#define REG_B_24H	0x02
#define REG_B_BINARY	0x04
#define REG_B_SET	0x80
#define REG_D_VALID	0x80
#define HOUR_PM		0x80

static time_t host_now(void *opaque)
{
	(void)opaque;
	return time(NULL);
}

void rtc_init(struct rtc *rtc, time_t (*now)(void *opaque), void *opaque)
{
	memset(rtc, 0, sizeof(*rtc));
	rtc->now = now ? now : host_now;
	rtc->opaque = opaque;
	rtc->cmos[REG_A] = REG_A_DEFAULT;
	rtc->cmos[REG_B] = REG_B_24H;
}

static uint8_t encode(const struct rtc *rtc, unsigned int value)
{
	return rtc->cmos[REG_B] & REG_B_BINARY ? value : value / 10 << 4 | value % 10;
}

static unsigned int decode(const struct rtc *rtc, uint8_t value)
{
	return rtc->cmos[REG_B] & REG_B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static uint8_t encode_hour(const struct rtc *rtc, unsigned int hour)
{
	if (rtc->cmos[REG_B] & REG_B_24H)
		return encode(rtc, hour);
	return encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned int decode_hour(const struct rtc *rtc, uint8_t value)
{
	if (rtc->cmos[REG_B] & REG_B_24H)
		return decode(rtc, value);
	return decode(rtc, value & ~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* The time registers follow the clock, unless SET holds them. */
static void latch(struct rtc *rtc)
{
	const time_t now = rtc->now(rtc->opaque) + rtc->offset;
	struct tm tm;

	if (rtc->cmos[REG_B] & REG_B_SET)
		return;
	gmtime_r(&now, &tm);
	rtc->cmos[SECONDS] = encode(rtc, tm.tm_sec);
	rtc->cmos[MINUTES] = encode(rtc, tm.tm_min);
	rtc->cmos[HOURS] = encode_hour(rtc, tm.tm_hour);
	rtc->cmos[WEEKDAY] = encode(rtc, tm.tm_wday + 1);
	rtc->cmos[DAY] = encode(rtc, tm.tm_mday);
	rtc->cmos[MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->cmos[YEAR] = encode(rtc, tm.tm_year % 100);
	rtc->cmos[CENTURY] = encode(rtc, 19 + tm.tm_year / 100);
}

static void set_time(struct rtc *rtc)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->cmos[SECONDS]),
		.tm_min = decode(rtc, rtc->cmos[MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->cmos[HOURS]),
		.tm_mday = decode(rtc, rtc->cmos[DAY]),
		.tm_mon = decode(rtc, rtc->cmos[MONTH]) - 1,
		.tm_year = (int)(decode(rtc, rtc->cmos[CENTURY]) * 100 +
				 decode(rtc, rtc->cmos[YEAR])) - 1900,
	};

	rtc->offset = timegm(&tm) - rtc->now(rtc->opaque);
}

static int is_time(uint8_t index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= WEEKDAY && index <= YEAR) || index == CENTURY;
}

static void write_register(struct rtc *rtc, uint8_t index, uint8_t value)
{
	switch (index) {
	case REG_C:
	case REG_D:
		return;
	case REG_A:
		rtc->cmos[REG_A] = value & 0x7f;
		return;
	}
	/* Freeze the registers before they become memory; take them over when SET ends. */
	if (is_time(index) || index == REG_B)
		latch(rtc);
	if (index == REG_B && (rtc->cmos[REG_B] & REG_B_SET) && !(value & REG_B_SET))
		set_time(rtc);
	rtc->cmos[index] = value;
	if (is_time(index) && !(rtc->cmos[REG_B] & REG_B_SET))
		set_time(rtc);
}

uint64_t rtc_read(void *opaque, uint64_t offset, unsigned int width)
{
	struct rtc *rtc = opaque;

	(void)width;
	if (offset == 0)
		return 0xff;
	if (rtc->index == REG_C)
		return 0;
	if (rtc->index == REG_D)
		return REG_D_VALID;
	if (is_time(rtc->index))
		latch(rtc);
	return rtc->cmos[rtc->index];
}

void rtc_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct rtc *rtc = opaque;

	(void)width;
	if (offset == 0)
		rtc->index = value & 0x7f;	/* bit 7 masks NMIs */
	else
		write_register(rtc, rtc->index, value);
}
