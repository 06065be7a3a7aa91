/* SPDX-License-Identifier: GPL-2.0-only */
/* A whole file, mapped for reading. */
#ifndef RUN_FILE_H
#define RUN_FILE_H

#include <stddef.h>
#include <stdint.h>

struct file {
	const uint8_t *data;
	size_t size;
};

/* Or end the process with one line that says why. */
void file_read(const char *path, struct file *file);
void file_copy(void *to, const struct file *file);
void file_free(struct file *file);

#endif /* RUN_FILE_H */
