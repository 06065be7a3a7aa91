// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmxhv-run on a terminal: raw while the guest runs, as it was afterwards, however it ends.
 * usage: run_tty VMXHV-RUN MENU.BIN
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#define WAIT_MS		10000

static unsigned int count, failed;

static void ok(bool good, const char *name)
{
	count++;
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", count, name);
	fflush(stdout);
}

/* One run: the child, our end of its terminal, and that terminal itself to look at. */
struct run {
	pid_t pid;
	int master, slave;
	struct termios before;
	char text[4096];
	size_t length;
};

static bool is_raw(const struct run *run)
{
	struct termios now;

	tcgetattr(run->slave, &now);
	return !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static void start(struct run *run, char **argv)
{
	int waited;

	memset(run, 0, sizeof(*run));
	if (openpty(&run->master, &run->slave, NULL, NULL, NULL))
		exit(125);
	tcgetattr(run->slave, &run->before);
	run->pid = fork();
	if (run->pid == 0) {
		login_tty(run->slave);
		execl(argv[1], argv[1], "--flat", argv[2], "--timeout", "60", (char *)NULL);
		_exit(126);
	}
	/* What is typed before that is the terminal's to interpret. */
	for (waited = 0; !is_raw(run) && waited < WAIT_MS; waited += 10)
		usleep(10000);
}

static bool is_restored(const struct run *run)
{
	struct termios now;

	tcgetattr(run->slave, &now);
	return now.c_lflag == run->before.c_lflag && now.c_iflag == run->before.c_iflag &&
	       now.c_oflag == run->before.c_oflag;
}

/* Read until @text has come. */
static bool expect(struct run *run, const char *text)
{
	struct pollfd fd = { .fd = run->master, .events = POLLIN };

	while (!strstr(run->text, text)) {
		ssize_t length;

		if (poll(&fd, 1, WAIT_MS) <= 0)
			return false;
		length = read(run->master, run->text + run->length,
			      sizeof(run->text) - 1 - run->length);
		if (length <= 0)
			return false;
		run->length += length;
	}
	return true;
}

static void type(const struct run *run, const char *text)
{
	if (write(run->master, text, strlen(text)) < 0)
		exit(125);
}

static int finish(struct run *run)
{
	int status;

	waitpid(run->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void quit_by_key(char **argv)
{
	struct run run;

	start(&run, argv);
	type(&run, "k");
	ok(expect(&run, "hello"), "a key reaches the guest, its output the terminal");
	ok(is_raw(&run), "the terminal is raw");
	type(&run, "\x01x");
	ok(finish(&run) == 5, "Ctrl-A X ends it with status 5");
	ok(is_restored(&run), "the terminal is as it was");
}

static void send_ctrl_a(char **argv)
{
	struct run run;

	start(&run, argv);
	type(&run, "E<\x01\x01>\nq");
	ok(expect(&run, "<\x01>"), "Ctrl-A Ctrl-A sends one Ctrl-A");
	ok(finish(&run) == 0, "the guest halts");
	ok(is_restored(&run), "the terminal is as it was after a halt");
}

static void end_by_signal(char **argv, int signal, const char *name)
{
	struct run run;

	start(&run, argv);
	type(&run, "k");
	expect(&run, "hello");
	kill(run.pid, signal);
	ok(finish(&run) == 128 + signal, name);
	ok(is_restored(&run), "the terminal is as it was after a signal");
}

static void end_by_crash(char **argv)
{
	struct run run;
	int status;

	start(&run, argv);
	type(&run, "k");
	expect(&run, "hello");
	kill(run.pid, SIGSEGV);
	waitpid(run.pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a crash is a crash");
	ok(is_restored(&run), "the terminal is as it was after a crash");
}

/* Ctrl-C is the guest's. */
static void interrupt_key(char **argv)
{
	struct run run;

	start(&run, argv);
	type(&run, "E(\x03)\nq");
	ok(expect(&run, "(\x03)"), "Ctrl-C goes to the guest");
	ok(finish(&run) == 0, "and does not end the run");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 125;
	quit_by_key(argv);
	send_ctrl_a(argv);
	interrupt_key(argv);
	end_by_signal(argv, SIGTERM, "SIGTERM ends it with status 143");
	end_by_signal(argv, SIGHUP, "SIGHUP ends it with status 129");
	end_by_crash(argv);
	printf("1..%u\n", count);
	return failed ? 1 : 0;
}
