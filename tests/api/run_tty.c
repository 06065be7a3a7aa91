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

static void end_by_crash(char **argv, int signal)
{
	struct run run;
	int status;

	start(&run, argv);
	type(&run, "k");
	expect(&run, "hello");
	kill(run.pid, signal);
	waitpid(run.pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == signal, "a crash is a crash");
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

/* ---- job control: a shell of our own between us and the launcher ---------------------------- */

/* It gives the terminal to itself or to its job, as it is told, and makes the terminal cooked. */
static void be_shell(int commands, pid_t job, const struct termios *cooked)
{
	char command;

	signal(SIGTTOU, SIG_IGN);
	while (read(commands, &command, 1) == 1) {
		tcsetpgrp(STDIN_FILENO, command == 'f' ? job : getpgrp());
		if (command == 'b')
			tcsetattr(STDIN_FILENO, TCSANOW, cooked);
	}
	_exit(0);
}

struct job {
	struct run run;		/* pid is the launcher's */
	pid_t shell;
	int commands;
};

static void start_job(struct job *job, char **argv, bool foreground)
{
	int commands[2], pids[2], waited;
	pid_t pid;

	memset(job, 0, sizeof(*job));
	if (openpty(&job->run.master, &job->run.slave, NULL, NULL, NULL) || pipe(commands) ||
	    pipe(pids))
		exit(125);
	tcgetattr(job->run.slave, &job->run.before);
	job->shell = fork();
	if (job->shell == 0) {
		close(commands[1]);
		login_tty(job->run.slave);
		pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			if (foreground)
				tcsetpgrp(STDIN_FILENO, getpgrp());
			signal(SIGTTOU, SIG_DFL);
			execl(argv[1], argv[1], "--flat", argv[2], "--timeout", "60", (char *)NULL);
			_exit(126);
		}
		if (write(pids[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(126);
		be_shell(commands[0], pid, &job->run.before);
	}
	close(commands[0]);
	job->commands = commands[1];
	if (read(pids[0], &job->run.pid, sizeof(job->run.pid)) != sizeof(job->run.pid))
		exit(125);
	for (waited = 0; foreground && !is_raw(&job->run) && waited < WAIT_MS; waited += 10)
		usleep(10000);
}

static void tell(const struct job *job, char command)
{
	if (write(job->commands, &command, 1) != 1)
		exit(125);
}

static char state_of(pid_t pid)
{
	char path[40], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return '-';
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(file);
	return state;
}

static bool becomes(bool (*what)(const struct job *job), const struct job *job)
{
	int waited;

	for (waited = 0; !what(job) && waited < WAIT_MS; waited += 10)
		usleep(10000);
	return what(job);
}

static bool job_stopped(const struct job *job)
{
	return state_of(job->run.pid) == 'T';
}

static bool job_runs(const struct job *job)
{
	return !job_stopped(job);
}

static bool job_is_raw(const struct job *job)
{
	return is_raw(&job->run);
}

static bool job_is_cooked(const struct job *job)
{
	return is_restored(&job->run);
}

static bool job_ended(const struct job *job)
{
	const char state = state_of(job->run.pid);

	return state == 'Z' || state == '-';
}

static void end_job(struct job *job)
{
	kill(job->run.pid, SIGTERM);
	ok(becomes(job_ended, job), "job: SIGTERM ends it");
	ok(is_restored(&job->run), "job: the terminal is as it was");
	close(job->commands);
	waitpid(job->shell, NULL, 0);
	close(job->run.master);
	close(job->run.slave);
}

static void stopped_and_continued(char **argv)
{
	struct job job;

	start_job(&job, argv, true);
	type(&job.run, "h");
	ok(expect(&job.run, "hello"), "job: a key reaches the guest");
	kill(job.run.pid, SIGTSTP);
	ok(becomes(job_stopped, &job), "job: SIGTSTP stops it");
	ok(is_restored(&job.run), "job: the terminal is as it was while it is stopped");
	kill(job.run.pid, SIGCONT);
	ok(becomes(job_is_raw, &job), "job: SIGCONT makes it raw again");
	type(&job.run, "p");
	ok(expect(&job.run, "ff"), "job: and keys reach the guest again");
	end_job(&job);
}

/* Nobody can prepare for SIGSTOP: the shell makes the terminal cooked itself. */
static void stopped_for_good(char **argv)
{
	struct job job;

	start_job(&job, argv, true);
	kill(job.run.pid, SIGSTOP);
	ok(becomes(job_stopped, &job), "job: SIGSTOP stops it");
	tell(&job, 'b');
	ok(becomes(job_is_cooked, &job), "job: the shell has the terminal");
	tell(&job, 'f');
	usleep(100000);
	kill(job.run.pid, SIGCONT);
	ok(becomes(job_is_raw, &job), "job: after SIGSTOP, too, SIGCONT makes it raw again");
	end_job(&job);
}

static void in_background(char **argv)
{
	struct job job;

	start_job(&job, argv, true);
	kill(job.run.pid, SIGTSTP);
	becomes(job_stopped, &job);
	tell(&job, 'b');
	becomes(job_is_cooked, &job);
	kill(job.run.pid, SIGCONT);
	ok(becomes(job_runs, &job), "job: it goes on in the background");
	usleep(500000);
	ok(job_runs(&job) && is_restored(&job.run), "job: and leaves the shell's terminal alone");
	tell(&job, 'f');
	ok(becomes(job_is_raw, &job), "job: in the foreground it is raw again");
	end_job(&job);
}

static void begun_in_background(char **argv)
{
	struct job job;

	start_job(&job, argv, false);
	usleep(1000000);
	ok(job_runs(&job) && is_restored(&job.run), "job: begun in the background it runs");
	tell(&job, 'f');
	ok(becomes(job_is_raw, &job), "job: and takes the terminal when it is given it");
	end_job(&job);
}

/* A process group that nobody could continue is not stopped. */
static void orphaned_group(char **argv)
{
	struct run run;

	start(&run, argv);
	kill(run.pid, SIGTSTP);
	usleep(300000);
	ok(is_raw(&run), "an orphan is not stopped by SIGTSTP, and stays raw");
	type(&run, "hq");
	ok(expect(&run, "hello"), "and its guest runs");
	ok(finish(&run) == 0, "to its end");
}

/* The terminal takes nothing more, as after Ctrl-S, though the guest prints on. */
static void stopped_output(char **argv, bool by_key)
{
	struct run run;

	start(&run, argv);
	type(&run, "h");
	expect(&run, "hello");
	if (tcflow(run.slave, TCOOFF))
		exit(125);
	type(&run, "z");
	usleep(2500000);
	if (by_key)
		type(&run, "\x01x");
	else
		kill(run.pid, SIGTERM);
	ok(finish(&run) == (by_key ? 5 : 128 + SIGTERM),
	   by_key ? "a terminal that is held: Ctrl-A X ends it" :
		    "a terminal that is held: SIGTERM ends it");
	tcflow(run.slave, TCOON);
	ok(is_restored(&run), "and the terminal is as it was");
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
	end_by_signal(argv, SIGUSR1, "SIGUSR1 ends it with status 138");
	end_by_signal(argv, SIGALRM, "SIGALRM ends it with status 142");
	end_by_crash(argv, SIGSEGV);
	end_by_crash(argv, SIGTRAP);
	orphaned_group(argv);
	stopped_and_continued(argv);
	stopped_for_good(argv);
	in_background(argv);
	begun_in_background(argv);
	stopped_output(argv, false);
	stopped_output(argv, true);
	printf("1..%u\n", count);
	return failed ? 1 : 0;
}
