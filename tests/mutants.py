#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make check-mutants: faults planted in the module, each of which a named test must catch.

  tests/mutants.py [NAME ...]

The tree is copied to build/mutants/tree and must pass the named tests as it is. Then one fault at a
time is put in, and its test is run: it counts as caught only if that very result is "FAIL", not if
the module does not build or the machine dies before the test has spoken. Logs: build/mutants/*.log.
"""
import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import mutants_mmio                                                       # noqa: E402
import mutants_silicon                                                    # noqa: E402
import mutants_state                                                       # noqa: E402
from machine import modbuild, util, work                                  # noqa: E402

TOP = util.BUILD / "mutants"
TREE = TOP / "tree"


@dataclasses.dataclass(frozen=True)
class Mutant(modbuild.Fault):
    """A fault with which @result of @case fails, or with which the program @hangs before it."""
    case: str
    result: str
    hangs: bool = False

    @property
    def in_tools(self):
        return self.file.startswith("tools/")

    @property
    def wanted(self):
        return f"{self.case}/{self.result}"


MUTANTS = [
    Mutant("wrong-control-bit", "a guest in long mode enters with another bit than IA-32e mode",
           "vcpu/cpu/cr.c",
           "value & EFER_LMA ? VM_ENTRY_IA32E_MODE : 0);",
           "value & EFER_LMA ? VM_ENTRY_SMM : 0);",
           "api/guest_cpu@6.1", "mode-as-set-by-SREGS"),
    Mutant("no-vmclear-on-migration", "a VMCS that moves stays active on the CPU that it leaves",
           "vmx/vmcs.c",
           "\tvmx_vmclear(lv->phys);\n\tif (this_cpu_read(vmcs_current) == lv)",
           "\tif (this_cpu_read(vmcs_current) == lv)",
           "kunit/vmx@kunit,2cpu", "vmx_vmcs/moving_clears_it_where_it_was"),
    Mutant("no-reinjection", "an event whose delivery an EPT violation interrupts is forgotten",
           "vcpu/cpu/event.c",
           "{ .info = info & ~INTR_INFO_RESERVED_MASK };",
           "{};",
           "api/guest_event@6.1", "IDT-not-there:-each-event-once"),
    Mutant("clear-without-protection", "CLEAR of the dirty log leaves pages as writable as before",
           "vcpu/memory/log.c",
           "\t\tif (from < to)\n\t\t\tflush |=",
           "\t\tif (0)\n\t\t\tflush |=",
           "api/dirty@6.1", "small-pages:-no-write-is-lost"),
    Mutant("page-log-not-collected", "GET of the dirty log does not ask the vCPUs' own logs",
           "vcpu/memory/log.c",
           "\t\tvm_request_all(vm, 0, true);\n\t\tpml_collect(vm);\n",
           "\t\tvm_request_all(vm, 0, true);\n",
           "api/dirty@6.1", "a-write-is"),
    Mutant("kernel-writes-not-logged", "what the kernel writes for the guest is not logged",
           "vcpu/memory/log.c",
           "\t\t\tmemory_log_page(m, page);\n\t}\n}",
           "\t\t\t;\n\t}\n}",
           "api/dirty@6.1", "the-kernel-writes-for-the-guest:-rep-insb"),
    Mutant("translate-leaves-traces", "TRANSLATE sets accessed and dirty flags",
           "vcpu/cpu/linear.c",
           "\tmode.update = NULL;\n",
           "",
           "api/guest_translate@6.1", "TRANSLATE-left-all-tables-as-they-were"),
    Mutant("walk-without-smap", "the page walk lets the supervisor read user pages under SMAP",
           "vcpu/x86/walk.c",
           "\t\trights &= ~(WALK_READ | WALK_WRITE);\n",
           "\t\trights &= ~WALK_WRITE;\n",
           "api/guest_translate@6.1", "TRANSLATE-and-the-CPU-agree-on-10000-accesses"),
    Mutant("walk-without-reserved", "to the page walk bit 21 of 4 MiB pages is not reserved",
           "vcpu/x86/walk.c",
           "\treturn large ? GENMASK_ULL(21, bits - 19) : 0;\n",
           "\treturn large ? GENMASK_ULL(21, bits - 19) & ~BIT_ULL(21) : 0;\n",
           "api/guest_translate@6.1", "TRANSLATE-and-the-CPU-agree-on-10000-accesses"),
    Mutant("task-without-stack", "a task whose stack is not present is entered",
           "vcpu/x86/task_rules.c",
           "\t{ BIT(TASK_SS), not_present, X86_TRAP_SS },\n",
           "",
           "api/guest_task@6.1", "SS:-not-present"),
    Mutant("task-without-nesting", "a task that was called does not know it",
           "vcpu/exit/task.c",
           "\t\teflags |= X86_EFLAGS_NT;\n",
           "\t\teflags |= 0;\n",
           "api/guest_task@6.1", "CALL-and-IRET:-nesting"),
    Mutant("mov-dr-in-ring-3", "ring 3 of a guest may write debug registers",
           "vcpu/exit/dr.c",
           "\tif (vcpu_cpl(v))\n\t\treturn raise_gp(v);\n",
           "",
           "api/guest_exits@6.1", "ring-3-may-not,-whether-there-is-an-exit-or-not"),
    Mutant("leaked-page", "of a vCPU's run area one page is not freed",
           "vcpu/run/vcpu.c",
           "\t\tfree_page(at);\n",
           "\t\tfree_page(at), at += PAGE_SIZE;\n",
           "api/idle_vms@6.1", "gone-without-a-trace"),
]

MUTANTS += [
    Mutant("step-shows-tf", "PUSHF is stepped over with TF set",
           "vcpu/cpu/debug.c",
           "\tcase STEP_NEXT:\n\t\td->stop_at",
           "\tcase STEP_NEXT:\n\t\tbreak;\n\t\td->stop_at",
           "api/guest_debug@6.1", "PUSHF-and-POPF:-step-by-step"),
    Mutant("step-misses-events", "an event's delivery does not end a step",
           "vcpu/cpu/debug.c",
           "\t\tvmcs_write32(VMX_PREEMPTION_TIMER_VALUE, 0);\n\t\tv->timer_stale = false;\n",
           "",
           "api/guest_debug@6.1", "real-mode:-where-it-stops"),
]

MUTANTS += [
    Mutant("host-fpu-not-saved", "the host's vector registers are not saved before the guest's",
           "vcpu/cpu/xstate.c",
           "\tsave_host_registers(x->host, mask);\n\tif (unlikely(",
           "\tif (unlikely(",
           "api/guest_fpu@6.1", "SSE:-the-host's-registers-are-as-they-were"),
    Mutant("notifier-leaves-entries", "pages that the host takes stay mapped in the guest",
           "vcpu/memory/memory.c",
           "\tif (each_gpa(m, range->start, range->end, ept_unmap_range))\n",
           "\tif (0)\n",
           "api/guest_memory@6.1", "munmap-under-a-running-guest", hangs=True),
    Mutant("no-interrupt-window", "what waits for IF does not ask for a window",
           "include/vcpu/core.h",
           "(interrupt || sti ? CPU_BASED_INTR_WINDOW_EXITING : 0)",
           "(sti ? CPU_BASED_INTR_WINDOW_EXITING : 0)",
           "api/guest_event@6.1", "but-as-soon-as-they-are-on", hangs=True),
    Mutant("unknown-flags-taken", "flags that this version does not know are ignored",
           "ioctl/copy.c",
           "\tif (arg->head.flags & ~call->known_flags)\n",
           "\tif (0)\n",
           "api/create@6.1", "CREATE_VM:-unknown-flag"),
    Mutant("written-page-is-clean", "a page that the guest may write to is not marked dirty",
           "vcpu/memory/fault.c",
           "\tif (rights & EPT_WRITE)\n\t\tmark_dirty(",
           "\tif (0)\n\t\tmark_dirty(",
           "api/memory_host@6.12", "MADV_FREE:-what-was-written-later-is-kept"),
    Mutant("msr-bitmap-swapped", "MSR reads that are to exit go to the bitmap's half of writes",
           "vcpu/exit/config_rules.c",
           "\t\tif (r->access & VMXHV_RANGE_READ)\n\t\t\tset_access(bitmap, r, exits);\n"
           "\t\tif (r->access & VMXHV_RANGE_WRITE)\n",
           "\t\tif (r->access & VMXHV_RANGE_WRITE)\n\t\t\tset_access(bitmap, r, exits);\n"
           "\t\tif (r->access & VMXHV_RANGE_READ)\n",
           "api/guest_config@6.1", "RDMSR-of-a-passed-through-one-exits"),
    Mutant("msr-answer-forgotten", "the guest does not get what userspace answers to RDMSR",
           "vcpu/exit/complete.c",
           "\tif (read)\n\t\tvcpu_set_edx_eax(v, value);\n",
           "",
           "api/guest_config@6.1", "RDMSR:-the-answer-is-what-the-guest-reads"),
    Mutant("eoi-map-not-followed", "the EOI-exit bitmap does not follow the trigger mode",
           "vcpu/apic/apicv.c",
           "\t\tif (unlikely(apic->eoi_map_stale))\n",
           "\t\tif (0)\n",
           "api/guest_apicv/flags1@6.1", "xAPIC:-the-EOI-of-a-level-triggered-MSI-comes-out"),
    Mutant("apic-page-is-memory", "a vCPU in x2APIC mode finds the APIC-access page in the EPT",
           "vcpu/memory/apic.c",
           "\tif (place && m->apic_access)\n",
           "\tif (0)\n",
           "api/apic_memory/flags1@6.1,2cpu", "in-x2APIC-mode-there-is-no-memory-either"),
]

MUTANTS += [
    Mutant("double-fault-too-soon", "a page fault in the delivery of #GP is a double fault",
           "vcpu/x86/exceptions.c",
           "\t\treturn class == EXCEPTION_CONTRIBUTORY ? X86_TRAP_DF : second;\n",
           "\t\treturn X86_TRAP_DF;\n",
           "api/guest_nested@6.1", "by-userspace:-GP,-a-fault-in-its-delivery"),
    Mutant("interrupt-before-nmi", "interrupts are injected before an NMI",
           "vcpu/cpu/event.c",
           "\t} else if (!inject_nmi(v)) {\n\t\tinject_interrupt(v);\n",
           "\t} else if (!inject_interrupt(v)) {\n\t\tinject_nmi(v);\n",
           "api/guest_order@6.1", "in-the-shadow-of-STI"),
    Mutant("one-trap-for-all-units", "repeated string I/O traps once, behind all of it",
           "vcpu/exit/io.c",
           "(X86_EFLAGS_DF | X86_EFLAGS_TF)",
           "X86_EFLAGS_DF",
           "api/guest_order@6.1", "TF-over-REP-OUTS:-a-trap-behind-each-iteration"),
    Mutant("trap-without-branch", "with BTF an instruction that exits traps",
           "vcpu/cpu/retire.c",
           "\t       !(vcpu_debugctl(v) & DEBUGCTLMSR_BTF);\n",
           "\t       true;\n",
           "api/guest_order@6.1", "TF-with-BTF:-it-does-not"),
    Mutant("iteration-without-rf", "between two iterations RF is not set",
           "vcpu/cpu/retire.c",
           "\tvcpu_set_rflags(v, vcpu_rflags(v) | X86_EFLAGS_RF);\n\tretire_boundary",
           "\tretire_boundary",
           "api/guest_order@6.1", "a-breakpoint-on-REP-OUTS-in-two-pages"),
    Mutant("compatibility-mode-has-64-bits", "linear addresses of compatibility mode do not wrap",
           "vcpu/cpu/linear.c",
           "\tif (unlikely((at ^ from) >> 32) && ",
           "\tif (0 && ",
           "api/io_segment@6.1", "INSL-in-compatibility-mode:-a-unit-across-4-GiB-wraps"),
    Mutant("mmio-of-whole-words", "an MMIO exit tells the aligned address",
           "vcpu/exit/to_user.c",
           "\tmmio->gpa = exit_gpa(v);\n",
           "\tmmio->gpa = exit_gpa(v) & ~7ull;\n",
           "api/guest_mov@6.1", "16-bits:-the-same-content"),
    Mutant("guest-fpu-not-saved", "a guest's vector registers are not saved when it is preempted",
           "vcpu/cpu/xstate.c",
           "\tsave_guest_registers(x->guest, mask);\n",
           "",
           "api/guest_switch@6.1", "SSE:-first-guest-had-its-own-vector-registers"),
    Mutant("host-breakpoints-lost", "the host's debug registers do not come back",
           "vcpu/cpu/host.c",
           "\tif (hw_breakpoint_active())\n",
           "\tif (0)\n",
           "api/guest_switch@6.1", "the-vCPU-thread's-watchpoint-is-hit-behind-each-RUN"),
    Mutant("point-without-a-word", "a point that finds no debug register is not reported",
           "vcpu/x86/debug_rules.c",
           "\t\t\tslots->unwatched |= BIT(i);\n",
           "\t\t\t;\n",
           "api/guest_debug@6.1", "when-it-has-taken-them"),
    Mutant("masked-timer-pends", "a timer that expires masked interrupts once it is unmasked",
           "vcpu/apic/timer.c",
           "\tif (!(lvt & APIC_LVT_MASKED))\n\t\tlapic_accept(",
           "\tif (1)\n\t\tlapic_accept(",
           "api/guest_apic@6.1", "timer:-what-expires-masked-is-lost"),
]

MUTANTS += [
    Mutant("run-area-not-cleared", "a new run area shows what was in the kernel's memory before",
           "vcpu/run/vcpu.c",
           "alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, order)",
           "alloc_pages(GFP_KERNEL_ACCOUNT, order)",
           "api/stale_bytes/pages@6.1", "a-new-run-area"),
    Mutant("xstate-not-cleared", "a new vCPU's vector registers are what was in memory before",
           "vcpu/cpu/xstate.c",
           "\tx->guest = kzalloc(",
           "\tx->guest = kmalloc(",
           "api/stale_bytes/slab@6.1", "its-XSAVE"),
    Mutant("refusal-not-cleared", "behind a refusal's text is what was on the stack before",
           "vcpu/core/error.c",
           "\tmemset(err, 0, sizeof(*err));\n",
           "",
           "api/stale_bytes/stack@6.1", "GET_ERROR-of-the-VM:-a-refusal"),
    Mutant("array-not-freed", "the copy of an array that ends nowhere is not freed",
           "ioctl/copy.c",
           "\tkvfree(r->array);\n",
           "\tif (ret != -EFAULT)\n\t\tkvfree(r->array);\n",
           "api/every_call@6.1", "800-refusals-of-each-call-have-left-nothing"),
    Mutant("vcpu-kept-after-signal", "a vCPU stays when a signal ends the RUN that held it last",
           "ioctl/vcpu.c",
           "\tif (d->v)\n\t\tvcpu_release(d->v);\n",
           "\tif (d->v && !signal_pending(current))\n\t\tvcpu_release(d->v);\n",
           "api/fd_orders@6.1", "running:-device,-VM,-vCPU,-run-area"),
    Mutant("page-fault-without-code", "a page fault has no error code",
           "vcpu/x86/exceptions.c",
           "[X86_TRAP_PF] = { .class = EXCEPTION_PAGE_FAULT, .error_code = true }",
           "[X86_TRAP_PF] = { .class = EXCEPTION_PAGE_FAULT }",
           "kunit/pure@kunit,qemu-tcg", "vcpu_exceptions/error_codes"),
    Mutant("one-nmi", "an NMI that comes while another one waits is lost",
           "include/vcpu/x86.h",
           "#define NMI_DEPTH\t2\n",
           "#define NMI_DEPTH\t1\n",
           "kunit/pure@kunit,qemu-tcg", "vmxhv_lapic_ipi/nmi_init_sipi"),
    Mutant("call-upward", "what everything stands on calls the run loop",
           "vcpu/core/request.c",
           "\tvcpu_request(v, BIT(REQ_KICK));\n",
           "\textern void vcpu_put(struct vcpu *v);\n\n\tvcpu_request(v, BIT(REQ_KICK));\n"
           "\tif (!v->vm)\n\t\tvcpu_put(v);\n",
           "static/floors", "vcpu/core"),
    Mutant("include-upward", "a rule of the architecture looks at the exit table's header",
           "vcpu/x86/walk.c",
           "#include \"vcpu/x86.h\"\n",
           "#include \"vcpu/exit.h\"\n#include \"vcpu/x86.h\"\n",
           "static/floors", "vcpu/x86"),
    Mutant("vm-kept-after-kill", "a VM whose process was killed is not freed",
           "vcpu/run/vcpu.c",
           "{\n\tvm_put(v->vm);\n}",
           "{\n\tif (!READ_ONCE(v->vm->dead))\n\t\tvm_put(v->vm);\n}",
           "api/killed@6.1", "killed-in-RUN:-a-guest-that-spins"),
    Mutant("message-from-anywhere", "any process that has the descriptor may send interrupts",
           "ioctl/vm.c",
           "\tif (d->vm->mm != current->mm)\n",
           "\tif (d->vm->mm != current->mm && _IOC_NR(cmd) != _IOC_NR(VMXHV_SIGNAL_MSI))\n",
           "api/foreign@6.1", "fork:-SIGNAL_MSI"),
]

MUTANTS += [Mutant(*fault) for fault in mutants_mmio.FAULTS]

# the columns of the tables of calls
MUTANTS += [Mutant(*fault) for fault in mutants_silicon.FAULTS]

MUTANTS += [
    Mutant("reserved-fields-taken", "fields of an argument that must be 0 are not looked at",
           "ioctl/copy.c",
           "\t\tif (memchr_inv(arg + field->at, 0, field->size))\n",
           "\t\tif (0)\n",
           "api/every_call@6.1", "GET_CPUID:-each-byte-that-must-be-0"),
    Mutant("reserved-first-bytes", "of a field that must be 0 only the first byte is looked at",
           "ioctl/copy.c",
           "memchr_inv(arg + field->at, 0, field->size)",
           "memchr_inv(arg + field->at, 0, 1)",
           "api/every_call@6.1", "DIRTY:-each-byte-that-must-be-0"),
    Mutant("reserved-second-missing", "a call's second field that must be 0 is not in its row",
           "ioctl/vcpu.c",
           "RESERVED(vmxhv_inject, reserved),\n\t\t\t\t RESERVED(vmxhv_inject, reserved2) }",
           "RESERVED(vmxhv_inject, reserved) }",
           "api/every_call@6.1", "INJECT:-each-byte-that-must-be-0"),
    Mutant("dead-vm-obeys", "the calls that need a VM alive work on a dead one",
           "ioctl/copy.c",
           "likely(!READ_ONCE(r->d->vm->dead))",
           "true",
           "api/dead@6.1", "MEMORY:-refused"),
    Mutant("row-without-alive", "a message may be sent to a dead VM",
           "ioctl/vm.c",
           ".how = CALL_ALIVE | CALL_OUT,\n",
           ".how = CALL_OUT,\n",
           "api/dead@6.1", "SIGNAL_MSI:-refused"),
    Mutant("row-without-mutex", "DEBUG changes a vCPU that another thread runs",
           "ioctl/vcpu.c",
           "IOCTL_CALL(VMXHV_DEBUG, vmxhv_debug, 80, .how = CALL_LOADED,\n",
           "IOCTL_CALL(VMXHV_DEBUG, vmxhv_debug, 80,\n",
           "api/run_input@6.1", "running:-busy:-DEBUG"),
    Mutant("refused-without-finish", "SET_MSRS that is refused at once leaves count as it was",
           "ioctl/copy.c",
           "\tif (call->finish)\n",
           "\tif (call->finish && !ret)\n",
           "api/inject_input@6.1", "MSRs:-and-count-says-that-none-was-written"),
]

MUTANTS += mutants_state.rows(Mutant)

# the launcher's devices, by the tests that run on this host
MUTANTS += [
    Mutant("ioapic-rewrite-ends-service", "rewriting an entry in service clears remote IRR",
           "tools/devices/ioapic.c",
           "\tentry = (entry & ~(read_only | ENTRY_RESERVED)) | (old & read_only);\n",
           "\tentry = (entry & ~(read_only | ENTRY_RESERVED)) | (old & ENTRY_STATUS);\n",
           "run/native", "test_ioapic"),
    Mutant("ioapic-level-lost", "remote IRR is set though no APIC has taken the interrupt",
           "tools/devices/ioapic.c",
           "\tif (taken > 0 && is_level(ioapic->entry[pin]))\n",
           "\tif (is_level(ioapic->entry[pin]))\n",
           "run/native", "test_ioapic"),
    Mutant("ioapic-edge-lost", "an edge that no APIC has taken is forgotten",
           "tools/devices/ioapic.c",
           "\tif (!taken)\n\t\tioapic->waiting |= bit;\n",
           "\tif (!taken && is_level(ioapic->entry[pin]))\n\t\tioapic->waiting |= bit;\n",
           "run/native", "test_ioapic"),
    Mutant("uart-receiver-not-cleared", "FCR does not clear the receiver",
           "tools/devices/uart.c",
           "\tif (enable != uart->fifo_enabled || (enable && (value & FCR_CLEAR_RX)))\n",
           "\tif (enable != uart->fifo_enabled)\n",
           "run/native", "test_uart"),
    Mutant("rtc-without-update", "the clock never says that it is being updated",
           "tools/devices/rtc.c",
           "\treturn !is_held(rtc) && guest_now",
           "\treturn 0 && guest_now",
           "run/native", "test_rtc"),
    Mutant("rtc-alarm-any", "an alarm's don't-care bits are hours that never come",
           "tools/devices/rtc.c",
           "\tif ((alarm & ALARM_ANY) == ALARM_ANY)\n\t\treturn true;\n",
           "",
           "run/native", "test_rtc"),
    Mutant("output-waits", "who prints waits for a reader",
           "tools/run/stream.c",
           "\tpthread_mutex_lock(&stream->lock);\n\troom = ",
           "\tpthread_mutex_lock(&stream->lock);\n"
           "\twhile (stream->count > STREAM_HIGH && !stream->error)\n"
           "\t\tpthread_cond_wait(&stream->changed, &stream->lock);\n\troom = ",
           "run/output@6.1", "nobody-reads:---timeout-ends-it", hangs=True),
]

LINE = re.compile(r"^\[ *\d+\] +\S+ (ok  |FAIL|skip) (.*) \(\d+\.\d s\)")


def copy_tree(own_programs=False):
    """The sources as they are; what was built there before stays, for a short build."""
    files = util.run(["git", "-c", f"safe.directory={util.ROOT}", "ls-files", "-co",
                      "--exclude-standard"], cwd=util.ROOT)
    TREE.mkdir(parents=True, exist_ok=True)
    listed = TOP / "files"
    listed.write_text("".join(f"{f}\n" for f in files.splitlines() if (util.ROOT / f).is_file()))
    util.run(["rsync", *modbuild.BY_CONTENT, f"--files-from={listed}", f"{util.ROOT}/",
              f"{TREE}/"])
    # The programs do not depend on the module: those of this tree will do, unless a tool is changed.
    user = TREE / "build" / "user"
    user.parent.mkdir(exist_ok=True)
    (util.BUILD / "user").mkdir(parents=True, exist_ok=True)
    if own_programs:
        if user.is_symlink():
            user.unlink()
        user.mkdir(exist_ok=True)
    elif not user.is_symlink():
        shutil.rmtree(user, ignore_errors=True)
        user.symlink_to(util.BUILD / "user")


def run_tool(program):
    """The results of tools/test/@program.c of the copy, which needs no machine."""
    out = TOP / "tools"
    path = out / "tooltests" / program
    built = subprocess.run(["make", "-s", "-C", TREE / "tools", f"OUT={out}", path],
                           stdout=subprocess.DEVNULL, check=False)
    if built.returncode:
        return {}
    said = subprocess.run([path], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^(not )?ok \d+ - (.*)$", said, re.MULTILINE)
    return {f"tools/{program}/{name.replace(' ', '-')}": "FAIL" if bad else "ok"
            for bad, name in found}


def run_tests(name, *wanted):
    """{result: "ok", "FAIL" or "skip"} of the tools' tests and of the runner in the copy."""
    tools = sorted({w.split("/")[1] for w in wanted if w.startswith("tools/")})
    results = {k: v for program in tools for k, v in run_tool(program).items()}
    wanted = [w for w in wanted if not w.startswith("tools/")]
    return {**results, **(run_machine(name, *wanted) if wanted else {})}


def run_machine(name, *wanted):
    """The same of the runner alone."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    with work.doing(f"the tests with {name}"):
        res = subprocess.run([sys.executable, "tests/run.py", *wanted], cwd=TREE, text=True,
                             env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, errors="replace")
    (TOP / f"{name}.log").write_text(res.stdout)
    found = (LINE.match(line) for line in res.stdout.splitlines())
    return {m.group(2): m.group(1).strip() for m in found if m}


def try_mutant(m):
    """"caught", or why it was not."""
    copy_tree(m.in_tools)
    try:
        m.plant(TREE)
    except util.BuildError as e:
        return str(e)
    results = run_tests(m.name, m.wanted)
    verdict = results.get(m.wanted)
    if verdict == "FAIL" or (m.hangs and not verdict and results.get(m.case) == "FAIL"):
        return "caught"
    return f"{m.wanted}: {verdict or 'no such result'}"


def report(m, verdict, start):
    word = "caught" if verdict == "caught" else "MISSED"
    work.say(f"{word} {m.name}: {m.what} ({time.monotonic() - start:.0f} s)")
    work.say(f"       by {m.wanted}" if word == "caught" else f"       {verdict}")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("name", nargs="*", help="; ".join(m.name for m in MUTANTS))
    args = ap.parse_args()
    chosen = [m for m in MUTANTS if not args.name or m.name in args.name]
    if not chosen:
        sys.exit("mutants: there are " + ", ".join(m.name for m in MUTANTS))
    copy_tree()
    work.say("mutants: the tests on the tree as it is")
    sound = run_tests("none", *(m.wanted for m in chosen))
    missed = 0
    for m in chosen:
        start = time.monotonic()
        before = sound.get(m.wanted)
        if before == "ok":
            verdict = try_mutant(m)
        else:
            verdict = f"{m.wanted} without the fault: {before or 'no such result'}"
        missed += verdict != "caught"
        report(m, verdict, start)
    print(f"{len(chosen) - missed} caught, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        with work.never_silent():
            sys.exit(main())
    except util.BuildError as e:
        sys.exit(f"mutants: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
