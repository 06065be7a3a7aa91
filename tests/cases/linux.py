# SPDX-License-Identifier: GPL-2.0-only
"""Debian's unmodified kernels as guests: the demo, and the same on other hosts and CPUs."""
from machine.guest import available, linux

CASES = [] if not available() else [
    linux("linux/6.1"),
    linux("linux/6.1", kernel="6.12"),
    linux("linux/6.1", cpus=2),
    linux("linux/6.1", model="sandy_bridge"),
    linux("linux/6.1", model="cnl"),
    linux("linux/6.12", guest="6.12"),
    linux("linux/vmlinux", elf=True),
    linux("linux/vmlinux", elf=True, guest="6.12", kernel="6.12"),
    # A signature that Linux knows makes it use the x2APIC instead of the xAPIC page.
    linux("linux/x2apic", options="--cpu hypervisor=kvm",
          script="dmesg | grep -i x2apic"),
]
