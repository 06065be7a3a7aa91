#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Do vmxhv's figures depend on what they must not depend on?

  tests/bench_phases.py [HOST ...]           initramfses of several sizes, starts at several times
  tests/bench_phases.py --trees [HOST ...]   and copies of this tree in folders with other names
  tests/bench_phases.py --one PAD SHIFT HOST  only one such boot: its figures

Each is a boot of the emulated machine as `make check T=bench` makes it, and a row that has a ceiling
must be the same in all of them, to within 0.5 %. A tree's first boot builds the modules, a minute
of CPU each; all others take about 15 s.
"""
import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import bench                                                    # noqa: E402
from machine import boot, util                                  # noqa: E402
from machine.case import Spec                                   # noqa: E402
from machine.work import doing, never_silent, say               # noqa: E402

# Bytes in the initramfs that nobody reads, and ticks before the first sample: a jiffy is 200,000.
PHASES = [(0, 0), (0, 50_000), (0, 100_000), (5_000, 150_000), (70_000, 30_000), (1_000_000, 0),
          (3_333_333, 77_777)]
# Lengths of the folders' names.
TREES = (1, 8, 21, 55, 144)


def one(pad, shift, host):
    """The figures of a boot: {name: ticks}."""
    case = bench.varied_case("phases", pad, shift, host)
    output, wrong = bench.execute(f"{host}-phases", Spec(kernel=host, cmdline=bench.NO_CHANCE),
                                  [case], "bench")
    if wrong:
        sys.exit("\n".join(wrong))
    return bench.complete(output[0])


def of_tree(length, host):
    """The same, of a copy of this tree in a folder whose name is that long."""
    tree = util.BUILD / "phases" / ("t" * length)
    tree.mkdir(parents=True, exist_ok=True)
    files = util.run(["git", "-c", f"safe.directory={util.ROOT}", "ls-files", "-co",
                      "--exclude-standard"], cwd=util.ROOT)
    listed = tree.with_name("files")
    listed.write_text("\n".join(f for f in files.split("\n") if (util.ROOT / f).is_file()))
    util.run(["rsync", "-a", f"--files-from={listed}", f"{util.ROOT}/", f"{tree}/"])
    out = util.run([sys.executable, "tests/bench_phases.py", "--one", 0, 0, host], cwd=tree)
    return {name: ticks for (_, name), ticks in bench.figures(out).items()}


def spread(host, boots):
    """Rows of all boots, and the names of those that differ too much."""
    bad = []
    for name in boots[0]:
        seen = [b[name] for b in boots]
        far = max(seen) / min(seen) - 1
        bad += [name] if far > bench.STEADY else []
        say(f"{host:5} {name:16} {min(seen):12,.1f} {max(seen):12,.1f} {far:8.2%}"
            f"{'  more than ' + format(bench.STEADY, '.1%') if far > bench.STEADY else ''}")
    return bad


def compare(host, trees):
    boots = []
    for pad, shift in PHASES:
        with doing(f"{host}, {pad} bytes more, {shift} ticks later", loud=True):
            boots.append(one(pad, shift, host))
    for length in TREES if trees else ():
        with doing(f"{host}, in a folder with a name of {length}", loud=True):
            boots.append(of_tree(length, host))
    return spread(host, boots)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("host", nargs="*", default=bench.HOSTS, help=f"of {', '.join(bench.HOSTS)}")
    ap.add_argument("--trees", action="store_true", help="copies of this tree, too")
    ap.add_argument("--one", nargs=2, type=int, metavar=("PAD", "SHIFT"), help="one boot's figures")
    args = ap.parse_args()
    if args.one:
        for name, ticks in one(*args.one, args.host[0]).items():
            say(f"bench vmxhv {name} {ticks:.1f}")
        return 0
    bad = [name for host in args.host for name in compare(host, args.trees)]
    say(f"these depend on it: {', '.join(bad)}" if bad else "nothing depends on it")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        with never_silent():
            sys.exit(main())
    except util.BuildError as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        boot.stop_all()
        sys.exit(130)
