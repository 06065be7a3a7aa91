// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "host.h"

#define CGROUPS		"/tmp/cgroup"
#define SETTLE_US	20000
#define STIR		(2 << 20)

static char ours[64];

/* One level down: processes and controllers do not stand in the same group. */
int cgroup_enter(const char *name)
{
	char path[80], pid[16];

	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		return -1;
	snprintf(ours, sizeof(ours), CGROUPS "/%s", name);
	mkdir(ours, 0755);
	snprintf(path, sizeof(path), "%s/cgroup.procs", ours);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (write_line(CGROUPS "/cgroup.subtree_control", "+memory"))
		return -1;
	return write_line(path, pid) ? -1 : 0;
}

/* Few changes the kernel sums up every two seconds only, many when asked: these are many. */
static int stir(void)
{
	void *p = mmap(NULL, STIR, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	madvise(p, STIR, MADV_NOHUGEPAGE);
	memset(p, 1, STIR);
	return munmap(p, STIR);
}

long cgroup_kernel_bytes(void)
{
	char path[80], line[128];
	long value = -1;
	FILE *f;

	usleep(SETTLE_US);
	if (stir())
		return -1;
	snprintf(path, sizeof(path), "%s/memory.stat", ours);
	f = fopen(path, "re");
	while (f && value < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "kernel %ld", &value);
	if (f)
		fclose(f);
	return value;
}

void cgroup_leave(void)
{
	umount2(CGROUPS, MNT_DETACH);
}
