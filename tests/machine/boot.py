# SPDX-License-Identifier: GPL-2.0-only
"""Boot one machine, run its cases, follow its second serial line, judge.

A case passes only when the agent reported it, its exit status is the expected
one, the kernel log has nothing new since it began, and the boot reached "done":
any of these missing is a failure, whatever the emulator's exit code was.
"""
import contextlib
import dataclasses
import functools
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from . import bochs, initramfs, kernels, klog, modbuild, qemu, tap, util
from .tap import FAIL, PASS, SKIP, Result
from .work import doing

# Limits are seconds of the emulator's CPU time: a busy host is slow, not broken. An
# emulator that waits uses none, so that WAITING times as much wall time ends it too.
BOOT_LIMIT = 90         # from power-on to the agent
END_LIMIT = 60          # from the last exit status to "done"
WAITING = 8
AGENT = "@@vmxhv "

running = set()
running_lock = threading.Lock()


def stop_all():
    with running_lock:
        for proc in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(proc.pid, signal.SIGKILL)


def module_name(fname):
    return pathlib.Path(fname).stem.replace("-", "_")


def script(case, loads, following):
    """The shell script that the agent runs for @case. @loads: (file, parameters), in order.

    What the case loaded it removes, in reverse, and that must work: a module that
    stays is a leaked reference. Where to load one takes as long as a test, those stay that
    the next case begins with too, @following being what it loads.
    """
    slower = kernels.SLOWER.get(case.spec.kernel, 1)
    stay = [a for a, _ in itertools.takewhile(lambda ab: ab[0] == ab[1], zip(loads, following))]
    remove = [module_name(f) for f, _ in reversed(loads[len(stay) if slower > 1 else 0:])]
    lines = ["cd /tmp", f"export PATH=/t:$PATH SLOWER={slower}"]
    for fname, params in loads:
        lines.append(f"[ -d /sys/module/{module_name(fname)} ] || insmod /modules/{fname} {params} "
                     f"|| {{ echo 'setup: insmod {fname} failed'; exit 125; }}")
    lines += ["(", case.run or "true", ")", "rc=$?",
              f"for m in {' '.join(remove)}; do [ ! -d /sys/module/$m ] || rmmod $m || "
              "{ echo \"teardown: rmmod $m failed\"; [ $rc != 0 ] || rc=126; }; done"]
    return "\n".join(lines + ["exit $rc", ""])


def build_initramfs(kernel, cases, plan, built=None):
    """@built: (programs(), modules()) of modbuild, where less than all of it will do."""
    user, ours = built or (modbuild.programs(), modbuild.modules(kernel))
    a = initramfs.base(user / "agent")
    a.add("plan", plan.encode())
    words, loads = set(), []
    for case in cases:
        loads.append([])
        for m in case.modules:
            if isinstance(m, (modbuild.Fault, modbuild.Variant)):
                loads[-1].append((add_faulty(a, kernel, m), ""))
                continue
            name, _, params = m.partition(" ")
            files = add_module(a, kernel, ours, name)
            loads[-1] += [(f, params if f == files[-1] else "") for f in files]
        for name in case.carries:
            add_module(a, kernel, ours, name)
    for i, case in enumerate(cases):
        a.add(f"cases/{i}", script(case, *[*loads, []][i:i + 2]).encode())
        words |= set(re.findall(r"[\w.+-]+", case.run))
        for dest, src in case.files:
            data = src() if callable(src) else src
            a.add(dest, data if isinstance(data, bytes) else data.read_bytes())
    for d, dest in (("tests", "t"), ("", "bin"), ("examples", "bin")):
        for f in sorted((user / d).glob("*")):
            if f.is_file() and f.name in words and os.access(f, os.X_OK):
                add_program(a, f"{dest}/{f.name}", f)
    for f in sorted((user / "guest").glob("*.*")):
        a.add(f"guest/{f.name}", f.read_bytes())
    return a.bytes()


def libraries(path):
    """The shared objects that a program wants, at the paths where it looks."""
    ldd = subprocess.run(["ldd", path], capture_output=True, text=True)
    return [pathlib.Path(lib) for lib in
            re.findall(r"(/\S+) \(0x", ldd.stdout if ldd.returncode == 0 else "")]


@functools.lru_cache(None)
def stripped(path, _changed):
    """An ELF file without what only a debugger reads: most of it, and the machine's memory is small."""
    with tempfile.NamedTemporaryFile() as out:
        util.run(["strip", "--strip-debug", "-o", out.name, path])
        return pathlib.Path(out.name).read_bytes()


