/* SPDX-License-Identifier: GPL-2.0-only */
/* What gzip has packed. */
#ifndef RUN_GUNZIP_H
#define RUN_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool gunzip_is(const uint8_t *data, size_t size);

/**
 * gunzip() - unpack all members of a gzip file
 * @out: set to what the caller frees
 * @out_size: how long it is
 * @most: no more than so many bytes
 *
 * Return: NULL, or what is wrong, to be printed after the file's name.
 */
const char *gunzip(const uint8_t *data, size_t size, uint8_t **out, size_t *out_size, size_t most);

#endif /* RUN_GUNZIP_H */
