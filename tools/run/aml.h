/* SPDX-License-Identifier: GPL-2.0-only */
/* Just enough of an AML assembler for the DSDT. */
#ifndef RUN_AML_H
#define RUN_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer that remembers that it was too small, so that callers need not ask at each byte. */
struct aml {
	uint8_t *data;
	size_t size, used;
	bool overflow;
};

void aml_byte(struct aml *aml, uint8_t byte);
void aml_bytes(struct aml *aml, const void *data, size_t length);
void aml_name(struct aml *aml, const char *name);	/* Name(NAME, ...): the value follows */
void aml_integer(struct aml *aml, uint32_t value);
void aml_string(struct aml *aml, const char *text);
void aml_eisa_id(struct aml *aml, const char *id);	/* "PNP0501" */

/* What begins here has its length in front; aml_end() takes what aml_begin...() returned. */
size_t aml_begin_scope(struct aml *aml, const char *name);
size_t aml_begin_device(struct aml *aml, const char *name);
size_t aml_begin_package(struct aml *aml, uint8_t elements);
void aml_end(struct aml *aml, size_t begin);

/* A resource template: begin, descriptors, end. */
size_t aml_begin_resources(struct aml *aml);
void aml_io(struct aml *aml, uint16_t port, uint8_t length);
void aml_edge_interrupt(struct aml *aml, uint32_t gsi);
void aml_end_resources(struct aml *aml, size_t begin);

#endif /* RUN_AML_H */
