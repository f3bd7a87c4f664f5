"""What is compiled the first time on a machine takes a while; whoever waits for it is told so meanwhile."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["COMPILES", "compiling_told"]

COMPILES = "Compiling what this is computed with: once on this machine, up to about half a minute"


@contextmanager
def compiling_told(
    begins: Callable[[], object], ends: Callable[[], object] = lambda: None, *, aside: bool = False
) -> Iterator[None]:
    """Call whenever something begins and ends to be compiled; never where compiled code comes from Numba's cache.

    Where nothing has loaded Numba yet, nothing is told. ``aside``: what the main thread compiles is not told of.
    """
    if "numba" not in sys.modules:
        yield
        return
    from numba.core import event  # noqa: PLC0415 - slow to import, and loaded by now

    deep = 0

    def heard() -> bool:
        return not aside or threading.current_thread() is not threading.main_thread()

    class Teller(event.Listener):
        def on_start(self, _event: event.Event) -> None:
            nonlocal deep
            if heard():
                deep += 1
                if deep == 1:
                    begins()

        def on_end(self, _event: event.Event) -> None:
            nonlocal deep
            if heard():
                deep -= 1
                if deep == 0:
                    ends()

    with event.install_listener("numba:compile", Teller()):
        yield