def lean(path):
    """What of a file goes into the machine: all, if it is no ELF file."""
    with open(path, "rb") as f:
        is_elf = f.read(4) == b"\x7fELF"
    return stripped(path, path.stat().st_mtime_ns) if is_elf else path.read_bytes()


def add_program(a, dest, path):
    """A program, and the shared objects that it wants."""
    a.add(dest, lean(path))
    for lib in libraries(path):
        a.add(str(lib), lib.read_bytes())


def add_module(a, kernel, ours, name):
    """A module of ours, or the kernel's own with what it needs: file names in load order."""
    if name in ours:
        files = [(f"{name}.ko", lean(ours[name]))]
    else:
        files = kernels.module_files(kernel, name)
    for fname, data in files:
        a.add(f"modules/{fname}", data, 0o644)
    return [f for f, _ in files]


def add_faulty(a, kernel, fault):
    fname = f"{fault.name}/vmxhv.ko"
    a.add(f"modules/{fname}", lean(modbuild.faulty(kernel, fault)), 0o644)
    return fname


class Follower:
    """Reads a growing file line by line."""

    def __init__(self, path):
        self.path, self.pos, self.rest = path, 0, b""

    def read(self):
        """(new bytes, new whole lines)"""
        try:
            with open(self.path, "rb") as f:
                f.seek(self.pos)
                new = f.read()
        except FileNotFoundError:
            return b"", []
        self.pos += len(new)
        *lines, self.rest = (self.rest + new).split(b"\n")
        return new, [l.decode(errors="replace").rstrip("\r") for l in lines]


class Run:
    """What one boot said."""

    def __init__(self, cases):
        self.cases = cases
        self.output = {}        # case index: list of lines
        self.ended = {}         # case index: (status word, machine ms, taint)
        self.began = {}         # case index: wall time
        self.wall = {}
        self.log = []
        self.refused = []       # what the emulator said to failed VM entries
        self.up = self.in_log = self.done = self.lost = False
        self.beyond = None      # what the program said that came after Linux
        self.console = []       # the first serial line, when all is over
        self.current = None
        self.died = ""
        self.slow = kernels.SLOWER.get(cases[0].spec.kernel, 1)

    def line(self, line):
        if line.startswith(AGENT):
            self.agent(line[len(AGENT):].split())
        elif self.in_log:
            # One record may hold several lines: /dev/kmsg escapes what is between them.
            self.log += line[2:].replace("\\x0a", "\n").split("\n")
        elif self.current is not None:
            self.output[self.current].append(line)

    def agent(self, words):
        if words[0] == "up":
            self.up = True
        elif words[0] == "begin":
            self.current = int(words[1])
            self.output[self.current] = []
            self.began[self.current] = time.monotonic()
        elif words[0] == "end":
            i = int(words[1])
            self.ended[i] = (words[2], int(words[3]), int(words[4], 16))
            self.wall[i] = time.monotonic() - self.began[i]
            self.current = None
        elif words[0] == "log":
            self.in_log = True
        elif words[0] == "lost":
            self.lost = True
        elif words[0] == "done":
            self.done = True
        elif words[0] == "beyond":
            self.beyond = " ".join(words[1:])

    def limit(self):
        """Seconds that the present phase may last."""
        if not self.up:
            return BOOT_LIMIT * self.slow
        if self.current is not None:
            case = self.cases[self.current]
            return (30 + 2 * case.timeout * case.spec.cpus) * self.slow
        return END_LIMIT * self.slow

    def progress(self):
        """Where it is, in words."""
        if not self.up:
            return "booting"
        ended, now = f"{len(self.ended)} of {len(self.cases)} cases", self.current
        return ended if now is None else f"{ended}, now {self.cases[now].name}"

    def phase(self):
        return (self.up, self.current, len(self.ended), self.in_log)


