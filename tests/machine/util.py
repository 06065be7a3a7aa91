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

ROOT = pathlib.Path(__file__).resolve().parents[2]
MACHINE = ROOT / "tests" / "machine"
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or
                     pathlib.Path.home() / ".cache") / "vmxhv"


class BuildError(Exception):
    """Something that a test needs could not be made; the text says what and where."""


def say(text):
    print(text, flush=True)


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
def locked(path):
    """Hold an exclusive lock on @path: two runs in two worktrees may meet here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def digest(*parts):
    """A short key of strings and of files' contents."""
    h = hashlib.sha256()
    for p in parts:
        h.update(p.read_bytes() if isinstance(p, pathlib.Path) else str(p).encode())
        h.update(b"\0")
    return h.hexdigest()[:16]


def cached(name, key, make, what=None):
    """CACHE/name-key, made by make(tmpdir) when absent: whole or not at all."""
    dest = CACHE / f"{name}-{key}"
    if dest.exists():
        return dest
    with locked(CACHE / f"{name}.lock"):
        if dest.exists():
            return dest
        if what:
            say(f"cache: {what}")
        tmp = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}-", dir=CACHE))
        try:
            tmp.chmod(0o755)
            make(tmp)
            tmp.rename(dest)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
    return dest
