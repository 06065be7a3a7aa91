// SPDX-License-Identifier: GPL-2.0-only
/* AML encodings, by the chapter "ACPI Machine Language (AML)" of the ACPI Specification. */
#include <string.h>

#include "aml.h"

enum { OP_NAME = 0x08, OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c, OP_STRING = 0x0d,
	OP_SCOPE = 0x10, OP_BUFFER = 0x11, OP_PACKAGE = 0x12, OP_EXTENDED = 0x5b,
	EXTENDED_DEVICE = 0x82 };

#define LENGTH_BYTES	2	/* PkgLength is always written in its form of two bytes */

void aml_byte(struct aml *aml, uint8_t byte)
{
	if (aml->used < aml->size)
		aml->data[aml->used++] = byte;
	else
		aml->overflow = true;
}

void aml_bytes(struct aml *aml, const void *data, size_t length)
{
	const uint8_t *byte = data;

	while (length--)
		aml_byte(aml, *byte++);
}

static void little_endian(struct aml *aml, uint32_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		aml_byte(aml, value);
}

void aml_name(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_NAME);
	aml_bytes(aml, name, 4);
}

void aml_integer(struct aml *aml, uint32_t value)
{
	if (value <= 1) {
		aml_byte(aml, value);		/* ZeroOp, OneOp */
	} else if (value <= 0xff) {
		aml_byte(aml, OP_BYTE);
		little_endian(aml, value, 1);
	} else if (value <= 0xffff) {
		aml_byte(aml, OP_WORD);
		little_endian(aml, value, 2);
	} else {
		aml_byte(aml, OP_DWORD);
		little_endian(aml, value, 4);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	aml_byte(aml, OP_STRING);
	aml_bytes(aml, text, strlen(text) + 1);
}

static unsigned int hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Three letters of five bits each, then four hexadecimal digits; big-endian. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	const unsigned int letters = (id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');

	aml_byte(aml, OP_DWORD);
	aml_byte(aml, letters >> 8);
	aml_byte(aml, letters);
	aml_byte(aml, hex(id[3]) << 4 | hex(id[4]));
	aml_byte(aml, hex(id[5]) << 4 | hex(id[6]));
}

static size_t begin_length(struct aml *aml)
{
	const size_t begin = aml->used;

	little_endian(aml, 0, LENGTH_BYTES);
	return begin;
}

void aml_end(struct aml *aml, size_t begin)
{
	const size_t length = aml->used - begin;

	if (length > 0xfff || aml->overflow) {
		aml->overflow = true;
		return;
	}
	aml->data[begin] = 0x40 | (length & 0xf);
	aml->data[begin + 1] = length >> 4;
}

size_t aml_begin_scope(struct aml *aml, const char *name)
{
	size_t begin;

	aml_byte(aml, OP_SCOPE);
	begin = begin_length(aml);
	aml_bytes(aml, name, 4);
	return begin;
}

size_t aml_begin_device(struct aml *aml, const char *name)
{
	size_t begin;

	aml_byte(aml, OP_EXTENDED);
	aml_byte(aml, EXTENDED_DEVICE);
	begin = begin_length(aml);
	aml_bytes(aml, name, 4);
	return begin;
}

size_t aml_begin_package(struct aml *aml, uint8_t elements)
{
	size_t begin;

	aml_byte(aml, OP_PACKAGE);
	begin = begin_length(aml);
	aml_byte(aml, elements);
	return begin;
}

/* A Buffer(size) { bytes }: the size is an integer object, one byte here. */
size_t aml_begin_resources(struct aml *aml)
{
	size_t begin;

	aml_name(aml, "_CRS");
	aml_byte(aml, OP_BUFFER);
	begin = begin_length(aml);
	aml_byte(aml, OP_BYTE);
	aml_byte(aml, 0);
	return begin;
}

void aml_end_resources(struct aml *aml, size_t begin)
{
	const size_t size_at = begin + LENGTH_BYTES + 1;

	little_endian(aml, 0x0079, 2);		/* end tag; checksum 0: none */
	if (!aml->overflow)
		aml->data[size_at] = aml->used - size_at - 1;
	aml_end(aml, begin);
}

void aml_io(struct aml *aml, uint16_t port, uint8_t length)
{
	aml_byte(aml, 0x47);
	aml_byte(aml, 0x01);			/* decodes 16 bits */
	little_endian(aml, port, 2);
	little_endian(aml, port, 2);
	aml_byte(aml, 1);			/* alignment */
	aml_byte(aml, length);
}

/* The extended form, since its number is a GSI whether there is an 8259 or not. */
void aml_edge_interrupt(struct aml *aml, uint32_t gsi)
{
	aml_byte(aml, 0x89);
	little_endian(aml, 6, 2);
	aml_byte(aml, 0x03);			/* consumer, edge, active high, exclusive */
	aml_byte(aml, 1);
	little_endian(aml, gsi, 4);
}
