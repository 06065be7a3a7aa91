// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

#define VMXE		"/sys/module/vmxe/parameters/cpus"
#define REFERENCES	"/sys/module/vmxhv/refcnt"
#define PATIENCE	5		/* seconds until a guest is called stuck */

enum { SPIN, CLI_CPUID, COUNT };	/* of tests/guest/spin.S */

int read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	line[0] = 0;
	if (fd < 0)
		return -errno;
	n = read(fd, line, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	return 0;
}

int write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, line, strlen(line)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

bool expect_vmxe(const char *cpus, const char *name)
{
	char seen[64];

	if (read_line(VMXE, seen, sizeof(seen)))
		tap_bail("%s cannot be read: is the module vmxe loaded?", VMXE);
	if (strcmp(seen, cpus))
		tap_note("CR4.VMXE is set on CPUs '%s', wanted '%s'", seen, cpus);
	return tap_ok(!strcmp(seen, cpus), "%s: CR4.VMXE on CPUs '%s'", name, cpus);
}

void pin(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		tap_bail("a thread cannot be pinned to CPU %d", cpu);
}

void online_cpus(char *list, size_t size)
{
	if (read_line("/sys/devices/system/cpu/online", list, size))
		tap_bail("which CPUs are online?");
}

bool nobody_uses_vmx(void)
{
	static bool stays;	/* what did not go the last time will not go this time */
	const double until = now() + (stays ? 0.02 : patience(PATIENCE));
	char references[16], cpus[64];

	for (;;) {
		if (read_line(REFERENCES, references, sizeof(references)) ||
		    read_line(VMXE, cpus, sizeof(cpus)))
			tap_bail("%s or %s cannot be read", REFERENCES, VMXE);
		if (!strcmp(references, "0") && !cpus[0])
			return true;
		if (now() > until)
			break;
		usleep(1000);
	}
	tap_note("%s references to the module, CR4.VMXE on CPUs '%s'", references, cpus);
	stays = true;
	return false;
}

int wait_for(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void *count(void *opaque)
{
	struct counter *g = opaque;

	while (!g->stop) {
		int ret = run(&g->c);

		if (ret && ret != -EINTR) {
			tap_note("RUN: %s: %.96s", strerror(-ret), last_error(g->c.fd).text);
			g->error = ret;
			break;
		}
		if (g->c.run->exit_reason != VMXHV_EXIT_INTR) {
			note_exit(&g->c);
			g->error = -EPROTO;
			break;
		}
	}
	return NULL;
}

void counter_go(struct counter *g)
{
	g->stop = false;
	if (pthread_create(&g->thread, NULL, count, g))
		tap_bail("pthread_create");
}

void counter_start(struct counter *g)
{
	memset(g, 0, sizeof(*g));
	machine_create(&g->m, 1 << 20);
	load_guest(&g->m, "spin");
	cpu_create(&g->m, &g->c, 0);
	cpu_start(&g->c, MODE_LONG, COUNT);
	counter_go(g);
}

bool expect_counting(struct counter *g, const char *name)
{
	volatile uint32_t *counter = (volatile uint32_t *)(g->m.ram + DATA_BASE);
	uint32_t start = *counter;
	double until = now() + patience(PATIENCE);

	while (*counter - start < 1000 && !g->error && now() < until)
		usleep(1000);
	if (g->error)
		tap_note("RUN failed: %s", strerror(-g->error));
	return tap_ok(*counter - start >= 1000 && !g->error, "%s: the guest runs on", name);
}

void counter_stop(struct counter *g)
{
	g->stop = true;
	call(g->c.fd, VMXHV_KICK, NULL);
	pthread_join(g->thread, NULL);
}

void counter_close(struct counter *g)
{
	counter_stop(g);
	cpu_destroy(&g->c);
	machine_destroy(&g->m);
}
