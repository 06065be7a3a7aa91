# SPDX-License-Identifier: GPL-2.0-only
"""VMX comes with the first VM and goes with the last: beside KVM, hotplug, sleep, rmmod.

The module vmxe (tests/planted/) says on which CPUs CR4.VMXE is set.
"""
from machine import kernels
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


def kvm_files(kernel):
    """KVM's modules, in the machine but not loaded."""
    def data(name):
        return lambda: dict(kernels.module_files(kernels.get(kernel), "kvm_intel"))[name]
    return [(f"modules/{n}", data(n)) for n in ("irqbypass.ko", "kvm.ko", "kvm-intel.ko")]


# The kernel has one slot for who is to be told of a crash: ours since the first VM. KVM takes it
# without asking, and says so.
SLOT_TAKEN = ["cut here", "Call Trace", r"WARNING: .* cpu_emergency_(un)?register_virt_callback\+"]

for _kernel in KERNELS:
    CASES.append(case("lifecycle/beside-kvm", "beside_kvm", kernel=_kernel, timeout=60,
                      modules=["vmxe", *idle_kvm(_kernel), "kvm_intel", "vmxhv"]))
    CASES.append(case("lifecycle/kvm-late",
                      f"kvm_late {'loads' if _kernel == '6.1' else 'fails'} '"
                      "for m in irqbypass kvm kvm-intel; do [ -d /sys/module/${m/-/_} ] || "
                      "insmod /modules/$m.ko || exit 1; done'; rc=$?; "
                      "rmmod kvm_intel kvm irqbypass; exit $rc",
                      kernel=_kernel, files=kvm_files(_kernel), modules=["vmxe", "vmxhv"],
                      timeout=120, expect_dmesg=SLOT_TAKEN))
# 6.12's KVM holds VMX from load, with no VM of its own.
CASES.append(case("lifecycle/kvm-holds", "ladder in-use 0 kvm_intel 'modprobe -r kvm_intel' "
                  "kvm.enable_virt_at_load=0; rc=$?; vmxhv-info >/dev/null; [ $? = 4 ] || exit 9; "
                  "exit $rc", kernel="6.12", modules=["kvm_intel", "vmxhv"]))
CASES.append(case("lifecycle/kvm-left", "ladder usable -1", kernel="6.12"))


# Linux is left for guest/beyond.S, by kexec: on every CPU VMX must be off by then.


def left(name, run, kernel, others=0, **kw):
    return case(f"lifecycle/{name}", run, kernel=kernel, cpus=others + 1, alone=name, timeout=90,
                beyond=f"vmxe=0 vmxon=1 others={others}", **kw)


for _kernel in KERNELS:
    CASES.append(left("kexec", "beyond kexec runs", _kernel, others=1, modules=["vmxe", "vmxhv"]))
