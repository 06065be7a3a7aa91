# SPDX-License-Identifier: GPL-2.0-only
"""What a test is: a row of a table in tests/cases/."""
import dataclasses
import itertools
import typing


@dataclasses.dataclass(frozen=True)
class Spec:
    """A machine to boot. Cases with equal specs share one boot."""
    kernel: str = "6.1"
    model: str = "skylake_x"
    cpus: int = 1
    mem: int = 512                  # MiB
    cmdline: str = ""               # added to the kernel's command line
    mitigations: str = "off"        # "" leaves the kernel's default
    bios: tuple = ()                # ((offset, byte), ...) changed in the BIOS
    machine: str = "bochs"          # bochs, qemu-tcg, qemu-kvm
    log_errors: bool = False        # Bochs names each failed VM entry in bochs.log
    alone: str = ""                 # any text: shares a boot only with the same text


SPEC_FIELDS = {f.name for f in dataclasses.fields(Spec)}


@dataclasses.dataclass(frozen=True)
class Case:
    """
    name: what T= selects by prefix; the kernel (and what else is not the default) is
        added after an "@".
    run: shell command(s) in the machine, or host: a callable on this one.
    modules: loaded before and removed after: ours, or the kernel's own with what they
        need; "vmxhv foo=1" passes parameters. A modbuild.Fault or Variant is vmxhv.ko with it.
    files: (path in the machine, path here or bytes or a callable that returns bytes).
        Programs of build/user/ that @run names are there without being listed; all
        guest images are in /guest.
    timeout: seconds of the machine's own clock.
    expect_dmesg: regular expressions: splats allowed in just this test.
    kind: "auto" reads TAP if the output is TAP, else the exit status (4 is skip);
        "kunit" reads KTAP in the kernel log.
    check: callable(output, kernel log lines); raises AssertionError.
    emulator: with log_errors, regular expressions: each finds a failed VM entry that the
        emulator named in this boot, and none of those is left over.
    machine: "" means the machine with VMX that MACHINE= chose; "qemu-tcg" means there
        and nowhere else. needs_vmx=False: runs on any.
    on_demand: only when T= names it.
    beyond: the case takes Linux down, and ends by just this line of the program that it
        leaves Linux for ("@@vmxhv beyond " before it; see guest/beyond.S): only then does
        it pass. The console stands in for the kernel log.
    carries: modules of the kernel's own that are in /modules with what they need, but not
        loaded.
    not_debug: why the debug kernel cannot run it, in words.
    not_here: run.py's: why this run leaves it out.
    """
    name: str
    run: str = ""
    host: typing.Optional[typing.Callable] = None
    spec: Spec = Spec()
    modules: tuple = ("vmxhv",)
    files: tuple = ()
    timeout: float = 30
    expect_dmesg: tuple = ()
    kind: str = "auto"
    status: int = 0
    check: typing.Optional[typing.Callable] = None
    emulator: tuple = ()
    machine: str = ""
    needs_vmx: bool = True
    on_demand: bool = False
    beyond: str = ""
    carries: tuple = ()
    not_debug: str = ""
    not_here: str = ""

    @property
    def id(self):
        if self.host:
            return self.name
        s, d = self.spec, Spec()
        parts = [s.kernel]
        parts += [s.model] if s.model != d.model else []
        parts += [f"{s.cpus}cpu"] if s.cpus != d.cpus else []
        parts += [f"mitigations={s.mitigations or 'default'}"] if s.mitigations != d.mitigations else []
        parts += [self.machine] if self.machine else []
        return f"{self.name}@{','.join(parts)}"

    def selected(self, prefixes):
        if not prefixes:
            return not self.on_demand
        # A prefix of the name; with an "@", the whole machine or its first parts; or a
        # result's own name, which is longer than its case's.
        return any(f"{self.id},".startswith(f"{p},") if "@" in p and "/" not in p.split("@")[1]
                   else self.id.startswith(p) or p.startswith(f"{self.id}/") for p in prefixes)


def case(name, run="", **kw):
    """A Case whose machine is given by plain keywords: case("x", "cmd", kernel="6.12")."""
    spec = Spec(**{k: kw.pop(k) for k in list(kw) if k in SPEC_FIELDS - {"machine"}})
    for k in ("modules", "files", "expect_dmesg", "emulator", "carries"):
        if k in kw:
            kw[k] = tuple(kw[k])
    return Case(name=name, run=run, spec=spec, **kw)


def matrix(name, run="", **kw):
    """A list of cases: each list among kernel, model, cpus, mitigations is a dimension."""
    dims = {k: v for k, v in kw.items() if k in SPEC_FIELDS and isinstance(v, list)}
    for k in dims:
        kw.pop(k)
    return [case(name, run, **dict(zip(dims, values)), **kw)
            for values in itertools.product(*dims.values())]
