"""Quantities that follow from knobs, as data: sums, products, quotients, tables, so that a page can compute them.

A :data:`Term` is a knob's or an earlier quantity's name, a number, or something done with other terms. A download time
that follows from a size and a throughput is ``Of("divide", ("size", "throughput"))``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DOES", "Let", "Nearest", "Of", "Pick", "Table", "Term"]

DOES: dict[str, int] = {
    "add": 0, "multiply": 0, "least": 0, "most": 0, "and": 0, "or": 0, "subtract": 2, "divide": 2, "below": 2, "same": 2,
    "size": 1, "logarithm": 1, "single": 1, "not": 1, "if": 3,
}  # fmt: skip
"""What can be done with terms, and with how many (0: with any number of them).

``size`` is the absolute value, ``logarithm`` the natural one (minus infinity at 0), ``single`` the nearest number in
single precision; ``below`` and ``same`` are 1 or 0, as are ``and``, ``or``, ``not``, for which all but 0 is true; ``if`` is
its second term where the first is true, else the third.
"""


@dataclass(frozen=True, slots=True)
class Of:
    """What one of :data:`DOES` makes of terms."""

    does: str
    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        count = DOES.get(self.does)
        if count is None or (count and len(self.terms) != count) or not self.terms:
            msg = f"a term does one of {DOES} (0: with any number of terms, but some), not {self.does!r} with {len(self.terms)}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Pick:
    """The number in a table's row and column; a place beyond an end is that end."""

    table: str
    row: Term
    column: Term


@dataclass(frozen=True, slots=True)
class Nearest:
    """The column of a table's row whose number is nearest to a value, the first of equally near ones."""

    table: str
    row: Term
    value: Term


Term = str | float | Of | Pick | Nearest


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of numbers, all of one length."""

    name: str
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Let:
    """From here on, ``name`` is what the term gives: a knob's new value, or a quantity's."""

    name: str
    term: Term
