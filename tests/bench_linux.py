# SPDX-License-Identifier: GPL-2.0-only
"""make bench: a Linux guest to its power-off, under vmxhv-run and under QEMU with KVM.

Both run in one boot of the emulated machine: the same kernel, initrd, command line and amount of
memory, one CPU, the console in a file. The time is the launcher's, from fork to the end of its
process. Exits are counted in runs of their own: vmxhv's by the module of cases/exits.py, KVM's by
its tracepoint kvm:kvm_exit.
"""
import pathlib
import re

import exit_table
from cases import exits
from machine import boot, guest, kernels, util
from machine.case import case

KERNEL = "6.1"
MARKER = "Hello from a guest."
END = "reboot: Power down"
CONSOLES = {"quiet": guest.APPEND, "verbose": guest.APPEND.replace(" quiet", "")}
SIDES = {"vmxhv": "vmxhv", "kvm": "kvm_intel"}

# Millions of ticks. Name, what it is, no budget.
UNIT = 1e6
ROWS = [
    ("linux-quiet", "Linux guest to power-off, `quiet`; millions", None),
    ("linux-verbose", "... verbose; millions", None),
    ("linux-launcher", "... the launcher's own start (`--version`); millions", None),
]

# A machine with ACPI, an I/O APIC, a CMOS clock and a serial port, as vmxhv-run's is.
QEMU = pathlib.Path("/usr/bin/qemu-system-x86_64")
FIRMWARE = pathlib.Path("/usr/share/qemu/bios-microvm.bin")
LAUNCHERS = {
    "vmxhv": "vmxhv-run --mem 256M",
    "kvm": f"{QEMU} -m 256M -nodefaults -no-user-config -display none -serial stdio -accel kvm "
           "-cpu host -machine microvm,acpi=on,pic=off,pit=off,rtc=on",
}

PAGE = util.ROOT / "tests" / "LINUX.md"
HEAD = """# A Linux guest under vmxhv and under KVM

Written by `tests/bench.py --readme`: what `make bench` counted. How long the guest takes is in
[FIGURES.md](FIGURES.md).

Debian's unmodified {kernel} kernel boots to a busybox init, which greets and powers off; once with
`quiet`, once with all that the kernel says on its serial console. Kernel, initrd, command line,
memory (256 MiB), number of CPUs (one) and the machine's boot are the same for both sides, and the
console goes to a file. What differs:

* KVM's launcher is Debian's QEMU: of its machines the smallest that has ACPI, and so a power-off.

      {qemu}

  It is linked with some fifty shared objects; what it takes to load them and say its
  version is a row of FIGURES.md, and is in the time.
* QEMU starts the kernel through a firmware of its own (qboot), vmxhv-run at its 64-bit entry.
* KVM shows the guest its signature and its paravirtual features: Linux then uses its clock, and the
  x2APIC, which exits by MSR_WRITE. vmxhv by default shows neither: the clock is the TSC, and Linux
  uses the APIC's page, which exits by APIC_ACCESS. Other MMIO exits by EPT_VIOLATION there, and by
  EPT_MISCONFIG under KVM.
* Exits are counted in runs of their own: vmxhv's by a module that counts (`cases/exits.py`), KVM's by
  a histogram of its tracepoint `kvm:kvm_exit`. Both count every VM exit, also those that the kernel
  handles alone.
"""

TRACE = """
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
cd /sys/kernel/tracing/events/kvm/kvm_exit || exit 1
echo 'hist:keys=exit_reason:size=128' >trigger || exit 1
{command}
rc=$?
cat hist
echo '!hist:keys=exit_reason:size=128' >trigger
exit $rc
"""


def launch(side, console, suffix=""):
    """The command; it ends with the guest's console as output."""
    return (f"bench launch {side} linux-{console}{suffix} /tmp/console {LAUNCHERS[side]} "
            f"--kernel /guest/vmlinuz --initrd /guest/initrd --append '{CONSOLES[console]}'"
            "\nrc=$?; cat /tmp/console; [ $rc = 0 ]")


def ended(output, _log):
    assert MARKER in output and END in output, "the guest did not come to its power-off"


