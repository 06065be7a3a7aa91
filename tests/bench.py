#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench: instructions per operation, vmxhv and KVM in one boot.

  tests/bench.py [HOST ...]     hosts: 6.1 6.12
  tests/bench.py --readme       the table in README.md, from build/bench.json

Each host kernel boots twice, with mitigations=off and with the kernel's default, on one CPU of the
emulated machine, where a tick of the TSC is an instruction. In each boot the same guest runs under
vmxhv first, then under the kernel's own kvm_intel. Writes build/bench.json; raw logs are kept in
build/logs/bench-*.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import boot, kernels, modbuild, util               # noqa: E402
from machine.case import Spec, case                             # noqa: E402
from machine.tap import FAIL                                    # noqa: E402

HOSTS = ("6.1", "6.12")
MITIGATIONS = {"off": "off", "default": ""}
SIDES = {"vmxhv": "vmxhv", "kvm": "kvm_intel"}

# Name, what it is, and what it should cost on 6.1 with mitigations=off (None: not ours to set).
ROWS = [
    ("cpuid", "CPUID, handled in the kernel", 150),
    ("vmcall", "VMCALL, handled in the kernel", 150),
    ("rdmsr", "RDMSR (APIC base)", 170),
    ("wrmsr", "WRMSR (PAT)", 170),
    ("out", "OUT to userspace and back", 900),
    ("mmio", "MMIO write to userspace and back", 1100),
    ("touch-present", "first touch of a 4K page that the host has", 1200),
    ("touch-around", "the same, with its neighbours: each", 300),
    ("touch-absent", "first touch of a 4K page that the host lacks", 4000),
    ("run-at-once", "RUN that returns at once", 750),
    ("ioctl", "the cheapest ioctl", None),
    ("getppid", "getppid", None),
    ("loop", "an empty turn of the guest's loop", None),
]


# What the host costs by itself, and where README.md's table stands.
FLOORS = ("ioctl", "getppid", "loop")
BEGIN, END = "<!-- bench.json -->", "<!-- /bench.json -->"


def side_case(side, **kw):
    return case(f"bench/{side}", f"bench {side}", modules=[SIDES[side]], kind="plain",
                timeout=60, not_debug="a benchmark", **kw)


def figures(output):
    """{(side, name): ticks} of what the program printed."""
    rows = [line.split() for line in output.splitlines() if line.startswith("bench ")]
    return {(r[1], r[2]): float(r[3]) for r in rows if len(r) == 4}


def complete(output, _log=None):
    """Every row is there, and positive."""
    got = figures(output)
    sides = {side for side, _ in got}
    assert len(sides) == 1, f"results of {sides or 'nobody'}"
    side = sides.pop()
    missing = [name for name, _, _ in ROWS if got.get((side, name), 0) <= 0]
    assert not missing, f"no figure for {', '.join(missing)}"


def measure(host, mitigations):
    """One boot: its rows, and what was wrong."""
    spec = Spec(kernel=host, mitigations=MITIGATIONS[mitigations])
    cases = [side_case(side, kernel=host, mitigations=spec.mitigations) for side in SIDES]
    kernel = kernels.get(host)
    modbuild.modules(kernel)
    modbuild.programs()
    work = util.LOGS / f"bench-{host}-{mitigations}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    state = boot.execute(spec, kernel, cases, work)
    results, _ = boot.judge(state)
    boot.keep_logs(work)
    got = {}
    for lines in state.output.values():
        got.update(figures("\n".join(lines)))
    wrong = [f"{r.name}: {r.detail}" for r in results if r.status == FAIL]
    if not results:
        wrong.append(f"the machine did not come up: {state.died}\n{boot.console(work)}")
    rows = []
    for name, _, _ in ROWS:
        ours, theirs = got.get(("vmxhv", name)), got.get(("kvm", name))
        if not ours or not theirs:
            wrong.append(f"{name}: no figure of {'KVM' if ours else 'vmxhv'}")
            continue
        rows.append({"name": name, "host": host, "mitigations": mitigations, "unit": "ticks",
                     "vmxhv": ours, "kvm": theirs, "ratio": round(ours / theirs, 3)})
    return rows, wrong


def show(rows):
    text = {name: (what, budget) for name, what, budget in ROWS}
    host, mitigations = rows[0]["host"], rows[0]["mitigations"]
    print(f"\n{kernels.get(host).release}, mitigations={mitigations}")
    print(f"{'ticks (instructions)':46} {'vmxhv':>9} {'KVM':>9} {'ratio':>6}  budget")
    for r in rows:
        what, budget = text[r["name"]]
        judged = ""
        if budget and (host, mitigations) == ("6.1", "off"):
            judged = f"{budget:>6,} {'kept' if r['vmxhv'] <= budget else 'MISSED'}"
        print(f"{what:46} {r['vmxhv']:9,.0f} {r['kvm']:9,.0f} {r['ratio']:6.2f}  {judged}")
    sys.stdout.flush()


def readme():
    """Put the figures of the last run on all hosts into README.md, between its two markers."""
    rows = json.loads((util.BUILD / "bench.json").read_text())["rows"]
    got = {(r["name"], r["host"], r["mitigations"]): f"{r['vmxhv']:,.0f} / {r['kvm']:,.0f}"
           for r in rows}
    columns = [(host, m) for host in HOSTS for m in MITIGATIONS]
    heads = [f"{h}, `mitigations=off`" if m == "off" else f"{h}, {m}" for h, m in columns]
    table = [f"| vmxhv / KVM | {' | '.join(heads)} |", "|---" * (len(columns) + 1) + "|"]
    table += [f"| {what} | {' | '.join(got[name, h, m] for h, m in columns)} |"
              for name, what, _ in ROWS if name not in FLOORS]
    path = util.ROOT / "README.md"
    text = path.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    path.write_text(text[:begin] + "\n".join(["", *table, ""]) + text[end:])


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("host", nargs="*", default=HOSTS, help=f"of {', '.join(HOSTS)}")
    ap.add_argument("--readme", action="store_true", help="only write README.md's table")
    args = ap.parse_args()
    if args.readme:
        return readme()
    if not set(args.host) <= set(HOSTS):
        sys.exit(f"bench: hosts are {', '.join(HOSTS)}")
    rows, wrong = [], []
    for host in args.host:
        for mitigations in MITIGATIONS:
            new, bad = measure(host, mitigations)
            if new:
                show(new)
            for w in bad:
                print(f"bench: {host}, mitigations={mitigations}: {w}", flush=True)
            rows += new
            wrong += bad
    out = util.BUILD / "bench.json"
    tmp = out.with_suffix(".tmp")
    tmp.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    tmp.rename(out)
    print(f"\n{len(rows)} rows in {os.path.relpath(out, util.ROOT)}, logs in build/logs/bench-*")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except util.BuildError as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        boot.stop_all()
        sys.exit(130)
