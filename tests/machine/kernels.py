# SPDX-License-Identifier: GPL-2.0-only
"""The kernels that tests run on: two of Debian's, unmodified, and two of our own.

A Kernel says where its bzImage, its raw image for the direct boot with its entry
address, its build directory for modules and its own modules are.
"""
import dataclasses
import functools
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess

from . import util
from .util import BuildError

STOCK = {"6.1": "linux-headers-cloud-amd64", "6.12": "linux-headers-6.12-cloud-amd64"}
SOURCE = "linux-source-6.12"
KCONFIG = util.MACHINE / "kconfig"
BUILT = {"kunit": ("base", "trim", "kunit"), "debug": ("base", "trim", "debug")}
NAMES = (*STOCK, *BUILT)
# What building one costs, and how many objects it makes: what is said of it meanwhile.
MINUTES = {"kunit": 18, "debug": 12}
OBJECTS = {"kunit": 1400, "debug": 1400}
# What a test that depends on the kernel's version takes our own for.
VERSION = {name: "6.12" for name in BUILT}
# Every limit of time is multiplied by this: what the checkers cost beside a stock kernel.
SLOWER = {"debug": 8}
# Parts of a boot that no test looks at: entropy by jitter, ftrace's search for weak functions among
# all symbols, what prepares for tracing and for BPF, certificates. On the host's clock a boot of 6.12
# takes 6.3 s without them, and 14.5 s with them; 6.1: 5.9 and 9.8.
UNWATCHED = ("initcall_blacklist=jent_mod_init,ftrace_check_for_weak_functions,ftrace_check_sync,"
             "trace_eval_init,bpf_tcp_ca_kfunc_init,load_system_certificate_list")
# Of our own, those that the checkers make long: 15 of 16 RAM disks, the sysfs files of built-in
# parameters and of slabs, a list's self-test. A third of all.
CMDLINE = {name: UNWATCHED for name in STOCK} | {
    "debug": "brd.rd_nr=1 brd.rd_size=16384 initcall_blacklist=plist_test,"
             "param_sysfs_builtin_init,slab_late_init"}


@dataclasses.dataclass(frozen=True)
class Kernel:
    name: str
    release: str
    bzimage: pathlib.Path
    raw: pathlib.Path       # objcopy -O binary of vmlinux
    entry: int              # e_entry of vmlinux: the image's first byte on 6.1, not on 6.12
    kdir: pathlib.Path      # what `make -C` gets to build a module
    modules: pathlib.Path   # a lib/modules/RELEASE directory


def dpkg_field(package, field):
    res = subprocess.run(["dpkg-query", "-W", "-f", "${%s}" % field, package],
                         capture_output=True, text=True)
    if res.returncode or not res.stdout:
        raise BuildError(f"package {package} is not installed: run `make deps`")
    return res.stdout


def stock_release(name):
    """The release that the installed headers are of: the image must be the same one."""
    m = re.search(r"linux-headers-(\S+-cloud-amd64)", dpkg_field(STOCK[name], "Depends"))
    if not m:
        raise BuildError(f"{STOCK[name]} does not say which kernel it stands for")
    return m.group(1)


def payload(bzimage):
    """The vmlinux inside a bzImage. Its last 4 bytes are the size, not the stream's:
    lz4 and zstd stop at them with an error, so they are cut off."""
    b = bzimage.read_bytes()
    start = (b[0x1f1] or 4) * 512 + 512
    off, length = struct.unpack_from("<II", b, 0x248)
    data = b[start + off:start + off + length]
    tools = {b"\x02\x21\x4c\x18": ["lz4", "-dc"], b"\x28\xb5\x2f\xfd": ["zstd", "-dcq"],
             b"\x1f\x8b\x08\x00": ["gzip", "-dcq"], b"\xfd7zX": ["xz", "-dc"]}
    tool = tools.get(data[:4])
    if not tool:
        raise BuildError(f"{bzimage}: unknown compression {data[:4].hex()}")
    return subprocess.run(tool, input=data[:-4], stdout=subprocess.PIPE, check=True).stdout


