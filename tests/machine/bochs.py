# SPDX-License-Identifier: GPL-2.0-only
"""Drive Bochs 2.7 (Debian's package), the machine with VMX on a host without.

The kernel boots straight from RAM images: no firmware loader, no disk. What
Bochs exits with says nothing (see tests/README.md); the serial lines do.
"""
import os
import pathlib
import re
import subprocess

from . import bootimg, util

BIOS = pathlib.Path("/usr/share/bochs/BIOS-bochs-latest")
VGABIOS = pathlib.Path("/usr/share/bochs/VGABIOS-lgpl-latest")
IPS = 50_000_000

# Model: Bochs' name for it, and CPUID bits that Linux must be told to ignore on it.
# xsaves,xsavec: with them Bochs' XSAVE sizes do not add up and Linux drops XSAVE.
MODELS = {
    "skylake_x": ("corei7_skylake_x", "xsaves,xsavec"),
    "cnl": ("corei3_cnl", "xsaves,xsavec,pku"),
    "icelake": ("corei7_icelake_u", "xsaves,xsavec,pku,fsrm"),
    "tigerlake": ("tigerlake", "xsaves,xsavec,pku,fsrm"),
    "broadwell": ("broadwell_ult", "xsaves,xsavec"),
    "haswell": ("corei7_haswell_4770", "xsaves,xsavec"),
    "sandy_bridge": ("corei7_sandy_bridge_2600k", "xsaves,xsavec"),
    "lynnfield": ("corei5_lynnfield_750", "xsaves,xsavec"),
    "penryn": ("core2_penryn_t9600", "xsaves,xsavec"),
    "prescott": ("p4_prescott_celeron_336", "xsaves,xsavec"),
    "ryzen": ("ryzen", "xsaves,xsavec,mwaitx"),
}

# sound: its mixer thread overruns a buffer and takes Bochs down where there is no card.
RC = """\
display_library: rfb, options="timeout=0"
plugin_ctrl: serial=1
cpu: model={model}, count={cpus}, ips={ips}, reset_on_triple_fault=0
memory: guest={mem}, host={mem}
romimage: file={bios}, options=fastboot
vgaromimage: file={vgabios}
floppya: 1_44=floppy.img, status=inserted
boot: floppy
optramimage1: file={raw}, address={kernel_at:#x}
optramimage2: file=initramfs.cpio, address={initrd_at:#x}
optramimage3: file=zeropage.bin, address={zeropage_at:#x}
ata0: enabled=0
sound: driver=dummy
com1: enabled=1, mode=file, dev=ttyS0.txt
com2: enabled=1, {com2}
port_e9_hack: enabled=1
magic_break: enabled=1
clock: sync=none, time0=946681200
log: bochs.log
panic: action=report
error: action={errors}
info: action=ignore
debug: action=ignore
"""


def cmdline(spec):
    """
    tsc_early_khz is ips/1000: without it CPUID 15H makes every delay 70 times too long.
    nomwait: an emulated CPU in MWAIT does not see what another CPU writes, and sleeps on, up to
    seconds, until something else interrupts it; HLT has no such fault.
    """
    words = ["console=ttyS0,115200", "quiet", "nokaslr", "panic=-1", "reboot=t",
             "tsc=reliable", f"tsc_early_khz={IPS // 1000}", "cryptomgr.notests",
             "log_buf_len=1M", "printk.devkmsg=on", f"clearcpuid={MODELS[spec.model][1]}"]
    if spec.cpus > 1:
        words.append("idle=nomwait")
    if spec.mitigations:
        words.append(f"mitigations={spec.mitigations}")
    return " ".join(words + ([spec.cmdline] if spec.cmdline else []))


def _shim():
    src = util.MACHINE / "readcap.c"

    def make(tmp):
        util.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", tmp / "readcap.so", src])
    return util.cached("readcap", util.digest(src), make) / "readcap.so"


def prepare(spec, kernel, initramfs, work, com2=None):
    """Write everything that a run in @work needs; what is left to do is start()."""
    (work / "initramfs.cpio").write_bytes(initramfs)
    (work / "zeropage.bin").write_bytes(
        bootimg.zero_page(kernel.bzimage, len(initramfs), cmdline(spec)))
    (work / "floppy.img").write_bytes(bootimg.floppy(kernel.entry, work))
    (work / "bochsrc").write_text(RC.format(
        model=MODELS[spec.model][0], cpus=spec.cpus, ips=IPS, mem=spec.mem,
        bios=_bios(spec, work), vgabios=VGABIOS, raw=kernel.raw,
        kernel_at=bootimg.KERNEL_AT, initrd_at=bootimg.INITRD_AT,
        zeropage_at=bootimg.ZEROPAGE_AT, com2=com2 or "mode=file, dev=ttyS1.txt",
        errors="report" if spec.log_errors else "ignore"))
    (work / "debugger").write_text("c\nr\nptime\nq\n")


def _bios(spec, work):
    """The stock BIOS, or a copy with bytes changed as the test says: {offset: byte}."""
    if not spec.bios:
        return BIOS
    data = bytearray(BIOS.read_bytes())
    for offset, value in spec.bios:
        data[offset] = value
    (work / "bios.bin").write_bytes(data)
    return "bios.bin"


def refused_entries(work):
    """What Bochs said to each failed VM entry: the independent word on ours."""
    log = work / "bochs.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    return re.findall(r"(?:VMFAIL|VMENTER FAIL): .*", text)


def start(work):
    """Its own process group, so that a Ctrl-C or a timeout takes all of it."""
    with open(work / "bochs.out", "wb") as out:
        return subprocess.Popen(
            ["bochs", "-q", "-f", "bochsrc", "-rc", "debugger"], cwd=work,
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env=dict(os.environ, LD_PRELOAD=str(_shim())), start_new_session=True)
