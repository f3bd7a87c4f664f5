"""What a long search has found stays on disk while it runs: whole, every few seconds, even if the process is killed."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

__all__ = ["KEEP_SECONDS", "BestKeeper", "Keeper", "forget_parts", "nothing_kept", "parts_of"]

KEEP_SECONDS = 5.0
"""Between two copies; what is lost at worst."""


class Keeper:
    """Saves a search's result so far, as often as asked but not more often than every few seconds.

    A search calls it after each step with a function that makes the result so far; the file is replaced whole
    (:func:`dnnexplain.files.atomic_write`), so there is never half of one.

    Args:
        out: where the result is to be kept; nothing is kept without.
        every: seconds between two copies; :data:`KEEP_SECONDS` if not given.
    """

    def __init__(self, out: Path | None, every: float | None = None) -> None:
        self.out, self.every = out, KEEP_SECONDS if every is None else every
        self._last = time.monotonic()

    def __call__(self, make: Callable[[], Any]) -> None:
        """Keep the result so far, if it is time; a result has ``save(path)``."""
        if self.out is None or time.monotonic() - self._last < self.every:
            return
        make().save(self.out)
        self._last = time.monotonic()  # making it may take a while


class BestKeeper:
    """The same for searches in several processes, of which the best is kept.

    Each writes a part of its own beside the file, and puts the best of all parts into the file. Of two that do so at
    once the later one wins, and the next copy of either mends that.

    Args:
        out: where the best result is kept; nothing is kept without.
        part: the number of this search.
        load: reads a result.
        figure: of a result, the larger the better.
        every: as of :class:`Keeper`.
    """

    def __init__(
        self,
        out: Path | None,
        part: int,
        load: Callable[[Path], Any],
        figure: Callable[[Any], float],
        every: float | None = None,
    ) -> None:
        self.out, self.load, self.figure = out, load, figure
        self._own = Keeper(None if out is None else _part(out, str(part)), every)

    def __call__(self, make: Callable[[], Any]) -> None:
        """Keep the result so far, if it is time."""

        def best() -> Any:
            mine = make()
            mine.save(self._own.out)
            others = [self.load(path) for path in parts_of(self.out) if path != self._own.out]
            max([mine, *others], key=self.figure).save(self.out)
            return mine

        self._own(best)


def parts_of(out: Path | None) -> list[Path]:
    """The parts beside a file."""
    return [] if out is None else sorted(out.parent.glob(glob.escape(_part(out, "").name) + "*"))


def forget_parts(out: Path | None) -> None:
    """Remove the parts beside a file."""
    for path in parts_of(out):
        path.unlink(missing_ok=True)


def _part(out: Path, name: str) -> Path:
    return out.with_name(f".{out.name}.part-{name}")


def nothing_kept(line: Sequence[str], begun: float) -> str:
    """A sentence for a command that was ended before it wrote anything to its ``--out``; else nothing.

    Args:
        line: the command line.
        begun: when it began, by ``time.time()``; older files are not its own.
    """
    named = [after for word, after in pairwise([*line, ""]) if word == "--out"]
    named += [word.removeprefix("--out=") for word in line if word.startswith("--out=")]
    if not named or not named[-1]:
        return ""
    out = Path(named[-1])
    beside = [*out.parent.glob(f"{glob.escape(out.stem)}*"), *parts_of(out), *out.glob("*")]
    return "" if any(_written(path) >= begun - 1 for path in beside) else f" Nothing was written to {out}."


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0
