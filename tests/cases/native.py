# SPDX-License-Identifier: GPL-2.0-only
"""Files of the module on the CPU of this machine: what needs no ring 0, and no emulator does."""
import subprocess

from machine import tap, util
from machine.case import Case

NAMES = sorted(f.stem for f in (util.ROOT / "tests/native").glob("*.c"))


def run(name):
    """Built each time: what it includes lies all over the tree, and it takes a second."""
    program = util.BUILD / "user/native" / name
    program.unlink(missing_ok=True)
    util.run(["make", "-s", "-C", str(util.ROOT / "tests"), str(program),
              f"OUT={util.BUILD / 'user'}"])
    res = subprocess.run([program], capture_output=True, text=True, timeout=60)
    results = tap.tap(f"native/{name}", res.stdout)
    assert results, f"no results, status {res.returncode}: {res.stdout + res.stderr}"
    return results


def native(name):
    return Case(f"native/{name}", host=lambda: run(name))


CASES = [native(name) for name in NAMES]
