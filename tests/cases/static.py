# SPDX-License-Identifier: GPL-2.0-only
"""What can be said without running: sparse, W=1, objtool, checkpatch, sizes, the UAPI, the docs."""
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import docs as module_docs
import floors as module_floors
import kbuild as module_kbuild
import mutants as module_mutants
from machine import kernels, modbuild, util
from machine.case import Case
from machine.tap import FAIL, PASS, Result

MAX_LINES = 600
# What is read as a whole, and before all else, is shorter.
SHORTER = {"vcpu/run/entry.S": 200}
# Userspace C is not kernel C in these: Zydis' and inttypes.h's names are as they are.
USER_IGNORE = ["PREFER_KERNEL_TYPES", "ENOSYS", "AVOID_EXTERNS", "VOLATILE", "CONSIDER_KSTRTO",
               "SSCANF_TO_KSTRTO", "PREFER_DEFINED_ATTRIBUTE_MACRO", "NEW_TYPEDEFS",
               "STRCPY", "STRNCPY", "STRLCPY", "MACRO_ARG_REUSE", "CAMELCASE",
               # tables of tests are rows of initialisers, which have no value to parenthesise
               "COMPLEX_MACRO"]
# Stand-ins for the kernel's macros do not look at all that they are given.
STAND_INS = "tests/native/include/"
# BIT() is the kernel's own, and so is static_assert(): a UAPI header has neither.
UAPI = ("include/vmxhv.h", "include/vmxhv_layout.h")
UAPI_IGNORE = ["BIT_MACRO", "CAMELCASE"]


def tracked(*patterns):
    """Files of the project: tracked, or new and not ignored."""
    out = util.run(["git", "-c", f"safe.directory={util.ROOT}", "ls-files", "-co",
                    "--exclude-standard", *patterns], cwd=util.ROOT)
    return sorted(f for f in set(out.split("\n")) if f and (util.ROOT / f).is_file())


def build(name):
    """A clean build with every check on: no line of the log may be a complaint."""
    kernel = kernels.get(name)
    dest = util.BUILD / f"static-{name}"
    log = util.LOGS / f"static-{name}.log"
    with util.locked(util.BUILD / f"static-{name}.lock"):
        shutil.rmtree(dest, ignore_errors=True)
        modbuild.sync(dest)
        try:
            text = modbuild.make_modules(kernel, dest, log, "VMXHV_TESTS=1", "C=2", "W=1",
                                         "CF=-D__CHECK_ENDIAN__ -Wsparse-error")
        except util.BuildError as e:
            raise AssertionError(str(e)) from None
        noinstr = objtool_noinstr(kernel, dest) + mitigations(kernel, dest / "vcpu/run/entry.o")
    # Missing vmlinux only means no BTF; the compiler's version differs by a Debian revision.
    noise = ("Skipping BTF", "the compiler differs", "The kernel was built by", "You are using")
    bad = [l for l in text.split("\n")
           if re.search(r"\bwarning:|\berror:|objtool:|modpost: .*WARN|WARNING: modpost", l) and
           not any(n in l for n in noise)]
    bad += noinstr
    assert not bad, "\n".join(bad[:20])


# What entry.S must do where the kernel says so, by the name of the feature.
MITIGATIONS = ["X86_FEATURE_CLEAR_CPU_BUF", "X86_FEATURE_RSB_VMEXIT", "X86_FEATURE_KERNEL_IBRS",
               "X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT"]


def mitigations(kernel, obj):
    """What is missing in the alternatives of entry.o: the emulated CPU needs none of them."""
    header = kernel.kdir.parent / "source/arch/x86/include/asm/cpufeatures.h"
    with tempfile.NamedTemporaryFile() as raw:
        util.run(["objcopy", "-O", "binary", "--only-section=.altinstructions", obj, raw.name])
        data = pathlib.Path(raw.name).read_bytes()
    features = dict(re.findall(r"#define\s+(X86_FEATURE_\w+)\s+\(\s*(\d+\*32\s*\+\s*\d+)\)",
                               header.read_text()))
    # struct alt_instr: two offsets, the feature in 16 bits, flags in as many or none, two lengths
    size = 12 if kernel.name == "6.1" else 14
    used = {int.from_bytes(data[at + 8:at + 10], "little") & 0x7fff
            for at in range(0, len(data), size)}
    wanted = {name: sum(int(n) * k for n, k in zip(features[name].replace("*32", "").split("+"),
                                                   (32, 1))) for name in MITIGATIONS}
    return [f"vcpu/run/entry.o: no alternative for {name}" for name, n in wanted.items()
            if n not in used]


def objtool_noinstr(kernel, dest):
    """A module's build does not check noinstr; ask objtool for it on the whole object."""
    tool = kernel.kdir / "tools/objtool/objtool"
    obj = dest / "vmxhv.o"
    if not tool.exists() or not obj.exists():
        return [f"no objtool in {kernel.kdir}"] if not tool.exists() else []
    res = subprocess.run([tool, "--noinstr", "--link", "--module", "--dry-run", obj],
                         capture_output=True, text=True, env=dict(os.environ, SRCARCH="x86"))
    return [l for l in (res.stdout + res.stderr).split("\n") if l.strip()]


