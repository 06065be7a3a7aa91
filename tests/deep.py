#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make check-deep: what takes too long for make check, in parts, each of which may be resumed.

  DEEP_MINUTES=n tests/deep.py [PART ...]

A part is the test deep/PART on all its machines. One that has passed with these very sources is
not run again; none is begun once n minutes are over. build/deep.json remembers what each part came
to; the exit status is 0 when all have passed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import util                                                  # noqa: E402

RUN = util.ROOT / "tests" / "run.py"
MEMORY = util.BUILD / "deep.json"
PREFIX = "deep/"


def digest():
    """Of all files of the project: a part that passed with others has yet to pass."""
    out = util.run(["git", "-c", f"safe.directory={util.ROOT}", "ls-files", "-co",
                    "--exclude-standard"], cwd=util.ROOT)
    files = sorted(f for f in set(out.split("\n")) if f and (util.ROOT / f).is_file())
    return util.digest(*files, *(util.ROOT / f for f in files))


def parts():
    out = subprocess.run([sys.executable, RUN, "-l", PREFIX], capture_output=True, text=True,
                         check=True).stdout
    names = (line[len(PREFIX):].split("@")[0] for line in out.split())
    return list(dict.fromkeys(names))


def load():
    try:
        return json.loads(MEMORY.read_text())
    except (OSError, ValueError):
        return {}


def run(part):
    """The last line of its tests, and whether it passed."""
    last = "nothing"
    with subprocess.Popen([sys.executable, RUN, f"{PREFIX}{part}"], stdout=subprocess.PIPE,
                          text=True) as child:
        for line in child.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return last, child.returncode == 0


def main():
    every = parts()
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("part", nargs="*", help="; ".join(every))
    chosen = ap.parse_args().part or every
    end = time.monotonic() + 60 * float(os.environ.get("DEEP_MINUTES") or 1e9)
    key, known = digest(), load()
    for part in chosen:
        if known.get(part, {}).get("sources") == key or time.monotonic() >= end:
            continue
        start = time.monotonic()
        last, passed = run(part)
        minutes = round((time.monotonic() - start) / 60, 1)
        known[part] = {"result": last, "minutes": minutes, "sources": key if passed else ""}
        util.BUILD.mkdir(exist_ok=True)
        MEMORY.write_text(json.dumps(known, indent=1) + "\n")
    left = [p for p in chosen if known.get(p, {}).get("sources") != key]
    for part in chosen:
        k = known.get(part, {"result": "not run yet", "minutes": 0})
        print(f"{part}: {'to be run; last: ' if part in left else ''}{k['result']} "
              f"({k['minutes']} min)")
    print(f"{len(chosen) - len(left)} passed, {len(left)} left")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
