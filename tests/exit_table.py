#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every basic exit reason: who handles it, and which test takes it.

  tests/exit_table.py           prints the table
  tests/exit_table.py --write   writes it to tests/EXITS.md

A reason is taken by a program of tests/api/ on a real VM entry (cases/exits.py counts exits, it
does not believe this), or seen by a test that knows it otherwise, or it cannot occur because a
control of ours is 0 (likewise looked at), or the test machine has no way to it.
"""
import dataclasses
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import util                                                 # noqa: E402

TAKEN, SEEN, NEVER, UNREACHABLE = "taken by", "seen by", "cannot occur", "not reachable"

PAGE = util.ROOT / "tests" / "EXITS.md"
HEAD = """# Exit reasons

Written by `tests/exit_table.py --write`; `make check T=exits` counts the exits that each program
takes and looks at the controls, `T=static/exits` whether this page, the exit table and the tests
still go together.

| nr | reason | handler | |
|---|---|---|---|
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """@what: the program, the test, the control, or why."""
    reason: str
    how: str
    what: str


def taken(reason, program):
    return Row(reason, TAKEN, program)


def never(reason, control):
    return Row(reason, NEVER, control)


def unreachable(reason, why):
    return Row(reason, UNREACHABLE, why)


ROWS = [
    taken("EXCEPTION_NMI", "guest_exits"),
    taken("EXTERNAL_INTERRUPT", "guest_apic"),
    taken("TRIPLE_FAULT", "guest_cpu"),
    unreachable("INIT_SIGNAL", "the host sends no INIT to a CPU that is in use; a guest's own INIT "
                "is its APIC's, in software"),
    unreachable("SIPI_SIGNAL", "only in the activity state wait-for-SIPI, which is never entered: "
                "a vCPU that waits does so in the host"),
    unreachable("IO_SMI", "only under the dual-monitor treatment of SMM"),
    unreachable("OTHER_SMI", "only under the dual-monitor treatment of SMM"),
    taken("INTERRUPT_WINDOW", "guest_event"),
    taken("NMI_WINDOW", "guest_event"),
    taken("TASK_SWITCH", "guest_task"),
    taken("CPUID", "guest_cpu"),
    unreachable("GETSEC", "#UD comes first: CR4.SMXE is 0"),
    taken("HLT", "guest_event"),
    taken("INVD", "guest_cpu"),
    never("INVLPG", "CPU_BASED_INVLPG_EXITING"),
    taken("RDPMC", "guest_exits"),
    never("RDTSC", "CPU_BASED_RDTSC_EXITING"),
    unreachable("RSM", "#UD comes first: a guest is never in SMM"),
    taken("VMCALL", "guest_cpu"),
    taken("VMCLEAR", "guest_cpu"),
    taken("VMLAUNCH", "guest_cpu"),
    taken("VMPTRLD", "guest_cpu"),
    taken("VMPTRST", "guest_cpu"),
    taken("VMREAD", "guest_cpu"),
    taken("VMRESUME", "guest_cpu"),
    taken("VMWRITE", "guest_cpu"),
    taken("VMOFF", "guest_exits"),
    taken("VMON", "guest_cpu"),
    taken("CR_ACCESS", "guest_cpu"),
    taken("DR_ACCESS", "guest_exits"),
    taken("IO_INSTRUCTION", "guest_io"),
    taken("MSR_READ", "guest_cpu"),
    taken("MSR_WRITE", "guest_cpu"),
    Row("INVALID_STATE", SEEN, "api/fail_entry/bad-guest"),
    Row("MSR_LOAD_FAIL", SEEN, "api/fail_entry/bad-msr"),
    taken("MWAIT_INSTRUCTION", "guest_exits"),
    never("MONITOR_TRAP_FLAG", "CPU_BASED_MONITOR_TRAP_FLAG"),
    taken("MONITOR_INSTRUCTION", "guest_exits"),
    taken("PAUSE_INSTRUCTION", "guest_config"),
    Row("MCE_DURING_VMENTRY", SEEN, "api/machine_check"),
    Row("TPR_BELOW_THRESHOLD", SEEN, "api/guest_apicv"),
    Row("APIC_ACCESS", SEEN, "api/guest_apicv/flags1"),
    Row("EOI_INDUCED", SEEN, "api/guest_apicv/flags1"),
    never("GDTR_IDTR", "SECONDARY_EXEC_DESC"),
    never("LDTR_TR", "SECONDARY_EXEC_DESC"),
    taken("EPT_VIOLATION", "guest_mmio"),
    Row("EPT_MISCONFIG", SEEN, "exits/misconfigured"),
    taken("INVEPT", "guest_cpu"),
    never("RDTSCP", "CPU_BASED_RDTSC_EXITING"),
    taken("PREEMPTION_TIMER", "guest_apic"),
    taken("INVVPID", "guest_cpu"),
    taken("WBINVD", "guest_cpu"),
    taken("XSETBV", "guest_cpu"),
    Row("APIC_WRITE", SEEN, "api/guest_apicv/flags1"),
    taken("RDRAND", "guest_features"),
    never("INVPCID", "CPU_BASED_INVLPG_EXITING"),
    never("VMFUNC", "SECONDARY_EXEC_ENABLE_VMFUNC"),
    unreachable("ENCLS", "no CPU of the machine has SGX; elsewhere all leaves exit"),
    taken("RDSEED", "guest_features"),
    taken("PML_FULL", "dirty"),
    never("XSAVES", "SECONDARY_EXEC_ENABLE_XSAVES"),
    never("XRSTORS", "SECONDARY_EXEC_ENABLE_XSAVES"),
    never("PCONFIG", "SECONDARY_EXEC_PCONFIG"),
    never("SPP_EVENT", "SECONDARY_EXEC_SUB_PAGE_WRITE"),
    never("UMWAIT", "SECONDARY_EXEC_ENABLE_USR_WAIT_PAUSE"),
    never("TPAUSE", "SECONDARY_EXEC_ENABLE_USR_WAIT_PAUSE"),
    never("LOADIWKEY", "CPU_BASED_ACTIVATE_TERTIARY_CONTROLS"),
    unreachable("ENCLV", "no CPU of the machine has SGX; elsewhere all leaves exit"),
    never("ENQCMD_PASID", "SECONDARY_EXEC_PASID_TRANSLATION"),
    never("ENQCMDS_PASID", "SECONDARY_EXEC_PASID_TRANSLATION"),
    never("BUS_LOCK", "SECONDARY_EXEC_BUS_LOCK_DETECTION"),
    never("NOTIFY", "SECONDARY_EXEC_NOTIFY_VM_EXITING"),
    unreachable("SEAMCALL", "no CPU of the machine has TDX"),
    unreachable("TDCALL", "no CPU of the machine has TDX"),
    never("RDMSRLIST", "CPU_BASED_ACTIVATE_TERTIARY_CONTROLS"),
    never("WRMSRLIST", "CPU_BASED_ACTIVATE_TERTIARY_CONTROLS"),
]


