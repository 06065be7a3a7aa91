# SPDX-License-Identifier: GPL-2.0-only
"""Where .clang-format would break or indent a line otherwise.

The kernel's style aligns tables, macros and trailing comments by hand, which
clang-format 14 cannot say: those are left out here, and checkpatch --strict
(make check T=static) has the last word. What is left must be nothing.
"""
import difflib
import re
import subprocess
import sys

# Hand-aligned on purpose: macros, comments, labels of tables, attributes on their own line.
BY_HAND = re.compile(r'^\s*(#|/?\*|//|\{|\}|\.\w+|\[|[A-Z_0-9x, ()|<"]+[,;]?$|__\w+\(.*\)$|case |'
                     r'asm|static_assert|_Static_assert|enum |[\w<>", ]+,$|")|\\$|/\*|\\n"')


def shape(text):
    """(indentation, words) of each line."""
    return [re.sub(r"(?<=\S)\s+", " ", l.rstrip()) for l in text.split("\n")]


def differences(path):
    """Lines whose indentation by tabs is not clang-format's; joins and breaks are taste."""
    src = open(path, encoding="utf-8").read()
    out = subprocess.run(["clang-format", path], capture_output=True, text=True, check=True).stdout
    a, b = shape(src), shape(out)
    found = []
    for op, i, j, k, n in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op != "replace" or j - i != n - k:
            continue
        for x, (old, new) in enumerate(zip(a[i:j], b[k:n])):
            if old.strip() == new.strip() and not BY_HAND.search(old):
                found.append(f"{path}:{i + x + 1}: indentation: {old.strip()}")
            elif old.replace(" ", "") == new.replace(" ", "") and not BY_HAND.search(old):
                found.append(f"{path}:{i + x + 1}: spaces: wanted: {new.strip()}")
    return found


def main():
    found = [d for path in sys.argv[1:] for d in differences(path)]
    print("\n".join(found) if found else f"format-check: {len(sys.argv) - 1} files, clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
