# SPDX-License-Identifier: GPL-2.0-only
"""What real CPUs and hosts do and this machine does not: put in place of what it does.

Each module here has one place changed, so that the emulated CPU looks like the one that is meant;
that is no fault, and the programs must pass.
"""
from cases.api import GUESTS
from machine import modbuild
from machine.case import case, matrix
from machine.modbuild import Fault

KERNELS = ["6.1", "6.12"]

# as on a CPU without a VMX-preemption timer, or with one on Intel's lists
NO_TIMER = Fault("no-timer", "the preemption timer is not to be used", "vmx/caps.c",
                 "\t\tif ((cpu->cpuid_1_eax & CPUID_1_EAX_SIGNATURE) == broken_timers[i])\n",
                 "\t\tif (broken_timers[i])\n")

# HLT stands for a machine check during the entry, the reason's bit 31 and all
READ_REASON = "\tv->exit.reason = vmcs_read32(VM_EXIT_REASON);\n"
MACHINE_CHECK = Fault("machine-check", "HLT looks like a machine check during VM entry",
                      "vcpu/run/run.c", READ_REASON, READ_REASON +
                      "\tif (v->exit.reason == EXIT_REASON_HLT)\n"
                      "\t\tv->exit.reason = VMX_EXIT_REASON_FAILED_ENTRY |\n"
                      "\t\t\t\t EXIT_REASON_MCE_DURING_VMENTRY;\n")

# the host goes down while a handler runs: as power_reboot(), on this CPU
GONE = """int handle_io(struct vcpu *v)
{
"""
LOST = Fault("lost-vmx", "VMX goes off before an I/O instruction is looked at", "vcpu/exit/io.c",
             GONE, """void vmx_percpu_disable(void *unused);

""" + GONE + """	local_irq_disable();
	WRITE_ONCE(vmx_shutting_down, true);
	vmx_percpu_disable(NULL);
	local_irq_enable();

""")



def told(_output, log):
    """The kernel's handler was called: told to do nothing, it says that it did not expect it."""
    assert any("Unexpected int18" in line for line in log), "do_machine_check() was not called"


# Debian's 6.1 for clouds has no machine-check handling
CASES = [case("api/machine_check", "machine_check untold", kernel="6.1", modules=[MACHINE_CHECK]),
         case("api/machine_check", "machine_check told", kernel="6.12", modules=[MACHINE_CHECK],
              cmdline="mce=off", expect_dmesg=["Unexpected int18"], check=told)]
CASES += matrix("api/lost_vmx", "lost_vmx", kernel=KERNELS, modules=[LOST])
CASES += matrix("api/counted", "counted", kernel=["6.12"], modules=[modbuild.COUNTING])
# A guest that masks interrupts does not exit for one in this emulator: only the timer takes the CPU
# back. So guest_smp's wait with interrupts on, twenty times: masked, one of ten hung.
for name in ["guest_apic", "guest_event"]:
    CASES.append(case(f"api/no_timer/{name}", name, kernel="6.12", modules=[NO_TIMER], timeout=60))
CASES.append(case("api/no_timer/guest_smp",
                  "for i in $(seq 19); do guest_smp open >/dev/null || exit 1; done; guest_smp open",
                  kernel="6.12", cpus=2, modules=[NO_TIMER], timeout=60))
# All guests without a timer: check-deep. A debugger's steps need one, and are refused; guest_time's
# guests mask interrupts.
for name in [name for name in GUESTS if name not in ("guest_debug", "guest_time")]:
    CASES += matrix(f"deep/no_timer/{name}", name, kernel=KERNELS, modules=[NO_TIMER], timeout=60,
                    on_demand=True)
# in full only by check-deep; the machine has one CPU, on which nobody else runs meanwhile
CASES.append(case("api/log_large", "log_large 512", kernel="6.12", timeout=90))
CASES.append(case("deep/log_large", "log_large 16384", kernel="6.12", timeout=1200, on_demand=True))
