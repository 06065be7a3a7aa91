// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal's mode is the process's, so that its keeper is one static structure. With job
 * control the terminal is one job's at a time: only the foreground's process group may change it,
 * and what the shell left there while we were stopped is what it gets back.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "term.h"
#include "util.h"

static struct {
	struct termios saved;
	volatile sig_atomic_t raw;
	bool tty;
} term;

bool term_is_raw(void)
{
	return term.raw;
}

/* A terminal that controls nobody here knows no foreground: it is ours. */
bool term_is_ours(void)
{
	const pid_t foreground = term.tty ? tcgetpgrp(STDIN_FILENO) : -1;

	return foreground < 0 || foreground == getpgrp();
}

void term_restore(void)
{
	if (!term.raw)
		return;
	term.raw = 0;
	if (term_is_ours())
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
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP,
	};
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* What is there is kept, unless it is our own. */
static int take(void)
{
	struct termios now;

	if (tcgetattr(STDIN_FILENO, &now) < 0)
		return -errno;
	if (!term.raw)
		term.saved = now;
	now = term.saved;
	cfmakeraw(&now);
	term.raw = 1;
	return tcsetattr(STDIN_FILENO, TCSANOW, &now) < 0 ? -errno : 0;
}

int term_raw(void)
{
	term.tty = isatty(STDIN_FILENO);
	if (!term.tty)
		return 0;
	catch_crashes();
	atexit(term_restore);
	return term_is_ours() ? take() : 0;
}

void term_follow(bool stopped)
{
	if (!term.tty)
		return;
	if (!term_is_ours())
		term.raw = 0;
	else if (!term.raw || stopped)
		take();
}