def spent(proc):
    """(wall, CPU) seconds of @proc so far."""
    try:
        fields = pathlib.Path(f"/proc/{proc.pid}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        cpu = 0.0
    return time.monotonic(), cpu


def too_long(since, now, limit):
    return now[1] - since[1] > limit or now[0] - since[0] > WAITING * limit


def follow(state, proc, serial, live, idle):
    """Until the machine ends or a limit passes."""
    since, phase = spent(proc), state.phase()
    while True:
        ended = proc.poll() is not None
        new, lines = serial.read()
        for line in lines:
            state.line(line)
        if live and new:
            live(state, new)
        elif idle:
            idle(state)
        if state.phase() != phase:
            since, phase = spent(proc), state.phase()
        if ended or state.beyond is not None:
            break
        if too_long(since, spent(proc), state.limit()):
            state.died = f"no progress in {state.limit():.0f} s of CPU time"
            break
        time.sleep(0.05)


def execute(spec, kernel, cases, work, plan=None, live=None, idle=None, built=None):
    """Boot @cases in @work; follow until the machine ends or a limit passes.

    For a person who watches: live(state, new bytes) as they come on the serial line,
    idle(state) in between.
    """
    driver = qemu if spec.machine.startswith("qemu") else bochs
    extra = f"{kernels.CMDLINE.get(spec.kernel, '')} {spec.cmdline}".strip()
    spec = dataclasses.replace(spec, cmdline=extra)
    state = Run(cases)
    if plan is None:
        plan = "".join(f"{i} {int(c.timeout * 1000 * state.slow)}\n"
                       for i, c in enumerate(cases))
    driver.prepare(spec, kernel, build_initramfs(kernel, cases, plan, built), work)
    proc = driver.start(work)
    with running_lock:
        running.add(proc)
    try:
        with doing(f"a machine with {spec.kernel}", state.progress):
            follow(state, proc, Follower(work / "ttyS1.txt"), live, idle)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proc.pid, signal.SIGKILL)
        proc.wait()
        with running_lock:
            running.discard(proc)
    if not state.done and not state.died:
        state.died = "the machine ended before its result marker" if state.beyond is None \
            else f"Linux was left for another program: {state.beyond}"
    state.console = console(work, count=None).split("\n")
    if spec.log_errors:
        state.refused = bochs.refused_entries(work)
    return state


def judge_case(case, i, state, lines, blame):
    """Results of one case of a finished boot."""
    output = "\n".join(state.output.get(i, []))
    if case.beyond and i not in state.ended and state.beyond is not None:
        return [judge_beyond(case, state, output)]
    if i not in state.ended:
        return [Result(case.id, FAIL, f"{state.died}\n{tail(output)}")]
    status, ms, taint = state.ended[i]
    faults = []
    if not state.done:
        # Without the log nothing can be called passed.
        faults.append(f"no kernel log: {state.died}")
    if state.lost:
        faults.append("kernel messages were lost")
    if case.beyond:
        faults.append(f"Linux went on; expected: beyond {case.beyond}")
    if status not in (str(case.status), "4") or (status == "4" and case.kind != "auto"):
        faults.append(f"exit status {status}, expected {case.status}")
    new = klog.splats(lines, case.expect_dmesg)
    if new:
        faults.append("kernel log:\n" + "\n".join(context(lines, new[0])))
    elif taint & klog.TAINT and not case.expect_dmesg:
        faults.append(f"the kernel is newly tainted ({taint:#x})")
    faults += blame
    faults += [f"the emulator did not say {e}" for e in case.emulator
               if not any(re.search(e, said) for said in state.refused)]
    if case.check and not faults:
        try:
            case.check(output, lines)
        except AssertionError as e:
            faults.append(str(e) or "check failed")
        except Exception as e:                  # a broken check is a failed test
            faults.append(f"{type(e).__name__}: {e}")
    if case.kind == "kunit":
        results = tap.ktap(case.id, lines)
    elif case.kind == "plain":
        results = []
    else:
        results = tap.tap(case.id, output) or []
    if not results and not faults:
        results = [Result(case.id, SKIP, output.strip().split("\n")[-1]) if status == "4"
                   else Result(case.id, PASS)]
    elif faults and any(r.status == FAIL for r in results) and status == "1" and \
            len(faults) == 1 and faults[0].startswith("exit status"):
        pass            # a TAP program says by its status what its lines said already
    elif faults:
        results.append(Result(case.id, FAIL, "\n".join(faults) + "\n" + tail(output)))
    for r in results:
        r.seconds = state.wall[i] / len(results)
    return [skipped_for_good(r) for r in results]


def skipped_for_good(result):
    """A skip is none unless skips.txt lists it: nothing says that the machine was as it should."""
    if result.status != SKIP or any(re.fullmatch(name, result.name) and
                                    re.fullmatch(why, tap.reason(result.detail))
                                    for name, why in skips()):
        return result
    return dataclasses.replace(result, status=FAIL,
                               detail=f"skipped ({tap.reason(result.detail)}), and machine/skips.txt "
                                      "does not list that")


