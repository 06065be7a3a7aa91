# SPDX-License-Identifier: GPL-2.0-only
"""Read results: TAP on a program's output, KTAP in the kernel log."""
import dataclasses
import re

PASS, FAIL, SKIP = "pass", "fail", "skip"

LINE = re.compile(r"^( *)(not ok|ok) (\d+)(?: +-)? *([^#\n]*?)\s*(?:#\s*(.*))?$")
PLAN = re.compile(r"^( *)1\.\.(\d+)(?:\s*#\s*(.*))?$")
SUBTEST = re.compile(r"^( *)# Subtest: (\S+)")


@dataclasses.dataclass
class Result:
    name: str
    status: str
    detail: str = ""
    seconds: float = 0.0


def reason(directive):
    """Why something was skipped, of what stands behind the "#"."""
    return re.sub(r"^skip\w*:?\s*", "", directive.strip(), flags=re.I)


def _status(ok, directive):
    if directive and re.match("skip", directive, re.I):
        return SKIP
    return PASS if ok == "ok" else FAIL


def tap(name, text):
    """Results of a TAP stream, or None if @text is none. The plan must be kept."""
    results, plan, notes = [], None, []
    for line in text.splitlines():
        m = LINE.match(line)
        if m and not m.group(1):
            status = _status(m.group(2), m.group(5))
            detail = "\n".join(notes) if status == FAIL else (m.group(5) or "")
            sub = re.sub(r"\s+", "-", m.group(4)) or m.group(3)
            results.append(Result(f"{name}/{sub}", status, detail))
            notes = []
            continue
        m = PLAN.match(line)
        if m and not m.group(1):
            plan = int(m.group(2))
            if plan == 0:
                return [Result(name, SKIP, m.group(3) or "")]
        elif line.strip():
            notes.append(line)
    if plan is None and not results:
        return None
    if plan is None:
        results.append(Result(f"{name}/plan", FAIL, "no TAP plan: the program ended early?"))
    elif plan != len(results):
        results.append(Result(f"{name}/plan", FAIL,
                              f"planned {plan}, ran {len(results)}\n" + "\n".join(notes[-20:])))
    return results


def _unindent(line, depth):
    return line[4 * depth:]


def ktap(name, lines):
    """One result per KUnit test (depth 1; deeper lines are parameters of a test).

    Each insmod brings its own header and numbers; both are ignored. What is not is
    the number of tests that a suite announced, and a suite that never reported.
    """
    results, suite, planned, seen, notes = [], None, 0, 0, []

    def close():
        if suite and seen != planned:
            results.append(Result(f"{name}/{suite}", FAIL,
                                  f"{seen} of {planned} tests reported\n" + "\n".join(notes[-20:])))

    for line in lines:
        m = SUBTEST.match(line)
        if m and len(m.group(1)) == 4:
            close()
            suite, planned, seen, notes = m.group(2), 0, 0, []
            continue
        m = PLAN.match(line)
        if m and len(m.group(1)) == 4 and suite:
            planned = int(m.group(2))
            continue
        m = LINE.match(line)
        if m and len(m.group(1)) == 4 and suite:
            status = _status(m.group(2), m.group(5))
            detail = "\n".join(notes) if status == FAIL else (m.group(5) or "")
            results.append(Result(f"{name}/{suite}/{m.group(4)}", status, detail))
            seen += 1
            notes = []
        elif m and not m.group(1) and suite and m.group(4) == suite:
            if m.group(2) == "not ok" and not any(r.status == FAIL for r in results[-seen:]):
                results.append(Result(f"{name}/{suite}", FAIL, "the suite failed\n" +
                                      "\n".join(notes)))
            close()
            suite, notes = None, []
        elif suite and line.strip():
            notes.append(line)
    close()
    if not results:
        results.append(Result(name, FAIL, "no KUnit result in the kernel log"))
    return results
