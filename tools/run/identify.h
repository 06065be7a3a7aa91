/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that are something else than a kernel that can be started here. */
#ifndef RUN_IDENTIFY_H
#define RUN_IDENTIFY_H

#include <stddef.h>
#include <stdint.h>

/* Return: what it is, to be printed after "is ", or NULL. bzImage and ELF are not its business. */
const char *identify(const uint8_t *data, size_t size);

#endif /* RUN_IDENTIFY_H */
