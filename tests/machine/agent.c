// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init of the test machine. It runs the scripts that /plan lists, one after
 * the other, each under its own time limit, and reports on the second serial
 * line, where no kernel message can cut a line in two.
 *
 * Protocol: a line that starts with "@@vmxhv " is the agent's, any other line is
 * output of the script between the last "begin" and its "end". The kernel log
 * follows the last exit status and the word "done" follows the log: whoever
 * reads "done" has read everything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LOG_WARNING	4
#define NAME_LEN	160

static int out_fd;
static bool at_line_start = true;

static void put(const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(out_fd, buf, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			at_line_start = buf[n - 1] == '\n';
			buf += n;
			len -= n;
		}
	}
}

__attribute__((format(printf, 1, 2)))
static void report(const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int n;

	if (!at_line_start)
		put("\n", 1);
	n = snprintf(buf, sizeof(buf), "@@vmxhv ");
	va_start(ap, fmt);
	n += vsnprintf(buf + n, sizeof(buf) - n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(buf) - 2)
		n = sizeof(buf) - 2;
	buf[n++] = '\n';
	put(buf, n);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* Taint bits: what the kernel itself says about WARNs and oopses. */
static unsigned long taint_bits(void)
{
	unsigned long value = 0;
	FILE *f = fopen("/proc/sys/kernel/tainted", "r");

	if (f) {
		if (fscanf(f, "%lu", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void log_marker(const char *what, const char *name)
{
	char line[NAME_LEN + 64];

	snprintf(line, sizeof(line), "<5>vmxhv-test: %s %s\n", what, name);
	write_file("/dev/kmsg", line);
}

static pid_t spawn(const char *name, int write_end)
{
	char script[NAME_LEN + 32];
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(write_end, 1);
	dup2(write_end, 2);
	snprintf(script, sizeof(script), "/cases/%s", name);
	execl("/bin/sh", "sh", script, (char *)NULL);
	_exit(127);
}

/* Pass on what the pipe holds; true when nothing can write to it any more. */
static bool forward(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	if (poll(&p, 1, wait_ms) <= 0)
		return false;
	n = read(fd, buf, sizeof(buf));
	if (n > 0)
		put(buf, n);
	return n == 0;
}

static void run_case(const char *name, long timeout_ms)
{
	long start = now_ms(), deadline = start + timeout_ms;
	bool exited = false, killed = false;
	unsigned long taint = taint_bits();
	int pipes[2], status = 0;
	pid_t pid;

	report("begin %s", name);
	log_marker("begin", name);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return;
	pid = spawn(name, pipes[1]);
	close(pipes[1]);
	while (!exited) {
		if (forward(pipes[0], 20))
			usleep(2000);
		exited = waitpid(pid, &status, WNOHANG) == pid;
		if (now_ms() > deadline && !killed) {
			kill(-pid, SIGKILL);
			killed = true;
			deadline += 5000;
		} else if (now_ms() > deadline) {
			break;	/* not even SIGKILL: stuck in the kernel */
		}
	}
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 256; i++) {
		struct pollfd p = { .fd = pipes[0], .events = POLLIN };

		if (poll(&p, 1, 0) <= 0 || forward(pipes[0], 0))
			break;
	}
	close(pipes[0]);
	log_marker("end", name);
	if (killed)
		report("end %s %s %ld %lx", name, exited ? "timeout" : "stuck",
		       now_ms() - start, taint_bits() & ~taint);
	else
		report("end %s %d %ld %lx", name,
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
		       now_ms() - start, taint_bits() & ~taint);
}

/*
 * The kernel log, record by record: of the boot only what has the level of a
 * warning or worse (the serial line is slow), all of it from the first test on.
 */
static void dump_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool all = false;
	char rec[8192];
	ssize_t n;

	report("log");
	while ((n = read(fd, rec, sizeof(rec) - 1)) != 0) {
		int level;
		char *text, *end;

		if (n < 0 && errno == EPIPE) {
			report("lost");
			continue;
		}
		if (n < 0)
			break;
		rec[n] = 0;
		level = atoi(rec) & 7;
		text = strchr(rec, ';');
		if (!text)
			continue;
		end = strchr(++text, '\n');
		if (end)
			*end = 0;
		all = all || !strncmp(text, "vmxhv-test: begin", 17);
		if (!all && level > LOG_WARNING)
			continue;
		dprintf(out_fd, "%d %s\n", level, text);
	}
	close(fd);
}

static void set_up(void)
{
	struct termios t;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 01777);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", 0, NULL);
	/* From here on the console shows warnings: all there is if the machine dies. */
	write_file("/proc/sys/kernel/printk", "5 4 1 7");
	write_file("/proc/sys/kernel/printk_devkmsg", "on");
	setenv("PATH", "/bin:/sbin", 1);
	setenv("HOME", "/", 1);
	out_fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (out_fd < 0)
		out_fd = 2;
	if (!tcgetattr(out_fd, &t)) {
		cfmakeraw(&t);
		cfsetspeed(&t, B115200);
		t.c_cflag |= CLOCAL;
		tcsetattr(out_fd, TCSANOW, &t);
	}
}

/* An interactive shell on the second serial line, instead of tests. */
static void shell(void)
{
	pid_t pid = fork();
	struct termios t;

	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	setsid();
	ioctl(out_fd, TIOCSCTTY, 1);
	if (!tcgetattr(out_fd, &t)) {
		t.c_iflag |= ICRNL;
		t.c_oflag |= OPOST | ONLCR;
		t.c_lflag |= ISIG | ICANON | ECHO | ECHOE | ECHOK;
		t.c_cc[VERASE] = 0x7f;
		tcsetattr(out_fd, TCSANOW, &t);
	}
	for (int i = 0; i < 3; i++)
		dup2(out_fd, i);
	setenv("TERM", "linux", 1);
	setenv("PS1", "vmxhv# ", 1);
	execl("/bin/sh", "-sh", (char *)NULL);
	_exit(127);
}

int main(void)
{
	char name[NAME_LEN + 1];
	unsigned long ms;
	FILE *plan;

	set_up();
	report("up %lx %ld", taint_bits(), now_ms());
	plan = fopen("/plan", "re");
	while (plan && fscanf(plan, "%160s %lu", name, &ms) == 2) {
		if (!strcmp(name, "shell"))
			shell();
		else
			run_case(name, ms);
	}
	dump_log();
	report("done");
	sync();
	tcdrain(out_fd);
	reboot(RB_POWER_OFF);
	return 0;
}
