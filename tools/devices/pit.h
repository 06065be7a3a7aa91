/* SPDX-License-Identifier: GPL-2.0-only */
/* The 8254 timer of a PC, with port 0x61. */
#ifndef DEVICES_PIT_H
#define DEVICES_PIT_H

#include <stdbool.h>
#include <stdint.h>

#define PIT_HZ		1193182u
#define PIT_CHANNELS	3
#define PIT_NEVER	UINT64_MAX

/**
 * struct pit_channel - one counter
 * @reload: the count written last; 65536 (or 10000) for 0
 * @start: when it was loaded or triggered, in ticks of the clock
 * @stopped: ticks that had passed when the gate stopped it
 * @counting: a count is loaded, and in modes 1 and 5 the gate has triggered
 * @write_high, @read_high: of a count in two bytes the second is next
 */
struct pit_channel {
	uint8_t mode, access;
	bool bcd, gate, counting, null_count, write_high, read_high;
	uint8_t low;
	uint32_t reload;
	uint64_t start, stopped;
	uint8_t latched_bytes, latched_status;
	bool status_latched;
	uint16_t latched;
};

/**
 * struct pit - all of it
 * @set_irq: channel 0's output; an edge that was over before we looked is a fall and a rise
 * @changed: pit_next() may give another time now
 * @now: nanoseconds, from anywhere
 * @opaque: for all of them
 * @seen: channel 0's rising edges up to this tick have been passed on
 *
 * Everything else is the device's own. The caller serialises all calls.
 */
struct pit {
	void (*set_irq)(void *opaque, bool level);
	void (*changed)(void *opaque);
	uint64_t (*now)(void *opaque);
	void *opaque;

	struct pit_channel channel[PIT_CHANNELS];
	uint64_t seen;
	bool speaker;
};

/* @pit has set_irq, changed, now and opaque. */
void pit_init(struct pit *pit);

/* Ports 0x40 to 0x43, in the form of struct bus_range. */
uint64_t pit_read(void *opaque, uint64_t offset, unsigned int width);
void pit_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* Port 0x61: channel 2's gate and output, and the refresh bit that toggles. */
uint64_t pit_control_read(void *opaque, uint64_t offset, unsigned int width);
void pit_control_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value);

/* When channel 0's output rises next, in nanoseconds, or PIT_NEVER. */
uint64_t pit_next(const struct pit *pit);

/* Pass on what channel 0's output did up to now. */
void pit_run(struct pit *pit);

#endif /* DEVICES_PIT_H */
