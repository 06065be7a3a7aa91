// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel memory that an idle VM and an idle vCPU take: what a cgroup of our own is charged for many
 * of them.
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

static double charged(void)
{
	usleep(SETTLE_US);
	return value_of(OURS "/memory.stat", "kernel");
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

void memory_of_idle(const struct side *side)
{
	double before, with_vms, with_vcpus;
	int first;

	own_cgroup();
	room_for_descriptors();
	/* what comes once, with the first VM, is no VM's */
	first = side->vm_create();
	side->apic(first);
	close(side->vcpu_create(first));

	before = charged();
	fill(side);
	with_vms = charged();
	fill_vcpus(side);
	with_vcpus = charged();
	empty();
	close(first);
	umount2(CGROUPS, MNT_DETACH);
	report(side, "vm-memory", (with_vms - before) / IDLE_VMS);
	report(side, "vcpu-memory", (with_vcpus - with_vms) / IDLE_VMS);
}
