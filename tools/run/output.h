/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the process writes while a guest runs: the guest's bytes on standard output, our own lines
 * on standard error. Whoever reads them may stop reading for ever; the machine goes on.
 */
#ifndef RUN_OUTPUT_H
#define RUN_OUTPUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define STREAM_SIZE	1048576u
#define STREAM_HIGH	(STREAM_SIZE - 131072u)	/* what one exit brings still fits above */

/**
 * struct stream - bytes on their way to a descriptor, and the thread that writes them there
 * @fd: the descriptor; only that thread ever waits for it
 * @failed: its first error, from that thread; may be NULL
 * @opaque: for @failed
 * @lock: protects all that follows
 * @changed: bytes came, went or were given up
 * @head: the oldest byte in @ring
 * @count: bytes in @ring
 * @taken: bytes that were written, ever
 * @lost: bytes that found no room, or that an error left behind
 * @error: why nothing can be written any more, a positive errno
 * @until: when stream_drain() gives up, in nanoseconds; 0 while nobody is in a hurry
 * @stalled: nobody has read for so long that stream_pace() no longer waits
 * @crowded: more than STREAM_HIGH bytes wait; read without @lock
 */
struct stream {
	int fd;
	void (*failed)(void *opaque, int error);
	void *opaque;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t head, count;
	uint64_t taken, lost;
	int error;
	int64_t until;
	bool stalled;
	atomic_bool crowded;
	uint8_t ring[STREAM_SIZE];
};

/**
 * stream_start() - begin to pass bytes on
 * @stream: with fd, failed and opaque set; the rest is 0
 *
 * The thread blocks the signals that the caller blocks, and ends with the process.
 *
 * Return: 0 or a negative errno.
 */
int stream_start(struct stream *stream);

/** stream_write() - queue bytes; never waits: what has no room is lost, and counted */
void stream_write(struct stream *stream, const void *data, size_t length);

/**
 * stream_pace() - wait while the stream is crowded
 *
 * A reader that is slow loses nothing so. One that takes nothing for a second is not waited for
 * again until it does.
 */
void stream_pace(struct stream *stream);

/**
 * stream_drain() - wait until all is written, or nobody has read for ten seconds
 *
 * Return: bytes left over.
 */
size_t stream_drain(struct stream *stream);

/** stream_hurry() - the reader has one more second, whatever it does; ends stream_pace() */
void stream_hurry(struct stream *stream);

/* ---- the process's own two ----------------------------------------------------------------- */

/* Before anything is opened: a standard descriptor that is closed is no other file's number. */
void output_reserve(void);

/* Return: 0 or a negative errno. @failed: standard output cannot be written. */
int output_start(void (*failed)(void *opaque, int error), void *opaque);

/* The guest's bytes, and what paces, hurries and drains them. */
void output_guest(const uint8_t *data, size_t length);
void output_pace(void);
void output_hurry(void);
void output_drain(void);

/** struct output_loss - what became of the guest's bytes; after output_drain() */
struct output_loss {
	int error;		/* positive errno, or 0 */
	uint64_t bytes;		/* that nobody will see */
};

struct output_loss output_loss(void);

/* A line on standard error, after our name. Any thread; waits for nobody. */
__printf(1, 2) void output_say(const char *format, ...);

/* Give that line a second to get out. */
void output_say_drain(void);

#endif /* RUN_OUTPUT_H */
