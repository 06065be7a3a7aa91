# SPDX-License-Identifier: GPL-2.0-only
"""VM entries that fail: SET_STATE refuses every bad state that is known, so the module must err.

Each fault spoils one field while the guest is in long mode, and only then. What RUN reports of it
is compared with what the emulator says: it found out for itself.
"""
import re

from machine.case import matrix
from machine.modbuild import Fault

# every vCPU's EFER comes by here; EFER.LMA decides whether the field is good
AT = ("vcpu/cpu/cr.c", "\tvmcs_write64(GUEST_IA32_EFER, value);\n")


def fault(name, what, code):
    return Fault(name, what, *AT, f"\t{code};\n{AT[1]}")


FAULTS = [
    (fault("bad-control", "a VM-execution control that no CPU model has",
           "vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, v->ctl.pin | "
           "(value & EFER_LMA ? PIN_BASED_POSTED_INTR : 0))"),
     r"VMFAIL: VMCS EXEC CTRL: VMX pin-based controls allowed 1-settings",
     r"PIN_BASED_VM_EXEC_CONTROL: .*PIN_BASED_POSTED_INTR \(error 7, reason 0x0; "),
    (fault("bad-host", "the host's CS would be loaded with RPL 3",
           "vmcs_write16(HOST_CS_SELECTOR, value & EFER_LMA ? 0x13 : 0x10)"),
     r"VMFAIL: VMCS host segreg 1 TI/RPL != 0",
     r"HOST_CS_SELECTOR: host CS: RPL and TI must be 0 \(error 8, reason 0x0; 0x13, want 0x10\)"),
    (fault("bad-guest", "a SYSENTER stack at an address that is not canonical",
           "vmcs_writel(GUEST_SYSENTER_ESP, value & EFER_LMA ? BIT_ULL(63) : 0)"),
     r"VMENTER FAIL: VMCS guest SYSENTER_ESP_MSR non canonical",
     r"GUEST_SYSENTER_ESP: guest SYSENTER_ESP is not canonical "
     r"\(error 0, reason 0x80000021; 0x8000000000000000, want 0x0\)"),
    # no field is to blame, and the emulator has no sentence for it
    (fault("bad-msr", "an entry loads an MSR that does not exist",
           "vmcs_write64(VM_ENTRY_MSR_LOAD_ADDR, __pa(v->vm->msr_bitmap));\n"
           "\tvmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, value & EFER_LMA ? 1 : 0)"),
     None,
     r"MSR_LOAD_FAIL \(error 0, reason 0x80000022; 0x0, want 0x0\)"),
]
# what tests/api/fail_entry.c does in long mode
TIMES = 5


def logged(sentence):
    """One line of the kernel log for each failed entry, and it has the same words."""
    def check(_output, log):
        lines = [l for l in log if re.search("vmxhv: VM entry failed: " + sentence, l)]
        assert len(lines) == TIMES, f"{len(lines)} lines, not {TIMES}: {log}"
    return check


CASES = []
for _fault, _emulator, _sentence in FAULTS:
    CASES += matrix(f"api/fail_entry/{_fault.name}", f"fail_entry {_fault.name}",
                    kernel=["6.1", "6.12"], modules=[_fault], log_errors=True, timeout=60,
                    emulator=[_emulator] if _emulator else [], check=logged(_sentence))
