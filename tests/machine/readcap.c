// SPDX-License-Identifier: GPL-2.0-only
/*
 * LD_PRELOADed into Bochs 2.7: no read() returns more than 128 KiB. Its loader
 * of RAM images reads straight into a block of guest memory and runs past the
 * block's end when the memory is allocated on demand; it does loop on short
 * reads, so shortening them is enough.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK (128 * 1024)

ssize_t read(int fd, void *buf, size_t count)
{
	return syscall(SYS_read, fd, buf, count > BLOCK ? BLOCK : count);
}