def make_raw(vmlinux_bytes, tmp):
    """vmlinux.bin and entry, for the direct boot."""
    elf = tmp / "vmlinux"
    elf.write_bytes(vmlinux_bytes)
    (tmp / "entry").write_text(hex(struct.unpack_from("<Q", vmlinux_bytes, 24)[0]))
    util.run(["objcopy", "-O", "binary", elf, tmp / "vmlinux.bin"])
    elf.unlink()


def _fetch_image(release, tmp):
    def download():
        util.run(["apt-get", "download", f"linux-image-{release}"], cwd=tmp)
    try:
        download()
    except BuildError:
        # The index on this machine may be older than the archive.
        util.run(["apt-get", "update"])
        download()
    deb = next(tmp.glob("*.deb"))
    util.run(["dpkg", "-x", deb, tmp])
    deb.unlink()
    shutil.rmtree(tmp / "usr", ignore_errors=True)
    make_raw(payload(tmp / "boot" / f"vmlinuz-{release}"), tmp)


def stock(name):
    release = stock_release(name)
    d = util.cached("image", release, lambda t: _fetch_image(release, t),
                    f"fetching and unpacking Debian's kernel image {release}", util.size)
    kdir = pathlib.Path("/lib/modules") / release / "build"
    if not kdir.exists():
        raise BuildError(f"no headers for {release}: run `make deps`")
    return Kernel(name, release, d / "boot" / f"vmlinuz-{release}", d / "vmlinux.bin",
                  int((d / "entry").read_text(), 0), kdir, d / "lib" / "modules" / release)


# Of the 1.7 GB of source, what no x86 configuration of ours reads. Only the code:
# Kconfig reads every directory's Kconfig.
EXCLUDE = ["Documentation/*.rst", "*.dts", "*.dtsi"] + [
    f"{d}/*.[chS]" for d in (
        "arch/arm", "arch/arm64", "arch/mips", "arch/powerpc", "arch/s390", "arch/sparc",
        "arch/m68k", "arch/sh", "arch/riscv", "arch/loongarch", "arch/parisc",
        "drivers/gpu/drm", "drivers/net/ethernet", "drivers/net/wireless", "drivers/media",
        "drivers/staging", "drivers/infiniband", "sound/soc", "tools/testing/selftests")]


def _source_key():
    version = dpkg_field(SOURCE, "Version")
    return re.sub(r"[^\w.+-]", "_", version) + "-" + util.digest(*EXCLUDE)[:6]


def source():
    """Debian's kernel source, unpacked."""
    tar = pathlib.Path("/usr/src") / f"{SOURCE}.tar.xz"
    key = _source_key()
    drop = [f"--exclude={SOURCE}/{e}" for e in EXCLUDE]

    def unpack(tmp):
        util.run(["tar", "-C", tmp, "--strip-components=1", *drop, "-xJf", tar])
    return util.cached("source", key, unpack, f"unpacking {SOURCE} {key}", util.size)


def _build(name, src, fragments, tmp):
    out = tmp / "build"
    out.mkdir()
    log = util.BUILD / "logs" / f"kernel-{name}.log"
    env = dict(os.environ, KBUILD_BUILD_TIMESTAMP="1970-01-01", KBUILD_BUILD_USER="vmxhv",
               KBUILD_BUILD_HOST="vmxhv")
    make = ["nice", "make", "-C", src, f"O={out}"]
    jobs = f"-j{os.cpu_count()}"
    util.run([*make, "tinyconfig"], log, env=env)
    util.run([src / "scripts/kconfig/merge_config.sh", "-m", "-O", out, out / ".config",
              *fragments], log, env=env)
    util.run([*make, "olddefconfig"], log, env=env)
    _check_config(out / ".config", fragments)
    util.run([*make, jobs, "bzImage", "modules"], log, env=env)
    release = (out / "include/config/kernel.release").read_text().strip()
    util.run([*make, "modules_install", f"INSTALL_MOD_PATH={tmp}"], log, env=env)
    shutil.copy(out / "arch/x86/boot/bzImage", tmp / "bzImage")
    (tmp / "release").write_text(release)
    make_raw((out / "vmlinux").read_bytes(), tmp)
    # What is left is what building a module reads: headers, scripts, objtool.
    for pat in ("*.o", "*.a", "vmlinux*", "*.ko", "bzImage", "*.cmd"):
        for f in out.rglob(pat):
            if f.is_file() and "scripts" not in f.parts and "tools" not in f.parts:
                f.unlink()
    for link in (tmp / "lib/modules" / release).glob("*"):
        if link.is_symlink():
            link.unlink()


