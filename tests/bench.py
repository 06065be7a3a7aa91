#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench: instructions per operation, vmxhv and KVM in one boot.

  tests/bench.py [HOST ...]     hosts: 6.1 6.12
  tests/bench.py --linux [HOST ...]  only the Linux guest; build/bench.json keeps the other rows
  tests/bench.py --readme       the tables in README.md, FIGURES.md, LINUX.md, from build/bench.json
  tests/bench.py --ceilings     bench-ceilings.json, which `make check` holds vmxhv to: measured anew
  (tests/bench_phases.py        that those figures depend on nothing that they should not)

Each host kernel boots twice, with mitigations=off and with the kernel's default, on one CPU of the
emulated machine, where a tick of the TSC is an instruction. In each boot the same guest runs under
vmxhv first, then under the kernel's own kvm_intel. With mitigations=off follow the memory of idle
VMs, and a vmxhv.ko that counts VMREADs, VMWRITEs and MSR accesses. Boots of their own have two vCPUs
on two CPUs, and a Linux guest to its power-off (bench_linux.py). Writes build/bench.json, and where
gnuplot is installed bench/chart.svg; raw logs are kept in build/logs/bench-*.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import bench_linux                                              # noqa: E402
from machine import bochs, boot, kernels, modbuild, util      # noqa: E402
from machine.case import Spec, case                             # noqa: E402
from machine.tap import FAIL                                    # noqa: E402
from machine.work import never_silent                           # noqa: E402

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
    ("self-ipi", "IPI to itself, delivered and acknowledged", 600),
    ("self-ipi-hlt", "the same, ending HLT", 2500),
    ("run-at-once", "RUN that returns at once", 750),
    ("ioctl", "the cheapest ioctl", None),
    ("getppid", "getppid", None),
    ("loop", "an empty turn of the guest's loop", None),
    ("wbinvd", "WBINVD", 150),
    ("in", "IN from userspace and back", 900),
    ("mmio-read", "MMIO read from userspace and back", 1100),
    ("touch-2m", "first touch of a 2M page that the host has", 1300),
    ("deadline", "TSC-deadline timer: set, fired, ended", 2500),
    ("window", "self-IPI with interrupts off, opened, taken, ended", None),
    ("vm-create-cold", "VM, the first on the host: created", 40000),
    ("vm-destroy-cold", "... and destroyed", None),
    ("vm-create", "VM beside another: created", 40000),
    ("vm-destroy", "... and destroyed", None),
    ("vcpu-create", "vCPU created", 40000),
    ("life-cold", "whole life: VM, memory, vCPU, run to an exit, gone", 300000),
    ("life", "... beside another VM", 300000),
]


# Bytes for each of many, on the first column of figures only.
MEMORY = [
    ("vm-memory", "memory of an idle VM, charged to its cgroup", 32 << 10),
    ("vcpu-memory", "... of a vCPU", 64 << 10),
]

# Two CPUs, from the sending to the other vCPU's handler; and how much of KVM's it may be at most:
# a little more than it is. FIGURES.md has the aims.
PAIR = [
    ("msi-running", "MSI to a vCPU that runs", 0.7),
    ("msi-brief", "... that halted a short while ago", 0.7),
    ("msi-long", "... whose thread sleeps", 0.8),
    ("x2apic-running", "IPI (x2APIC) to a vCPU that runs", 0.55),
    ("x2apic-brief", "... that halted a short while ago", 0.7),
    ("x2apic-long", "... whose thread sleeps", 0.75),
    ("xapic-running", "IPI (xAPIC) to a vCPU that runs", 0.5),
    ("xapic-brief", "... that halted a short while ago", 0.7),
    ("xapic-long", "... whose thread sleeps", 0.55),
]

# What the host costs by itself.
FLOORS = ("ioctl", "getppid", "loop")

# The pages with a table: where it stands in them, and what README.md has of it.
MARKERS = "<!-- bench.json -->", "<!-- /bench.json -->"
PAIR_MARKERS = "<!-- bench.json: two CPUs -->", "<!-- /bench.json: two CPUs -->"
README, FIGURES = util.ROOT / "README.md", util.ROOT / "tests" / "FIGURES.md"
SHORT = ("cpuid", "out", "mmio", "touch-present", "self-ipi", "vcpu-create", "life-cold",
         "linux-quiet")
