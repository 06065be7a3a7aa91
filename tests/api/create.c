// SPDX-License-Identifier: GPL-2.0-only
/* CREATE_VM and CREATE_VCPU: descriptors, ids, limits. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

static int create_vcpu(int vm, uint32_t id)
{
	struct vmxhv_create_vcpu c = { .size = sizeof(c), .id = id };

	return call(vm, VMXHV_CREATE_VCPU, &c);
}

static void vcpu_ids(int vm)
{
	struct vmxhv_create_vcpu c = { .size = sizeof(c), .id = 9 };
	static const struct poke pokes[] = {
		{ "vCPU: reserved", POKE_ARG(vmxhv_create_vcpu, reserved), 1, EINVAL },
		{ "vCPU: id beyond the last", POKE_ARG(vmxhv_create_vcpu, id), 64, ENOSPC },
		{ "vCPU: id absurd", POKE_ARG(vmxhv_create_vcpu, id), ~0u, ENOSPC },
	};
	int a = create_vcpu(vm, 0), b = create_vcpu(vm, 63), again;

	tap_ok(a >= 0 && (fcntl(a, F_GETFD) & FD_CLOEXEC), "vCPU 0, close-on-exec");
	tap_ok(b >= 0, "vCPU 63");
	again = create_vcpu(vm, 0);
	expect_error(vm, again, EEXIST, VMXHV_ERR_ARGUMENT, offsetof(struct vmxhv_create_vcpu, id),
		     "APIC id", "an id twice");
	expect_struct_rules(vm, VMXHV_CREATE_VCPU, &c, sizeof(c), "CREATE_VCPU");
	expect_refused(vm, VMXHV_CREATE_VCPU, &c, &c, pokes, ARRAY_SIZE(pokes));
	close(a);
	close(b);
}

/* Out of descriptors: the errno says so, and no id is used up. */
static void descriptors(int vm)
{
	struct rlimit old, few;
	int fd, next = dup(vm);

	close(next);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = next;
	setrlimit(RLIMIT_NOFILE, &few);
	fd = create_vcpu(vm, 5);
	setrlimit(RLIMIT_NOFILE, &old);
	tap_equal(-fd, EMFILE, "no descriptor left");
	fd = create_vcpu(vm, 5);
	tap_ok(fd >= 0, "and the id is still free");
	close(fd);
}

int main(void)
{
	struct vmxhv_create_vm c = { .size = sizeof(c) };
	static const struct poke flags[] = {
		{ "VM: all of the APIC and nothing", POKE_ARG(vmxhv_create_vm, flags),
		  VMXHV_VM_APICV | VMXHV_VM_NO_APICV, EINVAL },
		{ "VM: nothing and TPR", POKE_ARG(vmxhv_create_vm, flags),
		  VMXHV_VM_NO_APICV | VMXHV_VM_TPR_SHADOW, EINVAL },
	};
	int dev = open_device(), vm, second;

	vm = call(dev, VMXHV_CREATE_VM, &c);
	tap_ok(vm >= 0 && (fcntl(vm, F_GETFD) & FD_CLOEXEC), "a VM, close-on-exec");
	second = call(dev, VMXHV_CREATE_VM, &c);
	tap_ok(second >= 0, "a second VM at the same time");
	close(second);
	expect_struct_rules(dev, VMXHV_CREATE_VM, &c, sizeof(c), "CREATE_VM");
	expect_refused(dev, VMXHV_CREATE_VM, &c, &c, flags, ARRAY_SIZE(flags));
	tap_equal(-call(vm, VMXHV_CREATE_VM, &c), ENOTTY, "a device's command on a VM");
	vcpu_ids(vm);
	descriptors(vm);
	close(vm);
	for (int i = 0; i < 20; i++) {
		vm = call(dev, VMXHV_CREATE_VM, &c);
		if (vm < 0 || close(vm))
			break;
	}
	tap_ok(vm >= 0, "VMs come and go");
	close(dev);
	return tap_done();
}