def files(side):
    """What the machine needs beyond the programs of ours that the command names."""
    bzimage = kernels.get(KERNEL).bzimage
    guests = [("guest/vmlinuz", bzimage), ("guest/initrd", lambda: guest.initrd(marker=MARKER))]
    qemu = [(str(f), f) for f in (QEMU, FIRMWARE, *boot.libraries(QEMU))]
    return guests + (qemu if side == "kvm" else [])


def linux_case(side, what, run, **kw):
    kw.setdefault("modules", [SIDES[side]])
    return case(f"bench/linux-{side}-{what}", run, kind="plain", timeout=240, files=files(side),
                **kw)


def timed(**where):
    cases = []
    for side in SIDES:
        cases += [linux_case(side, c, launch(side, c), check=ended, **where) for c in CONSOLES]
        cases.append(linux_case(side, "launcher", f"bench launch {side} linux-launcher /tmp/console "
                                f"{LAUNCHERS[side].split()[0]} --version", **where))
    return cases


def counted(**where):
    """In the order of CONSOLES: vmxhv's, then KVM's."""
    return [linux_case("vmxhv", f"{c}-exits", launch("vmxhv", c, "-counted") + exits.PRINT,
                       check=told(of_vmxhv), modules=[exits.COUNTED], **where) for c in CONSOLES] + \
           [linux_case("kvm", f"{c}-exits", TRACE.format(command=launch("kvm", c, "-counted")),
                       check=told(of_kvm), **where) for c in CONSOLES]


def names(counts):
    """{reason: exits} of {number: exits}."""
    name = {number: name for name, number in exit_table.reasons().items()}
    return {name.get(number, f"reason {number}"): n for number, n in counts.items()}


def of_vmxhv(output):
    """{reason: exits} of what the counting module said."""
    return names({i: n for i, n in enumerate(exits.numbers(output, "exits_taken")) if n})


def of_kvm(output):
    """Likewise of a histogram of kvm:kvm_exit; it must have lost nothing."""
    taken = {int(number): int(times) for number, times in
             re.findall(r"^\{ exit_reason: +(\d+) \} hitcount: +(\d+)", output, re.M)}
    total = re.search(r"^ +Hits: (\d+)\n +Entries: \d+\n +Dropped: (\d+)", output, re.M)
    assert total, "no histogram"
    assert total[2] == "0" and int(total[1]) == sum(taken.values()), f"exits are lost: {total[0]}"
    return names(taken)


def told(read):
    """The check of a case: the guest came to its end, and there are counts."""
    def check(output, log):
        ended(output, log)
        assert read(output), "no exits"
    return check


def by_reason(outputs):
    """Rows of what the cases of counted() said: the exits of one console by one reason."""
    rows = []
    for i, console in enumerate(CONSOLES):
        ours, theirs = of_vmxhv(outputs[i]), of_kvm(outputs[i + len(CONSOLES)])
        rows += [{"console": console, "reason": reason, "vmxhv": ours.get(reason, 0),
                  "kvm": theirs.get(reason, 0)} for reason in sorted({*ours, *theirs})]
    return rows


def table(head, rows):
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|"] +
                     [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def exit_tables(rows):
    """A table for each host, the most frequent reason first."""
    text = ""
    for host in sorted({r["host"] for r in rows}, key=lambda h: [int(n) for n in h.split(".")]):
        got = {(r["console"], r["reason"]): r for r in rows if r["host"] == host}
        reasons = sorted({reason for _, reason in got},
                         key=lambda reason: -sum(r["vmxhv"] + r["kvm"] for (_, of), r in got.items()
                                                 if of == reason))
        lines = [[reason] + [both(got.get((c, reason))) for c in CONSOLES] for reason in reasons]
        lines.append(["all"] + [both({side: sum(r[side] for (of, _), r in got.items() if of == c)
                                      for side in SIDES}) for c in CONSOLES])
        text += f"\n## Exits by reason, host {host}\n\n"
        text += table(["vmxhv / KVM", *(f"`{c}`" if c == "quiet" else c for c in CONSOLES)], lines)
    return text


def both(row):
    return f"{row['vmxhv']:,} / {row['kvm']:,}" if row else "0 / 0"


def write_page(rows):
    """The exits that bench.json has."""
    qemu = LAUNCHERS["kvm"].removeprefix(f"{QEMU.parent}/").replace("-accel", "\\\n        -accel")
    PAGE.write_text(HEAD.format(kernel=KERNEL, qemu=qemu) + exit_tables(rows))
