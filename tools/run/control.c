// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second thread: what comes from outside. It reads the terminal into the serial port (whose
 * interrupt goes straight to the kernel: no kick is needed), takes signals, watches the time, and
 * sends on output that has no end of line. The vCPU's thread only runs the guest.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "term.h"
#include "util.h"

#define TICK_MS		100	/* how long output without an end of line may wait */
#define GRACE_MS	3000	/* how long a stopped vCPU may take to leave the kernel */
#define CTRL_A		0x01

static struct {
	pthread_t thread;
	int done_fd;		/* readable: the vCPU's thread is through */
	int signal_fd;
	bool input_open, tty, escaped;
	int64_t deadline;	/* 0: none */
} control;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
}

void control_block_signals(void)
{
	sigset_t set;

	stop_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Ctrl-A commands are taken out. Return: how many bytes are for the guest. */
static size_t filter(struct machine *machine, uint8_t *data, size_t length)
{
	size_t i, kept = 0;

	for (i = 0; i < length; i++) {
		const bool escaped = control.escaped;

		control.escaped = false;
		if (!control.tty || (!escaped && data[i] != CTRL_A))
			data[kept++] = data[i];
		else if (!escaped)
			control.escaped = true;
		else if (data[i] == 'x' || data[i] == 'X')
			machine_stop(machine, STATUS_QUIT, "quit by Ctrl-A X");
		else if (data[i] == CTRL_A || data[i] == 'a')
			data[kept++] = CTRL_A;
	}
	return kept;
}

/* End of input is no reason to end the guest: it just gets nothing more. */
static void take_input(struct machine *machine)
{
	uint8_t data[UART_WIRE];
	ssize_t length;
	size_t room;

	pthread_mutex_lock(&machine->lock);
	room = uart_room(&machine->uart);
	pthread_mutex_unlock(&machine->lock);
	length = read(STDIN_FILENO, data, room);
	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (length <= 0) {
		control.input_open = false;
		return;
	}
	length = filter(machine, data, length);
	pthread_mutex_lock(&machine->lock);
	uart_receive(&machine->uart, data, length);
	pthread_mutex_unlock(&machine->lock);
}

static void take_signal(struct machine *machine)
{
	struct signalfd_siginfo info;

	if (read(control.signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	machine_stop(machine, STATUS_SIGNAL + info.ssi_signo, "ended by signal %u (%s)",
		     info.ssi_signo, strsignal(info.ssi_signo));
}

static void take_timer(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	pc_timer(machine);
	pthread_mutex_unlock(&machine->lock);
}

static void tick(struct machine *machine)
{
	if (control.deadline && now_ms() >= control.deadline) {
		machine_stop(machine, STATUS_TIMEOUT, "ended by --timeout %u",
			     machine->options->timeout);
		control.deadline = 0;
	}
	pthread_mutex_lock(&machine->lock);
	uart_flush(&machine->uart);
	pthread_mutex_unlock(&machine->lock);
}

static bool input_wanted(struct machine *machine)
{
	bool room;

	pthread_mutex_lock(&machine->lock);
	room = uart_room(&machine->uart);
	pthread_mutex_unlock(&machine->lock);
	return control.input_open && room;
}

/* A vCPU that does not come back would keep us for ever: that is the module's fault, say so. */
static void leave_without_vcpu(struct machine *machine)
{
	static const char text[] = "vmxhv-run: the vCPU did not leave the kernel when kicked\n";

	term_restore();
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(STATUS_HOST);
	_exit(atomic_load(&machine->status));
}

static void *control_main(void *opaque)
{
	struct machine *machine = opaque;
	int64_t stopped_at = 0;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = control.done_fd, .events = POLLIN },
			{ .fd = control.signal_fd, .events = POLLIN },
			{ .fd = input_wanted(machine) ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = machine->pc.timer_fd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), TICK_MS) < 0 && errno != EINTR)
			machine_stop(machine, STATUS_HOST, "poll: %s", strerror(errno));
		if (fds[0].revents)
			return NULL;
		if (fds[1].revents)
			take_signal(machine);
		if (fds[2].revents)
			take_input(machine);
		if (fds[3].revents)
			take_timer(machine);
		tick(machine);
		if (atomic_load(&machine->status) == RUNNING)
			continue;
		if (!stopped_at)
			stopped_at = now_ms();
		else if (now_ms() - stopped_at > GRACE_MS)
			leave_without_vcpu(machine);
	}
}

void control_start(struct machine *machine)
{
	sigset_t set;
	int err;

	stop_signals(&set);
	control.done_fd = eventfd(0, EFD_CLOEXEC);
	control.signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (control.done_fd < 0 || control.signal_fd < 0)
		die(STATUS_HOST, "eventfd or signalfd: %s", strerror(errno));
	control.input_open = true;
	control.tty = isatty(STDIN_FILENO);
	if (machine->options->timeout)
		control.deadline = now_ms() + machine->options->timeout * 1000ll;
	err = term_raw();
	if (err)
		die(STATUS_HOST, "the terminal: %s", strerror(-err));
	err = pthread_create(&control.thread, NULL, control_main, machine);
	if (err)
		die(STATUS_HOST, "pthread_create: %s", strerror(err));
}

void control_join(void)
{
	const uint64_t one = 1;

	if (write(control.done_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(control.thread, NULL);
}
