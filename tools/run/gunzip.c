// SPDX-License-Identifier: GPL-2.0-only
/* By zlib. The file is hostile: it may be cut short, damaged, or unpack to more than there is. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gunzip.h"
#include "util.h"

#define FIRST_SIZE	BIT(20)
#define GZIP_ONLY	16	/* added to the window's bits */

bool gunzip_is(const uint8_t *data, size_t size)
{
	return size > 2 && data[0] == 0x1f && data[1] == 0x8b && data[2] == Z_DEFLATED;
}

struct buffer {
	uint8_t *data;
	size_t size, used, most;
};

/* Room for more, up to a byte more than there may be. Return: NULL, or what is wrong. */
static const char *grow(struct buffer *buffer)
{
	size_t size = buffer->size ? 2 * buffer->size : FIRST_SIZE;
	uint8_t *data;

	if (buffer->used > buffer->most)
		return "unpacks to more than the guest's memory: give more with --mem";
	if (size > buffer->most)
		size = buffer->most + 1;
	data = realloc(buffer->data, size);
	if (!data)
		return "no memory to unpack it";
	buffer->data = data;
	buffer->size = size;
	return NULL;
}

static uInt piece(size_t length)
{
	return length < UINT_MAX ? length : UINT_MAX;
}

/* One member; @z's input goes on behind it. */
static const char *inflate_member(z_stream *z, const uint8_t *end, struct buffer *buffer)
{
	const char *wrong = NULL;
	int status;

	do {
		if (buffer->used == buffer->size)
			wrong = grow(buffer);
		if (wrong)
			return wrong;
		z->avail_in = piece(end - z->next_in);
		z->next_out = buffer->data + buffer->used;
		z->avail_out = piece(buffer->size - buffer->used);
		status = inflate(z, Z_NO_FLUSH);
		buffer->used = z->next_out - buffer->data;
		if (status == Z_BUF_ERROR && z->next_in == end && z->avail_out)
			return "is cut short: gzip's end is not there";
		if (status == Z_OK && z->next_in == end && z->avail_out)
			return "is cut short: gzip's end is not there";
	} while (status == Z_OK || status == Z_BUF_ERROR);
	return status == Z_STREAM_END ? NULL : "is damaged: gzip's data are not what they were";
}

static const char *inflate_all(z_stream *z, const uint8_t *end, struct buffer *buffer)
{
	const char *wrong;

	do {
		wrong = inflate_member(z, end, buffer);
		if (wrong)
			return wrong;
		inflateReset(z);
		/* What follows and is no member is padding, as gzip itself takes it. */
	} while (gunzip_is(z->next_in, end - z->next_in));
	return NULL;
}

const char *gunzip(const uint8_t *data, size_t size, uint8_t **out, size_t *out_size, size_t most)
{
	struct buffer buffer = { .most = most < SIZE_MAX ? most : most - 1 };
	z_stream z = { .next_in = (Bytef *)data };
	const char *wrong;

	if (inflateInit2(&z, MAX_WBITS + GZIP_ONLY) != Z_OK)
		return "no memory to unpack it";
	wrong = inflate_all(&z, data + size, &buffer);
	inflateEnd(&z);
	if (!wrong && buffer.used > most)
		wrong = grow(&buffer);
	if (wrong) {
		free(buffer.data);
		return wrong;
	}
	*out = buffer.data;
	*out_size = buffer.used;
	return NULL;
}
