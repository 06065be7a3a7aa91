# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the test machine: what goes wrong in it must not be called passed."""
import functools
import re

from machine import boot, klog, tap
from machine.case import Case, Spec, case

NEIGHBOURS = [
    case("planted/none", modules=["planted fault=none"]),
    case("planted/status", "exit 3", modules=[]),
    case("planted/timeout", "sleep 60", modules=[], timeout=1),
    case("planted/plan", "echo 1..2; echo ok 1 - only", modules=[]),
    case("planted/warn", modules=["planted fault=warn"]),
    case("planted/expected-warn", modules=["planted fault=warn"],
         expect_dmesg=["cut here", "planted by the tests", "Call Trace",
                       r"WARNING: .* fault_warn\+"]),
    case("planted/oops", modules=["planted fault=oops"]),
    case("planted/after", "true", modules=[]),
]

# What each must be judged, and a word that the reason must hold.
WANTED = {
    "planted/none": (tap.PASS, ""),
    "planted/status": (tap.FAIL, "exit status 3"),
    "planted/timeout": (tap.FAIL, "exit status timeout"),
    "planted/plan": (tap.FAIL, "planned 2, ran 1"),
    "planted/warn": (tap.FAIL, "planted by the tests"),
    "planted/expected-warn": (tap.PASS, ""),
    "planted/oops": (tap.FAIL, "NULL pointer dereference"),
    "planted/after": (tap.PASS, ""),
    "planted/crash": (tap.FAIL, "before its result marker"),
    "planted/after-crash": (tap.PASS, ""),
    "planted/beyond": (tap.PASS, ""),
    "planted/beyond-other": (tap.FAIL, "beyond a=2, expected a=1"),
    "planted/beyond-unasked": (tap.FAIL, "Linux was left for another program"),
    "planted/beyond-warn": (tap.FAIL, "planted by the tests"),
    "planted/beyond-crash": (tap.FAIL, "before its result marker"),
    "planted/beyond-never": (tap.FAIL, "Linux went on"),
}


def judge(spec, cases):
    """Run @cases and turn their verdicts round: the wanted failure is a pass."""
    got = []
    boot.run_group(spec, list(cases), got.extend)
    results = []
    for c in cases:
        status, word = WANTED[c.name]
        mine = [r for r in got if r.name.startswith(f"{c.name}@")]
        worst = tap.FAIL if any(r.status == tap.FAIL for r in mine) else tap.PASS
        text = "\n".join(r.detail for r in mine)
        ok = mine and worst == status and word in text
        results.append(tap.Result(f"machine/{c.name}", tap.PASS if ok else tap.FAIL,
                                  "" if ok else f"judged {worst}, wanted {status}: {text}"))
    return results


CRASH = [case("planted/crash", "echo c > /proc/sysrq-trigger", modules=[]),
         case("planted/after-crash", "true", modules=[])]

# What a program that came after Linux would say.
SAYS = "echo '@@vmxhv beyond a={}'; sleep 20"
BEYOND = [
    case("planted/beyond", SAYS.format(1), modules=[], beyond="a=1"),
    case("planted/beyond-other", SAYS.format(2), modules=[], beyond="a=1"),
    case("planted/beyond-unasked", SAYS.format(1), modules=[]),
    case("planted/beyond-warn", SAYS.format(1), modules=["planted fault=warn"], beyond="a=1"),
    case("planted/beyond-crash", "echo c > /proc/sysrq-trigger", modules=[], beyond="a=1"),
    case("planted/beyond-never", "true", modules=[], beyond="a=1"),
]

# The debug kernel's checkers, each with a fault that it alone sees; KASAN's comes last, since
# what it prints switches lockdep off.
CHECKERS = {
    "sleep": "BUG: sleeping function called from invalid context",
    "preempt": r"BUG: using smp_processor_id\(\) in preemptible",
    "shift": "UBSAN: shift-out-of-bounds",
    "lock-order": "WARNING: possible circular locking dependency detected",
    "freed": "BUG: KASAN: .*use-after-free in fault_freed",
}
ALL_CHECKERS = "rmmod planted\n" + "\n".join(
    f"insmod /modules/planted.ko fault={fault} && rmmod planted || exit 1" for fault in CHECKERS)


def all_awake(_output, log):
    for fault, words in CHECKERS.items():
        hits = [l for l in log if re.search(words, l)]
        assert len(hits) == 1, f"{fault}: {len(hits)} lines with '{words}', not 1"
        assert klog.splats(hits) == hits, f"{fault}: not taken for a splat"


CASES = [
    # in the boot of lifecycle/suspend and after it: no other test would have lockdep
    case("machine/checkers", ALL_CHECKERS, kernel="debug", alone="sleeps", timeout=60,
         modules=["planted fault=none"], expect_dmesg=["."], check=all_awake),
    Case("machine/planted", host=functools.partial(judge, Spec(), NEIGHBOURS), timeout=100),
    Case("machine/crash", host=functools.partial(judge, Spec(machine="qemu-tcg"), CRASH)),
    Case("machine/beyond", host=functools.partial(judge, Spec(machine="qemu-tcg"), BEYOND),
         timeout=100),
]
