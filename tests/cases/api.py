# SPDX-License-Identifier: GPL-2.0-only
"""The API: refused input, lifetimes, and guests that show what each call does.

Every program is a row: what it needs beyond one CPU of the default model is said there.
"""
from machine import modbuild
from machine.case import case, matrix

KERNELS = ["6.1", "6.12"]
MODELS = ["sandy_bridge", "cnl"]

INPUT = ["info", "create", "foreign", "memory_input", "run_input", "state_input", "inject_input",
         "fd_lifetime", "translate_input", "config_input"]
GUESTS = ["guest_first", "guest_io", "guest_cpu", "guest_mmio", "guest_event", "guest_apic",
          "guest_fpu", "guest_memory", "guest_time", "apic_memory", "io_segment",
          "dirty", "guest_translate", "guest_debug", "memory_rights",
          "guest_clock", "guest_config", "guest_exception", "guest_pass", "guest_features"]
GUESTS += ["guest_task", "guest_exits", "guest_modes"]
GUESTS += ["guest_nested", "guest_order", "guest_mov", "guest_switch",
           "guest_gates"]
# what of these depends on the CPU's model is in those above
ALIKE = ["guest_watch", "guest_operand", "guest_system", "guest_nmi", "guest_points",
         "guest_buffer", "guest_reset", "guest_follow"]
# the same with two CPUs: threads really are at once
TWO_CPUS = ["info", "run_input", "fd_lifetime", "guest_event", "guest_apic", "guest_fpu",
            "guest_memory", "guest_time", "guest_smp", "migrate", "dirty",
            "memory_live"]

# slabs are counted, which the debug kernel's command line leaves out: see kernels.py
COUNTS_SLABS = {"not_debug": "it has no /sys/kernel/slab"}

CASES = matrix("api/guest_random", "guest_random", kernel=["6.12"], timeout=90)
CASES += matrix("api/halt_poll", "halt_poll", kernel=KERNELS, cpus=[2], timeout=60)
CASES += matrix("api/charges", "charges", kernel=KERNELS, cpus=[2], timeout=60)
CASES += matrix("api/wakes", "wakes", kernel=KERNELS, cpus=[2], timeout=60)
CASES += matrix("api/every_call", "every_call", kernel=KERNELS, timeout=60, **COUNTS_SLABS)
for name in INPUT + GUESTS + ALIKE:
    CASES += matrix(f"api/{name}", name, kernel=KERNELS, timeout=60)
for name in GUESTS:
    CASES += matrix(f"api/{name}", name, kernel=KERNELS, model=MODELS, timeout=60)
for name in TWO_CPUS:
    CASES += matrix(f"api/{name}", name, kernel=KERNELS, cpus=[2], timeout=60)
# whatever GET gives, SET takes: one RUN in so many finds all state read and written back
ROUND_TRIPS = {"guest_first": 1, "guest_io": 2, "guest_cpu": 3, "guest_mmio": 2, "guest_event": 1,
               "guest_apic": 3, "guest_fpu": 3, "guest_debug": 5, "guest_config": 3,
               "guest_exception": 2, "guest_task": 20, "guest_exits": 3, "guest_modes": 3,
               "guest_nested": 200, "guest_order": 3, "guest_mov": 10, "guest_gates": 10,
               "guest_switch": 5, "guest_points": 1, "guest_nmi": 1, "guest_buffer": 1,
               "io_segment": 3}
for name, rate in ROUND_TRIPS.items():
    CASES += matrix(f"api/round_trip/{name}", f"ROUND_TRIP={rate} {name}", kernel=["6.12"],
                    timeout=60)
# how much of the local APIC is the CPU's: the default, all, TPR, nothing (VMXHV_VM_*)
for flags in ["", "VM_FLAGS=1 ", "VM_FLAGS=2 ", "VM_FLAGS=4 "]:
    level = f"/flags{flags[9:10]}" if flags else ""
    CASES += matrix(f"api/guest_apicv{level}", f"{flags}guest_apicv", kernel=KERNELS, timeout=60)
    CASES += matrix(f"api/guest_apicv{level}", f"{flags}guest_apicv", kernel=KERNELS,
                    model=MODELS, timeout=60)
    CASES += matrix(f"api/guest_apicv{level}", f"{flags}guest_apicv", kernel=KERNELS, cpus=[2],
                    timeout=60)
