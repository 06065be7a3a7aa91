// SPDX-License-Identifier: GPL-2.0-only
/* The terminal's mode is the process's, so that its keeper is one static structure. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "term.h"
#include "util.h"

static struct {
	struct termios saved;
	volatile sig_atomic_t raw;
	bool output_gone;
} term;

void term_restore(void)
{
	if (!term.raw)
		return;
	term.raw = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
}

/* A crash of our own must not leave a dead terminal behind. */
static void on_crash(int signal)
{
	term_restore();
	/* SA_RESETHAND: the default action follows. */
	raise(signal);
}

static void catch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

int term_raw(void)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO))
		return 0;
	if (tcgetattr(STDIN_FILENO, &term.saved) < 0)
		return -errno;
	raw = term.saved;
	cfmakeraw(&raw);
	catch_crashes();
	atexit(term_restore);
	term.raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return -errno;
	return 0;
}

void term_write(const uint8_t *data, size_t length)
{
	while (length && !term.output_gone) {
		const ssize_t done = write(STDOUT_FILENO, data, length);
		struct pollfd wait = { .fd = STDOUT_FILENO, .events = POLLOUT };

		if (done >= 0) {
			data += done;
			length -= done;
		} else if (errno == EAGAIN) {
			poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			term.output_gone = true;
		}
	}
}
