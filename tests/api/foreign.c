// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors in the hands of another process: every call, however they came there. A VM belongs to
 * the address space that made it, so that its calls and its vCPUs' are EIO, whatever their argument
 * is, and leave no trace; the device is anybody's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "host.h"
#include "refusal.h"
#include "tap.h"

enum { OUT = 4 };			/* of tests/guest/spin.S */
enum { SHARED = 99, KEPT };		/* descriptors that exec leaves open */

#define ROWS	NR_CALLS

/* What the other process saw: in memory that it shares with this one. */
static struct seen {
	int ret[ROWS];		/* with a good argument */
	int bad[ROWS];		/* with NULL: the size is not looked at either */
	int map;		/* of the run area */
	int own_vm;		/* CREATE_VCPU on the VM that it made by the device */
} *seen;

/* The other process: every call. */
static void try_all(const int fd[FDS])
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create) };

	for (int i = 0; i < ROWS; i++) {
		const struct a_call *r = &calls[i];

		calls_prepare();
		seen->ret[i] = call(fd[r->fd], r->command, r->argument);
		seen->bad[i] = call(fd[r->fd], r->command, NULL);
		if (r->command == VMXHV_CREATE_VM && seen->ret[i] >= 0) {
			seen->own_vm = call(seen->ret[i], VMXHV_CREATE_VCPU, &create);
			seen->ret[i] = 0;
		}
	}
	seen->map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd[VCPU], 0) == MAP_FAILED ? -errno : 0;
}

static void forget(void)
{
	memset(seen, 0x55, sizeof(*seen));
}

static void judge(const char *way)
{
	for (int i = 0; i < ROWS; i++) {
		const bool device = calls[i].fd == DEV;
		const int wanted = device ? 0 : -EIO, bad = device ? -EFAULT : -EIO;

		if (seen->ret[i] != wanted || seen->bad[i] != bad)
			tap_note("returned %d, wanted %d; with NULL %d, wanted %d", seen->ret[i],
				 wanted, seen->bad[i], bad);
		tap_ok(seen->ret[i] == wanted && seen->bad[i] == bad, "%s: %s", way, calls[i].name);
	}
	tap_ok(seen->map == -EIO, "%s: the run area cannot be mapped", way);
	tap_ok(seen->own_vm >= 0, "%s: a VM of its own has a vCPU", way);
}

/* ---- the owner ------------------------------------------------------------------------------ */

static void set_up(struct machine *m, struct cpu *c)
{
	machine_create(m, 1 << 20);
	load_guest(m, "spin");
	cpu_create(m, c, 0);
	cpu_start(c, MODE_LONG, OUT);
}

struct fds {
	int fd[FDS];
};

static struct fds mine(const struct machine *m, const struct cpu *c)
{
	return (struct fds){ { m->dev, m->vm, c->fd } };
}

/* What the owner can see: taken before and after. */
struct view {
	struct vmxhv_error vm, vcpu;
	struct vmxhv_gprs gprs;
	struct vmxhv_events events;
	struct vmxhv_debug_regs debug;
	struct vmxhv_lapic lapic;
	struct vmxhv_sregs sregs;
};

static void look(const struct machine *m, struct cpu *c, struct view *v)
{
	memset(v, 0, sizeof(*v));
	v->vm = last_error(m->vm);
	v->vcpu = last_error(c->fd);
	if (get_group(c, VMXHV_STATE_GPRS, &v->gprs, sizeof(v->gprs)) ||
	    get_group(c, VMXHV_STATE_EVENTS, &v->events, sizeof(v->events)) ||
	    get_group(c, VMXHV_STATE_DEBUG, &v->debug, sizeof(v->debug)) ||
	    get_group(c, VMXHV_STATE_LAPIC, &v->lapic, sizeof(v->lapic)) ||
	    get_group(c, VMXHV_STATE_SREGS, &v->sregs, sizeof(v->sregs)))
		tap_bail("GET_STATE");
}

static void refused_once(const struct machine *m, const struct cpu *c)
{
	struct vmxhv_create_vcpu taken = { .size = sizeof(taken), .id = 0 };
	struct vmxhv_extint line = { .size = sizeof(line), .level = 2 };

	call(m->vm, VMXHV_CREATE_VCPU, &taken);
	call(c->fd, VMXHV_EXTINT, &line);
}

/* Nothing came of all that: no kick, no event, no memory gone, no vCPU, no other last refusal. */
static void expect_untouched(struct machine *m, struct cpu *c, const struct view *before,
			     const char *way)
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create), .id = 7 };
	struct view after;
	int fd;

	look(m, c, &after);
	tap_ok(!memcmp(before, &after, sizeof(after)), "%s: the owner sees no difference", way);
	tap_ok(!run(c) && c->run->exit_reason == VMXHV_EXIT_IO, "%s: its guest runs on", way);
	fd = call(m->vm, VMXHV_CREATE_VCPU, &create);
	tap_ok(fd >= 0, "%s: and the vCPU that was asked for is not there", way);
	close(fd);
}

