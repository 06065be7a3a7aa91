/* SPDX-License-Identifier: GPL-2.0-only */
/* The MC146818 clock with its CMOS memory, at ports 0x70 and 0x71. */
#ifndef DEVICES_RTC_H
#define DEVICES_RTC_H

#include <stdbool.h>
#include <stdint.h>

#define RTC_NEVER	INT64_MAX

/**
 * struct rtc - the clock, in UTC
 * @now: nanoseconds since 1970
 * @set_irq: the interrupt line changed
 * @changed: rtc_next() may give another time now
 * @opaque: for all of them
 * @offset: the guest's time less @now
 * @seen: the guest's time up to which the flags of register C are right
 *
 * Everything else is the device's own. The caller serialises all calls.
 */
struct rtc {
	int64_t (*now)(void *opaque);
	void (*set_irq)(void *opaque, bool level);
	void (*changed)(void *opaque);
	void *opaque;

	int64_t offset, seen;
	uint8_t index;
	uint8_t cmos[128];
};

/* @rtc has the functions and opaque. */
void rtc_init(struct rtc *rtc);

/* Ports 0 and 1, in the form of struct bus_range. */
uint64_t rtc_read(void *opaque, uint64_t offset, unsigned int width);
void rtc_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* When an interrupt is due, by @now's clock, or RTC_NEVER; and what to call then. */
int64_t rtc_next(const struct rtc *rtc);
void rtc_run(struct rtc *rtc);

#endif /* DEVICES_RTC_H */
