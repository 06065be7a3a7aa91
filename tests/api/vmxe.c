// SPDX-License-Identifier: GPL-2.0-only
/* CR4.VMXE is set on every CPU while a VM exists, and on none before and after. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

static char all[64];

static int create_vm(int dev)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };
	int vm = call(dev, VMXHV_CREATE_VM, &create);

	if (vm < 0)
		tap_bail("CREATE_VM: %s: %.96s", strerror(-vm), last_error(dev).text);
	return vm;
}

static void empty_vms(void)
{
	int dev, a, b;

	expect_vmxe("", "nothing is open");
	dev = open_device();
	expect_vmxe("", "the device is open, and GET_INFO was asked");
	a = create_vm(dev);
	expect_vmxe(all, "a VM");
	b = create_vm(dev);
	close(a);
	expect_vmxe(all, "the second of two VMs");
	close(dev);
	expect_vmxe(all, "a VM without its device");
	close(b);
	expect_vmxe("", "the last VM is closed");
}

/* A refusal, at whatever step, keeps nothing of the VM. */
static void refused_vcpus(void)
{
	struct vmxhv_create_vcpu create = { .size = sizeof(create) };
	int dev = open_device(), vm = create_vm(dev), vcpu;

	vcpu = call(vm, VMXHV_CREATE_VCPU, &create);
	if (vcpu < 0)
		tap_bail("CREATE_VCPU: %.96s", last_error(vm).text);
	tap_equal(-call(vm, VMXHV_CREATE_VCPU, &create), EEXIST, "an id that is taken");
	create.id = ~0u;
	tap_equal(-call(vm, VMXHV_CREATE_VCPU, &create), ENOSPC, "an id that is too large");
	close(vcpu);
	create.id = 0;
	tap_equal(-call(vm, VMXHV_CREATE_VCPU, &create), EEXIST, "an id that was taken");
	close(vm);
	close(dev);
	expect_vmxe("", "vCPUs were refused, and the VM is closed");
}

static void running_guest(void)
{
	struct counter g;

	counter_start(&g);
	expect_counting(&g, "a VM");
	expect_vmxe(all, "a guest runs");
	counter_stop(&g);
	expect_vmxe(all, "a vCPU that does not run");
	close(g.m.vm);
	expect_vmxe(all, "a vCPU without its VM's descriptor");
	munmap(g.c.run, VMXHV_RUN_SIZE);
	close(g.c.fd);
	expect_vmxe("", "the last vCPU is closed");
	munmap(g.m.ram, g.m.ram_size);
	close(g.m.dev);
}

/* Nobody closes anything: the kernel does. */
static void killed(void)
{
	int ready[2], status;
	pid_t child;
	char c;

	if (pipe(ready))
		tap_bail("pipe");
	fflush(stdout);
	child = fork();
	if (!child) {
		static struct counter g;

		counter_start(&g);
		while (*(volatile uint32_t *)(g.m.ram + DATA_BASE) < 1000 && !g.error)
			usleep(1000);
		if (write(ready[1], g.error ? "e" : "r", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	if (read(ready[0], &c, 1) != 1 || c != 'r')
		tap_bail("the child's guest does not run");
	expect_vmxe(all, "a guest of another process");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	/* what its last thread held goes with the thread, a moment after its leader is reaped */
	for (int i = 0; i < 100; i++) {
		char seen[64];

		read_line("/sys/module/vmxe/parameters/cpus", seen, sizeof(seen));
		if (!seen[0])
			break;
		usleep(10000);
	}
	expect_vmxe("", "its process was killed");
}

int main(void)
{
	online_cpus(all, sizeof(all));
	empty_vms();
	refused_vcpus();
	running_guest();
	killed();
	return tap_done();
}
