# SPDX-License-Identifier: GPL-2.0-only
"""Build the modules for a kernel and the programs that tests run.

The modules are built in a copy of the sources, one per kernel, so that both
header sets can be used in turn without a trace in the source tree.
"""
import dataclasses
import functools
import os
import shutil

from . import util, work

SOURCES = ["Kbuild", "include", "vmx", "vcpu", "ioctl", "tests/kunit", "tests/planted"]


# What a build leaves behind: never copied, and never deleted in the copy.
ARTIFACTS = ["*.o", "*.ko", "*.mod", "*.mod.c", "*.cmd", "*.a", "*.d", "*.s", "modules.order",
             "Module.symvers", "offsets.h"]


# A file whose content changes gets the time of the copy, and is built again: in a tree where
# faults are planted a file's own time says nothing.
BY_CONTENT = ["-rlp", "--checksum"]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault in vmxhv.ko: @old stands exactly once in @file and becomes @new."""
    name: str
    what: str
    file: str
    old: str
    new: str

    def plant(self, tree):
        """Change @tree, a copy of the sources that is made BY_CONTENT before it is used again."""
        path = tree / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise util.BuildError(f"{self.name} does not apply: {self.file} has changed")
        path.write_text(text.replace(self.old, self.new))


@dataclasses.dataclass(frozen=True)
class Variant:
    """vmxhv.ko as Kbuild makes it with @args."""
    name: str
    what: str
    args: tuple

    def plant(self, tree):
        """Nothing is changed."""


COUNTING = Variant("counting", "VMREADs, VMWRITEs, MSR accesses and barriers are counted",
                   ("VMXHV_COUNT=1",))


def sync(dest, how=("-a",)):
    """Copy what Kbuild reads to @dest; objects that are there stay for the next build."""
    dest.mkdir(parents=True, exist_ok=True)
    here = [f"./{s}" for s in SOURCES if (util.ROOT / s).exists()]
    util.run(["rsync", *how, "-R", "--delete", *(f"--exclude={a}" for a in ARTIFACTS),
              *here, f"{dest}/"], cwd=util.ROOT)


def make_modules(kernel, dest, log, *args):
    return util.run(["make", "-C", kernel.kdir, f"M={dest}", f"-j{os.cpu_count()}", *args,
                     "modules"], log)


@functools.lru_cache(None)
def modules(kernel, tests=True):
    """A dictionary of our modules for @kernel: name to path of the .ko. @tests: all of them."""
    top = util.BUILD / kernel.name
    dest = top / "src"
    with util.locked(util.BUILD / f"{kernel.name}.lock"):
        stamp = top / "kernel"
        if stamp.exists() and stamp.read_text() != str(kernel.kdir):
            shutil.rmtree(top)
        sync(dest)
        stamp.write_text(str(kernel.kdir))
        with work.doing(f"building our modules for {kernel.name}", lambda: objects(dest),
                        loud=not (dest / "modules.order").exists()):
            make_modules(kernel, dest, util.LOGS / f"module-{kernel.name}.log",
                         *(["VMXHV_TESTS=1"] if tests else []))
        listed = (dest / "modules.order").read_text().split()
    # modules.order names .ko on old kernels and .o on newer ones, relative or absolute.
    paths = [dest / os.path.relpath(p, dest) if os.path.isabs(p) else dest / p for p in listed]
    return {p.stem: p.with_suffix(".ko") for p in paths}


def objects(tree):
    """How far a build in @tree is, in words."""
    return f"{sum(1 for _ in tree.rglob('*.o'))} objects"


def sources_digest(*parts):
    files = [f for s in SOURCES for f in sorted((util.ROOT / s).rglob("*")) if f.is_file()]
    return util.digest(*parts, util.ROOT / "Kbuild", *files)


def seed(kernel, dest):
    """Begin @dest with the objects of modules(), so that only what a fault changes is compiled: the
    commands that Kbuild remembers name the folder, and must name this one."""
    modules(kernel)
    made = util.BUILD / kernel.name / "src"
    with util.locked(util.BUILD / f"{kernel.name}.lock"):
        shutil.copytree(made, dest)
    for f in [*dest.rglob(".*.cmd"), *dest.rglob("*.mod")]:
        f.write_text(f.read_text().replace(str(made), str(dest)))


@functools.lru_cache(None)
def faulty(kernel, fault):
    """The path of a vmxhv.ko for @kernel with @fault, or a Variant's arguments, in it."""
    args = getattr(fault, "args", ())
    # other arguments make every object anew: they get objects of their own
    top = util.BUILD / kernel.name / ("variants" if args else "faults")
    out, stamp = top / fault.name / "vmxhv.ko", top / fault.name / "made-of"
    with util.locked(util.BUILD / f"{kernel.name}-{top.name}.lock"):
        key = sources_digest(str(kernel.kdir), fault)
        if stamp.exists() and stamp.read_text() == key:
            return out
        if not args and not (top / "src").exists():
            seed(kernel, top / "src")
        sync(top / "src", BY_CONTENT)
        fault.plant(top / "src")
        with work.doing(f"building vmxhv.ko for {kernel.name}, {fault.name}",
                        lambda: objects(top / "src")):
            make_modules(kernel, top / "src",
                         util.LOGS / f"module-{kernel.name}-{fault.name}.log", *args)
        out.parent.mkdir(exist_ok=True)
        stamp.unlink(missing_ok=True)
        shutil.copy(top / "src" / "vmxhv.ko", out)
        stamp.write_text(key)
    return out


@functools.lru_cache(None)
def programs(target="all"):
    """build/user/: tools, test programs, guest images, and our init; or some of it."""
    out = util.BUILD / "user"
    with util.locked(util.BUILD / "user.lock"), \
            work.doing("building the tools and the test programs", lambda: objects(out),
                       loud=not out.exists()):
        util.run(["make", "-C", util.ROOT / "tests", f"OUT={out}", f"-j{os.cpu_count()}",
                  target], util.LOGS / "user.log")
    return out
