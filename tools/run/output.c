// SPDX-License-Identifier: GPL-2.0-only
/* Standard output and standard error are the process's, so that their streams are static. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "term.h"

static struct stream out = { .fd = STDOUT_FILENO }, err = { .fd = STDERR_FILENO };
static bool started;

/*
 * O_PATH: neither to be read nor to be written, so that it fails as a closed one would. Without it
 * the guest's output would go to whatever file is opened next.
 */
void output_reserve(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH) < 0)
			return;
	}
}

int output_start(void (*failed)(void *opaque, int error), void *opaque)
{
	int ret;

	out.failed = failed;
	out.opaque = opaque;
	ret = stream_start(&out);
	if (!ret)
		ret = stream_start(&err);
	started = !ret;
	return ret;
}

void output_guest(const uint8_t *data, size_t length)
{
	stream_write(&out, data, length);
}

void output_pace(void)
{
	stream_pace(&out);
}

void output_hurry(void)
{
	stream_hurry(&out);
}

void output_drain(void)
{
	const size_t left = stream_drain(&out);

	pthread_mutex_lock(&out.lock);
	out.lost += left;
	pthread_mutex_unlock(&out.lock);
}

struct output_loss output_loss(void)
{
	struct output_loss loss;

	pthread_mutex_lock(&out.lock);
	loss = (struct output_loss){ .error = out.error, .bytes = out.lost };
	pthread_mutex_unlock(&out.lock);
	return loss;
}

void output_say(const char *format, ...)
{
	char line[800];
	va_list ap;
	int length;

	length = snprintf(line, sizeof(line), "vmxhv-run: ");
	va_start(ap, format);
	vsnprintf(line + length, sizeof(line) - length - 2, format, ap);
	va_end(ap);
	strcat(line, term_is_raw() ? "\r\n" : "\n");
	if (started)
		stream_write(&err, line, strlen(line));
	else
		fputs(line, stderr);
}

void output_say_drain(void)
{
	if (!started)
		return;
	stream_hurry(&err);
	stream_drain(&err);
}
