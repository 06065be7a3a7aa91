// SPDX-License-Identifier: GPL-2.0-only
/* Finding the device behind an address. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bus.h"
#include "output.h"
#include "util.h"

void bus_init(struct bus *bus, const char *name, bool trace)
{
	memset(bus, 0, sizeof(*bus));
	bus->name = name;
	bus->trace = trace;
}

void bus_add(struct bus *bus, const struct bus_range *range)
{
	assert(bus->count < BUS_RANGES);
	bus->range[bus->count++] = *range;
}

/* The range that holds all of the access and takes it as it is. */
static const struct bus_range *find(const struct bus *bus, uint64_t address, unsigned int width)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		const struct bus_range *range = &bus->range[i];

		if (address >= range->start && address - range->start < range->length &&
		    range->length - (address - range->start) >= width && width <= range->max_width)
			return range;
	}
	return NULL;
}

static bool touches(const struct bus *bus, uint64_t address, unsigned int width)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		const struct bus_range *range = &bus->range[i];

		if (address < range->start + range->length && address + width > range->start)
			return true;
	}
	return false;
}

uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned int width)
{
	const struct bus_range *range = find(bus, address, width);
	const unsigned int half = width / 2;

	if (range)
		return range->read(range->opaque, address - range->start, width) &
		       width_mask(width);
	if (width > 1 && touches(bus, address, width))
		return bus_read(bus, address, half) |
		       bus_read(bus, address + half, half) << (8 * half);
	if (bus->trace)
		output_say("%s: read of %u at %#" PRIx64 ": nobody", bus->name, width, address);
	return width_mask(width);
}

void bus_write(const struct bus *bus, uint64_t address, unsigned int width, uint64_t value)
{
	const struct bus_range *range = find(bus, address, width);
	const unsigned int half = width / 2;

	value &= width_mask(width);
	if (range) {
		if (range->write)
			range->write(range->opaque, address - range->start, width, value);
	} else if (width > 1 && touches(bus, address, width)) {
		bus_write(bus, address, half, value);
		bus_write(bus, address + half, half, value >> (8 * half));
	} else if (bus->trace) {
		output_say("%s: write of %#" PRIx64 " (%u) at %#" PRIx64 ": nobody", bus->name,
			   value, width, address);
	}
}
