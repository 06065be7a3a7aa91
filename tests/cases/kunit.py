# SPDX-License-Identifier: GPL-2.0-only
"""KUnit: the pure suites on QEMU without VMX, those that run VMX on the emulated CPU.

tests/kunit/NAME_test.c and tests/kunit/vmx/NAME_test.c are found by themselves.
"""
from machine import util
from machine.case import case, matrix

KUNIT = util.ROOT / "tests" / "kunit"
CASES = []

if list(KUNIT.glob("*_test.c")):
    CASES.append(case("kunit/pure", kernel="kunit", modules=["vmxhv", "vmxhv-kunit"],
                      kind="kunit", machine="qemu-tcg", needs_vmx=False, mem=1024,
                      timeout=120))
if list((KUNIT / "vmx").glob("*_test.c")):
    CASES += matrix("kunit/vmx", kernel="kunit", modules=["vmxhv", "vmxhv-kunit-vmx"],
                    kind="kunit", cpus=[1, 2], timeout=120)
