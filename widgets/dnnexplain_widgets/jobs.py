"""Heavy questions run beside the page: one at a time, the newest wins, progress and cancel included."""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Thread
from typing import Any
from weakref import WeakKeyDictionary

from dnnexplain.first_time import COMPILES, compiling_told
from dnnexplain.memory import give_back

__all__ = ["Cancelled", "Jobs", "Task"]

LONG = 0.5
"""Seconds of processor time after which a task leaves freed memory behind that is worth returning."""

AT_END = 10.0
"""Seconds that the interpreter's end waits for tasks, which are then asked to end."""

_PROGRESS_EVERY = 0.1  # seconds between two reports to the page


class Cancelled(Exception):  # noqa: N818 - it ends a task, it is no failure
    """Raised inside a task that was cancelled or overtaken by a newer one."""


@dataclass(eq=False)
class Task:
    """One heavy question, as seen by the function that works on it.

    Call :meth:`progress` now and then: it reports, and it raises :class:`Cancelled` when nobody waits
    for the answer any more. A task that can end early with what it has watches :attr:`enough`.
    """

    report: Callable[[float | None, str], None]
    stop: Event = field(default_factory=Event)
    enough: Event = field(default_factory=Event)
    """Set when it should end with what it has, and when nobody waits any more."""
    ended: Event = field(default_factory=Event)
    _last: float = 0.0

    def progress(self, fraction: float | None = None, text: str = "") -> None:
        """Say how far it is (0 to 1, or ``None`` if unknown) and on what; at most ten times a second."""
        if self.stop.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._last >= _PROGRESS_EVERY:
            self._last = now
            self.report(fraction, text)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.stop.is_set()


class Jobs:
    """Runs one task at a time in a thread of its own and hands results back to the thread that asked.

    In a kernel, results arrive on its event loop, between two messages, so that a result never meets a
    half-changed state. Without a loop (a script, a test) they are handed over by the worker itself.
    """

    def __init__(self) -> None:
        self.current: Task | None = None
        self._newest: Task | None = None

    def start(
        self,
        work: Callable[[Task], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None],
        report: Callable[[float | None, str], None] = lambda _fraction, _text: None,
    ) -> Task:
        """Begin a task; an older one is cancelled, and its result, if it still comes, is dropped."""
        self.cancel()
        deliver = _deliverer()
        task = Task(report=lambda fraction, text: deliver(lambda: self._if_current(task, report, fraction, text)))
        self.current = self._newest = task

        def run() -> None:
            began = time.thread_time()
            try:
                begins, ends = partial(task.report, None, COMPILES), partial(task.report, None, "")
                with compiling_told(begins, ends, aside=True):
                    result = work(task)
            except Cancelled:
                deliver(lambda: self._finish(task))
            except Exception as error:  # noqa: BLE001 - shown in the panel's error area
                caught = error
                deliver(lambda: self._finish(task, failed, caught))
            else:
                deliver(lambda: self._finish(task, done, result))
            finally:
                if time.thread_time() - began > LONG:
                    give_back()

        thread = Thread(target=run, name="dnnexplain-job", daemon=True)
        _running[thread] = task
        thread.start()
        return task

    def cancel(self) -> None:
        """Stop waiting for the present task, if there is one."""
        if self.current is not None:
            self.current.stop.set()
            self.current.enough.set()
            self.current = None

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait outside an event loop (scripts and tests) until the newest task's result is handed over; whether it was in time."""
        return self._newest is None or self._newest.cancelled or self._newest.ended.wait(seconds)

    def _if_current(self, task: Task, call: Callable[..., None], *arguments: Any) -> None:
        if task is self.current and not task.cancelled:
            call(*arguments)

    def _finish(self, task: Task, call: Callable[..., None] | None = None, *arguments: Any) -> None:
        wanted = task is self.current and not task.cancelled
        if task is self.current:
            self.current = None
        try:
            if wanted and call is not None:
                call(*arguments)
        finally:
            task.ended.set()


_running: WeakKeyDictionary[Thread, Task] = WeakKeyDictionary()


@atexit.register
def _end_all() -> None:
    """Ask every task to end and wait for it: a solver in a thread that Python ends for it aborts the whole program."""
    until = time.monotonic() + AT_END
    running = [(thread, task) for thread, task in list(_running.items()) if thread.is_alive()]
    for _, task in running:
        task.stop.set()
        task.enough.set()
    for thread, _ in running:
        thread.join(max(until - time.monotonic(), 0.0))


def _deliverer() -> Callable[[Callable[[], None]], None]:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return lambda call: call()
    return lambda call: _soon(loop, call)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