SHORT_COLUMNS = (("6.1", "off"), ("6.12", "default"))

# FIGURES.md has all rows but the floors.
NAMES = [name for name, _, _ in ROWS + MEMORY + bench_linux.ROWS if name not in FLOORS]
COLUMNS = [(host, m) for host in HOSTS for m in MITIGATIONS]
PAIR_COLUMNS = [(host, "off") for host in HOSTS]

RESULTS = util.BUILD / "bench.json"

# A row of ours fails when it is this much above its ceiling.
CEILINGS = util.ROOT / "tests" / "bench-ceilings.json"
SLACK = 1.03
# Two boots that differ in nothing that a figure should depend on differ less than this.
STEADY = 0.005
CHART = util.ROOT / "tests" / "bench" / "chart.svg"


# Without a source of chance a boot repeats, nearly to the tick.
NO_CHANCE = f"clearcpuid={bochs.MODELS[Spec().model][1]},rdrand,rdseed norandmaps"


def side_case(side, what="", **kw):
    kw.setdefault("modules", [SIDES[side]])
    kw.setdefault("cmdline", NO_CHANCE)
    return case(f"bench/{side}{what and '-'}{what}", f"bench {side} {what}".rstrip(),
                kind="plain", timeout=120, not_debug="a benchmark", **kw)


def pair_case(kernel, **kw):
    """Both sides in one boot, on two CPUs. KVM, which is loaded first, leaves VMX alone until it has
    a VM; 6.12's must be told to."""
    idle = ["kvm enable_virt_at_load=0"] if kernel == "6.12" else []
    return case("bench/pair", "bench vmxhv pair && bench kvm pair", kernel=kernel, cpus=2,
                modules=[*idle, "kvm_intel", "vmxhv"], cmdline=NO_CHANCE, kind="plain", timeout=120,
                not_debug="a benchmark", **kw)


def checked_case(side, kernel, **kw):
    """What `make check` runs, in a boot that nothing else has had a part in."""
    return side_case(side, "short", kernel=kernel, alone="bench", **kw)


def varied_case(what, pad, shift, kernel, **kw):
    """The same with so many bytes more in the initramfs, beginning so many ticks later."""
    same = checked_case("vmxhv", kernel, files=[("pad", bytes(pad))], **kw)
    return dataclasses.replace(same, name=f"bench/vmxhv-{what}", run=f"bench vmxhv short {shift}",
                               spec=dataclasses.replace(same.spec, alone=f"bench-{what}"))


def figures(output):
    """{(side, name): ticks or bytes} of what the program printed."""
    rows = [line.split() for line in output.splitlines() if line.startswith("bench ")]
    return {(r[1], r[2]): float(r[3]) for r in rows if len(r) == 4}


def counts(output):
    """{name: {what: times}} likewise."""
    rows = [line.split() for line in output.splitlines() if line.startswith("count ")]
    return {r[1]: dict(zip(("vmreads", "vmwrites", "msrs"), map(float, r[2:])))
            for r in rows if len(r) == 5}


def complete(output, _log=None):
    """Every row is there, and positive: {name: ticks}."""
    got = figures(output)
    sides = {side for side, _ in got}
    assert len(sides) == 1, f"results of {sides or 'nobody'}"
    side = sides.pop()
    missing = [name for name, _, _ in ROWS if got.get((side, name), 0) <= 0]
    assert not missing, f"no figure for {', '.join(missing)}"
    return {name: got[side, name] for name, _, _ in ROWS if name not in FLOORS}


def differs(one, other):
    """The rows of one boot that are not as in another."""
    return [f"{name}: {one[name]:,.1f} and {other[name]:,.1f}" for name in one
            if abs(one[name] / other[name] - 1) > STEADY]


def built_by(host):
    """What besides the module makes the figures."""
    gcc = util.run(["gcc", "-dumpfullversion"]).strip()
    return f"Linux {kernels.get(host).release}, gcc {gcc}"


