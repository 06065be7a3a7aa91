/* SPDX-License-Identifier: GPL-2.0-only */
/* What the library's files share. */
#ifndef LIBVMXHV_INTERNAL_H
#define LIBVMXHV_INTERNAL_H

#include "libvmxhv.h"
#include "util.h"

/* ioctl(), with EINTR left to the caller; a refusal fills @fail. @what names the request. */
int fail_ioctl(struct vmxhv_fail *fail, int fd, unsigned long request, void *arg, const char *what);

/* The refusal that just came on @fd, with the kernel's detail. Return: -error. */
int fail_errno(struct vmxhv_fail *fail, int fd, int error, const char *what);

/* Record @error (positive) with a message of our own. Return: -error. */
int fail_set(struct vmxhv_fail *fail, int error, const char *format, ...)
	__printf(3, 4);

#endif /* LIBVMXHV_INTERNAL_H */
