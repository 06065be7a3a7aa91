// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors: closed in any order, inherited, passed on, and their process killed. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

enum { SPIN, CLI_CPUID, COUNT, HALT, OUT };

static void set_up(struct machine *m, struct cpu *c, unsigned int entry)
{
	machine_create(m, 1 << 20);
	load_guest(m, "spin");
	cpu_create(m, c, 0);
	cpu_start(c, MODE_LONG, entry);
}

/* The vCPU holds its VM, the mapping holds the vCPU. */
static void close_orders(void)
{
	struct machine m;
	struct cpu c;
	uint64_t sequence;

	set_up(&m, &c, OUT);
	close(m.dev);
	close(m.vm);
	tap_equal(run_guest(&c), VMXHV_EXIT_IO, "a vCPU runs when device and VM are closed");
	sequence = c.run->sequence;
	close(c.fd);
	tap_equal(c.run->sequence, sequence, "the run area outlives the descriptor");
	munmap(c.run, VMXHV_RUN_SIZE);

	set_up(&m, &c, OUT);
	cpu_destroy(&c);
	machine_destroy(&m);
	set_up(&m, &c, OUT);
	munmap(m.ram, m.ram_size);
	tap_equal(run_guest(&c), VMXHV_EXIT_MEMORY_ERROR, "memory that is gone makes an exit");
	close(m.vm);
	close(m.dev);
	cpu_destroy(&c);
}

/* exit status of a child: bits of what went wrong in it */
static int in_child(struct machine *m, struct cpu *c)
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create), .id = 3 };
	struct vmxhv_error error = { .size = sizeof(error) };
	struct vmxhv_memory memory = { .size = sizeof(memory) };
	unsigned char vector;
	int bad = 0;

	bad |= run(c) == -EIO ? 0 : 1;
	bad |= call(c->fd, VMXHV_KICK, NULL) == -EIO ? 0 : 2;
	bad |= call(m->vm, VMXHV_CREATE_VCPU, &create) == -EIO ? 0 : 4;
	bad |= call(m->vm, VMXHV_MEMORY, &memory) == -EIO ? 0 : 8;
	bad |= call(c->fd, VMXHV_GET_ERROR, &error) == -EIO ? 0 : 16;
	bad |= mmap(NULL, 4096, PROT_READ, MAP_SHARED, c->fd, 0) == MAP_FAILED && errno == EIO ?
	       0 : 32;
	/* the run area has not come along: mincore says ENOMEM where nothing is mapped */
	bad |= mincore(c->run, 4096, &vector) < 0 && errno == ENOMEM ? 0 : 64;
	return bad;
}

static void forked(void)
{
	struct machine m;
	struct cpu c;
	pid_t pid;

	set_up(&m, &c, OUT);
	pid = fork();
	if (!pid)
		_exit(in_child(&m, &c));
	tap_equal(wait_for(pid), 0, "in a child every call is EIO, and the run area is not there");
	tap_equal(run_guest(&c), VMXHV_EXIT_IO, "and the parent's guest runs on");

	/* the last reference is dropped by a process that the VM does not belong to */
	pid = fork();
	if (!pid) {
		usleep(50000);
		_exit(0);
	}
	cpu_destroy(&c);
	machine_destroy(&m);
	tap_equal(wait_for(pid), 0, "a child closes last");
}

/* The process exits first; what its child inherited can only be closed. */
static void orphan(void)
{
	int status[2], bad = -1;
	pid_t pid;

	if (pipe(status))
		tap_bail("pipe");
	pid = fork();
	if (!pid) {
		struct machine m;
		struct cpu c;

		set_up(&m, &c, OUT);
		if (fork())
			_exit(0);
		while (getppid() != 1 && kill(getppid(), 0) == 0)
			usleep(1000);
		usleep(20000);
		bad = in_child(&m, &c);
		close(c.fd);
		close(m.vm);
		if (write(status[1], &bad, sizeof(bad)) < 0)
			_exit(1);
		_exit(0);
	}
	wait_for(pid);
	if (read(status[0], &bad, sizeof(bad)) < 0)
		bad = -1;
	tap_equal(bad, 0, "descriptors of a process that is gone");
	close(status[0]);
	close(status[1]);
}

static void *runner(void *arg)
{
	run_guest(arg);
	return NULL;
}

/* kill -9 while threads are in guest mode, halted, and in no call at all */
static void killed(unsigned int entry, const char *name)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready))
		tap_bail("pipe");
	pid = fork();
	if (!pid) {
		struct machine m;
		struct cpu c;
		pthread_t t;

		set_up(&m, &c, entry);
		pthread_create(&t, NULL, runner, &c);
		usleep(20000);
		if (write(ready[1], "x", 1) < 0)
			_exit(1);
		pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		tap_bail("the child did not start");
	kill(pid, SIGKILL);
	tap_equal(wait_for(pid), 128 + SIGKILL, name);
	close(ready[0]);
	close(ready[1]);
}

/* The descriptor is closed while a thread is in RUN: it goes on until it is kicked. */
static void close_while_running(void)
{
	struct machine m;
	struct cpu c;
	pthread_t t;
	int copy;

	set_up(&m, &c, COUNT);
	copy = dup(c.fd);
	pthread_create(&t, NULL, runner, &c);
	while (!*(volatile uint32_t *)(m.ram + DATA_BASE))
		usleep(1000);
	close(c.fd);
	close(m.vm);
	c.kicked = true;
	tap_equal(call(copy, VMXHV_KICK, NULL), 0, "a closed descriptor's thread can be kicked");
	pthread_join(t, NULL);
	tap_equal(c.run->exit_reason, VMXHV_EXIT_INTR, "and ends");
	munmap(c.run, VMXHV_RUN_SIZE);
	close(copy);
	close(m.dev);
}

int main(void)
{
	close_orders();
	forked();
	orphan();
	close_while_running();
	killed(SPIN, "killed while a guest runs");
	killed(CLI_CPUID, "killed while a guest exits all the time");
	killed(HALT, "killed while a guest is halted");
	return tap_done();
}
