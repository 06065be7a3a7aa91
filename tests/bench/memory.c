// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel memory that an idle VM and an idle vCPU take: what a cgroup of our own is charged for many
 * of them, and by how much the host's free memory shrinks. The first misses what is not charged to
 * anybody; the second has pages that the kernel keeps for later.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "side.h"

#define IDLE_VMS	250
#define SETTLE_US	100000
#define CGROUPS		"/tmp/cgroup"
#define OURS		CGROUPS "/bench"

static int vms[IDLE_VMS], vcpus[IDLE_VMS];

struct used {
	double charged, gone;
};

/* The number after @key in a file of such lines. */
static double value_of(const char *path, const char *key)
{
	unsigned long long value = 0;
	bool found = false;
	char line[128];
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			found = sscanf(line + strlen(key), " %llu", &value) == 1;
	}
	if (!found)
		die("%s: no %s", path, key);
	fclose(f);
	return value;
}

static struct used used_now(void)
{
	struct used u;

	usleep(SETTLE_US);
	u.charged = value_of(OURS "/memory.stat", "kernel");
	u.gone = -1024 * value_of("/proc/meminfo", "MemFree:");
	return u;
}

/* One level down: processes and controllers do not stand in the same group. */
static void own_cgroup(void)
{
	char pid[16];

	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		die("cgroup2");
	mkdir(OURS, 0755);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (write_line(CGROUPS "/cgroup.subtree_control", "+memory") ||
	    write_line(OURS "/cgroup.procs", pid))
		die("a memory cgroup");
}

/* The table of descriptors is grown once, before anything is measured. */
static void room_for_descriptors(void)
{
	const int last = 2 * IDLE_VMS + 64;
	struct rlimit limit = { last + 1, last + 1 };

	if (setrlimit(RLIMIT_NOFILE, &limit) || dup2(0, last) < 0)
		die("RLIMIT_NOFILE");
	close(last);
}

static void fill(const struct side *side)
{
	for (int i = 0; i < IDLE_VMS; i++) {
		vms[i] = side->vm_create();
		side->apic(vms[i]);
	}
}

static void fill_vcpus(const struct side *side)
{
	for (int i = 0; i < IDLE_VMS; i++)
		vcpus[i] = side->vcpu_create(vms[i]);
}

static void empty(void)
{
	for (int i = 0; i < IDLE_VMS; i++) {
		close(vcpus[i]);
		close(vms[i]);
	}
}

static void report_used(const struct side *side, const char *what, struct used a, struct used b)
{
	char name[32];

	report(side, what, (b.charged - a.charged) / IDLE_VMS);
	snprintf(name, sizeof(name), "%s-gone", what);
	report(side, name, (b.gone - a.gone) / IDLE_VMS);
}

void memory_of_idle(const struct side *side)
{
	struct used before, with_vms, with_vcpus;
	int first;

	own_cgroup();
	room_for_descriptors();
	/* what comes once, with the first VM, is no VM's */
	first = side->vm_create();
	side->apic(first);
	close(side->vcpu_create(first));

	before = used_now();
	fill(side);
	with_vms = used_now();
	fill_vcpus(side);
	with_vcpus = used_now();
	empty();
	close(first);
	umount2(CGROUPS, MNT_DETACH);
	report_used(side, "vm-memory", before, with_vms);
	report_used(side, "vcpu-memory", with_vms, with_vcpus);
}
