# SPDX-License-Identifier: GPL-2.0-only
"""The benchmarks have something to say, and vmxhv's figures got no worse than they were."""
import json

import bench
import bench_linux
from machine.case import Case

# Two exits for CPUID and one for an I/O instruction, as the two sides tell it.
OURS = "[    9.1] reboot: Power down\n# exits_taken: " + ",".join(
    {10: "2", 30: "1"}.get(i, "0") for i in range(64))
THEIRS = """# trigger info: hist:keys=exit_reason:vals=hitcount:sort=hitcount:size=128 [active]

{ exit_reason:         30 } hitcount:          1
{ exit_reason:         10 } hitcount:          2

Totals:
    Hits: 3
    Entries: 2
    Dropped: 0
"""


def refuses(text):
    try:
        bench_linux.of_kvm(text)
    except AssertionError:
        return True
    return False


def reads_exits():
    """Of bench_linux: what both sides say is read as the same, and a loss is seen."""
    taken = {"CPUID": 2, "IO_INSTRUCTION": 1}
    for side, text in (("of_vmxhv", OURS), ("of_kvm", THEIRS)):
        got = getattr(bench_linux, side)(text)
        assert got == taken, f"{side}: {got}"
    for old, new in (("Dropped: 0", "Dropped: 1"), ("Hits: 3", "Hits: 4")):
        assert refuses(THEIRS.replace(old, new)), f"{new} is not seen"
    assert refuses(""), "no histogram is none that lost nothing"
    rows = [{"host": "6.1", **r} for r in bench_linux.by_reason([OURS] * 2 + [THEIRS] * 2)]
    assert "| CPUID | 2 / 2 | 2 / 2 |\n" in bench_linux.exit_tables(rows), "no row for CPUID"
    assert "| all | 3 / 3 | 3 / 3 |\n" in bench_linux.exit_tables(rows), "no sum"


def figures(host, **factors):
    """What the program would print whose figures are the ceilings, some times a factor."""
    rows = json.loads(bench.CEILINGS.read_text())[host]
    return "\n".join(f"bench vmxhv {name} {rows.get(name, 1) * factors.get(name, 1)}"
                     for name, _, _ in bench.ROWS)


def judges():
    """A row above its ceiling fails, and so does one that is not as in this run's other boot."""
    def good(check, **factors):
        try:
            check(figures("6.1", **factors), [])
        except AssertionError:
            return False
        return True

    alone, boots = bench.within_ceilings("6.1"), {}
    again = bench.within_ceilings("6.1", boots)
    assert good(alone) and good(alone, cpuid=1.029), "below 3 % is good"
    assert not good(alone, cpuid=1.031), "above 3 % is not"
    assert good(again) and good(again, out=1.004), "below 0.5 % is the same"
    assert not good(again, out=1.006) and not good(again, out=0.994), "another figure is not seen"


def pair_judges():
    """A row above its part of KVM's fails, and so does one that is not there."""
    def good(**factors):
        lines = [f"bench {side} {name} {1000 * (1 if side == 'kvm' else most * factors.get(name, 1))}"
                 for name, _, most in bench.PAIR for side in bench.SIDES
                 if factors.get(name, 1)]
        try:
            bench.beside_kvm("\n".join(lines), [])
        except AssertionError:
            return False
        return True

    assert good() and good(**{"msi-long": 0.5}), "as much as it may be is good"
    for name, _, _ in bench.PAIR:
        assert not good(**{name: 1.01}), f"{name}: more is not"
        assert not good(**{name: 0}), f"{name}: nobody misses it"


def first_cells(text):
    """Of the lines of a page's tables."""
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]


def tables():
    """FIGURES.md has the rows that `tests/bench.py --readme` would write, in their order."""
    text = bench.FIGURES.read_text()
    there, wanted = first_cells(text), first_cells(bench.tables_of_figures(text, {}))
    assert there == wanted, f"{sorted(set(there) ^ set(wanted)) or 'another order'}"


# A second boot with another layout of the host's memory, in another phase of its timer tick.
BOOTS = {}
CASES = []
for _host in bench.HOSTS:
    _same = {"check": bench.within_ceilings(_host, BOOTS)}
    CASES += [bench.checked_case("vmxhv", _host, **_same),
              bench.varied_case("shifted", 300_000, 70_000, _host, **_same)]
    CASES.append(bench.pair_case(_host, check=bench.beside_kvm))
CASES.append(bench.checked_case("kvm", "6.1", check=bench.complete))
CASES.append(Case("bench/reads-exits", host=reads_exits))
CASES.append(Case("bench/judges", host=judges))
CASES.append(Case("bench/judges-pair", host=pair_judges))
CASES.append(Case("bench/judges-pages", host=tables))
