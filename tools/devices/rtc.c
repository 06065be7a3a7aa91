// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock by its data sheet. Nothing counts here: the time registers, the flags and the update
 * in progress follow from the host's time, and what a guest sets is kept as a difference to that.
 * While SET or the divider's reset holds the clock, its registers are memory.
 */
#include <string.h>
#include <time.h>

#include "libvmxhv-devices.h"
#include "util.h"

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, WEEKDAY = 6, DAY = 7, MONTH = 8, YEAR = 9,
	REG_A = 10, REG_B = 11, REG_C = 12, REG_D = 13, CENTURY = 0x32 };

#define ALARM(reg)	((reg) + 1)	/* of seconds, minutes and hours */
#define ALARM_ANY	0xc0		/* both bits: matches whatever it is */

#define REG_A_DEFAULT	0x26	/* 32.768 kHz, 1024 Hz */
#define REG_A_UIP	0x80
#define REG_A_DIVIDER	0x70
#define DIVIDER_RESET	0x60	/* bit 4 does not count */
#define REG_A_RATE	0x0f
#define REG_B_24H	0x02
#define REG_B_BINARY	0x04
#define REG_B_SET	0x80
#define REG_D_VALID	0x80
#define HOUR_PM		0x80

/* in register C, and those that let them through in register B */
#define FLAG_PERIODIC	0x40
#define FLAG_ALARM	0x20
#define FLAG_UPDATE	0x10
#define FLAGS		(FLAG_PERIODIC | FLAG_ALARM | FLAG_UPDATE)
#define FLAG_IRQ	0x80

#define SEC		1000000000ll
#define HALF_SEC	(SEC / 2)
#define UIP_NSEC	(244000ll + 1984000)	/* announced, and the update itself */
#define DIVIDER_HZ	32768ll
#define DAY_SEC		86400ll

/* ---- time ---------------------------------------------------------------------------------- */

static int64_t guest_now(const struct vmxhv_rtc *rtc)
{
	return rtc->now(rtc->opaque) + rtc->offset;
}

static bool divider_reset(const struct vmxhv_rtc *rtc)
{
	return (rtc->cmos[REG_A] & DIVIDER_RESET) == DIVIDER_RESET;
}

static bool is_held(const struct vmxhv_rtc *rtc)
{
	return (rtc->cmos[REG_B] & REG_B_SET) || divider_reset(rtc);
}

static uint8_t encode(const struct vmxhv_rtc *rtc, unsigned int value)
{
	return rtc->cmos[REG_B] & REG_B_BINARY ? value : value / 10 << 4 | value % 10;
}

