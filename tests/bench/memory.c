// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel memory that an idle VM and an idle vCPU take: what a cgroup of our own is charged for many
 * of them.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "cgroup.h"
#include "side.h"

#define IDLE_VMS	250

static int vms[IDLE_VMS], vcpus[IDLE_VMS];

static double charged(void)
{
	const long value = cgroup_kernel_bytes();

	if (value < 0)
		die("memory.stat has no line of kernel memory");
	return value;
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

	if (cgroup_enter("bench"))
		die("a memory cgroup");
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
	cgroup_leave();
	report(side, "vm-memory", (with_vms - before) / IDLE_VMS);
	report(side, "vcpu-memory", (with_vcpus - with_vms) / IDLE_VMS);
}
