#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests. `make check T=prefix` is this with the prefix as argument.

  tests/run.py [-l] [-j N] [-k KERNEL] [PREFIX ...]

Environment: MACHINE=bochs|qemu-tcg|qemu-kvm; KEEP=1 keeps the logs of all boots.
"""
import argparse
import contextlib
import dataclasses
import functools
import importlib
import os
import pathlib
import shutil
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import boot, kernels, modbuild, qemu, util, work   # noqa: E402
from machine.tap import FAIL, PASS, SKIP, Result                # noqa: E402

MACHINES = ("bochs", "qemu-tcg", "qemu-kvm")
ONLY_DEBUG = "only with KERNEL=debug"
README = util.ROOT / "tests" / "README.md"

# What says in seconds that something is wrong, and on which everything else is built: these have
# boots of their own, and come first.
FIRST = ("static/", "bench/reads-exits", "bench/judges", "run/native", "machine/s", "smoke/", "kunit/")


class Report:
    """One line per test as it ends, and the totals."""
    WORD = {PASS: "ok  ", FAIL: "FAIL", SKIP: "skip"}

    def __init__(self):
        self.lock = threading.Lock()
        self.count = {PASS: 0, FAIL: 0, SKIP: 0}
        self.failed = []

    def emit(self, results):
        with self.lock:
            for r in results:
                self.count[r.status] += 1
                n = sum(self.count.values())
                note = f"  ({first_line(r.detail)})" if r.status == SKIP and r.detail else ""
                work.say(f"[{n:4d}] {work.elapsed():>5} {self.WORD[r.status]} {r.name} "
                         f"({r.seconds:.1f} s){note}")
                if r.status == FAIL:
                    self.failed.append(r)
                    for line in r.detail.rstrip().split("\n"):
                        work.say(f"         | {line}")

    def finish(self):
        if self.failed:
            known = README.read_text()
            work.say("failed:")
            for r in self.failed:
                note = "  (known: tests/README.md)" if f"| `{r.name}` |" in known else ""
                work.say(f"  {r.name}{note}")
        work.say(f"{self.count[PASS]} passed, {self.count[FAIL]} failed, "
                 f"{self.count[SKIP]} skipped")
        return 1 if self.failed or not self.count[PASS] else 0


def first_line(text):
    return text.strip().split("\n")[0]


def load_cases():
    cases = []
    for f in sorted((util.ROOT / "tests" / "cases").glob("*.py")):
        if f.stem != "__init__":
            cases += importlib.import_module(f"cases.{f.stem}").CASES
    names = [c.id for c in cases]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        sys.exit(f"tests: declared twice: {', '.join(sorted(twice))}")
    return cases


def retarget(cases, kernel):
    """@cases on @kernel with one CPU, each once: the debug kernel's run of everything.

    Of one test's rows for several kernels and numbers of CPUs the one that fits best stands
    for all.
    """
    best = {}
    for c in cases:
        fits = (c.spec.kernel == kernels.VERSION.get(kernel, kernel)) - 2 * c.spec.cpus
        spec = dataclasses.replace(c.spec, kernel=kernel, cpus=1, mem=max(c.spec.mem, 768))
        c = dataclasses.replace(c, spec=spec, not_here=why_not(c, kernel))
        if c.id not in best or fits > best[c.id][0]:
            best[c.id] = fits, c
    return [c for _, c in best.values()]


def why_not(case, kernel):
    """Why @case cannot run on @kernel with one CPU; "" if it can."""
    if case.host:
        return "on this host, no kernel of the machine's"
    if case.spec.cpus > 1:
        return f"needs {case.spec.cpus} CPUs"
    if any(isinstance(m, modbuild.Fault) for m in case.modules):
        return "a fault is planted in the module"
    if case.kind == "kunit" and kernel not in kernels.BUILT:
        return "a kernel without KUnit"
    if kernel != "debug":
        return "" if case.spec.kernel != "debug" else ONLY_DEBUG
    return case.not_debug


def place(case, machine):
    """(spec to boot, "") or (None, why this case cannot run on this machine)."""
    if case.not_here:
        return None, case.not_here
    if case.host:
        return case.spec, ""
    if case.machine and case.machine != "qemu-tcg":
        if case.machine != machine:
            return None, f"only on {case.machine}"
    target = case.machine or machine
    if case.needs_vmx and target == "qemu-tcg" and not case.machine:
        return None, "no VMX in QEMU without KVM"
    if target != "bochs" and (case.spec.bios or case.spec.model != "skylake_x"):
        return None, "a CPU model or firmware that only Bochs has"
    if target == "qemu-kvm" and not qemu.kvm_usable():
        return None, "no usable nested VMX"
    return dataclasses.replace(case.spec, machine=target), ""


def plan(cases, machine, report, workers):
    """Work items: host cases, groups of cases that share a boot, kernels that must be built."""
    groups, items = {}, []
    for c in cases:
        spec, why = place(c, machine)
        if spec is None:
            report.emit([Result(c.id, SKIP, f"not run here: {why}")])
            continue
        # a boot of the debug kernel takes longer than what would be known earlier
        first = c.name.startswith(FIRST) and spec.kernel not in kernels.SLOWER
        if c.host:
            items.append(work.Item(functools.partial(run_host, c, report.emit),
                                   rank=not first, cost=c.timeout))
        else:
            groups.setdefault((spec, first), []).append(c)
    for (spec, first), members in groups.items():
        cost = 20 * spec.cpus + sum(c.timeout for c in members) / 4
        items.append(work.Item(functools.partial(boot.run_group, spec, members, report.emit),
                               rank=not first, cost=cost * kernels.SLOWER.get(spec.kernel, 1),
                               needs=spec.kernel))
    # beside another worker at once; else when nothing is left that can do without
    return items + [work.Item(functools.partial(build, name), rank=-1 if workers > 1 else 2,
                              makes=name)
                    for name in {spec.kernel for spec, _ in groups} if kernels.missing(name)]


def build(name):
    """The other worker goes on meanwhile. Who needs the kernel says why there is none."""
    with contextlib.suppress(util.BuildError):
        kernels.get(name)


def forget_old_logs():
    """Logs of failed boots are for now, not for ever."""
    for d in util.LOGS.glob("*/"):
        if time.time() - d.stat().st_mtime > 6 * 3600:
            shutil.rmtree(d, ignore_errors=True)


def run_host(case, emit):
    start = time.monotonic()
    try:
        with work.doing(case.name):
            results = case.host() or [Result(case.name, PASS)]
    except AssertionError as e:
        results = [Result(case.name, FAIL, str(e))]
    except Exception as e:                      # a broken test is a failed test
        results = [Result(case.name, FAIL, f"{type(e).__name__}: {e}")]
    for r in results:
        r.seconds = r.seconds or (time.monotonic() - start) / len(results)
    emit(results)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("prefix", nargs="*", help="run the tests whose names begin so")
    ap.add_argument("-l", "--list", action="store_true", help="list the tests and exit")
    ap.add_argument("-k", "--kernel", help="run all of them on this kernel, with one CPU")
    ap.add_argument("-j", type=int, default=min(2, os.cpu_count() or 1),
                    help="machines at once (default 2)")
    args = ap.parse_args()
    prefixes = [p for arg in args.prefix for p in arg.split()]
    machine = os.environ.get("MACHINE") or "bochs"
    if machine not in MACHINES:
        sys.exit(f"tests: MACHINE={machine}: one of {', '.join(MACHINES)}")
    if machine == "qemu-kvm" and not qemu.kvm_usable():
        print("tests: no usable nested VMX here: what needs it is not run")
    cases = load_cases()
    if args.kernel:
        cases = retarget(cases, args.kernel)
    else:
        cases = [dataclasses.replace(c, not_here=ONLY_DEBUG if c.spec.kernel == "debug" else "")
                 for c in cases]
    cases = [c for c in cases if c.selected(prefixes)]
    if not cases:
        sys.exit(f"tests: no test begins with {' '.join(prefixes)}; -l lists them")
    if args.list:
        for c in cases:
            print(c.id)
        return 0
    forget_old_logs()
    report = Report()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    try:
        with work.never_silent():
            items = plan(cases, machine, report, args.j)
            work.say(f"tests: {len(cases)} cases, {len(items)} pieces of work, {args.j} at once; "
                     f"logs of what fails: {os.path.relpath(util.LOGS)}")
            work.work_off(items, args.j)
    except (KeyboardInterrupt, SystemExit):
        boot.stop_all()
        work.say("\ntests: interrupted")
        os._exit(130)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
