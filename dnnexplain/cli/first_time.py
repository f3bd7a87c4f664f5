"""A command that may compile something for the first time on a machine says it while it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from dnnexplain.first_time import COMPILES, compiling_told

__all__ = ["said_when_compiled"]


@contextmanager
def said_when_compiled() -> Iterator[None]:
    """Say on the error stream, once, when compiled code is not there yet."""
    import numba  # noqa: F401 - what is run will load it

    said = False

    def say() -> None:
        nonlocal said
        if not said:
            typer.echo(f"{COMPILES}.", err=True)
        said = True

    with compiling_told(say):
        yield
