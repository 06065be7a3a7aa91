// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring and a thread. Only the thread calls write(), which may wait for ever in a pipe that nobody
 * reads or at a terminal that was stopped; O_NONBLOCK is no way out, since it belongs to the open
 * file, which others share. The end of the process ends the thread, wherever it waits.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"

#define PACE_MS		1000
#define PATIENCE_MS	10000
#define HURRY_MS	1000
#define MSEC		1000000ll
#define SEC		1000000000ll

/* ---- with the lock held -------------------------------------------------------------------- */

static void update(struct stream *s)
{
	atomic_store_explicit(&s->crowded, s->count > STREAM_HIGH, memory_order_relaxed);
	pthread_cond_broadcast(&s->changed);
}

static int64_t now(void)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	return when.tv_sec * SEC + when.tv_nsec;
}

/* Wait until a byte is taken, or something is given up. Return: false after @ms of neither. */
static bool wait_taken(struct stream *s, unsigned int ms)
{
	const int64_t until = s->until ? s->until : now() + ms * MSEC;
	const struct timespec deadline = { .tv_sec = until / SEC, .tv_nsec = until % SEC };
	const bool hurried = s->until;
	const uint64_t taken = s->taken;

	while (s->taken == taken && !s->error && hurried == (s->until != 0)) {
		if (pthread_cond_timedwait(&s->changed, &s->lock, &deadline) == ETIMEDOUT)
			return false;
	}
	return true;
}

static void give_up(struct stream *s, int error)
{
	s->error = error;
	s->lost += s->count;
	s->count = 0;
	update(s);
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* One write() of what lies in one piece. Return: 0, or the positive errno that ends it all. */
static int write_piece(struct stream *s)
{
	const size_t room = STREAM_SIZE - s->head;
	const size_t length = s->count < room ? s->count : room;
	struct pollfd fd = { .fd = s->fd, .events = POLLOUT };
	ssize_t done;
	int error;

	pthread_mutex_unlock(&s->lock);
	done = write(s->fd, s->ring + s->head, length);
	error = done < 0 ? errno : 0;
	if (error == EAGAIN)
		poll(&fd, 1, -1);
	pthread_mutex_lock(&s->lock);
	if (error)
		return error == EAGAIN || error == EINTR ? 0 : error;
	s->head = (s->head + done) % STREAM_SIZE;
	s->count -= done;
	s->taken += done;
	s->stalled = false;
	update(s);
	return 0;
}

static void *stream_main(void *opaque)
{
	struct stream *s = opaque;
	int error = 0;

	pthread_mutex_lock(&s->lock);
	while (!error) {
		while (!s->count)
			pthread_cond_wait(&s->changed, &s->lock);
		error = write_piece(s);
	}
	give_up(s, error);
	pthread_mutex_unlock(&s->lock);
	if (s->failed)
		s->failed(s->opaque, error);
	return NULL;
}

int stream_start(struct stream *stream)
{
	pthread_condattr_t clock;
	pthread_t thread;
	int err;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&stream->changed, &clock);
	pthread_condattr_destroy(&clock);
	pthread_mutex_init(&stream->lock, NULL);
	err = pthread_create(&thread, NULL, stream_main, stream);
	if (!err)
		pthread_detach(thread);
	return -err;
}

/* ---- everybody else ------------------------------------------------------------------------ */

void stream_write(struct stream *stream, const void *data, size_t length)
{
	size_t room, fits, at, piece;

	pthread_mutex_lock(&stream->lock);
	room = stream->error ? 0 : STREAM_SIZE - stream->count;
	fits = length < room ? length : room;
	at = (stream->head + stream->count) % STREAM_SIZE;
	piece = fits < STREAM_SIZE - at ? fits : STREAM_SIZE - at;
	memcpy(stream->ring + at, data, piece);
	memcpy(stream->ring, (const uint8_t *)data + piece, fits - piece);
	stream->count += fits;
	stream->lost += length - fits;
	update(stream);
	pthread_mutex_unlock(&stream->lock);
}

void stream_pace(struct stream *stream)
{
	if (!atomic_load_explicit(&stream->crowded, memory_order_relaxed))
		return;
	pthread_mutex_lock(&stream->lock);
	while (stream->count > STREAM_HIGH && !stream->error && !stream->stalled && !stream->until)
		stream->stalled = !wait_taken(stream, PACE_MS);
	pthread_mutex_unlock(&stream->lock);
}

size_t stream_drain(struct stream *stream)
{
	size_t left;

	pthread_mutex_lock(&stream->lock);
	while (stream->count && !stream->error && (!stream->until || now() < stream->until)) {
		if (!wait_taken(stream, PATIENCE_MS))
			break;
	}
	left = stream->count;
	pthread_mutex_unlock(&stream->lock);
	return left;
}

void stream_hurry(struct stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	if (!stream->until)
		stream->until = now() + HURRY_MS * MSEC;
	update(stream);
	pthread_mutex_unlock(&stream->lock);
}
