// SPDX-License-Identifier: GPL-2.0-only
/* KVM is loaded and holds VMX only for its VMs: who comes first has it, then the other. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

static char all[64];

static int kvm_vm(int kvm)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	return vm < 0 ? -errno : vm;
}

static uint32_t unusable_reason(int dev)
{
	struct vmxhv_info info = { .size = sizeof(info) };

	if (call(dev, VMXHV_GET_INFO, &info))
		tap_bail("GET_INFO failed");
	if (info.unusable_reason)
		tap_note("%.31s: %.160s", info.owner, info.unusable_text);
	if (info.unusable_reason == VMXHV_UNUSABLE_IN_USE)
		tap_ok(!strcmp(info.owner, "kvm_intel"), "the owner is kvm_intel");
	return info.unusable_reason;
}

static void kvm_first(int kvm, int dev)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };
	int vm;

	expect_vmxe("", "KVM is idle");
	tap_equal(unusable_reason(dev), VMXHV_USABLE, "VMX can be used beside an idle KVM");
	vm = kvm_vm(kvm);
	if (vm < 0)
		tap_bail("KVM_CREATE_VM: %s", strerror(-vm));
	expect_vmxe(all, "a VM of KVM's");
	tap_equal(unusable_reason(dev), VMXHV_UNUSABLE_IN_USE, "VMX is in use by KVM");
	tap_equal(-call(dev, VMXHV_CREATE_VM, &create), EBUSY, "CREATE_VM beside a VM of KVM's");
	expect_vmxe(all, "and KVM has kept VMX");
	close(vm);
	expect_vmxe("", "KVM's VM is closed");
	tap_equal(unusable_reason(dev), VMXHV_USABLE, "VMX can be used again");
}

static void ours_first(int kvm)
{
	struct counter g;
	int vm;

	counter_start(&g);
	expect_counting(&g, "beside an idle KVM");
	for (int i = 0; i < 2; i++) {
		/* KVM's own errno: EBUSY, and EIO from 6.12 on */
		vm = kvm_vm(kvm);
		tap_ok(vm == -EBUSY || vm == -EIO, "KVM_CREATE_VM beside a VM of ours is refused");
		expect_counting(&g, "after KVM was refused");
		expect_vmxe(all, "after KVM was refused");
	}
	counter_close(&g);
	expect_vmxe("", "our VM is closed");
	vm = kvm_vm(kvm);
	tap_ok(vm >= 0, "then KVM_CREATE_VM works: %s", strerror(vm < 0 ? -vm : 0));
	close(vm);
	expect_vmxe("", "nobody has a VM");
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int dev = open("/dev/vmxhv", O_RDWR | O_CLOEXEC);

	if (kvm < 0 || dev < 0)
		tap_bail("/dev/kvm or /dev/vmxhv: %s", strerror(errno));
	online_cpus(all, sizeof(all));
	for (int i = 0; i < 2; i++) {
		kvm_first(kvm, dev);
		ours_first(kvm);
	}
	return tap_done();
}
