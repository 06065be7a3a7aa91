// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 by its data sheet. Nothing counts here: a channel knows when it started, and what it
 * shows follows from the time. Two simplifications: a count takes effect at once instead of with
 * the next clock, and a new one does not wait for the end of a running period.
 */
#include <string.h>

#include "libvmxhv-devices.h"
#include "scale.h"
#include "util.h"

#define NSEC		1000000000ull

#define PORT_CONTROL	3
#define READ_BACK	3	/* in place of a channel */
#define NO_COUNT	BIT(5)	/* read-back: the count is not latched ... */
#define NO_STATUS	BIT(4)	/* ... nor the status */
#define STATUS_OUT	BIT(7)
#define STATUS_NULL	BIT(6)

enum access { LATCH, LOW, HIGH, BOTH };

#define GATE_2		BIT(0)
#define SPEAKER		BIT(1)
#define REFRESH		BIT(4)
#define OUT_2		BIT(5)
#define REFRESH_NSEC	15085u

/* ---- time ---------------------------------------------------------------------------------- */

static uint64_t ticks(const struct vmxhv_pit *pit)
{
	return scale(pit->now(pit->opaque), VMXHV_PIT_HZ, NSEC);
}

/* The first nanosecond of a tick. */
static uint64_t tick_to_nsec(uint64_t tick)
{
	return scale_up(tick, NSEC, VMXHV_PIT_HZ);
}

static bool is_periodic(const struct vmxhv_pit_channel *channel)
{
	return channel->mode == 2 || channel->mode == 3;
}

static bool is_triggered(const struct vmxhv_pit_channel *channel)
{
	return channel->mode == 1 || channel->mode == 5;
}

/* ---- what a channel shows ------------------------------------------------------------------ */

/* Ticks since it was loaded. */
static uint64_t elapsed(const struct vmxhv_pit_channel *channel, uint64_t now)
{
	if (!channel->gate && !is_triggered(channel))
		return channel->stopped;
	return now - channel->start;
}

static uint32_t full(const struct vmxhv_pit_channel *channel)
{
	return channel->bcd ? 10000 : 65536;
}

/* Two at a time in mode 3, once for each half of the output: an odd count is longer by one high. */
static uint32_t square_count(uint32_t reload, uint32_t phase)
{
	const uint32_t half = (reload + 1) / 2;

	return (reload & ~1u) - 2 * (phase < half ? phase : phase - half);
}

static uint16_t to_bcd(uint32_t value)
{
	return value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 | value / 1000 % 10 << 12;
}

