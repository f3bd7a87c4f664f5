"""How a command that found something ends: save it, print it, and leave with the code of what stopped it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import typer

from dnnexplain.cli.interrupts import Stop
from dnnexplain.cli.output import print_json
from dnnexplain.files import atomic_write

__all__ = ["CANCELLED", "COUNTS", "SECONDS", "Savable", "finish"]

CANCELLED, COUNTS, SECONDS = "cancelled", "counts", "seconds"
"""What ended a search: it was asked to end; all that was asked for was done; a limit in seconds was reached before."""


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
    counts: Mapping[str, Any] | None = None,
    timed: bool = False,
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
        counts: of a search that does so much and then ends: its numbers by their names; with them ``--json`` says what
            ended it (``ended_by``) and which ``counts`` it had.
        timed: whether a limit in seconds ended a part of that search, so that another run may say something else.
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
        print_json(report() if counts is None else {**report(), **_ended(counts, stop, timed=timed)})
    else:
        show()
    if stop is not None and stop.is_set():
        raise typer.Exit(stop.code)
    if code:
        raise typer.Exit(code)


def _ended(counts: Mapping[str, Any], stop: Stop | None, *, timed: bool) -> dict[str, Any]:
    cancelled = stop is not None and stop.is_set()
    return {"ended_by": CANCELLED if cancelled else SECONDS if timed else COUNTS, "counts": dict(counts)}
