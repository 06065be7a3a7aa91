# SPDX-License-Identifier: GPL-2.0-only
"""A Linux guest for vmxhv-run: Debian's unmodified kernel and a busybox initrd."""
from . import case, initramfs, kernels, util

INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo
echo "{marker}"
echo "kernel: $(uname -srm)"
echo "memory: $(awk '/MemTotal/ {{print $2, $3}}' /proc/meminfo), CPUs: $(nproc)"
{script}
echo "guest: powering off"
poweroff -f
"""
MARKER = "Hello from a guest of /dev/vmxhv."
# The kernel's crypto self-tests alone are 0.9 G instructions.
WHOLE = "console=ttyS0 quiet panic=-1 cryptomgr.notests"
APPEND = f"{WHOLE} {kernels.UNWATCHED}"


def initrd(script="", marker=MARKER, files=()):
    a = initramfs.Archive()
    a.node("dev/console", 5, 1)
    a.node("dev/null", 1, 3)
    a.add("bin/busybox", initramfs.BUSYBOX.read_bytes())
    for name in initramfs.applets():
        a.symlink(f"bin/{name}", "busybox")
    for d in ("proc", "sys"):
        a.add(f"{d}/.keep", b"")
    for path, data in files:
        a.add(path, data() if callable(data) else data)
    a.add("init", INIT.format(marker=marker, script=script).encode())
    return a.bytes()


def available():
    """The launcher is part of the project: without it there is nothing to test."""
    return (util.ROOT / "tools" / "Makefile").exists()


def greeted(output, _log):
    assert MARKER in output, "the guest's greeting did not come"
    assert "guest: powering off" in output, "the guest did not reach its end"


def linux(name, guest="6.1", options="", append=APPEND, script="", elf=False,
          initrd_files=(), **kw):
    """A case: boot Debian's kernel @guest under vmxhv-run; it greets and powers off. With @elf
    it is the vmlinux out of the bzImage. @initrd_files: (path, bytes or a callable)."""
    def image():
        bzimage = kernels.get(guest).bzimage
        return kernels.payload(bzimage) if elf else bzimage.read_bytes()

    kw.setdefault("timeout", 120)
    kw.setdefault("mem", 768)
    kw.setdefault("check", greeted)
    # Cases share a boot, and with it /guest: an initrd for each.
    rd = f"guest/initrd-{name.replace('/', '-')}"
    file = f"guest/{'vmlinux' if elf else 'vmlinuz'}-{guest}"
    return case.case(
        name, f"vmxhv-run --kernel /{file} --initrd /{rd} "
              f"--append '{append}' --mem 256M {options}".rstrip(),
        files=[(file, image), (rd, lambda: initrd(script, files=initrd_files))],
        kind="plain", **kw)
