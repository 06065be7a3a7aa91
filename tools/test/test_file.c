// SPDX-License-Identifier: GPL-2.0-only
/* Files that are not what is asked for: packed by gzip, or something else altogether. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gunzip.h"
#include "identify.h"
#include "tap.h"
#include "util.h"

#define PLAIN	(3u << 20)

static uint8_t plain[PLAIN], packed[PLAIN + (1u << 16)];

/* One member of gzip's format. Return: its length. */
static size_t pack(uint8_t *to, size_t room, const uint8_t *from, size_t length)
{
	z_stream z = { .next_in = (Bytef *)from, .avail_in = length, .next_out = to,
		       .avail_out = room };

	if (deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&z, Z_FINISH) != Z_STREAM_END)
		exit(125);
	deflateEnd(&z);
	return z.next_out - to;
}

/* NULL if it unpacks to @length bytes of plain[]; else what is said. */
static const char *unpack(size_t size, size_t most, size_t length)
{
	uint8_t *out = NULL;
	size_t out_size;
	const char *wrong = gunzip(packed, size, &out, &out_size, most);

	if (!wrong && (out_size != length || memcmp(out, plain, length)))
		wrong = "other bytes";
	free(out);
	return wrong;
}

static bool says(const char *wrong, const char *words)
{
	return wrong && strstr(wrong, words);
}

static void test_gunzip(struct tap *t)
{
	unsigned int i, good = 0;
	size_t size, one;

	for (i = 0; i < PLAIN; i++)
		plain[i] = (i * 2654435761u) >> 24 & (i >> 12);
	size = pack(packed, sizeof(packed), plain, PLAIN);
	tap(t, gunzip_is(packed, size) && !gunzip_is(plain, PLAIN), "gzip's signature");
	tap(t, !gunzip_is(packed, 2), "of three bytes");
	tap(t, !unpack(size, PLAIN, PLAIN), "to just what there is room for");
	tap(t, !unpack(size, SIZE_MAX, PLAIN), "and with more");
	tap(t, says(unpack(size, PLAIN - 1, PLAIN), "give more with --mem"), "a byte too many");
	for (i = 3; i < size; i += size / 97)
		good += says(unpack(i, PLAIN, PLAIN), "cut short");
	tap_eq(t, good, (size - 3 + size / 97 - 1) / (size / 97), "cut short anywhere");
	tap(t, says(unpack(size - 1, PLAIN, PLAIN), "cut short"), "without its last byte");
	packed[size / 2] ^= 0x55;
	tap(t, says(unpack(size, PLAIN, PLAIN), "damaged"), "damaged");
	one = pack(packed, sizeof(packed), plain, 1000);
	size = one + pack(packed + one, sizeof(packed) - one, plain + 1000, 1000);
	tap(t, !unpack(size, PLAIN, 2000), "two members, one behind the other");
	memset(packed + size, 0, 512);
	tap(t, !unpack(size + 512, PLAIN, 2000), "with padding behind them");
	size = pack(packed, sizeof(packed), plain, 0);
	tap(t, !unpack(size, PLAIN, 0), "nothing at all");
}

static void put(uint8_t *file, size_t at, const void *bytes, size_t length)
{
	memcpy(file + at, bytes, length);
}

static void test_identify(struct tap *t)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t length;
		const char *what;
	} rows[] = {
		{ 40, "_FVH", 4, "UEFI firmware" },
		{ 0, "\x55\xaa", 2, "option ROM" },
		{ 0x1fff0, "\352\133\340\000\36006/23/99", 13, "a PC's firmware" },
		{ 0, "\3757zXZ", 5, "packed by xz" },
		{ 0, "BZh9", 4, "packed by bzip2" },
		{ 0, "\x28\xb5\x2f\xfd", 4, "packed by zstd" },
		{ 0, "070701", 6, "initial RAM disk" },
		{ 0, "QFI\xfb", 4, "a disk image" },
		{ 0x8001, "CD001", 5, "a CD image" },
		{ 0x1fe, "\x55\xaa", 2, "boot sector" },
		{ 0x1000, "\xd6\x50\x52\xe8\x00\x00\x00\x00\x10\x00\x00\x00\x1a\xaf\xad\x17", 16,
		  "Multiboot 2" },
	};
	static uint8_t file[0x20000];
	unsigned int i;

	tap(t, !identify(file, sizeof(file)), "zeros are nothing");
	tap(t, !identify(file, 0), "nor is nothing");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(file, 0, sizeof(file));
		put(file, rows[i].at, rows[i].bytes, rows[i].length);
		tap(t, says(identify(file, sizeof(file)), rows[i].what), rows[i].what);
	}
}

/* PE files by their subsystem; the header's place is hostile. */
static void test_pe(struct tap *t)
{
	static uint8_t file[0x400];
	uint32_t at;

	put(file, 0, "MZ", 2);
	at = 0x80;
	put(file, 0x3c, &at, 4);
	tap(t, !identify(file, sizeof(file)), "MZ alone is nothing");
	put(file, 0x80, "PE\0\0", 4);
	tap(t, says(identify(file, sizeof(file)), "Windows"), "PE without a subsystem");
	file[0x80 + 0x5c] = 10;
	tap(t, says(identify(file, sizeof(file)), "EFI program"), "an EFI application");
	tap(t, says(identify(file, 0x80 + 0x5e), "EFI"), "just long enough");
	tap(t, !says(identify(file, 0x80 + 0x5d), "EFI"), "a byte too short");
	for (at = 0x3f0; at; at = at == 0x3f0 ? 0x3fe : at == 0x3fe ? UINT32_MAX - 1 : 0) {
		put(file, 0x3c, &at, 4);
		tap(t, !identify(file, sizeof(file)), "a header outside of the file");
	}
}

int main(void)
{
	struct tap t = { 0 };

	test_gunzip(&t);
	test_identify(&t);
	test_pe(&t);
	return tap_end(&t);
}