def within_ceilings(host, boots=None):
    """The check of a case: no row of ours got worse. And none is another than in the boots of this
    run that are remembered in @boots, which differ in nothing that counts."""
    def check(output, _log):
        ceilings, got = json.loads(CEILINGS.read_text()), complete(output)
        ceiling, here = ceilings[host], built_by(host)
        over = [f"{name}: {ticks:,.1f} ticks, its ceiling is {ceiling.get(name, 0):,.1f}"
                for name, ticks in got.items() if ticks > SLACK * ceiling.get(name, 0)]
        assert not over, "\n".join([f"more than {SLACK - 1:.0%} above bench-ceilings.json, which is of "
                                    f"{ceilings['of'][host]} (here: {here}):", *over])
        other = got if boots is None else boots.setdefault(host, got)
        unlike = differs(got, other)
        assert not unlike, "\n".join(["another figure in another boot:", *unlike])
    return check


def beside_kvm(output, _log):
    """The check of pair_case(): each row of ours is below its part of KVM's."""
    rows, wrong = compared(PAIR, figures(output), {})
    most = {name: limit for name, _, limit in PAIR}
    wrong += [f"{r['name']}: {r['vmxhv']:,.0f} ticks are {r['ratio']} of KVM's {r['kvm']:,.0f}, "
              f"wanted {most[r['name']]}" for r in rows if r["ratio"] > most[r["name"]]]
    assert not wrong, "\n".join(wrong)


def execute(name, spec, cases, programs="all"):
    """One boot with these of modbuild.programs(): [output of a case], and what was wrong."""
    kernel = kernels.get(spec.kernel)
    built = (modbuild.programs(programs), modbuild.modules(kernel))
    work = util.LOGS / f"bench-{name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    state = boot.execute(spec, kernel, cases, work, built=built)
    results, _ = boot.judge(state)
    boot.keep_logs(work)
    wrong = [f"{r.name}: {r.detail}" for r in results if r.status == FAIL]
    if not results:
        wrong.append(f"the machine did not come up: {state.died}\n{boot.console(work)}")
    return ["\n".join(state.output.get(i, [])) for i in range(len(cases))], wrong


def measure(host, mitigations):
    """One boot: its rows, and what was wrong."""
    first = mitigations == "off"
    spec = Spec(kernel=host, mitigations=MITIGATIONS[mitigations], cmdline=NO_CHANCE)
    where = {"kernel": host, "mitigations": spec.mitigations}
    cases = [side_case(side, **where) for side in SIDES]
    if first:
        cases += [side_case(side, "memory", **where) for side in SIDES]
        cases.append(side_case("vmxhv", "count", modules=[modbuild.COUNTING], **where))
    output, wrong = execute(f"{host}-{mitigations}", spec, cases)
    output = "\n".join(output)
    got, counted = figures(output), counts(output)
    rows, missing = [], []
    for group, unit in ((ROWS, "ticks"), (MEMORY if first else [], "bytes")):
        more, lost = compared(group, got, {"host": host, "mitigations": mitigations, "unit": unit})
        rows += more
        missing += lost
    return [{**r, **counted.get(r["name"], {})} for r in rows], wrong + missing


def measure_pair(host):
    """The boot with two CPUs: its rows, and what was wrong."""
    one = pair_case(host)
    output, wrong = execute(f"{host}-pair", one.spec, [one])
    rows, missing = compared(PAIR, figures(output[0]),
                             {"host": host, "mitigations": "off", "unit": "ticks, two CPUs"})
    return rows, wrong + missing


def compared(group, got, where, scale=1):
    """Rows of figures() by both sides, and the complaints about what is not there."""
    rows, wrong = [], []
    for name, _, _ in group:
        ours, theirs = got.get(("vmxhv", name)), got.get(("kvm", name))
        if not ours or not theirs:
            wrong.append(f"{name}: no figure of {'KVM' if ours else 'vmxhv'}")
            continue
        rows.append({"name": name, **where, "vmxhv": round(ours / scale, 1),
                     "kvm": round(theirs / scale, 1), "ratio": round(ours / theirs, 3)})
    return rows, wrong


