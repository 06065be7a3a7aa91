// SPDX-License-Identifier: GPL-2.0-only
/* Streams: what is read, what nobody reads, what cannot be written; the clock is the host's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "tap.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int failures;
static int failure;

static void failed(void *opaque, int error)
{
	*(int *)opaque = error;
	__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
}

/* A stream lives as long as the process: so does its thread. */
static struct stream *start(int fd)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		exit(125);
	s->fd = fd;
	s->failed = failed;
	s->opaque = &failure;
	if (stream_start(s))
		exit(125);
	return s;
}

/* A file's worth of bytes, in pieces that wrap around the ring somewhere. */
static void test_read(struct tap *t)
{
	static uint8_t data[3 * STREAM_SIZE], seen[sizeof(data)];
	char name[] = "/tmp/test_output-XXXXXX";
	const int fd = mkstemp(name);
	struct stream *s = start(fd);
	size_t i;

	unlink(name);
	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 251;
	for (i = 0; i < sizeof(data); i += 4096) {
		stream_write(s, data + i, 4096);
		stream_pace(s);
	}
	tap_eq(t, stream_drain(s), 0, "a file takes all of it");
	tap_eq(t, s->lost, 0, "nothing is lost");
	tap(t, pread(fd, seen, sizeof(seen), 0) == sizeof(seen) &&
	    !memcmp(seen, data, sizeof(data)), "in its order");
}

/* A pipe that nobody reads. */
static void test_unread(struct tap *t)
{
	static uint8_t data[1 << 16], byte[8];
	struct stream *s;
	double begun;
	int fds[2], i;

	if (pipe(fds))
		exit(125);
	s = start(fds[1]);
	begun = now();
	for (i = 0; i < 40; i++)
		stream_write(s, data, sizeof(data));
	tap(t, now() - begun < 0.5, "unread: who writes does not wait");
	tap(t, s->lost > 0 && s->lost < 40 * sizeof(data), "unread: what has no room is counted");
	begun = now();
	stream_pace(s);
	tap(t, now() - begun > 0.8 && now() - begun < 3, "unread: pace waits a second");
	begun = now();
	stream_pace(s);
	tap(t, now() - begun < 0.3, "unread: and no second one");
	if (read(fds[0], byte, sizeof(byte)) != sizeof(byte))
		exit(125);
	stream_hurry(s);
	begun = now();
	tap(t, stream_drain(s) > 0, "unread: what is left is said");
	tap(t, now() - begun < 3, "unread: in a hurry, soon");
}

/* A reader that takes a little now and then may not hold one who is in a hurry. */
static void *trickle(void *opaque)
{
	uint8_t byte[256];

	while (read(*(int *)opaque, byte, sizeof(byte)) > 0)
		usleep(50000);
	return NULL;
}

static void test_trickle(struct tap *t)
{
	static uint8_t data[STREAM_SIZE];
	static int fds[2];
	struct stream *s;
	pthread_t thread;
	double begun;

	if (pipe(fds) || pthread_create(&thread, NULL, trickle, &fds[0]))
		exit(125);
	s = start(fds[1]);
	stream_write(s, data, sizeof(data));
	stream_hurry(s);
	begun = now();
	tap(t, stream_drain(s) > 0 && now() - begun < 3, "a trickle: given up in a hurry");
}

/* Paces with a reader: nothing is lost, however slow it is. */
static void *slow_reader(void *opaque)
{
	static uint8_t piece[1 << 16];
	size_t *sum = opaque;
	ssize_t length;

	while ((length = read((int)*sum, piece, sizeof(piece))) > 0) {
		usleep(2000);
		sum[1] += length;
	}
	return NULL;
}

static void test_slow(struct tap *t)
{
	static uint8_t data[1 << 16];
	static size_t sum[2];
	pthread_t thread;
	struct stream *s;
	int fds[2], i;

	if (pipe(fds))
		exit(125);
	sum[0] = fds[0];
	pthread_create(&thread, NULL, slow_reader, sum);
	s = start(fds[1]);
	for (i = 0; i < 64; i++) {
		stream_write(s, data, sizeof(data));
		stream_pace(s);
	}
	tap_eq(t, stream_drain(s), 0, "slow: all is taken");
	close(fds[1]);
	pthread_join(thread, NULL);
	tap_eq(t, sum[1], 64 * sizeof(data), "slow: all arrives");
	tap_eq(t, s->lost, 0, "slow: nothing is lost");
}

static void test_error(struct tap *t, int fd, int error, const char *name)
{
	struct stream *s = start(fd);
	char text[80];
	int i;

	failures = 0;
	stream_write(s, "abc", 3);
	stream_drain(s);
	for (i = 0; i < 1000 && !__atomic_load_n(&failures, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	stream_write(s, "de", 2);
	snprintf(text, sizeof(text), "%s: the error is kept", name);
	tap_eq(t, s->error, error, text);
	snprintf(text, sizeof(text), "%s: and reported, once", name);
	tap(t, failures == 1 && failure == error, text);
	snprintf(text, sizeof(text), "%s: all bytes count as lost", name);
	tap_eq(t, s->lost, 5, text);
}

int main(void)
{
	struct tap t = { 0 };
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	test_read(&t);
	test_unread(&t);
	test_trickle(&t);
	test_slow(&t);
	test_error(&t, open("/dev/full", O_WRONLY), ENOSPC, "a full disk");
	test_error(&t, open("/", O_PATH), EBADF, "closed");
	if (pipe(fds))
		exit(125);
	close(fds[0]);
	test_error(&t, fds[1], EPIPE, "a dead pipe");
	return tap_end(&t);
}
