# SPDX-License-Identifier: GPL-2.0-only
"""Where things are, how commands are run, and the cache that worktrees share."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import work

ROOT = pathlib.Path(__file__).resolve().parents[2]
MACHINE = ROOT / "tests" / "machine"
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or
                     pathlib.Path.home() / ".cache") / "vmxhv"


class BuildError(Exception):
    """Something that a test needs could not be made; the text says what and where."""


def run(args, log=None, **kw):
    """Run a command; its output goes to @log if given. Raises BuildError on failure."""
    args = [str(a) for a in args]
    if log is None:
        res = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace", **kw)
        if res.returncode:
            raise BuildError(f"{' '.join(args[:4])}: exit {res.returncode}\n{res.stdout[-3000:]}")
        return res.stdout
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as out:
        res = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.STDOUT, **kw)
    text = log.read_text(errors="replace")
    if res.returncode:
        raise BuildError(f"{' '.join(args[:4])}: exit {res.returncode}, see {log}\n{text[-3000:]}")
    return text


@contextlib.contextmanager
def locked(path, what="", progress=None):
    """Hold an exclusive lock on @path: two runs in two worktrees may meet here. @what the other
    would be doing, if that takes long, and how far it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with work.doing(f"waiting for what has begun already: {what or path.stem}", progress,
                            bool(what)):
                fcntl.flock(f, fcntl.LOCK_EX)
        yield


def digest(*parts):
    """A short key of strings and of files' contents."""
    h = hashlib.sha256()
    for p in parts:
        h.update(p.read_bytes() if isinstance(p, pathlib.Path) else str(p).encode())
        h.update(b"\0")
    return h.hexdigest()[:16]


def cached(name, key, make, what=None, progress=None):
    """CACHE/name-key, made by make(tmpdir) when absent: whole or not at all. @what that is, where
    it takes long; progress(tmpdir) says how far it is."""
    dest = CACHE / f"{name}-{key}"
    if dest.exists():
        return dest

    def far():
        begun = sorted(CACHE.glob(f".{name}-*"), key=lambda d: d.stat().st_mtime)
        return progress(begun[-1]) if progress and begun else ""

    with locked(CACHE / f"{name}.lock", what, far):
        if dest.exists():
            return dest
        with work.doing(what or name, far, bool(what)):
            tmp = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}-", dir=CACHE))
            try:
                tmp.chmod(0o755)
                make(tmp)
                tmp.rename(dest)
            finally:
                shutil.rmtree(tmp, ignore_errors=True)
    return dest


def size(tree):
    """How much is in @tree by now, in words."""
    total = sum(f.lstat().st_size for f in tree.rglob("*") if f.is_file())
    return f"{total >> 20} MB"
