# SPDX-License-Identifier: GPL-2.0-only
"""VMX comes with the first VM and goes with the last: beside KVM, hotplug, sleep, rmmod.

The module vmxe (tests/planted/) says on which CPUs CR4.VMXE is set.
"""
from machine.case import case, matrix

KERNELS = ["6.1", "6.12"]

# What a module can leave behind: files and lines that name it.
NOTHING_LEFT = """
[ -z "$(cat /sys/module/vmxe/parameters/cpus)" ] || { echo "CR4.VMXE is still set"; exit 1; }
[ ! -e /dev/vmxhv ] || { echo "/dev/vmxhv is still there"; exit 1; }
! grep vmxhv /proc/modules /proc/misc /proc/devices /proc/iomem \
  /sys/devices/system/cpu/hotplug/states || exit 1
! find /sys/module /sys/class/misc /sys/devices/virtual/misc /sys/kernel/debug /proc/sys \
  -maxdepth 2 -name '*vmxhv*' | grep . || exit 1
"""

LOADS = """
rmmod vmxhv || exit 1
for i in 1 2 3 4 5; do
  insmod /modules/vmxhv.ko || exit 1
  hello || exit 1
  rmmod vmxhv || exit 1
  %s
done
""" % NOTHING_LEFT



def slept(_output, log):
    times = sum("PM: suspend exit" in l for l in log)
    deep = sum("PM: suspend entry (deep)" in l for l in log)
    assert times == deep == 4, f"the host slept {deep} times and woke {times}, not 4"


CASES = []
for _cpus in (1, 2):
    CASES += matrix("lifecycle/vmxe", "vmxe", kernel=KERNELS, cpus=[_cpus],
                    modules=["vmxe", "vmxhv"], timeout=60)
    CASES += matrix("lifecycle/rmmod", f"rmmod vmxhv || exit 1; {NOTHING_LEFT}", kernel=KERNELS,
                    cpus=[_cpus], modules=["vmxe", "vmxhv"])
CASES += matrix("lifecycle/loads", LOADS, kernel=KERNELS, modules=["vmxe", "vmxhv"],
                timeout=60)
CASES += matrix("lifecycle/hotplug", "hotplug", kernel=KERNELS, cpus=[2],
                modules=["vmxe", "vmxhv"], timeout=60)
# With two CPUs the emulated machine wakes with the second one's clock wrong.
CASES += [case("lifecycle/suspend", "suspend", modules=["vmxe", "vmxhv"], alone="sleeps",
               check=slept, timeout=60)]


def idle_kvm(kernel):
    """KVM that holds VMX for its VMs only, as it does by default before 6.12."""
    return ["kvm enable_virt_at_load=0"] if kernel == "6.12" else []


# KVM takes the kernel's one place for who is to be called in a crash, and WARNs where it is taken:
# before KVM's init we are gone from it, with VMs (kvm-late) and without (kvm-after).
LOAD_KVM = ("for m in irqbypass kvm kvm-intel; do [ -d /sys/module/${m/-/_} ] || "
            "insmod /modules/$m.ko || exit 1; done")
UNLOAD_KVM = "rmmod kvm_intel kvm irqbypass"

for _kernel in KERNELS:
    CASES.append(case("lifecycle/beside-kvm", "beside_kvm", kernel=_kernel, timeout=60,
                      modules=["vmxe", *idle_kvm(_kernel), "kvm_intel", "vmxhv"]))
    CASES.append(case("lifecycle/kvm-late",
                      f"kvm_late {'loads' if _kernel == '6.1' else 'fails'} '{LOAD_KVM}'; "
                      f"rc=$?; {UNLOAD_KVM}; exit $rc",
                      kernel=_kernel, carries=["kvm_intel"], modules=["vmxe", "vmxhv"],
                      timeout=120))
    CASES.append(case("lifecycle/kvm-after",
                      f"hello && {LOAD_KVM}; rc=$?; {UNLOAD_KVM} && hello && exit $rc",
                      kernel=_kernel, carries=["kvm_intel"], timeout=120))
# 6.12's KVM holds VMX from load, with no VM of its own.
CASES.append(case("lifecycle/kvm-holds", "ladder in-use 0 kvm_intel 'modprobe -r kvm_intel' "
                  "kvm.enable_virt_at_load=0; rc=$?; vmxhv-info >/dev/null; [ $? = 4 ] || exit 9; "
                  "exit $rc", kernel="6.12", modules=["kvm_intel", "vmxhv"]))
CASES.append(case("lifecycle/kvm-left", "ladder usable -1", kernel="6.12"))


# Linux is left for guest/beyond.S, by kexec or by a crash: on every CPU VMX must be off by then.
PANIC = ["Kernel panic", "Call Trace"]


def left(name, run, kernel, others=0, **kw):
    return case(f"lifecycle/{name}", run, kernel=kernel, cpus=others + 1, alone=name, timeout=90,
                beyond=f"vmxe=0 vmxon=1 others={others}", **kw)


def crash(name, run, kernel, modules=("vmxe", "vmxhv"), **kw):
    return left(name, f"beyond crash {run}", kernel, cmdline="crashkernel=32M", modules=modules,
                expect_dmesg=PANIC, **kw)


for _kernel in KERNELS:
    CASES.append(left("kexec", "beyond kexec runs", _kernel, others=1, modules=["vmxe", "vmxhv"]))
    CASES.append(crash("kdump", "runs", _kernel, others=1))
    # KVM came, or tried to, and went: the callback is ours again
    CASES.append(crash("kdump-kvm-went", f"runs '({LOAD_KVM}); {UNLOAD_KVM}; true'", _kernel,
                       carries=["kvm_intel"]))
# Our last VM went, and another hypervisor has VMX, which no callback of its own switches off.
CASES.append(crash("kdump-other", "went 'echo 1 >/sys/module/vmxe/parameters/enter'", "6.1",
                   others=1))
# KVM had the place first: its callback serves our VMs. (6.12's only while it has VMs itself.)
CASES.append(crash("kdump-kvm", "runs", "6.1", modules=["vmxe", "kvm_intel", "vmxhv"],
                   not_debug="6.12's KVM holds VMX from load"))