static unsigned int decode(const struct vmxhv_rtc *rtc, uint8_t value)
{
	return rtc->cmos[REG_B] & REG_B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static uint8_t encode_hour(const struct vmxhv_rtc *rtc, unsigned int hour)
{
	if (rtc->cmos[REG_B] & REG_B_24H)
		return encode(rtc, hour);
	return encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned int decode_hour(const struct vmxhv_rtc *rtc, uint8_t value)
{
	if (rtc->cmos[REG_B] & REG_B_24H)
		return decode(rtc, value);
	return decode(rtc, value & ~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* The time registers follow the clock, unless something holds them. */
static void latch(struct vmxhv_rtc *rtc)
{
	const time_t now = guest_now(rtc) / SEC;
	struct tm tm;

	if (is_held(rtc))
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

/* The clock goes on from its registers; when the second ends is the divider's business. */
static void set_time(struct vmxhv_rtc *rtc)
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
	const int64_t now = guest_now(rtc);

	rtc->offset += timegm(&tm) * SEC - now / SEC * SEC;
	rtc->seen = guest_now(rtc);
}

/* Out of reset, the first update comes after half a second. */
static void start_divider(struct vmxhv_rtc *rtc)
{
	rtc->offset += HALF_SEC - guest_now(rtc) % SEC;
	rtc->seen = guest_now(rtc);
}

/* ---- flags and the interrupt ---------------------------------------------------------------- */

/* Of the periodic interrupt, in ticks of the divider; 0: there is none. */
static int64_t period(const struct vmxhv_rtc *rtc)
{
	const unsigned int rate = rtc->cmos[REG_A] & REG_A_RATE;

	if (!rate || divider_reset(rtc))
		return 0;
	return 1ll << (rate < 3 ? rate + 6 : rate - 1);	/* 1 and 2 are 256 and 128 Hz */
}

static int64_t divider_ticks(int64_t time)
{
	return time / SEC * DIVIDER_HZ + time % SEC * DIVIDER_HZ / SEC;
}

/* The first nanosecond of a tick. */
static int64_t tick_time(int64_t tick)
{
	return tick / DIVIDER_HZ * SEC + (tick % DIVIDER_HZ * SEC + DIVIDER_HZ - 1) / DIVIDER_HZ;
}

static bool alarm_matches(const struct vmxhv_rtc *rtc, unsigned int reg, unsigned int value)
{
	const uint8_t alarm = rtc->cmos[ALARM(reg)];

	if ((alarm & ALARM_ANY) == ALARM_ANY)
		return true;
	return value == (reg == HOURS ? decode_hour(rtc, alarm) : decode(rtc, alarm));
}

/* The first second after @after that the alarm names; VMXHV_RTC_NEVER: it names none. */
static int64_t next_alarm(const struct vmxhv_rtc *rtc, int64_t after)
{
	int64_t second = after + 1;

	while (second <= after + DAY_SEC) {
		if (!alarm_matches(rtc, HOURS, second / 3600 % 24))
			second = (second / 3600 + 1) * 3600;
		else if (!alarm_matches(rtc, MINUTES, second / 60 % 60))
			second = (second / 60 + 1) * 60;
		else if (!alarm_matches(rtc, SECONDS, second % 60))
			second++;
		else
			return second;
	}
	return VMXHV_RTC_NEVER;
}

static bool interrupts(const struct vmxhv_rtc *rtc)
{
	return rtc->cmos[REG_C] & rtc->cmos[REG_B] & FLAGS;
}

/* A host's clock that was set back starts anew. */
void vmxhv_rtc_run(struct vmxhv_rtc *rtc)
{
	const int64_t now = guest_now(rtc), every = period(rtc);
	const int64_t seen = rtc->seen < now ? rtc->seen : now;

	rtc->seen = now;
	if (every && divider_ticks(now) / every != divider_ticks(seen) / every)
		rtc->cmos[REG_C] |= FLAG_PERIODIC;
	if (!is_held(rtc) && now / SEC != seen / SEC) {
		rtc->cmos[REG_C] |= FLAG_UPDATE;
		if (next_alarm(rtc, seen / SEC) <= now / SEC)
			rtc->cmos[REG_C] |= FLAG_ALARM;
	}
	rtc->set_irq(rtc->opaque, interrupts(rtc));
}

int64_t vmxhv_rtc_next(const struct vmxhv_rtc *rtc)
{
	const uint8_t enabled = rtc->cmos[REG_B];
	const int64_t every = period(rtc), second = rtc->seen / SEC;
	int64_t next = VMXHV_RTC_NEVER, alarm;

	if (interrupts(rtc))
		return VMXHV_RTC_NEVER;	/* one at a time: register C must be read first */
	if ((enabled & FLAG_PERIODIC) && every)
		next = tick_time((divider_ticks(rtc->seen) / every + 1) * every);
	if ((enabled & FLAG_UPDATE) && !is_held(rtc) && (second + 1) * SEC < next)
		next = (second + 1) * SEC;
	alarm = (enabled & FLAG_ALARM) && !is_held(rtc) ? next_alarm(rtc, second) : VMXHV_RTC_NEVER;
	if (alarm != VMXHV_RTC_NEVER && alarm * SEC < next)
		next = alarm * SEC;
	return next == VMXHV_RTC_NEVER ? VMXHV_RTC_NEVER : next - rtc->offset;
}

/* ---- registers ------------------------------------------------------------------------------ */

static bool is_time(uint8_t index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= WEEKDAY && index <= YEAR) || index == CENTURY;
}

/* SET, when it rises, takes the update interrupt's enable with it. */
static void control_write(struct vmxhv_rtc *rtc, uint8_t index, uint8_t value)
{
	const bool was_held = is_held(rtc), was_reset = divider_reset(rtc);

	latch(rtc);
	if (index == REG_A)
		value &= ~REG_A_UIP;
	else if (value & ~rtc->cmos[REG_B] & REG_B_SET)
		value &= ~FLAG_UPDATE;
	rtc->cmos[index] = value;
	if (was_reset && !divider_reset(rtc))
		start_divider(rtc);
	if (was_held && !is_held(rtc))
		set_time(rtc);
}

static void write_register(struct vmxhv_rtc *rtc, uint8_t index, uint8_t value)
{
	vmxhv_rtc_run(rtc);
	switch (index) {
	case REG_A:
	case REG_B:
		control_write(rtc, index, value);
		break;
	case REG_C:
	case REG_D:
		return;
	default:
		/* The others keep what they show now. */
		if (is_time(index))
			latch(rtc);
		rtc->cmos[index] = value;
		if (is_time(index) && !is_held(rtc))
			set_time(rtc);
	}
	vmxhv_rtc_run(rtc);
	rtc->changed(rtc->opaque);
}

/* Reading the flags clears them. */
static uint8_t read_flags(struct vmxhv_rtc *rtc)
{
	uint8_t flags;

	vmxhv_rtc_run(rtc);
	flags = rtc->cmos[REG_C] | (interrupts(rtc) ? FLAG_IRQ : 0);
	rtc->cmos[REG_C] = 0;
	rtc->set_irq(rtc->opaque, false);
	rtc->changed(rtc->opaque);
	return flags;
}

static bool updating(const struct vmxhv_rtc *rtc)
{
	return !is_held(rtc) && guest_now(rtc) % SEC >= SEC - UIP_NSEC;
}

uint64_t vmxhv_rtc_read(void *opaque, uint64_t offset, unsigned int width)
{
	struct vmxhv_rtc *rtc = opaque;

	(void)width;
	if (offset == 0)
		return 0xff;
	switch (rtc->index) {
	case REG_A:
		return rtc->cmos[REG_A] | (updating(rtc) ? REG_A_UIP : 0);
	case REG_C:
		return read_flags(rtc);
	case REG_D:
		return REG_D_VALID;
	}
	if (is_time(rtc->index))
		latch(rtc);
	return rtc->cmos[rtc->index];
}

void vmxhv_rtc_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vmxhv_rtc *rtc = opaque;

	(void)width;
	if (offset == 0)
		rtc->index = value & 0x7f;	/* bit 7 masks NMIs */
	else
		write_register(rtc, rtc->index, value);
}

void vmxhv_rtc_init(struct vmxhv_rtc *rtc)
{
	memset(rtc->cmos, 0, sizeof(rtc->cmos));
	rtc->index = 0;
	rtc->offset = 0;
	rtc->cmos[REG_A] = REG_A_DEFAULT;
	rtc->cmos[REG_B] = REG_B_24H;
	rtc->seen = guest_now(rtc);
}