@functools.lru_cache(None)
def skips():
    """[(name, reason)]: regular expressions."""
    lines = (util.MACHINE / "skips.txt").read_text().splitlines()
    return [tuple(l.split(None, 1)) for l in lines if l and not l.startswith("#")]


def judge_beyond(case, state, output):
    """The result of a case that was to take Linux down, and did."""
    lines = [re.sub(r"^\[ *\d+\.\d+\] ", "", l.rstrip("\r")) for l in state.console]
    faults = []
    if state.beyond != case.beyond:
        faults.append(f"beyond {state.beyond}, expected {case.beyond}")
    new = [l for l in klog.boot_splats(lines)
           if not any(re.search(a, l) for a in case.expect_dmesg)]
    if new:
        faults.append("console:\n" + "\n".join(context(lines, new[0])))
    if not faults:
        return Result(case.id, PASS)
    return Result(case.id, FAIL, "\n".join(faults) + "\n" + tail(output))


def tail(text, count=15):
    return "\n".join(text.rstrip().split("\n")[-count:])


def context(lines, first, count=25):
    at = lines.index(first)
    return lines[max(at - 1, 0):at + count]


def judge(state):
    """Results of all cases of one boot, and the indexes that never ran."""
    boot, per_case = klog.split(state.log)
    blame = []
    odd = klog.boot_splats(boot)
    if odd:
        blame.append("the boot itself printed what boot-quirks.txt does not list:\n" +
                     "\n".join(odd[:10]))
    foreseen = [e for c in state.cases for e in c.emulator]
    more = [said for said in state.refused if not any(re.search(e, said) for e in foreseen)]
    if foreseen and more:
        blame.append("the emulator also said:\n" + "\n".join(more[:10]))
    results, not_run = [], []
    dead = state.current
    for i, case in enumerate(state.cases):
        if i not in state.began:
            not_run.append(i)
            continue
        if i != dead and not state.done and dead is not None:
            # It ended before another case took the machine down with the log: again.
            not_run.append(i)
            continue
        results += judge_case(case, i, state, per_case.get(str(i), []), blame)
    return results, not_run


def told(text, seen=set()):                     # noqa: B006: the memory is the point
    """A failed build is told once, however many tests wanted it."""
    with running_lock:
        if text.split("\n")[0] in seen:
            return text.split("\n")[0] + " (told above)"
        seen.add(text.split("\n")[0])
    return text


def run_group(spec, cases, emit):
    """Run @cases that share @spec, rebooting after a case that took the machine down."""
    try:
        kernel = kernels.get(spec.kernel)
        modbuild.modules(kernel)
        modbuild.programs()
    except (util.BuildError, OSError, subprocess.SubprocessError) as e:
        for c in cases:
            emit([Result(c.id, FAIL, told(str(e)))])
        return
    while cases:
        work = _work_dir(spec)
        start = time.monotonic()
        try:
            state = execute(spec, kernel, cases, work)
        except (util.BuildError, OSError) as e:
            for c in cases:
                emit([Result(c.id, FAIL, f"could not boot: {e}")])
            return
        results, again = judge(state)
        if not results:
            # Not one case began: the boot itself failed, and would again.
            results = [Result(c.id, FAIL, f"{state.died or 'no case ran'}\n{console(work)}",
                              time.monotonic() - start) for c in cases]
            again = []
        bad = any(r.status == FAIL for r in results)
        for r in results:
            if bad and r.status == FAIL:
                r.detail += f"\nlogs: {keep_logs(work)}"
        if not (bad or os.environ.get("KEEP")):
            shutil.rmtree(work, ignore_errors=True)
        emit(results)
        cases = [cases[i] for i in again]


def _work_dir(spec):
    util.LOGS.mkdir(parents=True, exist_ok=True)
    return util.LOGS / os.path.basename(tempfile.mkdtemp(
        prefix=f"{spec.kernel}-{spec.model}-{spec.cpus}cpu-", dir=util.LOGS))


def console(work, count=15):
    path = work / "ttyS0.txt"
    if not path.exists():
        return "no console output"
    text = path.read_text(errors="replace")
    return tail(text, count) if count else text


def keep_logs(work):
    """What is big and can be made again is not kept."""
    for name in ("initramfs.cpio", "floppy.img", "bios.bin", "boot.o"):
        with contextlib.suppress(FileNotFoundError):
            (work / name).unlink()
    return os.path.relpath(work, util.ROOT)
