/* SPDX-License-Identifier: GPL-2.0-only */
/* The MC146818 clock with its CMOS memory, at ports 0x70 and 0x71. */
#ifndef RUN_RTC_H
#define RUN_RTC_H

#include <stdint.h>
#include <time.h>

/**
 * struct rtc - the clock, in UTC
 * @now: seconds since 1970
 * @opaque: for @now
 * @offset: what the guest has set, in seconds from @now
 */
struct rtc {
	time_t (*now)(void *opaque);
	void *opaque;
	int64_t offset;
	uint8_t index;
	uint8_t cmos[128];
};

/* @now may be NULL for the host's clock. */
void rtc_init(struct rtc *rtc, time_t (*now)(void *opaque), void *opaque);

/* Ports 0 and 1, in the form of struct bus_range. */
uint64_t rtc_read(void *opaque, uint64_t offset, unsigned int width);
void rtc_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

#endif /* RUN_RTC_H */