def measure_linux(host, mitigations):
    """One boot: its rows, exits by reason, and what was wrong."""
    spec = Spec(kernel=host, mitigations=MITIGATIONS[mitigations], cmdline=NO_CHANCE, mem=1024)
    where = {"kernel": host, "mitigations": spec.mitigations}
    cases, exits = bench_linux.timed(**where), []
    times = len(cases)
    if mitigations == "off":
        cases += bench_linux.counted(**where)
    output, wrong = execute(f"{host}-{mitigations}-linux", spec, cases)
    rows, missing = compared(bench_linux.ROWS, figures("\n".join(output)),
                             {"host": host, "mitigations": mitigations, "unit": "million ticks"},
                             bench_linux.UNIT)
    if cases[times:] and not wrong:
        exits = [{"host": host, **r} for r in bench_linux.by_reason(output[times:])]
    return rows, exits, wrong + missing


def write_ceilings():
    """What the checked cases give now, from boots like theirs."""
    ceilings = {"of": {host: built_by(host) for host in HOSTS}}
    for host in HOSTS:
        one = checked_case("vmxhv", host)
        output, wrong = execute(f"{host}-ceilings", one.spec, [one])
        if wrong:
            sys.exit(f"bench: {host}: " + "\n".join(wrong))
        ceilings[host] = complete(output[0])
    CEILINGS.write_text(json.dumps(ceilings, indent=1) + "\n")
    print(f"{sum(len(ceilings[host]) for host in HOSTS)} ceilings in {CEILINGS.relative_to(util.ROOT)}")


def show(rows):
    text = {name: (what, budget) for name, what, budget in ROWS + MEMORY + bench_linux.ROWS}
    text |= {name: (what, None) for name, what, _ in PAIR}
    host, mitigations = rows[0]["host"], rows[0]["mitigations"]
    print(f"\n{kernels.get(host).release}, mitigations={mitigations}")
    print(f"{'ticks (instructions)':54} {'vmxhv':>9} {'KVM':>9} {'ratio':>6}"
          "  VMREADs, VMWRITEs, MSRs    budget")
    for r in rows:
        what, budget = text[r["name"]]
        judged = ""
        if budget and (host, mitigations) == ("6.1", "off"):
            judged = f"{budget:>7,} {'kept' if r['vmxhv'] <= budget else 'MISSED'}"
        print(f"{what:54} {r['vmxhv']:9,.0f} {r['kvm']:9,.0f} {r['ratio']:6.2f}  "
              f"{accesses(r):25} {judged}".rstrip())
    sys.stdout.flush()


def accesses(row):
    """VMREADs, VMWRITEs and MSR accesses, where they were counted."""
    if "vmreads" not in row:
        return ""
    return ", ".join(f"{row[k]:.1f}".removesuffix(".0") for k in ("vmreads", "vmwrites", "msrs"))


def figure_table(rows, names, columns, counted):
    """Both sides' figures: a line for each of @names, a column for each of @columns."""
    def both(*key):
        return f"{rows[key]['vmxhv']:,.0f} / {rows[key]['kvm']:,.0f}" if key in rows else ""

    what = {name: text for name, text, _ in ROWS + MEMORY + PAIR + bench_linux.ROWS}
    heads = [f"{h}, `mitigations=off`" if m == "off" else f"{h}, {m}" for h, m in columns]
    lines = [[what[name], *(both(name, h, m) for h, m in columns)] for name in names]
    if counted:
        heads.append("VMREADs, VMWRITEs, MSRs")
        for name, line in zip(names, lines):
            line.append(accesses(rows.get((name, *columns[0]), {})))
    return bench_linux.table(["vmxhv / KVM", *heads], lines)


def with_table(text, table, markers=MARKERS):
    """A page's text with @table between its two markers."""
    begin, end = markers
    assert text.count(begin) == text.count(end) == 1, f"not one each of {begin} and {end}"
    before, after = text.index(begin) + len(begin), text.index(end)
    return f"{text[:before]}\n{table}{text[after:]}"


def tables_of_figures(text, rows):
    """FIGURES.md with both its tables."""
    text = with_table(text, figure_table(rows, NAMES, COLUMNS, counted=True))
    pair = figure_table(rows, [name for name, _, _ in PAIR], PAIR_COLUMNS, counted=False)
    return with_table(text, pair, PAIR_MARKERS)


