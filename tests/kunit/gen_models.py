#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write tests/kunit/cpu_models.h from tests/data/cpu-models.json (arguments: input, output)."""
import json
import pathlib
import sys

FIRST, COUNT = 0x480, 20
TESTS = pathlib.Path(__file__).resolve().parent.parent


def model_rows(name, model):
    """The lines of one struct vmx_cpu."""
    msrs = [model["msr"].get(hex(FIRST + i), "#GP") for i in range(COUNT)]
    valid = sum(1 << i for i, value in enumerate(msrs) if value != "#GP")
    feature_control = model["msr"]["0x3a"]
    there = feature_control != "#GP"
    yield "\t{"
    yield f'\t\t.name = "{name}",'
    yield "\t\t.cpu = {"
    yield f"\t\t\t.cpuid_1_ecx = {model['cpuid']['1'][2]},"
    yield "\t\t\t.cpuid_phys_bits = 40,"
    yield "\t\t\t.cpuid_linear_bits = 48,"
    yield f"\t\t\t.msr_valid = {valid:#x},"
    yield f"\t\t\t.feature_control_valid = {str(there).lower()},"
    yield f"\t\t\t.feature_control = {feature_control if there else 0},"
    yield "\t\t\t.cr0 = MODEL_CR0,"
    yield "\t\t\t.cr4 = MODEL_CR4,"
    yield "\t\t\t.msr = {"
    for i, value in enumerate(msrs):
        if value != "#GP":
            yield f"\t\t\t\t[{i}] = {value},"
    yield "\t\t\t},"
    yield "\t\t},"
    yield "\t},"


def main():
    source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else TESTS / "data/cpu-models.json")
    target = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else TESTS / "kunit/cpu_models.h")
    lines = ["/* SPDX-License-Identifier: GPL-2.0-only */",
             "/* Written by gen_models.py from tests/data/cpu-models.json: change that. */",
             "static const struct {",
             "\tconst char *name;",
             "\tstruct vmx_cpu cpu;",
             "} cpu_models[] = {"]
    for name, model in json.loads(source.read_text())["models"].items():
        lines += model_rows(name, model)
    lines += ["};", ""]
    target.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
