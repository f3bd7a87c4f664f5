"""What is raised: messages that teach."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Choice:
    """A named choice among known values, for messages: ``Choice("rule", name, known)``."""

    what: str
    given: str
    known: tuple[str, ...]

    def error(self) -> DnnExplainError:
        """An error that lists what there is and guesses what was meant."""
        from difflib import get_close_matches  # noqa: PLC0415 - only on the failing path

        close = get_close_matches(self.given, self.known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return DnnExplainError(f"there is no {self.what} {self.given!r}; there are: {', '.join(self.known)}.{hint}")