static uint32_t from_bcd(uint16_t value)
{
	return (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 +
	       (value >> 12) * 1000;
}

static uint16_t count(const struct vmxhv_pit_channel *channel, uint64_t now)
{
	const uint64_t passed = elapsed(channel, now);
	uint32_t value = channel->reload;

	if (channel->counting && channel->mode == 3)
		value = square_count(channel->reload, passed % channel->reload);
	else if (channel->counting && channel->mode == 2)
		value = channel->reload - passed % channel->reload;
	else if (channel->counting)
		value = channel->reload + full(channel) - passed % full(channel);
	value %= full(channel);
	return channel->bcd ? to_bcd(value) : value;
}

static bool output(const struct vmxhv_pit_channel *channel, uint64_t now)
{
	const uint64_t passed = elapsed(channel, now);

	if (!channel->counting)
		return channel->mode != 0;
	switch (channel->mode) {
	case 0:
	case 1:
		return passed >= channel->reload;
	case 2:
		return !channel->gate || passed % channel->reload != channel->reload - 1;
	case 3:
		return !channel->gate ||
		       passed % channel->reload < (channel->reload + 1) / 2;
	default:
		return passed != channel->reload;
	}
}

/* ---- channel 0's interrupt ------------------------------------------------------------------ */

/* The first tick after @after at which the output rises, or VMXHV_PIT_NEVER. */
static uint64_t next_rise(const struct vmxhv_pit_channel *channel, uint64_t after)
{
	const uint64_t passed = after - channel->start;
	uint64_t rise = channel->reload;

	if (!channel->counting || !channel->gate)
		return VMXHV_PIT_NEVER;
	if (is_periodic(channel))
		return after + channel->reload - passed % channel->reload;
	/* A strobe is low for one tick. */
	if (channel->mode >= 4)
		rise++;
	return passed < rise ? channel->start + rise : VMXHV_PIT_NEVER;
}

uint64_t vmxhv_pit_next(const struct vmxhv_pit *pit)
{
	const uint64_t rise = next_rise(&pit->channel[0], pit->seen);

	return rise == VMXHV_PIT_NEVER ? VMXHV_PIT_NEVER : tick_to_nsec(rise);
}

/*
 * Several periods at once are one edge: as on a PC that was held up, ticks are lost then. The low
 * phase of a square wave is not passed on, as nothing happens at its start.
 */
void vmxhv_pit_run(struct vmxhv_pit *pit)
{
	const uint64_t now = ticks(pit);
	const bool rose = next_rise(&pit->channel[0], pit->seen) <= now;

	pit->seen = now;
	if (!rose)
		return;
	pit->set_irq(pit->opaque, false);
	pit->set_irq(pit->opaque, true);
}

/* ---- ports --------------------------------------------------------------------------------- */

static void load(struct vmxhv_pit *pit, struct vmxhv_pit_channel *channel, uint16_t value)
{
	channel->reload = channel->bcd ? from_bcd(value) : value;
	if (!channel->reload)
		channel->reload = full(channel);
	channel->null_count = false;
	if (is_triggered(channel))
		return;		/* the gate starts it */
	channel->start = ticks(pit);
	channel->stopped = 0;
	channel->counting = true;
}

/* What the interrupt line shows after a control word or a new count. */
static void update_irq(struct vmxhv_pit *pit, const struct vmxhv_pit_channel *channel)
{
	if (channel != pit->channel)
		return;
	pit->seen = ticks(pit);
	pit->set_irq(pit->opaque, output(channel, pit->seen));
	pit->changed(pit->opaque);
}

static void write_count(struct vmxhv_pit *pit, struct vmxhv_pit_channel *channel, uint8_t value)
{
	if (channel->access == BOTH && !channel->write_high) {
		channel->low = value;
		channel->write_high = true;
		if (channel->mode != 0)
			return;
		/* The first byte already stops mode 0. */
		channel->counting = false;
	} else {
		const uint8_t low = channel->access == HIGH ? 0 :
				    channel->access == LOW ? value : channel->low;

		channel->write_high = false;
		load(pit, channel, channel->access == LOW ? low : value << 8 | low);
	}
	update_irq(pit, channel);
}

static void latch_count(const struct vmxhv_pit *pit, struct vmxhv_pit_channel *channel)
{
	if (channel->latched_bytes)
		return;
	channel->latched = count(channel, ticks(pit));
	channel->latched_bytes = channel->access == BOTH ? 2 : 1;
}

static void latch_status(const struct vmxhv_pit *pit, struct vmxhv_pit_channel *channel)
{
	if (channel->status_latched)
		return;
	channel->status_latched = true;
	channel->latched_status = channel->mode << 1 | channel->access << 4 | channel->bcd;
	if (output(channel, ticks(pit)))
		channel->latched_status |= STATUS_OUT;
	if (channel->null_count)
		channel->latched_status |= STATUS_NULL;
}

static void read_back(struct vmxhv_pit *pit, uint8_t value)
{
	unsigned int i;

	for (i = 0; i < VMXHV_PIT_CHANNELS; i++) {
		if (!(value & 2u << i))
			continue;
		if (!(value & NO_COUNT))
			latch_count(pit, &pit->channel[i]);
		if (!(value & NO_STATUS))
			latch_status(pit, &pit->channel[i]);
	}
}

static void write_control(struct vmxhv_pit *pit, uint8_t value)
{
	const unsigned int index = value >> 6;
	struct vmxhv_pit_channel *channel;

	if (index == READ_BACK) {
		read_back(pit, value);
		return;
	}
	channel = &pit->channel[index];
	if ((value >> 4 & 3) == LATCH) {
		latch_count(pit, channel);
		return;
	}
	*channel = (struct vmxhv_pit_channel){
		.access = value >> 4 & 3, .mode = value >> 1 & 7, .bcd = value & 1,
		.gate = channel->gate, .null_count = true, .reload = channel->reload,
	};
	if (channel->mode > 5)
		channel->mode -= 4;	/* the high bit does not count for modes 2 and 3 */
	update_irq(pit, channel);
}

void vmxhv_pit_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vmxhv_pit *pit = opaque;

	(void)width;
	vmxhv_pit_run(pit);
	if (offset == PORT_CONTROL)
		write_control(pit, value);
	else
		write_count(pit, &pit->channel[offset], value);
}

