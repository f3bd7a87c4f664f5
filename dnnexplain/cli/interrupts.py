"""Ctrl-C that keeps what was found: the first one asks a search to end, the second one ends the program.

So does being asked to end by the system (SIGTERM of a batch queue, SIGHUP of a terminal that is closed).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from dnnexplain.contract import DnnExplainError

__all__ = ["Stop", "heard", "until_interrupted"]

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


KEPT = "Stopping; what was found is kept. Ctrl-C again gives it up."


class Stop(threading.Event):
    """Set when the program was asked to end; ``code`` is then its exit code, 128 and the signal's number."""

    code = 0


@contextmanager
def heard() -> Iterator[Stop]:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does while the block runs, so that what keeps its work keeps it.

    The event has the exit code of the signal that came last. A forked process is ended by them at once, as ever.
    """
    stop, own = Stop(), os.getpid()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def end(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != own:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stop.code = 128 + number
        raise KeyboardInterrupt

    plain = [number for number in _SIGNALS if number != signal.SIGINT and signal.getsignal(number) == signal.SIG_DFL]
    for number in plain:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number in plain:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def until_interrupted(hint: str = KEPT) -> Iterator[Stop]:
    """An event that Ctrl-C sets, instead of ending the program, while the block runs; ``hint`` is then said.

    Raises:
        typer.Exit: the block found nothing before it was asked to end; its refusal is said, and the code is the signal's.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.code = 128 + number
        stop.set()
        typer.echo(hint, err=True)

    before = {number: signal.signal(number, ask) for number in _SIGNALS if not _left_behind(number)}
    try:
        yield stop
    except DnnExplainError as error:
        if not stop.is_set():
            raise
        typer.echo(f"{str(error).rstrip('.')}.", err=True)
        raise typer.Exit(stop.code) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _left_behind(number: int) -> bool:
    """Whether the program was started to outlive its terminal (``nohup``)."""
    return signal.Signals(number).name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN
