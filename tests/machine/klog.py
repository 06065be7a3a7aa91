# SPDX-License-Identifier: GPL-2.0-only
"""Judge a kernel log: what is a splat, and whose."""
import re

from . import util

SPLAT = re.compile("|".join((
    r"\bBUG\b", r"WARNING:", r"\bOops\b", "KASAN", "UBSAN", "KFENCE", "KCSAN",
    "possible (circular|recursive|irq lock)", "inconsistent lock state", "suspicious RCU",
    "lock held when returning", "held lock freed", "sleeping function called",
    "scheduling while atomic", "general protection", "Call Trace", "rcu: INFO",
    r"INFO: task .* blocked", "unable to handle", "Kernel panic", "double fault",
    "invalid opcode", "stack segment", "soft lockup", "hard LOCKUP", "hung task",
    "detected stall", "refcount_t:", "list_(add|del) corruption", "Bad page", "bad page",
    "[Uu]nchecked MSR access", "cut here", "ODEBUG", "Objects remaining", "memory leak",
    "DEBUG_LOCKS_WARN", "usercopy: Kernel memory", "Disabling lock debugging",
    "lockdep is turned off", "locking correctness validator",
)))

# Kernel taint bits that say the same: machine check, bad page, oops, warning, soft lockup.
TAINT = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14

MARK = re.compile(r"vmxhv-test: (begin|end) (\S+)$")


def quirks():
    """Exact lines that a boot on the emulated machine prints with no module of ours."""
    lines = (util.MACHINE / "boot-quirks.txt").read_text().splitlines()
    return {line.rstrip() for line in lines if line and not line.startswith("#")}


def normalise(line):
    """A point release moves code about: offsets and line numbers are no part of a quirk."""
    line = re.sub(r"\+0x[0-9a-f]+/0x[0-9a-f]+", "+X", line)
    return re.sub(r"(\.[chS]):\d+", r"\1:N", line).rstrip()


def split(lines):
    """(lines before the first test, {test: lines from its begin to the next begin})."""
    boot, cases, cur = [], {}, None
    for line in lines:
        m = MARK.search(line)
        if m and m.group(1) == "begin":
            cur = cases.setdefault(m.group(2), [])
        elif m:
            pass
        elif cur is None:
            boot.append(line)
        else:
            cur.append(line)
    return boot, cases


def splats(lines, allowed=()):
    return [l for l in lines if SPLAT.search(l) and not any(re.search(a, l) for a in allowed)]


def boot_splats(lines):
    known = quirks()
    return [l for l in splats(lines) if normalise(l) not in known]
