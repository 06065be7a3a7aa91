# SPDX-License-Identifier: GPL-2.0-only
"""The module loads and unloads, on each kernel and with one and two CPUs."""
from machine.case import case, matrix

CASES = matrix("smoke/load", "test -c /dev/vmxhv && lsmod | grep vmxhv",
               kernel=["6.1", "6.12"], cpus=[1, 2], needs_vmx=False)

# Two of one boot: the second finds nothing left of the first.
CASES += [case(f"smoke/{n}-load", "! ls -d /sys/module/vmxhv && insmod /modules/vmxhv.ko && "
               "rmmod vmxhv && [ ! -e /dev/vmxhv ]", modules=[], needs_vmx=False)
          for n in ("second", "third")]
# The kernel's own modules, with what they depend on, before and after ours.
CASES += matrix("smoke/beside-kvm", "lsmod | grep kvm_intel", kernel=["6.1", "6.12"],
                modules=["kvm_intel", "vmxhv"])