def checkpatch():
    src = kernels.source()
    files = tracked("*.c", "*.h", "*.S")
    user = [f for f in files if f.startswith(("tools/", "tests/")) and
            not f.startswith(("tests/kunit/", "tests/planted/"))]
    results = []
    for what, group, ignore in (
            ("kernel", [f for f in files if f not in user and f not in UAPI], []),
            ("uapi", [f for f in files if f in UAPI], UAPI_IGNORE), ("user", [f for f in user if not f.startswith(STAND_INS)], USER_IGNORE),
            ("stand-ins", [f for f in user if f.startswith(STAND_INS)],
             USER_IGNORE + ["MACRO_ARG_UNUSED"])):
        if not group:
            continue
        cmd = ["perl", src / "scripts/checkpatch.pl", "--strict", "--no-tree", "--no-summary",
               "--terse", "--show-types", "--max-line-length=100", "-f"]
        cmd += [f"--ignore={','.join(ignore)}"] if ignore else []
        res = subprocess.run([str(c) for c in (*cmd, *group)], cwd=util.ROOT, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        results.append(Result(f"static/checkpatch/{what}", PASS if res.returncode == 0 else FAIL,
                              res.stdout[-6000:]))
    return results


def lengths():
    long = []
    for f in tracked("*.c", "*.h", "*.S", "*.py", "*.sh", "Makefile", "Kbuild"):
        if f in UAPI:       # one header is all that userspace includes
            continue
        n = (util.ROOT / f).read_text(errors="replace").count("\n")
        most = SHORTER.get(f, MAX_LINES)
        if n > most:
            long.append(f"{f}: {n} lines, at most {most}")
    gone = [f for f in SHORTER if not (util.ROOT / f).is_file()]
    assert not gone, f"no such file: {', '.join(gone)}"
    assert not long, "\n".join(long)


def floors():
    """No call and no include leads up: a result for each room of floors.txt."""
    return [Result(f"static/floors/{room}", FAIL if wrong else PASS, "\n".join(wrong))
            for room, wrong in module_floors.check().items()]


def docs():
    """What the pages and the comments name is there."""
    return [Result(f"static/docs/{what}", FAIL if wrong else PASS, "\n".join(wrong))
            for what, wrong in module_docs.check(tracked()).items()]


def kbuild():
    """Kernels that are not here get what they want, as far as Kbuild and compat.h can say."""
    return [Result(f"static/kbuild/{what.replace(' ', '-')}", FAIL if wrong else PASS, wrong)
            for what, wrong in module_kbuild.check().items()]


def planted():
    """Each planted fault still has its place, and a test that is to notice it."""
    import run                  # which loads this file as one of the tables of cases
    cases = {c.id for c in run.load_cases()}
    wrong = [f"{m.name}: {m.file} has its text {n} times" for m in module_mutants.MUTANTS
             if (n := (util.ROOT / m.file).read_text().count(m.old)) != 1]
    wrong += [f"{m.name}: no case is named {m.case}" for m in module_mutants.MUTANTS
              if not m.case.startswith("tools/") and m.case not in cases]
    assert not wrong, "\n".join(wrong)


def uapi():
    """vmxhv.h is all that userspace sees: it compiles alone, everywhere."""
    header = util.ROOT / "include" / "vmxhv_layout.h"     # vmxhv.h and assertions on it
    results = []
    for lang, std in (("c", "c11"), ("c++", "c++17")):
        for bits in ("-m64", "-m32"):
            res = subprocess.run(
                ["gcc", "-x", lang, f"-std={std}", bits, "-fsyntax-only", "-Wall", "-Wextra",
                 "-Wpedantic", "-Werror", "-include", header, "/dev/null"],
                capture_output=True, text=True)
            results.append(Result(f"static/uapi/{lang}{bits}",
                                  FAIL if res.returncode else PASS, res.stderr))
    return results


def spdx():
    bare = [f for f in tracked("*.c", "*.h", "*.S", "*.py", "*.sh", "*Makefile", "*Kbuild")
            if "SPDX-License-Identifier:" not in
            "".join((util.ROOT / f).read_text(errors="replace").splitlines(True)[:2])]
    assert not bare, "no SPDX line at the top of " + ", ".join(bare)


def reserved():
    """What vmxhv.h calls reserved in a call's structure, the call's row must name, and no more."""
    header = (util.ROOT / "include" / "vmxhv.h").read_text()
    structs = dict(re.findall(r"^struct (\w+) \{\n(.*?)^\}", header, re.M | re.S))
    bad, rows = [], 0
    for f in tracked("ioctl/*.c"):
        text = (util.ROOT / f).read_text()
        for call, struct, row in re.findall(r"IOCTL_CALL\((\w+), (\w+),(.*?\)),\n(?=\tI|\};)", text,
                                            re.S):
            want = re.findall(r"\b(reserved\d*)(?:\[\d+\])?;", structs[struct])
            seen = re.findall(rf"RESERVED\({struct}, (\w+)\)", row)
            rows += 1
            if seen != want:
                bad.append(f"{f}: {call}: reserved are {seen}, in vmxhv.h {want}")
    assert rows > 20 and not bad, "\n".join(bad) or f"only {rows} rows found"


CASES = [Case(f"static/build/{k}", host=functools.partial(build, k)) for k in kernels.STOCK] + [
    Case("static/checkpatch", host=checkpatch),
    Case("static/docs", host=docs),
    Case("static/floors", host=floors),
    Case("static/kbuild", host=kbuild),
    Case("static/length", host=lengths),
    Case("static/planted", host=planted),
    Case("static/reserved", host=reserved),
    Case("static/spdx", host=spdx),
    Case("static/uapi", host=uapi),
]
