"""What is raised: messages that teach."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest

__all__ = ["LONGEST", "Choice", "DnnExplainError", "shortened"]

LONGEST = 1000
"""Characters of a message: some quote what was given, and that may be a whole file."""


def shortened(text: str, most: int = LONGEST) -> str:
    """A text with its middle left out if it is longer than one reads: how it begins, and what to do, stay."""
    if len(text) <= most:
        return text
    head, tail = 2 * most // 3, most // 3
    return f"{text[:head]} [... {len(text) - head - tail:,} left out ...] {text[-tail:]}"


class DnnExplainError(ValueError):
    """A mistake in what was asked: the message says what was expected, what came, and what to do."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(shortened(argument) if isinstance(argument, str) else argument for argument in arguments))


_MOST_NAMED, _MOST_COMPARED = 40, 2000
"""Names that a message lists, which somebody reads, and that a wrong one is compared with letter by letter (a network has 160,000 paths)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A named choice among known values, for messages: ``Choice("rule", name, known)``."""

    what: str
    given: str
    known: tuple[str, ...]

    def error(self) -> DnnExplainError:
        """An error that lists what there is and guesses what was meant."""
        from difflib import get_close_matches  # noqa: PLC0415 - only on the failing path

        close = get_close_matches(self.given, self._nearest(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        more = len(self.known) - _MOST_NAMED
        named = self.known if more <= 0 else (*self.known[:_MOST_NAMED], f"and {more:,} more")
        return DnnExplainError(f"there is no {self.what} {self.given!r}; there are: {', '.join(named)}.{hint}")

    def _nearest(self) -> tuple[str, ...]:
        """The names to compare with letter by letter: of very many, those that share most words with what was given."""
        if len(self.known) <= _MOST_COMPARED:
            return self.known
        words = set(self.given.lower().split())
        return tuple(
            nlargest(_MOST_COMPARED, self.known, key=lambda name: len(words.intersection(name.lower().split())))
        )