def readme():
    """Put the figures of the last run on all hosts into the pages that have them."""
    got = results()
    rows = {(r["name"], r["host"], r["mitigations"]): r for r in got["rows"]}
    needed = [(n, *COLUMNS[0]) for n in NAMES] + [(n, *c) for c in SHORT_COLUMNS for n in SHORT]
    needed += [(n, *c) for c in PAIR_COLUMNS for n, _, _ in PAIR]
    missing = [f"{name} ({host}, {m})" for name, host, m in needed if (name, host, m) not in rows]
    if missing:
        sys.exit(f"bench: {RESULTS} has no figure of {', '.join(missing)}: make bench")
    short = figure_table(rows, SHORT, SHORT_COLUMNS, counted=False)
    pages = {FIGURES: tables_of_figures(FIGURES.read_text(), rows),
             README: with_table(README.read_text(), short)}
    for path, text in pages.items():
        path.write_text(text)
    if got["exits"]:
        bench_linux.write_page(got["exits"])


def chart(rows):
    """bench/chart.svg: 6.1 with mitigations=off, if gnuplot is there."""
    rows = [r for r in rows if (r["host"], r["mitigations"], r["unit"]) == ("6.1", "off", "ticks")
            and r["name"] not in FLOORS]
    if not rows or not shutil.which("gnuplot"):
        return
    data = util.BUILD / "bench.dat"
    data.write_text("".join(f"{r['name']} {r['vmxhv']} {r['kvm']}\n" for r in rows))
    subprocess.run(["gnuplot", "-e", f"data='{data}'; chart='{CHART}'",
                    CHART.with_suffix(".gp")], check=True)
    print(f"a chart in {CHART.relative_to(util.ROOT)}")


def results():
    """What the last run left: the figures, and a Linux guest's exits by reason."""
    return {"rows": [], "exits": [], **(json.loads(RESULTS.read_text()) if RESULTS.exists() else {})}


def save(rows, exits):
    tmp = RESULTS.with_suffix(".tmp")
    tmp.write_text(json.dumps({"rows": rows, "exits": exits}, indent=1) + "\n")
    tmp.rename(RESULTS)


def kept(hosts):
    """Of the last results, what measuring only the Linux guest on @hosts leaves as it is."""
    linux = [name for name, _, _ in bench_linux.ROWS]
    old = results()
    return ([r for r in old["rows"] if r["name"] not in linux or r["host"] not in hosts],
            [r for r in old["exits"] if r["host"] not in hosts])


def take(host, mitigations, linux_only):
    """All that is measured with these: rows, exits by reason, what was wrong."""
    rows, wrong = ([], []) if linux_only else measure(host, mitigations)
    if mitigations == "off" and not linux_only:
        more, bad = measure_pair(host)
        rows += more
        wrong += bad
    more, exits, bad = measure_linux(host, mitigations)
    rows += more
    if rows:
        show(rows)
    if exits:
        print(bench_linux.exit_tables(exits))
    return rows, exits, wrong + bad


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("host", nargs="*", default=HOSTS, help=f"of {', '.join(HOSTS)}")
    ap.add_argument("--linux", action="store_true", help="only the Linux guest")
    ap.add_argument("--readme", action="store_true", help="only write the tables of the pages")
    ap.add_argument("--ceilings", action="store_true", help="only write bench-ceilings.json")
    args = ap.parse_args()
    if args.readme:
        return readme()
    if args.ceilings:
        return write_ceilings()
    if not set(args.host) <= set(HOSTS):
        sys.exit(f"bench: hosts are {', '.join(HOSTS)}")
    (rows, exits), wrong = kept(args.host) if args.linux else ([], []), []
    for host in args.host:
        for mitigations in MITIGATIONS:
            new, taken, bad = take(host, mitigations, args.linux)
            for w in bad:
                print(f"bench: {host}, mitigations={mitigations}: {w}", flush=True)
            rows += new
            exits += taken
            wrong += bad
    save(rows, exits)
    chart(rows)
    print(f"\n{len(rows)} rows in {os.path.relpath(RESULTS, util.ROOT)}, logs in build/logs/bench-*")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        with never_silent():
            sys.exit(main())
    except util.BuildError as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        boot.stop_all()
        sys.exit(130)
