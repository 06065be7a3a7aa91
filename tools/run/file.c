// SPDX-License-Identifier: GPL-2.0-only
/* Reading images. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "gunzip.h"
#include "machine.h"

void file_read(const char *path, struct file *file)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	void *data;

	*file = (struct file){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		die(STATUS_USAGE, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die(STATUS_USAGE, "%s: not a regular file", path);
	if ((uint64_t)st.st_size > SIZE_MAX)
		die(STATUS_USAGE, "%s: %s", path, strerror(EFBIG));
	if (st.st_size) {
		data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED)
			die(STATUS_HOST, "%s: %s", path, strerror(errno));
		file->data = data;
		file->size = st.st_size;
	}
	close(fd);
}

void file_read_kernel(const char *path, struct file *file, uint64_t most)
{
	struct file packed;
	const char *wrong;
	uint8_t *data;

	file_read(path, &packed);
	*file = packed;
	if (!gunzip_is(packed.data, packed.size))
		return;
	wrong = gunzip(packed.data, packed.size, &data, &file->size,
		       most < SIZE_MAX ? most : SIZE_MAX);
	if (wrong)
		die(STATUS_USAGE, "%s: %s", path, wrong);
	file_free(&packed);
	file->data = data;
	file->unpacked = data;
}

void file_copy(void *to, const struct file *file)
{
	memcpy(to, file->data, file->size);
}

void file_free(struct file *file)
{
	if (file->unpacked)
		free(file->unpacked);
	else if (file->data)
		munmap((void *)file->data, file->size);
	*file = (struct file){ 0 };
}