def _read(path):
    return (util.ROOT / path).read_text()


def reasons():
    """Of the architecture's table: name to number."""
    return {name: int(number) for name, number in
            re.findall(r"^VMX_EXIT_REASON\((\w+), (\d+),", _read("include/vmx/exit_reasons.def"), re.M)}


def handlers():
    """Of the exit table: name to function."""
    return dict(re.findall(r"^\tEXIT\((\w+), (\w+),", _read("vcpu/exit/table.c"), re.M))


def controls():
    """Of the architecture's table: name to word and mask."""
    return {name: (word, 1 << int(bit)) for word, name, bit in
            re.findall(r"^VMX_CONTROL\((\w+), (\w+), (\d+),", _read("include/vmx/controls.def"), re.M)}


def programs():
    return sorted({r.what for r in ROWS if r.how == TAKEN})


def page():
    numbers, functions = reasons(), handlers()
    lines = []
    for r in ROWS:
        what = {TAKEN: f"taken by `{r.what}`", SEEN: f"seen by `{r.what}`",
                NEVER: f"cannot occur: {r.what} is 0",
                UNREACHABLE: f"not reachable: {r.what}"}[r.how]
        function = f"`{functions[r.reason]}`" if r.reason in functions else "none"
        lines.append(f"| {numbers[r.reason]} | {r.reason} | {function} | {what} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page())
    else:
        print(page(), end="")
