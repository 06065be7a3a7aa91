// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_late loads|fails "COMMAND": COMMAND loads KVM while there is a VM of ours. That fails
 * where KVM wants VMX from load on, and does not where it waits for a VM; our guest never notices.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

static int kvm_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	int ret = vm < 0 ? -errno : vm;

	close(kvm);
	return ret;
}

int main(int argc, char **argv)
{
	struct counter g;
	char all[64];
	bool loads;
	int vm;

	if (argc != 3)
		tap_bail("usage: kvm_late loads|fails COMMAND");
	online_cpus(all, sizeof(all));
	counter_start(&g);
	expect_counting(&g, "before KVM");
	/* KVM takes long to load: the only CPU is its own meanwhile, and nobody is stuck */
	counter_stop(&g);
	alarm(0);
	fflush(NULL);
	loads = !system(argv[2]);
	tap_ok(loads == !strcmp(argv[1], "loads"), "beside our guest KVM %s", argv[1]);
	expect_vmxe(all, "VMX is still ours");
	counter_go(&g);
	expect_counting(&g, "after KVM came");
	if (loads)
		tap_equal(-kvm_vm(), EBUSY, "KVM_CREATE_VM beside a VM of ours");
	counter_close(&g);
	expect_vmxe("", "our VM is closed");
	if (!loads)
		tap_ok(!system(argv[2]), "then KVM can be loaded");
	vm = kvm_vm();
	tap_ok(vm >= 0, "and has its VM: %s", strerror(vm < 0 ? -vm : 0));
	close(vm);
	return tap_done();
}
