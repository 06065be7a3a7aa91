#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The order of the module's rooms (floors.txt), held against what the compiler made of them.

  tests/floors.py [FOLDER]      every call from one room into another, most first

An object's undefined symbols are what it calls or reads elsewhere; the object that defines one is
where. A call upward is a fault, so there is no circle between rooms either.
"""
import collections
import dataclasses
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import kernels, modbuild, util                     # noqa: E402

LIST = util.ROOT / "tests" / "floors.txt"
FOLDERS = ("ioctl", "vcpu", "vmx")


@dataclasses.dataclass(frozen=True)
class Edge:
    """@source, a file in a room, needs @target's @what."""
    source: str
    target: str
    what: str


class Floors:
    """The order: of each file its room, and of each room how far down it stands."""

    def __init__(self, text):
        self.rooms, self.objects = [], set()
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if words and words[0] == "object":
                self.objects.update(words[1:])
            elif words:
                self.rooms.append(words)

    def room(self, path):
        """The first room that @path, a source or a header, stands in, by number; None: in none."""
        path = re.sub(r"^include/vcpu/(\w+)\.h$", r"vcpu/\1/.h", path)
        path = re.sub(r"^include/(vmx|ioctl)/.*", r"\1/.h", path)
        for number, parts in enumerate(self.rooms):
            if any(path.startswith((f"{p}/", f"{p}.")) for p in parts):
                return number
        return None

    def name(self, number):
        return self.rooms[number][0]

    def upward(self, edges):
        """{room: [edges that lead up from it]}, every room there is."""
        wrong = {parts[0]: [] for parts in self.rooms}
        for e in edges:
            here, there = self.room(e.source), self.room(e.target)
            if here is not None and there is not None and there < here:
                wrong[self.name(here)].append(
                    f"{e.source}: {e.what} is {e.target}'s, and {self.name(there)} stands above")
        return wrong


def symbols(obj):
    """(defined, undefined) names of an object."""
    out = subprocess.run(["nm", obj], capture_output=True, text=True, check=True).stdout
    rows = [line.split()[-2:] for line in out.splitlines()]
    return ({name for kind, name in rows if kind in "TDBRVW"},
            {name for kind, name in rows if kind == "U"})


def calls(tree):
    """Edges between the objects below @tree, which is built."""
    found = {}
    for folder in FOLDERS:
        for obj in sorted((tree / folder).rglob("*.o")):
            source = next((s for s in (obj.with_suffix(".c"), obj.with_suffix(".S"))
                           if s.exists()), None)
            if source:
                found[str(source.relative_to(tree))] = symbols(obj)
    owner = {name: source for source, (defined, _) in found.items() for name in defined}
    assert len(found) > 80, f"only {len(found)} objects below {tree}"
    return [Edge(source, owner[name], name) for source, (_, needed) in found.items()
            for name in sorted(needed) if name in owner and owner[name] != source]


def includes(tree, floors):
    """Edges from sources and headers to the headers of rooms that they name."""
    edges = []
    for folder in (*FOLDERS, "include"):
        for path in sorted((tree / folder).rglob("*.[chS]")):
            source = str(path.relative_to(tree))
            if source in floors.objects or source.endswith(".mod.c"):
                continue
            for name in re.findall(r'^#include [<"]([\w/.]+\.h)[>"]', path.read_text(), re.M):
                target = header(tree, path, name)
                if target in floors.objects:
                    target = "vcpu/core/.h"
                if target:
                    edges.append(Edge(source, target, f'"{name}"'))
    return edges


def header(tree, path, name):
    """Which of ours @path means by @name, below @tree: beside it, or in include/; None: neither."""
    for folder in (path.parent, tree / "include"):
        found = (folder / name).resolve()
        if found.is_file() and found.is_relative_to(tree.resolve()):
            return str(found.relative_to(tree.resolve()))
    return None


def check():
    """{room: complaints} of the tree as it is."""
    kernel = kernels.get("6.1")
    modbuild.modules(kernel)
    tree = util.BUILD / kernel.name / "src"
    floors = Floors(LIST.read_text())
    edges = calls(tree) + includes(tree, floors)
    homeless = {f for e in edges for f in (e.source, e.target)
                if floors.room(f) is None and not re.match(r"include/\w+\.h$", f)}
    assert not homeless, f"in no room of floors.txt: {', '.join(sorted(homeless))}"
    return floors.upward(edges)


def main(tree):
    floors = Floors(LIST.read_text())
    count = collections.Counter((floors.room(e.source), floors.room(e.target))
                                for e in calls(tree))
    for (here, there), n in sorted(count.items(), key=lambda item: -item[1]):
        if here != there:
            print(f"{n:5} {floors.name(here):12} -> {floors.name(there)}")
    wrong = [line for lines in floors.upward(calls(tree) + includes(tree, floors)).values()
             for line in lines]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if sys.argv[1:] else
                  util.BUILD / "6.1" / "src"))
