/* SPDX-License-Identifier: GPL-2.0-only */
/* A whole file, mapped for reading, or unpacked. */
#ifndef RUN_FILE_H
#define RUN_FILE_H

#include <stddef.h>
#include <stdint.h>

struct file {
	const uint8_t *data;
	size_t size;
	uint8_t *unpacked;	/* what data is then */
};

/* Or end the process with one line that says why. */
void file_read(const char *path, struct file *file);
/* The same, and unpacked if gzip packed it: to no more than @most bytes. */
void file_read_kernel(const char *path, struct file *file, uint64_t most);
void file_copy(void *to, const struct file *file);
void file_free(struct file *file);

#endif /* RUN_FILE_H */
