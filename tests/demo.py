#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make demo: Debian's own kernel boots as a guest of /dev/vmxhv, on an emulated machine.

The exit code is 0 when the guest greeted and powered off, and when the outer
kernel had nothing to complain about.
"""
import os
import pathlib
import resource
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import boot, console, guest, kernels, modbuild, util   # noqa: E402
from machine.tap import FAIL                                        # noqa: E402
from machine.work import never_silent                               # noqa: E402


class Screen:
    """Progress on one line until the guest's console takes over."""

    def __init__(self):
        self.start = time.monotonic()
        self.filter = console.Filter()
        self.tty = sys.stdout.isatty()
        self.pending = self.up = False

    def say(self, text):
        self.clear()
        print(f"[{time.monotonic() - self.start:5.1f} s] {text}", flush=True)

    def progress(self, text):
        if self.tty:
            print(f"\r\033[K[{time.monotonic() - self.start:5.1f} s] {text}", end="", flush=True)
            self.pending = True

    def clear(self):
        if self.pending:
            print("\r\033[K", end="", flush=True)
            self.pending = False

    def idle(self, state):
        if not state.up:
            self.progress("the outer machine boots ...")

    def live(self, state, new):
        if state.up and not self.up:
            self.up = True
            self.say("the outer kernel is up; loading vmxhv.ko and starting vmxhv-run:\n")
        shown = self.filter.feed(new)
        if shown:
            self.clear()
            sys.stdout.buffer.write(shown)
            sys.stdout.buffer.flush()


def main():
    if not guest.available():
        sys.exit("demo: tools/ has no vmxhv-run yet")
    screen = Screen()
    screen.say("building the module and the tools")
    case = guest.linux("demo", append="console=ttyS0 panic=-1 cryptomgr.notests")
    with never_silent():
        kernel = kernels.get(case.spec.kernel)
        built = (modbuild.programs("demo"), modbuild.modules(kernel, tests=False))
    util.LOGS.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="demo-", dir=util.LOGS))
    screen.say(f"booting the outer machine: Bochs, {case.spec.model}, 1 CPU, "
               f"Linux {kernel.release} (this host needs no VT-x)")
    state = boot.execute(case.spec, kernel, [case], work, live=screen.live, idle=screen.idle,
                         built=built)
    results, _ = boot.judge(state)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print()
    bad = [r for r in results if r.status == FAIL]
    if bad or not results:
        for r in bad:
            print(r.detail)
        if not results:
            print(f"the outer machine did not come up: {state.died}\n{boot.console(work)}")
        screen.say(f"FAILED; logs in {os.path.relpath(work, util.ROOT)}")
        return 1
    boot.keep_logs(work)
    screen.say("the guest greeted, powered off, and the outer kernel has no complaint; "
               f"{cpu.ru_utime + cpu.ru_stime:.0f} s of CPU")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except util.BuildError as e:
        sys.exit(f"demo: {e}")
    except KeyboardInterrupt:
        boot.stop_all()
        sys.exit(130)
