/* SPDX-License-Identifier: GPL-2.0-only */
/* A device that remembers, as the library's completion of MMIO asks for one. */
#ifndef TESTS_BACKED_DEVICE_H
#define TESTS_BACKED_DEVICE_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct backed_device {
	uint64_t gpa, size;
	uint8_t *bytes;
};

/* NULL: there is no such register. */
static inline uint8_t *backed_register(const struct backed_device *d, uint64_t gpa,
				       unsigned int width)
{
	if (gpa < d->gpa || gpa + width > d->gpa + d->size || (width & (width - 1)))
		return NULL;
	return d->bytes + (gpa - d->gpa);
}

static inline int backed_read(const struct backed_device *d, uint64_t gpa, unsigned int width,
			      uint64_t *value)
{
	const uint8_t *at = backed_register(d, gpa, width);

	if (!at)
		return -EIO;
	memcpy(value, at, width);
	return 0;
}

static inline int backed_write(const struct backed_device *d, uint64_t gpa, unsigned int width,
			       uint64_t value)
{
	uint8_t *at = backed_register(d, gpa, width);

	if (!at)
		return -EIO;
	memcpy(at, &value, width);
	return 0;
}

#endif /* TESTS_BACKED_DEVICE_H */
