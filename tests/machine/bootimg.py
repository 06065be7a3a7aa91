# SPDX-License-Identifier: GPL-2.0-only
"""What the emulated machine finds in its RAM and its floppy drive at power-on."""
import struct

from . import util

KERNEL_AT = 0x1000000
INITRD_AT = 0x8000000
ZEROPAGE_AT = 0x90000
CMDLINE_AT = 0x91000


def zero_page(bzimage, initrd_size, cmdline):
    """struct boot_params and the command line behind it (Documentation/arch/x86/boot)."""
    head = bzimage.read_bytes()[:0x1000]
    z = bytearray(0x2000)
    end = 0x202 + head[0x201]
    z[0x1f1:end] = head[0x1f1:end]                      # the setup header, as built
    z[0x06], z[0x07], z[0x0e], z[0x0f] = 80, 25, 25, 0x22   # screen_info: VGA text
    struct.pack_into("<H", z, 0x1fa, 0xffff)            # vid_mode: normal
    z[0x210] = 0xff                                     # type_of_loader: unregistered
    z[0x211] |= 1                                       # loadflags: LOADED_HIGH
    struct.pack_into("<III", z, 0x218, INITRD_AT, initrd_size, 0)
    struct.pack_into("<I", z, 0x228, CMDLINE_AT)
    line = cmdline.encode()
    if len(line) > 2000:
        raise util.BuildError("the kernel command line is too long")
    z[0x1000:0x1000 + len(line)] = line
    return bytes(z)


def floppy(entry, tmp):
    """A 1.44 MB image whose boot sector jumps to @entry."""
    util.run(["as", "--64", f"--defsym=ENTRY={entry:#x}", f"--defsym=ZEROPAGE={ZEROPAGE_AT:#x}",
              "-o", tmp / "boot.o", util.MACHINE / "boot.S"])
    util.run(["ld", "-Ttext=0x7c00", "--oformat=binary", "-o", tmp / "boot.bin", tmp / "boot.o"])
    return (tmp / "boot.bin").read_bytes().ljust(1474560, b"\0")
