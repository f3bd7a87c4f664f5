"""How knobs become an observation, as data: so that a page can do it without the system's code.

A :class:`Painting` says in plain terms what ``System.encode``, ``repair``, ``valid_actions`` and
``describe`` do: which cells each knob fills, which knobs mean nothing alone, when an output is allowed,
and how the state is told. Knobs and outputs are named; an observation is a grid of rows and columns, or a row of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from dnnexplain.contract.terms import Let, Table

__all__ = [
    "Cells", "Demand", "Fits", "Level", "Listing", "Mask", "Number", "Painted", "Painting", "Pause", "Phrase", "PlainParts",
    "Rectangle", "Remote", "Run", "Stroke", "Whole", "Within",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cells:
    """A block of the observation: ``rows`` x ``columns`` cells from its upper left one."""

    row: int
    column: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Rectangle:
    """From the block's upper left corner, as many rows as one knob says and columns as another, are 1."""

    cells: Cells
    down: str
    right: str


@dataclass(frozen=True, slots=True)
class Run:
    """As many cells of the block as the knob says are 1, row by row from the left.

    With ``keeps``, a background's cells stay as they are where it fills as many; where it fills more, the
    last of them are emptied, and where it fills fewer, the first empty ones are filled.
    """

    cells: Cells
    knob: str
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """All cells of the block have the level that belongs to the knob's place on its grid."""

    cells: Cells
    knob: str
    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """All cells of the block have the knob's value, times ``scale``, plus ``offset``; or a quantity's (``Painting.quantities``).

    With ``keeps``, a background's cell stays as it is where it shows the knob's value (held within the knob's bounds)
    up to a 100,000th; of a quantity always.
    """

    cells: Cells
    knob: str
    scale: float = 1.0
    offset: float = 0.0
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Remote:
    """All cells of the block have the knob's value and ``level + slope log10(d)`` for a distance ``d`` in units of ``unit``.

    It is that of the point at the knobs ``east`` and ``north`` from ``place``, ``nearest`` at least: how a signal fades.
    """

    cells: Cells
    knob: str
    east: str
    north: str
    place: tuple[float, float]
    nearest: float
    unit: float
    level: float
    slope: float


Stroke = Rectangle | Run | Level | Number | Remote


@dataclass(frozen=True, slots=True)
class Whole:
    """Knobs that mean nothing alone: unless of each set one is above its lowest, all are put to their lowest.

    A job has a length and some demand: ``needs=(("job 1 length",), ("job 1 cpu", "job 1 memory"))``.
    """

    needs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """What something asks of a resource: a knob's units beside those in use at each step, of ``room`` in all."""

    knob: str
    use: tuple[str, ...]
    room: float


@dataclass(frozen=True, slots=True)
class Fits:
    """The output is allowed if, for ``length`` steps in a row, every demand finds room; never at length 0."""

    output: str
    length: str
    demands: tuple[Demand, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """The output is allowed unless all ``busy`` knobs are 0 while some output fits (see :class:`Fits`)."""

    output: str
    busy: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """The output is allowed while the knob's value lies from ``low`` to ``high``."""

    output: str
    knob: str
    low: float
    high: float


Mask = Fits | Pause | Within


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of text with knobs in braces, left out while the knob ``when`` is at 0.

    ``{backlog}`` is the knob's value, ``{load:2}`` the same with two decimals, ``{backlog|job|jobs}`` a word for one and
    a word for any other number.
    """

    text: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Phrases joined by commas and followed by ``singular`` or ``plural``; ``none`` if all are left out."""

    items: tuple[Phrase, ...]
    none: str
    singular: str
    plural: str


@dataclass(frozen=True, slots=True)
class Painting:
    """All that a page must know to paint, repair, mask and tell a state.

    Attributes:
        strokes: every cell belongs to at most one.
        wholes: rules among knobs; each knob by itself is on its grid and within its bounds.
        masks: an output that none speaks of is always allowed.
        words: together the sentence of ``System.describe``.
        repairs: what ``repair`` does once each knob is on its grid and within its bounds, one after another.
        quantities: what follows from valid knobs, for strokes and words.
        tables: of which both speak.
    """

    strokes: tuple[Stroke, ...]
    wholes: tuple[Whole, ...] = ()
    masks: tuple[Mask, ...] = ()
    words: tuple[Phrase | Listing, ...] = ()
    repairs: tuple[Let, ...] = ()
    quantities: tuple[Let, ...] = ()
    tables: tuple[Table, ...] = ()


@runtime_checkable
class Painted(Protocol):
    """A system that can say as data how it paints its observation: a picture of rows and columns, or a row of numbers."""

    @property
    def painting(self) -> Painting:
        """How knobs become cells."""
        ...


@runtime_checkable
class PlainParts(Protocol):
    """A module of a network that says as data which plain layers it equals, so that a page can run it.

    The layers follow one another: ``{"kind": "dense", "weight": [m, n], "bias": [m]}``, float32; or ``{"kind": "turn",
    "parts": (p, c, s)}``, whose first ``p`` numbers stay, of the next ``c`` it takes the cosine, of the last ``s`` the
    sine, in degrees; or ``{"kind": "scale", "weight": [n] or [1], "bias": the same}``, each number times its
    weight (or the one) plus its bias; or ``{"kind": "shares", "parts": [group of each number]}``, each number divided by the
    sum over its group, even where that is 0.
    """

    def plain_parts(self) -> Sequence[Mapping[str, Any]]:
        """The layers, the first one first."""
        ...