def _check_config(config, fragments):
    """A symbol that a fragment asks for and Kconfig silently drops is an error."""
    have = config.read_text()
    want = {}
    for frag in fragments:
        for line in frag.read_text().splitlines():
            m = re.match(r"(CONFIG_\w+)=(.*)", line)
            if m:
                want[m.group(1)] = line
            m = re.match(r"# (CONFIG_\w+) is not set", line)
            if m:
                want[m.group(1)] = None
    lost = [l for s, l in want.items() if l and f"\n{l}\n" not in have]
    extra = [s for s, l in want.items() if not l and f"\n{s}=" in have]
    if lost or extra:
        raise BuildError(f"Kconfig did not take {lost} and would not drop {extra}")


def _compiled(name, tmp):
    """How far the build in @tmp is."""
    return f"{sum(1 for _ in (tmp / 'build').rglob('*.o'))} of about {OBJECTS[name]} objects"


def _key(name):
    fragments = [KCONFIG / f"{f}.config" for f in BUILT[name]]
    return fragments, util.digest(*fragments, f"source-{_source_key()}", _BUILD_VERSION)


def missing(name):
    """It is ours, and will have to be built before anything can boot it."""
    try:
        return name in BUILT and not (util.CACHE / f"kernel-{name}-{_key(name)[1]}").exists()
    except BuildError:
        return False            # there is nothing to build it from: who needs it says so


# What did not build once will not the next time: it would take as long to say so.
_failed = {}


def built(name):
    src = source()
    fragments, key = _key(name)
    if key in _failed:
        raise _failed[key]
    try:
        d = util.cached(f"kernel-{name}", key, lambda t: _build(name, src, fragments, t),
                        f"building the {name} kernel, once ({MINUTES[name]} minutes of CPU)",
                        functools.partial(_compiled, name))
    except BuildError as e:
        _failed[key] = e
        raise
    release = (d / "release").read_text()
    return Kernel(name, release, d / "bzImage", d / "vmlinux.bin",
                  int((d / "entry").read_text(), 0), d / "build", d / "lib/modules" / release)


# Raise when _build() changes what it makes.
_BUILD_VERSION = 1


def get(name):
    if name in STOCK:
        return stock(name)
    if name in BUILT:
        return built(name)
    raise BuildError(f"no kernel named {name}; there are {', '.join(NAMES)}")


def module_files(kernel, name):
    """The .ko files of kernel module @name with what it depends on, in load order:
    a list of (file name, contents), decompressed since busybox cannot."""
    name = name.replace("-", "_")
    deps = {}
    dep = kernel.modules / "modules.dep"
    if not dep.exists():
        root = kernel.modules.parents[2]
        with util.locked(util.CACHE / "depmod.lock"):
            util.run(["depmod", "-b", root, kernel.release])
    for line in dep.read_text().splitlines():
        path, _, rest = line.partition(":")
        key = pathlib.Path(path).name.split(".ko")[0].replace("-", "_")
        deps[key] = [path, *rest.split()]
    if name not in deps:
        raise BuildError(f"kernel {kernel.name} has no module {name}")
    files = []
    for path in reversed(deps[name]):
        data = (kernel.modules / path).read_bytes()
        if path.endswith(".xz"):
            data = lzma.decompress(data)
        files.append((pathlib.Path(path).name.split(".ko")[0] + ".ko", data))
    return files
