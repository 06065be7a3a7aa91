# SPDX-License-Identifier: GPL-2.0-only
"""Drive QEMU: TCG (no VMX, fast) and KVM where nested VMX is proved to work."""
import functools
import pathlib
import subprocess


def cmdline(spec):
    words = ["console=ttyS0,115200", "quiet", "panic=-1", "reboot=t", "log_buf_len=1M",
             "printk.devkmsg=on"]
    if spec.mitigations:
        words.append(f"mitigations={spec.mitigations}")
    return " ".join(words + ([spec.cmdline] if spec.cmdline else []))


@functools.lru_cache(None)
def kvm_usable():
    """A /dev/kvm node proves nothing: ask QEMU for a CPU with VMX and look at nested."""
    nested = pathlib.Path("/sys/module/kvm_intel/parameters/nested")
    if not nested.exists() or nested.read_text().strip() not in ("Y", "1"):
        return False
    ask = '{"execute":"qmp_capabilities"}{"execute":"quit"}'
    try:
        return subprocess.run(
            ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host,vmx=on,enforce", "-S",
             "-display", "none", "-nodefaults", "-qmp", "stdio"], input=ask, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def prepare(spec, kernel, initramfs, work, com2=None):
    (work / "initramfs.cpio").write_bytes(initramfs)
    accel = (["-accel", "kvm", "-cpu", "host,vmx=on"] if spec.machine == "qemu-kvm" else
             ["-accel", "tcg", "-cpu", "max"])
    args = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", *accel, "-m", str(spec.mem), "-smp", str(spec.cpus),
            "-kernel", str(kernel.bzimage), "-initrd", "initramfs.cpio",
            "-append", cmdline(spec), "-serial", "file:ttyS0.txt",
            "-serial", com2 or "file:ttyS1.txt"]
    (work / "qemu.args").write_text("\n".join(args))


def start(work):
    args = (work / "qemu.args").read_text().split("\n")
    with open(work / "qemu.out", "wb") as out:
        return subprocess.Popen(args, cwd=work, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT, start_new_session=True)
