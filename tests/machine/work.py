# SPDX-License-Identifier: GPL-2.0-only
"""In which order work is done, and what of it takes long, said aloud.

A run says something at least every SILENCE seconds: what goes on, for how long, how far it is.
These are plain lines, as a log of a CI wants them.
"""
import concurrent.futures
import contextlib
import dataclasses
import threading
import time
import typing

SILENCE = 30

_lock = threading.RLock()
_began = time.monotonic()
_said = _began
_going_on = []


@dataclasses.dataclass
class Activity:
    what: str
    progress: typing.Optional[typing.Callable]
    began: float

    def __str__(self):
        far = ""
        # what is looked at may be gone that very moment, and whoever asks must not die of it
        with contextlib.suppress(Exception):
            far = self.progress() if self.progress else ""
        return f"{self.what} ({minutes(time.monotonic() - self.began)}{far and ', '}{far})"


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def elapsed():
    return minutes(time.monotonic() - _began)


def say(text):
    """A line, whole, at once."""
    global _said
    with _lock:
        print(text, flush=True)
        _said = time.monotonic()


@contextlib.contextmanager
def doing(what, progress=None, loud=False):
    """What the lines say until it ends. @progress() says how far it is; @loud: the beginning and
    the end are lines too."""
    activity = Activity(what, progress, time.monotonic())
    if loud:
        say(f"{elapsed():>13} ...  {what}")
    with _lock:
        _going_on.append(activity)
    try:
        yield
    finally:
        with _lock:
            _going_on.remove(activity)
    if loud and time.monotonic() - activity.began > SILENCE:
        say(f"{elapsed():>13} ...  {what}: done in {minutes(time.monotonic() - activity.began)}")


def _tell():
    with _lock:
        now = list(_going_on)
    if now:
        say(f"{elapsed():>13} ...  {'; '.join(map(str, now))}")


@contextlib.contextmanager
def never_silent(silence=SILENCE):
    """While this lasts, what goes on is said whenever nothing else was for so many seconds."""
    over = threading.Event()

    def watch():
        while not over.wait(max(_said + silence - time.monotonic(), silence / 10)):
            if time.monotonic() - _said >= silence:
                _tell()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@dataclasses.dataclass
class Item:
    """A piece of work. It is begun only when none is left that @makes what it @needs."""
    run: typing.Callable
    rank: int = 0                   # the lower the earlier
    cost: float = 0                 # of one rank the dearest first
    makes: str = ""
    needs: str = ""


class Items:
    """What is left to do."""

    def __init__(self, items):
        self.todo = sorted(items, key=lambda i: (i.rank, -i.cost))
        self.making = [i.makes for i in items if i.makes]
        self.changed = threading.Condition()

    def take(self):
        """The first that can be begun, when there is one; None when none is left."""
        with self.changed:
            while self.todo:
                for i in self.todo:
                    if i.needs not in self.making:
                        self.todo.remove(i)
                        return i
                self.changed.wait()
            return None

    def ended(self, item):
        with self.changed:
            if item.makes:
                self.making.remove(item.makes)
            self.changed.notify_all()

    def work(self):
        while item := self.take():
            try:
                item.run()
            finally:
                self.ended(item)


def work_off(items, threads):
    """All of @items, by so many threads."""
    todo = Items(items)
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    try:
        for f in [pool.submit(todo.work) for _ in range(threads)]:
            f.result()
    except (KeyboardInterrupt, SystemExit):
        pool.shutdown(wait=False, cancel_futures=True)
        raise
