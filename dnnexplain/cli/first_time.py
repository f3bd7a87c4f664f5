"""What is compiled the first time on a machine takes a while; a command that may do so says it while it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

__all__ = ["COMPILES", "said_when_compiled"]

COMPILES = "Compiling what bounds are computed with: once on this machine, up to about half a minute."


@contextmanager
def said_when_compiled() -> Iterator[None]:
    """Say on the error stream, once, when compiled code is not there yet; nothing where it comes from numba's cache."""
    from numba.core import event

    said = False

    class Teller(event.Listener):
        def on_start(self, _event: event.Event) -> None:
            nonlocal said
            if not said:
                typer.echo(COMPILES, err=True)
            said = True

        def on_end(self, _event: event.Event) -> None:
            """Nothing: the command goes on."""

    with event.install_listener("numba:compile", Teller()):
        yield
