"""How a command that found something ends: save it, print it, and leave with the code of what stopped it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import typer

from dnnexplain.cli.interrupts import Stop
from dnnexplain.cli.output import print_json
from dnnexplain.files import atomic_write

__all__ = ["Savable", "finish"]


class Savable(Protocol):
    """A result that keeps itself in a file."""

    def save(self, path: Path) -> Any:
        """Write it whole or not at all."""


def finish(
    savable: Savable | None,
    *,
    out: Path | None,
    report: Callable[[], Any] | None,
    show: Callable[[], None],
    stop: Stop | None = None,
    export: tuple[Path | None, Callable[[], str]] | None = None,
    code: int = 0,
) -> None:
    """Save, export, print.

    Args:
        savable: what the command found; ``None`` if it has been kept already.
        out: where it is saved, if asked for.
        report: makes what ``--json`` prints; ``None`` without ``--json``.
        show: prints it for people, without ``--json``.
        stop: set when the command was asked to end; its code is the command's.
        export: another file and what is written there.
        code: of a command that ran to its end and found what it should not; 0 if all is well.

    Raises:
        typer.Exit: with the code of ``stop``, else with ``code`` if it is not 0, after everything was kept and printed.
    """
    if out is not None and savable is not None:
        savable.save(out)
    if export is not None and export[0] is not None:
        with atomic_write(export[0]) as file:
            file.write(export[1]())
    if report is not None:
        print_json(report())
    else:
        show()
    if stop is not None and stop.is_set():
        raise typer.Exit(stop.code)
    if code:
        raise typer.Exit(code)
