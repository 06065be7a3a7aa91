# SPDX-License-Identifier: GPL-2.0-only
"""Debian's unmodified kernels as guests: the demo, and the same on other hosts and CPUs."""
import dataclasses
import functools
import re

from machine import kernels
from machine.guest import APPEND, WHOLE, available, greeted, linux

# What the guest says of its interrupts and clocks, after it has slept a second of its own.
TELL = """
ticks() { awk '/ timer$/ {n = $2} END {print n + 0}' /proc/interrupts; }
before=$(ticks)
sleep 1
echo "ticks: $(($(ticks) - before))"
grep -E ' timer$|ttyS0|acpi$|LOC' /proc/interrupts
echo "clock source: $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
"""


def old(lines, clock, ticks, output, _log):
    """Interrupts came as @lines say, time was @clock's, and a second had so many ticks."""
    assert "Hello from a guest" in output, "the guest's greeting did not come"
    for line in lines:
        assert re.search(line, output, re.M), f"no line {line!r}"
    assert re.search(rf"^clock source: {clock}\r?$", output, re.M), f"it is not {clock}"
    seen = int(re.search(r"^ticks: (\d+)", output, re.M)[1])
    assert ticks[0] <= seen <= ticks[1], f"{seen} ticks in a second, not {ticks}"


def pc(name, append, lines, clock, ticks, script=TELL, **kw):
    """A case on --machine pc: what an old kernel does is asked for by @append."""
    return linux(name, options="--machine pc", append=f"{APPEND} {append}", script=script,
                 check=functools.partial(old, lines, clock, ticks), **kw)


TIMER, SERIAL = (rf"[1-9]\d* +XT-PIC +{what}" for what in ("timer", "ttyS0"))
NO_LOCAL_TIMER = r"LOC: +0 "
PERIODIC = (200, 300)           # HZ is 250, and a loaded host may lose some
ONE_SHOT = (1, 250)             # mode 4: an idle guest needs few
# The local APIC passes the 8259s on (virtual wire), but its own timer is off.
NOAPIC = "noapic lapic=notscdeadline nolapic_timer"
NOLAPIC = "noapic nolapic clocksource=acpi_pm nohz=off highres=off"
# Nothing but the 8254's ticks to tell the time.
NOACPI = "acpi=off noapic nolapic tsc=unstable nohz=off highres=off reboot=k"


# The 8254 asks for hundreds of interrupts a second, each of which is some exits to userspace.
TOO_FAST = "the 8254's ticks come faster than this kernel can pass them on"


def pc_cases():
    return [
        pc("linux/pc", "", [r"[1-9]\d* +IO-APIC +4-edge +ttyS0", r"IO-APIC +9-fasteoi +acpi"],
           "tsc", (0, 0)),
        pc("linux/noapic", NOAPIC, [TIMER, SERIAL, NO_LOCAL_TIMER], "tsc", ONE_SHOT,
           not_debug=TOO_FAST),
        pc("linux/noapic", NOAPIC, [TIMER, SERIAL, NO_LOCAL_TIMER], "tsc", ONE_SHOT,
           kernel="6.12", elf=True, not_debug=TOO_FAST),
        pc("linux/nolapic", NOLAPIC, [TIMER, SERIAL], "acpi_pm", PERIODIC,
           not_debug=TOO_FAST),
        pc("linux/nolapic", NOLAPIC, [TIMER, SERIAL], "acpi_pm", PERIODIC, kernel="6.12",
           guest="6.12", elf=True, not_debug=TOO_FAST),
        pc("linux/noacpi", NOACPI, [TIMER, SERIAL, "reset itself .port 0x64."],
           "(refined-)?jiffies", PERIODIC, script=TELL + "reboot -f", status=3,
           not_debug=TOO_FAST),
    ]


# Linux's own driver of fw_cfg.
FW_CFG = """
insmod /qemu_fw_cfg.ko
cd /sys/firmware/qemu_fw_cfg
echo "revision: $(cat rev)"
ls -R by_name
echo "file: $(cat by_name/opt/answer/raw)"
echo "map: $(cat by_name/etc/e820/size)"
cd /
"""


def fw_cfg_read(output, log):
    greeted(output, log)
    for line in ("revision: 1", "file: forty-two", "map: 80"):
        assert line in output, f"no line {line!r}"


def fw_cfg(**kw):
    guest = kw.get("guest", "6.1")

    def driver():
        return kernels.module_files(kernels.get(guest), "qemu_fw_cfg")[-1][1]

    case = linux("linux/fw_cfg", elf=True, options="--fw-cfg opt/answer=/guest/answer", script=FW_CFG,
                 initrd_files=[("qemu_fw_cfg.ko", driver)], check=fw_cfg_read, **kw)
    return dataclasses.replace(case, files=(*case.files, ("guest/answer", b"forty-two")))


CASES = [] if not available() else [
    # all that these kernels do, from the bzImage; most others are spared its decompression
    linux("linux/6.1", append=WHOLE),
    linux("linux/6.1", kernel="6.12"),
    linux("linux/6.1", cpus=2),
    linux("linux/6.1", model="sandy_bridge"),
    linux("linux/6.1", model="cnl"),
    linux("linux/6.12", guest="6.12", append=WHOLE),
    linux("linux/vmlinux", elf=True),
    linux("linux/vmlinux", elf=True, guest="6.12", kernel="6.12"),
    *pc_cases(),
    fw_cfg(),
    fw_cfg(kernel="6.12", guest="6.12"),
    linux("linux/no-apicv", elf=True, options="--apicv nothing"),
    # all the local APIC by the CPU: the emulated one interrupts code that has masked interrupts, and
    # one guest in some forty stands still for it
    linux("linux/apicv", options="--apicv all", on_demand=True),
    linux("linux/apicv", options="--apicv all", kernel="6.12", cpus=2, on_demand=True),
    # A signature that Linux knows makes it use the x2APIC instead of the xAPIC page.
    linux("linux/x2apic", elf=True, options="--cpu hypervisor=kvm",
          script="dmesg | grep -i x2apic"),
    linux("linux/x2apic", elf=True, options="--cpu hypervisor=kvm", kernel="6.12", guest="6.12",
          cpus=2),
    linux("linux/x2apic", elf=True, options="--cpu hypervisor=kvm", model="sandy_bridge"),
    linux("linux/x2apic-apicv", options="--cpu hypervisor=kvm --apicv all", on_demand=True),
]
