#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the pages and the comments name is there: paths, links, functions, the files of the rooms.

  tests/docs.py       what is not

A path begins with a folder of the project; NAME in it, and *, stand for anything. In vcpu/README.md
a word with () is a function of the module, and each room lists all of its files.
"""
import ast
import io
import re
import sys
import tokenize

from machine import util

MODULE = ("include/", "ioctl/", "vcpu/", "vmx/")
PATH = re.compile(r"(?<![\w/.<$}~-])(?:vcpu|vmx|ioctl|include|tests|tools)/[\w./*-]*")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
CALL = re.compile(r"(?<![\w.*])([a-z_]\w+)\(\)")
ROOMS = "vcpu/README.md"
ROOM = re.compile(r"^### `(vcpu/\w+)/`\n(.*?)(?=^##|\Z)", re.M | re.S)
FILE = re.compile(r"`([\w.]+\.(?:c|h|S|def))`")
HEAD = re.compile(r"^(?:[A-Za-z_][\w \t*]*[ \t*])?(\w+)\([^{;]*\{", re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
HASH = re.compile(r"^[ \t]*#.*$", re.M)
MACRO = re.compile(r"^#define (\w+)\(|\bSYM_FUNC_START\((\w+)\)", re.M)


def read(name):
    return (util.ROOT / name).read_text(errors="replace")


def python_comments(text):
    """Comments and docstrings, each with the number of its first line."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body:
            yield node.body[0].lineno, ast.get_docstring(node, clean=False) or ""


def prose(name):
    """What of a file is meant for readers: (number of the first line, text)."""
    text = read(name)
    if name.endswith(".md"):
        yield 1, text
    elif name.endswith(".py"):
        yield from python_comments(text)
    else:
        comment = COMMENT if name.endswith((".c", ".h", ".S", ".def")) else HASH
        for m in comment.finditer(text):
            yield text.count("\n", 0, m.start()) + 1, m.group()


def is_there(path):
    """@path, or, as #include has it, below include/."""
    pattern = path.rstrip("/.").replace("NAME", "*")
    return any(next(util.ROOT.glob(p), None) for p in (pattern, f"include/{pattern}"))


def missing_paths(files):
    wrong = []
    for name in files:
        for first, text in prose(name):
            wrong += [f"{name}:{first + text.count(chr(10), 0, m.start())}: no {m.group()}"
                      for m in PATH.finditer(text) if not is_there(m.group())]
    return wrong


def missing_links(files):
    return [f"{name}: a link to {to}, which is not there" for name in files if name.endswith(".md")
            for to in LINK.findall(read(name)) if not ((util.ROOT / name).parent / to).exists()]


def defined(files):
    """The functions and macros of the module."""
    names = set()
    for name in files:
        if name.startswith(MODULE) and name.endswith((".c", ".h", ".S")):
            names.update(HEAD.findall(read(name)))
            names.update(n for pair in MACRO.findall(read(name)) for n in pair)
    return names


def missing_functions(files):
    names, lines = defined(files), read(ROOMS).split("\n")
    return [f"{ROOMS}:{number}: no function {call}()" for number, line in enumerate(lines, 1)
            for call in CALL.findall(line) if call not in names]


def missing_files(files):
    """The rooms of vcpu/README.md, against the folders."""
    there = {}
    for name in files:
        if re.fullmatch(r"vcpu/\w+/[\w.]+", name):
            room, _, file = name.rpartition("/")
            there.setdefault(room, set()).add(file)
    listed = {room: set(FILE.findall(text)) for room, text in ROOM.findall(read(ROOMS))}
    return [f"{ROOMS}: {what} {room}/{file}" for room in sorted({*there, *listed})
            for what, more in (("no line for", there.get(room, set()) - listed.get(room, set())),
                               ("no", listed.get(room, set()) - there.get(room, set())))
            for file in sorted(more)]


def check(files):
    """{what: complaints} about @files, all of the project's."""
    named = [f for f in files if f.endswith((".c", ".h", ".S", ".def", ".py", ".sh", ".md", ".txt",
                                             "Makefile", "Kbuild"))]
    return {"paths": missing_paths(named), "links": missing_links(named),
            "functions": missing_functions(named), "rooms": missing_files(named)}


def main():
    from cases.static import tracked
    wrong = sum(check(tracked()).values(), [])
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