/* ---- ways to another process ---------------------------------------------------------------- */

static void by_fork(void)
{
	struct machine m;
	struct view before;
	struct cpu c;
	pid_t pid;

	set_up(&m, &c);
	refused_once(&m, &c);
	look(&m, &c, &before);
	forget();
	pid = fork();
	if (!pid) {
		try_all(mine(&m, &c).fd);
		_exit(0);
	}
	tap_equal(wait_for(pid), 0, "a child has them");
	judge("fork");
	expect_untouched(&m, &c, &before, "fork");
	cpu_destroy(&c);
	machine_destroy(&m);
}

union control {
	char bytes[CMSG_SPACE(FDS * sizeof(int))];
	struct cmsghdr align;
};

static struct msghdr message(struct iovec *byte, union control *control)
{
	return (struct msghdr){
		.msg_iov = byte, .msg_iovlen = 1,
		.msg_control = control->bytes, .msg_controllen = sizeof(control->bytes),
	};
}

static bool send_fds(int socket, const int fd[FDS])
{
	union control control = {};
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr msg = message(&data, &control);
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	*head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				  .cmsg_len = CMSG_LEN(FDS * sizeof(int)) };
	memcpy(CMSG_DATA(head), fd, FDS * sizeof(int));
	return sendmsg(socket, &msg, 0) == 1;
}

static bool receive_fds(int socket, int fd[FDS])
{
	union control control = {};
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr msg = message(&data, &control);

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return false;
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), FDS * sizeof(int));
	return true;
}

/* A process that was there before the device was opened, and gets them by a socket. */
static void by_socket(void)
{
	struct machine m;
	struct view before;
	struct cpu c;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		tap_bail("socketpair: %s", strerror(errno));
	forget();
	pid = fork();
	if (!pid) {
		int fd[FDS];

		if (!receive_fds(pair[1], fd))
			_exit(1);
		try_all(fd);
		_exit(0);
	}
	set_up(&m, &c);
	refused_once(&m, &c);
	look(&m, &c, &before);
	if (!send_fds(pair[0], mine(&m, &c).fd))
		tap_bail("sendmsg: %s", strerror(errno));
	tap_equal(wait_for(pid), 0, "a process gets them by a socket");
	judge("SCM_RIGHTS");
	expect_untouched(&m, &c, &before, "SCM_RIGHTS");
	cpu_destroy(&c);
	machine_destroy(&m);
	close(pair[0]);
	close(pair[1]);
}

/* The same process with another program has another address space: its own VM is foreign to it. */
static void by_exec(const char *self)
{
	pid_t pid;

	forget();
	pid = fork();
	if (!pid) {
		struct machine m;
		struct cpu c;

		set_up(&m, &c);
		dup2(m.dev, KEPT + DEV);
		dup2(m.vm, KEPT + VM);
		dup2(c.fd, KEPT + VCPU);
		execl(self, self, "try", NULL);
		_exit(99);
	}
	tap_equal(wait_for(pid), 0, "another program in the same process has them");
	judge("exec");
}

/* Who shares the address space is at home, thread or not. */
static int kick_it(void *opaque)
{
	const struct cpu *c = opaque;

	return call(c->fd, VMXHV_KICK, NULL) ? 1 : 0;
}

static void by_clone(void)
{
	static uint8_t stack[65536] __attribute__((aligned(16)));
	struct machine m;
	struct cpu c;
	pid_t pid;

	set_up(&m, &c);
	pid = clone(kick_it, stack + sizeof(stack), CLONE_VM | SIGCHLD, &c);
	tap_equal(wait_for(pid), 0, "CLONE_VM without CLONE_FILES: KICK works");
	tap_ok(!run(&c) && c.run->exit_reason == VMXHV_EXIT_INTR, "CLONE_VM: and RUN is kicked");
	cpu_destroy(&c);
	machine_destroy(&m);
}

/* The table's memory has a name, so that a program that is started anew can have it too. */
static void share(const char *mode)
{
	int fd = syscall(SYS_memfd_create, "seen", 0);

	if (mode)
		fd = SHARED;
	else if (fd < 0 || ftruncate(fd, sizeof(*seen)) || dup2(fd, SHARED) != SHARED)
		tap_bail("memfd: %s", strerror(errno));
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (seen == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	static const int kept[FDS] = { KEPT + DEV, KEPT + VM, KEPT + VCPU };

	share(argc > 1 ? argv[1] : NULL);
	if (argc > 1) {
		try_all(kept);
		return 0;
	}
	by_fork();
	by_socket();
	by_exec("/proc/self/exe");
	by_clone();
	return tap_done();
}
