// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process pays for: its VMs, by its memory cgroup. What the host needs for all VMs (a VMXON
 * region for each CPU, which comes with the first VM and stays) is nobody's.
 */
#include <unistd.h>

#include "cgroup.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define ROUNDS		4
#define PAGE		4096

static int dev;

static long charged(void)
{
	const long value = cgroup_kernel_bytes();

	if (value < 0)
		tap_bail("memory.stat has no line of kernel memory");
	return value;
}

static int create_vm(void)
{
	struct vmxhv_create_vm c = { .size = sizeof(c) };
	const int vm = call(dev, VMXHV_CREATE_VM, &c);

	if (vm < 0)
		tap_bail("CREATE_VM");
	return vm;
}

/* Bytes that stay charged after a VM has come and gone. */
static long left_by_vm(void)
{
	const long before = charged();

	close(create_vm());
	return charged() - before;
}

int main(void)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	long first, others = 0, before, cost;
	int vm;

	dev = open_device();
	if (cgroup_enter("charges"))
		tap_bail("a memory cgroup");
	first = left_by_vm();
	for (int i = 0; i < ROUNDS; i++)
		others += left_by_vm();
	before = charged();
	vm = create_vm();
	cost = charged() - before;
	tap_note("a VM: %ld bytes", cost);
	tap_ok(cost >= PAGE, "a VM is charged to who made it");
	close(vm);
	tap_note("the first VM left %ld bytes, %d others %ld", first, ROUNDS, others);
	tap_ok(first < cpus * PAGE, "what comes with the first VM and stays is not");
	tap_ok(others < ROUNDS * PAGE, "of the others nothing stays");
	close(dev);
	cgroup_leave();
	return tap_done();
}
