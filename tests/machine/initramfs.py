# SPDX-License-Identifier: GPL-2.0-only
"""Write a newc cpio archive: no root, no cpio(1), the same bytes for the same input."""
import functools
import pathlib
import subprocess

BUSYBOX = pathlib.Path("/bin/busybox")


@functools.lru_cache(None)
def applets():
    out = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout
    return [name for name in out.split() if name != "busybox"]


class Archive:
    """Members by path; directories are made as needed."""

    def __init__(self):
        self.members = {}

    def add(self, path, data, mode=0o755):
        path = path.strip("/")
        for parent in reversed(pathlib.PurePath(path).parents):
            if str(parent) != ".":
                self.members.setdefault(str(parent), (0o040755, b"", (0, 0)))
        self.members[path] = (0o100000 | mode, bytes(data), (0, 0))

    def symlink(self, path, target):
        self.add(path, b"")
        self.members[path.strip("/")] = (0o120777, target.encode(), (0, 0))

    def node(self, path, major, minor):
        self.add(path, b"")
        self.members[path.strip("/")] = (0o020600, b"", (major, minor))

    def bytes(self):
        out = bytearray()
        items = [*self.members.items(), ("TRAILER!!!", (0, b"", (0, 0)))]
        for ino, (path, (mode, data, dev)) in enumerate(items, 1):
            name = path.encode() + b"\0"
            head = [ino, mode, 0, 0, 1, 0, len(data), 0, 0, *dev, len(name), 0]
            out += b"070701" + b"".join(b"%08X" % v for v in head) + name
            out += bytes(-len(out) % 4)
            out += data
            out += bytes(-len(out) % 4)
        return bytes(out + bytes(-len(out) % 512))


def base(agent):
    """busybox and our init."""
    a = Archive()
    a.node("dev/console", 5, 1)
    a.node("dev/null", 1, 3)
    a.add("bin/busybox", BUSYBOX.read_bytes())
    for name in applets():
        a.symlink(f"bin/{name}", "busybox")
    a.add("init", agent.read_bytes())
    return a
