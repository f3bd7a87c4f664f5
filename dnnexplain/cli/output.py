"""What commands print: strict JSON or a table on stdout, progress on stderr."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
import typer

from dnnexplain.assumptions import assumed, noticed
from dnnexplain.cli.network_options import printed_json
from dnnexplain.numbers import figure as number

__all__ = ["examples", "number", "print_json", "print_table", "progress_bar", "to_plain"]


def examples(*lines: str) -> str:
    """The end of a command's ``--help``, e.g. ``@app.command(epilog=examples("dnnexplain systems"))``."""
    return "\b\n" + "\n".join(("Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)))


def print_json(data: Any) -> None:
    """Print data as JSON that every reader takes: what is not a finite number is ``null``; with what was assumed."""
    printed_json()
    plain = to_plain(data)
    if isinstance(plain, dict) and assumed():
        plain.setdefault("assumed", list(assumed()))
    if isinstance(plain, dict) and noticed():
        plain.setdefault("read", list(noticed()))
    typer.echo(json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False))


def to_plain(data: Any) -> Any:
    """Dataclasses, mappings, sequences, arrays and numpy's numbers as JSON's own types; NaN as ``None``."""
    if isinstance(data, Enum):
        return to_plain(data.value)
    if data is None or isinstance(data, str | bool | int):
        return data
    if isinstance(data, float | np.floating):
        return float(data) if math.isfinite(data) else None
    if isinstance(data, np.ndarray | np.generic):
        return to_plain(data.tolist())
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return {item.name: to_plain(getattr(data, item.name)) for item in dataclasses.fields(data)}
    if isinstance(data, Mapping):
        return {str(key): to_plain(value) for key, value in data.items()}
    if isinstance(data, Iterable):
        return [to_plain(value) for value in data]
    if isinstance(data, PurePath):
        return str(data)
    msg = f"{type(data).__name__} cannot be written as JSON"
    raise TypeError(msg)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Print a table; numbers to three significant digits and to the right, ``None`` as a dash."""
    from rich.console import Console
    from rich.table import Table

    cells = [list(row) for row in rows]
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        text = all(row[index] is None or isinstance(row[index], str) for row in cells)
        table.add_column(column, justify="left" if text else "right", overflow="fold")
    for row in cells:
        table.add_row(*(number(cell) for cell in row))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 200  # a file or a pipe has no edge
    try:
        console.print(table)
    except SystemExit:  # rich's word for a reader that went away
        raise BrokenPipeError from None


@contextmanager
def progress_bar(what: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Callable[..., None]]:
    """A bar on stderr; call what it gives with (done, total, note), as ``seeded_map``'s ``progress`` does.

    With ``quiet`` (a command's ``--quiet``) or without a terminal there is no bar.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, note="")

        def show(done: int, total: int | None = total, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield show