static uint8_t read_latched(struct vmxhv_pit_channel *channel)
{
	const bool high = channel->access == HIGH ||
			  (channel->access == BOTH && channel->latched_bytes == 1);

	channel->latched_bytes--;
	return high ? channel->latched >> 8 : channel->latched;
}

uint64_t vmxhv_pit_read(void *opaque, uint64_t offset, unsigned int width)
{
	struct vmxhv_pit *pit = opaque;
	struct vmxhv_pit_channel *channel = &pit->channel[offset % VMXHV_PIT_CHANNELS];
	uint16_t value;

	(void)width;
	if (offset == PORT_CONTROL)
		return 0xff;
	if (channel->status_latched) {
		channel->status_latched = false;
		return channel->latched_status;
	}
	if (channel->latched_bytes)
		return read_latched(channel);
	value = count(channel, ticks(pit));
	if (channel->access == BOTH) {
		channel->read_high = !channel->read_high;
		return channel->read_high ? value & 0xff : value >> 8;
	}
	return channel->access == HIGH ? value >> 8 : value & 0xff;
}

static void set_gate(struct vmxhv_pit *pit, struct vmxhv_pit_channel *channel, bool gate)
{
	const uint64_t now = ticks(pit);

	if (gate == channel->gate)
		return;
	if (!gate) {
		/* It stops modes 0 and 4, and 2 and 3 start again when it rises. */
		channel->stopped = is_periodic(channel) ? 0 : now - channel->start;
	} else if (is_triggered(channel)) {
		channel->start = now;
		channel->counting = !channel->null_count;
	} else {
		channel->start = now - channel->stopped;
	}
	channel->gate = gate;
}

uint64_t vmxhv_pit_control_read(void *opaque, uint64_t offset, unsigned int width)
{
	struct vmxhv_pit *pit = opaque;
	const struct vmxhv_pit_channel *channel = &pit->channel[2];

	(void)offset;
	(void)width;
	return (channel->gate ? GATE_2 : 0) | (pit->speaker ? SPEAKER : 0) |
	       (pit->now(pit->opaque) / REFRESH_NSEC % 2 ? REFRESH : 0) |
	       (output(channel, ticks(pit)) ? OUT_2 : 0);
}

void vmxhv_pit_control_write(void *opaque, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vmxhv_pit *pit = opaque;

	(void)offset;
	(void)width;
	pit->speaker = value & SPEAKER;
	set_gate(pit, &pit->channel[2], value & GATE_2);
}

void vmxhv_pit_init(struct vmxhv_pit *pit)
{
	unsigned int i;

	for (i = 0; i < VMXHV_PIT_CHANNELS; i++)
		pit->channel[i] = (struct vmxhv_pit_channel){
			.access = BOTH, .reload = 65536, .null_count = true, .gate = i != 2,
		};
	pit->seen = ticks(pit);
}
