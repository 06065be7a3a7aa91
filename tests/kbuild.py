# SPDX-License-Identifier: GPL-2.0-only
"""What Kbuild finds in a kernel's tree, and what include/compat.h makes of it (T=static/kbuild).

The trees are made up: kernels that this machine does not have.
"""
import pathlib
import re
import tempfile

from machine import util

HEADER = "arch/x86/include/asm/nospec-branch.h"
OLD, NEW = "x86_ibpb_exit_to_user", "x86_predictor_flush_exit_to_user"
FEATURE = "-DX86_FEATURE_IBPB_EXIT_TO_USER=1"
GPL = "0x12345678\t{}\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
FOR_KVM = "0x12345678\t{}\tvmlinux\tEXPORT_SYMBOL_GPL\tmodule:kvm-intel,kvm\n"
TOLD, FLUSHED = "this_cpu_write({}, true)", "compat_ibpb();"

# what it is, the word in its header, its Module.symvers, its features, what compat.h does
TREES = [
    ("VMSCAPE's first mend", OLD, GPL, [FEATURE], TOLD),
    ("its second", NEW, GPL, [], TOLD),
    ("the first name, without the feature", OLD, GPL, [], TOLD),
    ("the first, for KVM alone", OLD, FOR_KVM, [FEATURE], FLUSHED),
    ("the second, for KVM alone", NEW, FOR_KVM, [], FLUSHED),
    ("the second, not exported", NEW, "", [], FLUSHED),
    ("the second, never built", NEW, None, [], TOLD),
    ("no mend", None, "", [], None),
]
WRAPPER = """
srctree := {tree}
objtree := {tree}
src := {root}
obj := {root}
include {root}/Kbuild
print-flags:
\t@echo $(ccflags-y)
"""


def make_tree(tree, word, symvers):
    header = tree / HEADER
    header.parent.mkdir(parents=True)
    header.write_text(f"DECLARE_PER_CPU(bool, {word});\n" if word else "")
    if symvers is not None:
        (tree / "Module.symvers").write_text(symvers.format(word))


def flags_of(tree):
    """What Kbuild would give the compiler: its -D, the module's include paths left out."""
    wrapper = tree / "wrapper.mk"
    wrapper.write_text(WRAPPER.format(tree=tree, root=util.ROOT))
    out = util.run(["make", "-s", "--no-print-directory", "-f", wrapper, "print-flags"], cwd=tree)
    return [f for f in out.split() if f.startswith("-D")]


def compat_text(tree, flags):
    """compat.h's functions, of whose headers none is there."""
    compat = util.ROOT / "include/compat.h"
    for name in re.findall(r"#include <(.*)>", compat.read_text()):
        path = tree / "empty" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return util.run(["gcc", "-E", "-P", "-nostdinc", f"-I{tree}/empty", "-DIS_ENABLED(x)=0",
                     *flags, compat], cwd=tree)


def body_of(text, function):
    return re.search(function + r"\(void\)\s*\{(.*?)\}", text, re.S).group(1)


def judge(word, symvers, features, wanted):
    """What is wrong with one tree, in words, or nothing."""
    with tempfile.TemporaryDirectory() as name:
        tree = pathlib.Path(name)
        make_tree(tree, word, symvers)
        text = compat_text(tree, flags_of(tree) + features)
    told, flushed = (body_of(text, f).strip() for f in ("compat_guest_ran", "compat_leaves_guest"))
    good = (bool(told) == (wanted == TOLD) and bool(flushed) == (wanted == FLUSHED) and
            (wanted != TOLD or TOLD.format(word) in told) and
            (wanted != FLUSHED or FLUSHED in flushed))
    return "" if good else f"told: {told or '-'}; flushed: {flushed or '-'}"


def check():
    """{tree: what is wrong with it}, of the made-up kernels."""
    return {what: judge(*tree) for what, *tree in TREES}