for flags in ["1", "4"]:
    for name in ["guest_apic", "guest_event", "guest_debug", "guest_smp", "apic_memory"]:
        CASES += matrix(f"api/{name}/flags{flags}", f"VM_FLAGS={flags} {name}", kernel=KERNELS,
                        cpus=[2], timeout=60)
# without a page-modification log, and without dirty flags
for name in ["dirty", "guest_smp", "memory_live"]:
    CASES += matrix(f"api/{name}", name, kernel=KERNELS, model=MODELS, cpus=[2], timeout=60)
# swap on compressed memory, whose 6.1 compresses with what the crypto API finds
for _kernel, _more in (("6.1", ["lzo-rle"]), ("6.12", [])):
    CASES += matrix("api/memory_host", "memory_host", kernel=[_kernel], cpus=[1, 2], timeout=90,
                    modules=[*_more, "zram", "vmxhv"], not_debug="it has no zram")
CASES.append(case("api/memory_host/ramdisk", "memory_host", kernel="debug", timeout=90))
# a 32-bit process has the same interface
CASES += matrix("api/info.m32", "info.m32", kernel=KERNELS, timeout=60)
CASES += matrix("api/guest_first.m32", "guest_first.m32", kernel=KERNELS, timeout=60)
# guests with the host's mitigations as they are by default
CASES.append(case("api/guest_cpu", "guest_cpu", mitigations="", timeout=60))
# a host that keeps CR4.OSXSAVE clear: its guests have FXSAVE only
for name in ["state_input", "guest_cpu", "guest_fpu"]:
    CASES.append(case(f"api/noxsave/{name}", name, cmdline="noxsave", timeout=60))
# A CPU that is tick-free while it has one task: context tracking is told of each entry and exit.
for name in ["guest_cpu", "guest_time"]:
    CASES += matrix(f"api/nohz_full/{name}", f"taskset 2 {name}", kernel=KERNELS, cpus=[2],
                    cmdline="nohz_full=1", timeout=60)


# a thousand VMs and what they leave
CASES += matrix("api/idle_vms", "idle_vms", kernel=KERNELS, timeout=90, mem=768, **COUNTS_SLABS)
# descriptors that are closed while they are in use, and processes that are killed then
for _cpus in (1, 2):
    CASES += matrix("api/fd_orders", "fd_orders", kernel=KERNELS, cpus=[_cpus],
                    modules=["vmxe", "vmxhv"], timeout=60)
# SLUB's debugging makes its counts of objects exact
CASES += matrix("api/killed", "killed", kernel=KERNELS, modules=["vmxe", "vmxhv"], timeout=150,
                cmdline="init_on_alloc=0 slub_debug=P", **COUNTS_SLABS)


def only_vmalloc(_output, log):
    """vmalloc() says with a trace that it failed; no other trace may be there."""
    for i, line in enumerate(log):
        assert "Call Trace" not in line or any("vmalloc error" in l for l in log[max(i - 9, 0):i]), \
            "\n".join(log[max(i - 9, 0):i + 20])


# every allocation fails once
CASES.append(case("api/fail_alloc", "fail_alloc", kernel="debug", timeout=60,
                  modules=["vmxe", "vmxhv"], expect_dmesg=["Call Trace"], check=only_vmalloc))


# What a kernel that clears nothing leaves in the memory that it gives, and what the compiler leaves
# in variables without a value: Debian's kernels are built to clear both.
UNCLEARED = modbuild.Variant("uncleared", "variables on the stack begin with a pattern",
                             ("KCFLAGS=-ftrivial-auto-var-init=pattern",))
for _name, _cmdline, _module in (("pages", "init_on_alloc=0", "vmxhv"),
                                 ("slab", "init_on_alloc=0 slub_debug=P", "vmxhv"),
                                 ("stack", "init_on_alloc=0 slub_debug=P", UNCLEARED)):
    CASES += matrix(f"api/stale_bytes/{_name}", "stale_bytes", kernel=KERNELS, timeout=90,
                    cmdline=_cmdline, modules=["stain", _module],
                    not_debug="KASAN keeps what is freed" if _name == "pages" else "")
