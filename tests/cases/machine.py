# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the test machine: what goes wrong in it must not be called passed."""
import functools
import re
import sys
import threading

from machine import boot, klog, tap, util, work
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
    case("planted/skip-listed", "echo '1..1'; echo 'ok 1 - one # SKIP planted'", modules=[]),
    case("planted/skip-other", "echo '1..1'; echo 'ok 1 - one # SKIP planted'", modules=[]),
    case("planted/skip-all", "echo '1..0 # SKIP planted'", modules=[]),
    case("planted/skip-status", "echo planted; exit 4", modules=[]),
    # it cannot be left, nor the module removed: who comes next finds the machine broken
    case("planted/vmx-left-on", "echo 1 >/sys/module/vmxe/parameters/enter", modules=["vmxe"]),
    case("planted/vmx-is-on", "guest_first"),
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
    "planted/skip-listed": (tap.SKIP, ""),
    "planted/skip-other": (tap.FAIL, "skips.txt does not list"),
    "planted/skip-all": (tap.FAIL, "skips.txt does not list"),
    "planted/skip-status": (tap.FAIL, "skips.txt does not list"),
    "planted/vmx-left-on": (tap.FAIL, "rmmod vmxe failed"),
    "planted/vmx-is-on": (tap.FAIL, "VMX is in use"),
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
        seen = {r.status for r in mine}
        worst = next(s for s in (tap.FAIL, tap.SKIP, tap.PASS) if s in seen or s == tap.PASS)
        text = "\n".join(f"{r.name} {r.detail}" for r in mine)
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


# Of a process of its own, since what is said here is this run's report.
SPEAKS = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
from machine import util, work

def waits():
    with util.locked(util.BUILD / "machine-speaks.lock", "a thing that is made"):
        pass

other = threading.Thread(target=waits)
with work.never_silent(0.2), util.locked(util.BUILD / "machine-speaks.lock"):
    other.start()
    with work.doing("a slow thing", lambda: "7 of 9 parts", loud=True):
        work.say("begun")
        time.sleep(2)
other.join()
"""


def speaks():
    """What takes long is said at once, and again and again, with how far it is; who wants what
    another is making says that it waits."""
    lines = util.run([sys.executable, "-c", SPEAKS, util.ROOT / "tests"]).splitlines()
    begun = next(i for i, l in enumerate(lines) if l.endswith("...  a slow thing"))
    assert "begun" in lines[begun + 1:], f"not said at once: {lines}"
    again = [l for l in lines if re.search(r"a slow thing \(0:0\d, 7 of 9 parts\)", l)]
    assert len(again) > 2, f"said {len(again)} times in two seconds, not each 0.2 s: {lines}"
    assert any("waiting for what has begun already: a thing" in l for l in lines), lines


def slow_last():
    """The one who builds holds up nobody but those who need it."""
    order, built = [], threading.Event()

    def does(name):
        return lambda: order.append(name)

    def build():
        built.wait(10)
        order.append("build")

    def quick():
        order.append("quick")
        built.set()

    work.work_off([work.Item(does("needs"), rank=0, needs="a kernel"),
                   work.Item(build, rank=-1, makes="a kernel"),
                   work.Item(does("cheap"), rank=1, cost=1), work.Item(does("dear"), rank=1, cost=2),
                   work.Item(does("first"), rank=0), work.Item(quick, rank=2)], 2)
    assert order == ["first", "dear", "cheap", "quick", "build", "needs"], order
    order.clear()
    work.work_off([work.Item(does("needs"), rank=0, needs="a kernel"),
                   work.Item(does("build"), rank=2, makes="a kernel"),
                   work.Item(does("first"), rank=1)], 1)
    assert order == ["first", "build", "needs"], order


def known():
    """What README.md calls a known failure is a result of a case that there is."""
    from cases import api
    names = re.findall(r"^\| `(\S+)` \|", (util.ROOT / "tests" / "README.md").read_text(), re.M)
    results = [n for n in names if "@" in n]
    gone = [n for n in results if n.rpartition("/")[0] not in {c.id for c in api.CASES}]
    assert not gone, f"no case has these: {gone}"


CASES = [
    Case("machine/known", host=known),
    Case("machine/speaks", host=speaks),
    Case("machine/slow-last", host=slow_last),
    # in the boot of lifecycle/suspend and after it: no other test would have lockdep
    case("machine/checkers", ALL_CHECKERS, kernel="debug", alone="sleeps", timeout=60,
         modules=["planted fault=none"], expect_dmesg=["."], check=all_awake),
    Case("machine/planted", host=functools.partial(judge, Spec(), NEIGHBOURS), timeout=100),
    Case("machine/crash", host=functools.partial(judge, Spec(machine="qemu-tcg"), CRASH)),
    Case("machine/beyond", host=functools.partial(judge, Spec(machine="qemu-tcg"), BEYOND),
         timeout=100),
]
