/* SPDX-License-Identifier: GPL-2.0-only */
/* A bus: address ranges and the devices behind them. One for ports, one for MMIO. */
#ifndef RUN_BUS_H
#define RUN_BUS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct bus_range - what a device claims
 * @start: first address
 * @length: bytes
 * @max_width: widest access that the device takes; a wider one is split
 * @read: @offset is from @start
 * @write: the same, or NULL: writes are ignored
 * @opaque: for both
 */
struct bus_range {
	uint64_t start, length;
	unsigned int max_width;
	uint64_t (*read)(void *opaque, uint64_t offset, unsigned int width);
	void (*write)(void *opaque, uint64_t offset, unsigned int width, uint64_t value);
	void *opaque;
};

#define BUS_RANGES	32

struct bus {
	const char *name;
	bool trace;		/* say on stderr what nobody claims */
	unsigned int count;
	struct bus_range range[BUS_RANGES];
};

void bus_init(struct bus *bus, const char *name, bool trace);
void bus_add(struct bus *bus, const struct bus_range *range);

/* Addresses that nobody claims read all ones and ignore writes. */
uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned int width);
void bus_write(const struct bus *bus, uint64_t address, unsigned int width, uint64_t value);

#endif /* RUN_BUS_H */
