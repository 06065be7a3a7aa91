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
#include "output.h"
#include "term.h"
#include "util.h"

#define TICK_MS		100	/* how long output without an end of line may wait */
#define RETRY_MS	2	/* until a message that no APIC took is sent again */
#define GRACE_MS	3000	/* how long a stopped vCPU may take to leave the kernel */
#define CTRL_A		0x01

static struct {
	pthread_t thread;
	int done_fd;		/* readable: the vCPU's thread is through */
	int signal_fd;
	bool input_open, tty, escaped;
	int64_t deadline;	/* 0: none */
	bool ended_it;		/* what came from outside decided how the run ends */
	atomic_bool vcpu_left;
} control;

/* What asks us to end, and what stops a job or lets it go on. */
static const int ending[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,
	SIGPWR, SIGXCPU,
};

static const int stopping[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static void stop_signals(sigset_t *set)
{
	size_t i;

	sigemptyset(set);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(set, ending[i]);
	for (i = 0; i < ARRAY_SIZE(stopping); i++)
		sigaddset(set, stopping[i]);
}

void control_block_signals(void)
{
	sigset_t set;

	stop_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* Who writes learns it by errno. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* The user wants the end, and it may be decided: whoever reads our output has a moment, no more. */
static void end_by_user(bool decided)
{
	control.ended_it |= decided;
	output_hurry();
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
			end_by_user(machine_stop(machine, STATUS_QUIT, "quit by Ctrl-A X"));
		else if (data[i] == CTRL_A || data[i] == 'a')
			data[kept++] = CTRL_A;
	}
	return kept;
}

/* End of input is no reason to end the guest: it just gets nothing more. */
static void take_input(struct machine *machine)
{
	uint8_t data[VMXHV_UART_WIRE];
	ssize_t length;
	size_t room;

	pthread_mutex_lock(&machine->lock);
	room = vmxhv_uart_room(&machine->uart);
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
	vmxhv_uart_receive(&machine->uart, data, length);
	pthread_mutex_unlock(&machine->lock);
}

/*
 * Stop as the signal would have stopped us, with the terminal as it was. A process group that
 * nobody could continue is not stopped by it: then we go on at once.
 */
static void stop_job(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	term_restore();
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_kill(pthread_self(), signal);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	term_follow(true);
}

static void take_signal(struct machine *machine)
{
	struct signalfd_siginfo info;

	if (read(control.signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCONT:
		term_follow(true);
		break;
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		stop_job(info.ssi_signo);
		break;
	default:
		end_by_user(machine_stop(machine, STATUS_SIGNAL + info.ssi_signo,
					 "ended by signal %u (%s)", info.ssi_signo,
					 strsignal(info.ssi_signo)));
	}
}

static void take_timer(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	timer_run(machine);
	pthread_mutex_unlock(&machine->lock);
}

/* Return: milliseconds until the next one. */
static int tick(struct machine *machine)
{
	int ms;

	if (control.deadline && now_ms() >= control.deadline) {
		end_by_user(machine_stop(machine, STATUS_TIMEOUT, "ended by --timeout %u",
					 machine->options->timeout));
		control.deadline = 0;
	}
	term_follow(false);
	pthread_mutex_lock(&machine->lock);
	vmxhv_uart_flush(&machine->uart);
	vmxhv_ioapic_retry(&machine->ioapic);
	ms = machine->ioapic.waiting ? RETRY_MS : TICK_MS;
	pthread_mutex_unlock(&machine->lock);
	return ms;
}

static bool input_wanted(struct machine *machine)
{
	bool room;

	pthread_mutex_lock(&machine->lock);
	room = vmxhv_uart_room(&machine->uart);
	pthread_mutex_unlock(&machine->lock);
	return control.input_open && room && term_is_ours();
}

/* A vCPU that does not come back would keep us for ever: that is the module's fault, say so. */
static void leave_without_vcpu(struct machine *machine)
{
	term_restore();
	output_say("the vCPU did not leave the kernel when kicked");
	output_say_drain();
	_exit(atomic_load(&machine->status));
}

static void *control_main(void *opaque)
{
	struct machine *machine = opaque;
	int64_t stopped_at = 0;
	int wait = TICK_MS;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = control.done_fd, .events = POLLIN },
			{ .fd = control.signal_fd, .events = POLLIN },
			{ .fd = input_wanted(machine) ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = machine->timer_fd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), wait) < 0 && errno != EINTR)
			machine_stop(machine, STATUS_HOST, "poll: %s", strerror(errno));
		if (fds[0].revents)
			return NULL;
		if (fds[1].revents)
			take_signal(machine);
		if (fds[2].revents)
			take_input(machine);
		if (fds[3].revents)
			take_timer(machine);
		wait = tick(machine);
		if (atomic_load(&machine->status) == RUNNING || atomic_load(&control.vcpu_left))
			continue;
		if (!stopped_at)
			stopped_at = now_ms();
		else if (now_ms() - stopped_at > GRACE_MS)
			leave_without_vcpu(machine);
	}
}

/* From standard output's own thread: what the guest prints is lost, and why go on then? */
static void output_failed(void *opaque, int error)
{
	machine_stop(opaque, STATUS_OUTPUT, "standard output: %s", strerror(error));
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
	err = output_start(output_failed, machine);
	if (err)
		die(STATUS_HOST, "threads for the output: %s", strerror(-err));
	err = term_raw();
	if (err)
		die(STATUS_HOST, "the terminal: %s", strerror(-err));
	err = pthread_create(&control.thread, NULL, control_main, machine);
	if (err)
		die(STATUS_HOST, "pthread_create: %s", strerror(err));
}

void control_vcpu_left(void)
{
	atomic_store(&control.vcpu_left, true);
}

bool control_ended_it(void)
{
	return control.ended_it;
}

void control_join(void)
{
	const uint64_t one = 1;

	if (write(control.done_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(control.thread, NULL);
}
