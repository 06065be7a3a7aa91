# SPDX-License-Identifier: GPL-2.0-only
"""The ladder: every CPU model of the emulated machine, and firmware that locks VMX off.

Each refuses, or runs a guest, for exactly the reason that stands here.
"""
import re

from machine.case import case

LOCK_APS = (0x67, 0x01)             # the BIOS writes 1, not 5, to IA32_FEATURE_CONTROL: on
LOCK_BSP = (0x1b1a, 0x01)           # the other CPUs, and on the one that boots

REFUSAL = re.compile(r"vmxhv: CPU (-?\d+), MSR (0x[0-9a-f]+|0): seen .*, wanted .*: \S")


def logged(times):
    """CREATE_VM's refusal is a line of the kernel log, each time; GET_INFO's is none."""
    def check(_output, log):
        lines = [l for l in log if REFUSAL.search(l)]
        assert len(lines) == times, f"{len(lines)} refusals in the kernel log, not {times}: {lines}"
    return check


def refuses(name, reason, status, words="", cpu=0, **kw):
    """The module and vmxhv-info say the same; @status is vmxhv-info's."""
    return [case(f"ladder/{name}", f"ladder {reason} {cpu} {words}".rstrip(),
                 check=logged(2), **kw),
            case(f"ladder/{name}-info", f"vmxhv-info; [ $? = {status} ]", **kw)]


def runs(model, **kw):
    """hello is the library's example; guest_first: ports, HLT and segments in real mode."""
    return [case("ladder/usable", "ladder usable -1", model=model, check=logged(0), **kw),
            case("ladder/hello", "hello && vmxhv-info", model=model, **kw),
            case("ladder/guest_first", "guest_first", model=model, **kw)]


def ladder(kernel):
    cases = [
        *refuses("no-vmx", "no-vmx", 2, "VMX CPUID", model="ryzen", kernel=kernel),
        *refuses("no-vmx", "no-vmx", 2, "VMX CPUID", model="prescott", kernel=kernel),
        *refuses("no-ept", "ept", 5, "EPT VPID", model="penryn", kernel=kernel),
        *refuses("no-unrestricted", "unrestricted-guest", 5, "UNRESTRICTED_GUEST",
                 model="lynnfield", kernel=kernel),
        *refuses("locked", "locked", 3, "firmware", bios=(LOCK_APS, LOCK_BSP), kernel=kernel),
        *refuses("locked-all", "locked", 3, "firmware", bios=(LOCK_APS, LOCK_BSP), cpus=2,
                 kernel=kernel),
        *refuses("locked-ap", "locked", 3, "firmware", cpu=1, bios=(LOCK_APS,), cpus=2,
                 kernel=kernel),
    ]
    for model in ("sandy_bridge", "cnl", "haswell", "broadwell", "skylake_x", "icelake",
                  "tigerlake"):
        cases += runs(model, kernel=kernel)
    return cases


CASES = ladder("6.1") + ladder("6.12")
