#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make shell: an interactive shell in the emulated machine, with vmxhv.ko loaded.

Every program of build/user/ is in it (/t, /bin, /guest). Ctrl-A X ends it.
"""
import os
import pathlib
import select
import shutil
import signal
import sys
import tempfile
import termios
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import bochs, boot, console, kernels, modbuild, util, work   # noqa: E402
from machine.case import case                                       # noqa: E402

ESCAPE = b"\x01"        # Ctrl-A


def relay(master, proc):
    """Terminal to pty and back until the machine ends or the user says so."""
    shown, escape = console.Filter(), False
    stdin = sys.stdin.fileno()
    while proc.poll() is None:
        ready, _, _ = select.select([master, stdin], [], [], 0.5)
        if master in ready:
            try:
                data = os.read(master, 4096)
            except OSError:
                return
            sys.stdout.buffer.write(shown.feed(data))
            sys.stdout.buffer.flush()
        if stdin in ready:
            data = os.read(stdin, 256)
            if not data or (escape and data[:1] in b"xX"):
                return
            escape = data == ESCAPE
            if not escape:
                os.write(master, data)


def main():
    with work.never_silent():
        kernel = kernels.get(sys.argv[1] if len(sys.argv) > 1 else "6.1")
        user = modbuild.programs()
        ours = modbuild.modules(kernel)
    programs = " ".join(f.name for d in (user, user / "tests") if d.exists()
                        for f in d.iterdir() if f.is_file())
    setup = case("shell", f"insmod /modules/vmxhv.ko; true {programs}", modules=[],
                 kernel=kernel.name,
                 files=[(f"modules/{n}.ko", p) for n, p in ours.items()])
    util.LOGS.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="shell-", dir=util.LOGS))
    master, slave = os.openpty()
    tty.setraw(slave)
    initrd = boot.build_initramfs(kernel, [setup], "0 60000\nshell 0\n")
    bochs.prepare(setup.spec, kernel, initrd, work, com2=f"mode=term, dev={os.ttyname(slave)}")
    print(f"booting Linux {kernel.release} in Bochs; the prompt comes in about ten seconds; "
          "Ctrl-A X ends", flush=True)
    saved = termios.tcgetattr(0) if sys.stdin.isatty() else None
    proc = bochs.start(work)
    try:
        if saved:
            tty.setraw(0)
        relay(master, proc)
    finally:
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)
        try:
            os.killpg(proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        proc.wait()
        shutil.rmtree(work, ignore_errors=True)
    print("\nthe machine is off")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except util.BuildError as e:
        sys.exit(f"shell: {e}")
