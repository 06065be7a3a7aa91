# SPDX-License-Identifier: GPL-2.0-only
"""Print compile_commands.json: Kbuild's own command lines, pointed at the source tree.

The module is built in a copy (tests/machine/modbuild.py); an editor wants the
files that people edit.
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from machine import kernels, modbuild, util                     # noqa: E402


def main():
    kernel = kernels.get("6.1")
    modbuild.modules(kernel)
    copy = util.BUILD / kernel.name / "src"
    entries = []
    for cmd in sorted(copy.rglob(".*.o.cmd")):
        m = re.match(r"(?:saved)?cmd_\S+ := (.*?)(?: ;|$)", cmd.read_text().split("\n")[0])
        src = m and re.search(r"(\S+\.c)$", m.group(1).strip())
        if src and not src.group(1).endswith(".mod.c") and (util.ROOT / pathlib.Path(src.group(1)).relative_to(copy)).exists():
            text = m.group(1).strip().replace(str(copy), str(util.ROOT))
            entries.append({"directory": str(kernel.kdir.resolve()), "command": text,
                            "file": src.group(1).replace(str(copy), str(util.ROOT))})
    json.dump(entries, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
