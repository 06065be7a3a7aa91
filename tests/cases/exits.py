# SPDX-License-Identifier: GPL-2.0-only
"""The table of exit reasons (../exit_table.py) against what really exits.

The module gets a counter for each reason, which the shipped one does not have, and the programs run
that the table names.
"""
import functools
import re

import exit_table
from machine.case import Case, matrix
from machine.modbuild import Fault

ENTRY = """asmlinkage noinstr bool vcpu_exited(struct vcpu *v)
{
	bool again;

	v->exit.reason = vmcs_read32(VM_EXIT_REASON);
"""

COUNTED = Fault("count-exits", "exits are counted by reason, and controls remembered",
                "vcpu/run/run.c", ENTRY, """#include <linux/moduleparam.h>

static unsigned int exits_taken[EXIT_ROWS], controls_used[3];
module_param_array(exits_taken, uint, NULL, 0444);
module_param_array(controls_used, uint, NULL, 0444);

""" + ENTRY + """	exits_taken[v->exit.reason & (EXIT_ROWS - 1)]++;
	controls_used[0] |= v->ctl.pin;
	controls_used[1] |= v->ctl.cpu;
	controls_used[2] |= v->ctl.cpu2;
""")
WORDS = ["PIN", "CPU", "CPU2"]

# a page that may be written but not read
MISCONFIGURED = Fault("misconfigured", "an EPT entry that means nothing",
                      "vmx/ept.c", "| (rights & EPT_RWX);\n",
                      "| (rights & EPT_RWX & ~EPT_READ);\n")

PRINT = """
rc=$?
for p in exits_taken controls_used; do echo "# $p: $(cat /sys/module/vmxhv/parameters/$p)"; done
exit $rc
"""


def numbers(output, name):
    m = re.search(rf"^# {name}: ([\d,]+)", output, re.M)
    assert m, f"the module did not say {name}"
    return [int(n) for n in m.group(1).split(",")]


def counted(program):
    """It took what the table says of it, and nothing that cannot occur."""
    def check(output, _log):
        count, used = numbers(output, "exits_taken"), numbers(output, "controls_used")
        number, control = exit_table.reasons(), exit_table.controls()
        wrong = [f"{r.reason}: not taken by {program}" for r in exit_table.ROWS
                 if r.how == exit_table.TAKEN and r.what == program and not count[number[r.reason]]]
        for r in exit_table.ROWS:
            if r.how in (exit_table.NEVER, exit_table.UNREACHABLE) and count[number[r.reason]]:
                wrong.append(f"{r.reason}: taken {count[number[r.reason]]} times; {r.how}?")
            if r.how == exit_table.NEVER:
                word, mask = control[r.what]
                if used[WORDS.index(word)] & mask:
                    wrong.append(f"{r.reason}: {r.what} is 1")
        assert not wrong, "\n".join(wrong)
    return check


def complete(names):
    """The table, the page, exit_rows[], the controls and the tests go together."""
    rows, number = {r.reason: r for r in exit_table.ROWS}, exit_table.reasons()
    assert list(rows) == list(number), f"reasons: {set(rows) ^ set(number)}, or another order"
    wrong = [f"{name}: a handler for no reason" for name in exit_table.handlers() if name not in rows]
    for r in exit_table.ROWS:
        handled = r.reason in exit_table.handlers()
        if r.how == exit_table.TAKEN:
            if not handled:
                wrong.append(f"{r.reason}: taken, but exit_rows[] has no handler")
            if not any(n.startswith(f"api/{r.what}@") for n in names()):
                wrong.append(f"{r.reason}: no test is named api/{r.what}")
        if r.how == exit_table.SEEN and not any(n.startswith(f"{r.what}@") for n in names()):
            wrong.append(f"{r.reason}: no test is named {r.what}")
        if r.how == exit_table.NEVER and r.what not in exit_table.controls():
            wrong.append(f"{r.reason}: no control is named {r.what}")
    assert not wrong, "\n".join(wrong)
    assert exit_table.PAGE.read_text() == exit_table.page(), \
        "tests/EXITS.md is old: tests/exit_table.py --write"


def test_names():
    from cases import api, fail_entry, silicon
    return [c.id for c in api.CASES + fail_entry.CASES + silicon.CASES + CASES]


CASES = [Case("static/exits", host=functools.partial(complete, test_names))]
for _program in exit_table.programs():
    CASES += matrix(f"exits/{_program}", f"{_program}{PRINT}", kernel=["6.1", "6.12"],
                    modules=[COUNTED], timeout=60, check=counted(_program))
CASES += matrix("exits/misconfigured", "guest_exits misconfigured", kernel=["6.1", "6.12"],
                modules=[MISCONFIGURED])
CASES += matrix("api/dead", "dead", kernel=["6.1", "6.12"], modules=[MISCONFIGURED])
