# SPDX-License-Identifier: GPL-2.0-only
"""Build the modules for a kernel and the programs that tests run.

The modules are built in a copy of the sources, one per kernel, so that both
header sets can be used in turn without a trace in the source tree.
"""
import functools
import os
import shutil

from . import util

SOURCES = ["Kbuild", "include", "vmx", "vcpu", "ioctl", "tests/kunit", "tests/planted"]


# What a build leaves behind: never copied, and never deleted in the copy.
ARTIFACTS = ["*.o", "*.ko", "*.mod", "*.mod.c", "*.cmd", "*.a", "*.d", "modules.order",
             "Module.symvers"]


def sync(dest):
    """Copy what Kbuild reads to @dest; objects that are there stay for the next build."""
    dest.mkdir(parents=True, exist_ok=True)
    here = [f"./{s}" for s in SOURCES if (util.ROOT / s).exists()]
    util.run(["rsync", "-aR", "--delete", *(f"--exclude={a}" for a in ARTIFACTS),
              *here, f"{dest}/"], cwd=util.ROOT)


def make_modules(kernel, dest, log, *args):
    return util.run(["make", "-C", kernel.kdir, f"M={dest}", f"-j{os.cpu_count()}", *args,
                     "VMXHV_TESTS=1", "modules"], log)


@functools.lru_cache(None)
def modules(kernel):
    """A dictionary of our modules for @kernel: name to path of the .ko."""
    top = util.BUILD / kernel.name
    dest = top / "src"
    with util.locked(util.BUILD / f"{kernel.name}.lock"):
        stamp = top / "kernel"
        if stamp.exists() and stamp.read_text() != str(kernel.kdir):
            shutil.rmtree(top)
        sync(dest)
        stamp.write_text(str(kernel.kdir))
        make_modules(kernel, dest, util.LOGS / f"module-{kernel.name}.log")
        listed = (dest / "modules.order").read_text().split()
    # modules.order names .ko on old kernels and .o on newer ones, relative or absolute.
    paths = [dest / os.path.relpath(p, dest) if os.path.isabs(p) else dest / p for p in listed]
    return {p.stem: p.with_suffix(".ko") for p in paths}


@functools.lru_cache(None)
def programs():
    """build/user/: tools, test programs, guest images, and our init."""
    out = util.BUILD / "user"
    with util.locked(util.BUILD / "user.lock"):
        util.run(["make", "-C", util.ROOT / "tests", f"OUT={out}", f"-j{os.cpu_count()}"],
                 util.LOGS / "user.log")
    return out
