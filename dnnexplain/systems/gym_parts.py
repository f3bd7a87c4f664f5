"""What an environment's observation space is made of, as knobs: cells, choices and patches of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Knob

__all__ = ["Cells", "OneHot", "Part", "Patches", "flat", "parts_of"]

Values = NDArray[np.float64]

FAR = 1e6
"""A bound beyond this is none: environments write the largest number of their type for "no bound"."""

_PATCHES = 6
"""Patches along each side of a picture, at most."""


@dataclass(frozen=True)
class Cells:
    """Numbers, each a knob of its own."""

    knobs: tuple[Knob, ...]

    @property
    def size(self) -> int:
        """As many cells as knobs."""
        return len(self.knobs)

    @property
    def owners(self) -> NDArray[np.int64]:
        """Each cell is its knob's."""
        return np.arange(self.size)

    def read(self, cells: Values) -> Values:
        """The cells."""
        return cells

    def paint(self, values: Values, ground: Values | None) -> Values:
        """The values."""
        del ground
        return values


@dataclass(frozen=True)
class OneHot:
    """One of several, as a cell for each: a ``gymnasium.spaces.Discrete``."""

    knobs: tuple[Knob, ...]

    @property
    def size(self) -> int:
        """A cell for each choice."""
        return int(self.knobs[0].high) - self.start + 1

    @property
    def start(self) -> int:
        """The lowest choice, whose cell is the first."""
        return int(self.knobs[0].low)

    @property
    def owners(self) -> NDArray[np.int64]:
        """All cells are of the one knob."""
        return np.zeros(self.size, dtype=np.int64)

    def read(self, cells: Values) -> Values:
        """Which cell is largest."""
        return np.asarray(cells.argmax(axis=1)[:, None] + self.start, dtype=np.float64)

    def paint(self, values: Values, ground: Values | None) -> Values:
        """1 at the choice."""
        del ground
        return np.asarray(np.eye(self.size)[values[:, 0].astype(np.int64) - self.start])


@dataclass(frozen=True, eq=False)
class Patches:
    """A picture cut into patches: a knob is the mean of its patch, and turning it moves all cells of the patch alike.

    Attributes:
        owners: the knob of each cell ``[size]``.
        low, high: bounds of a cell.
    """

    knobs: tuple[Knob, ...]
    owners: NDArray[np.int64]
    low: float
    high: float

    @property
    def size(self) -> int:
        """Cells of the picture."""
        return len(self.owners)

    def read(self, cells: Values) -> Values:
        """Mean of each patch."""
        count = np.bincount(self.owners, minlength=len(self.knobs))
        return np.stack([np.bincount(self.owners, row, len(self.knobs)) / count for row in cells])

    def paint(self, values: Values, ground: Values | None) -> Values:
        """The ground moved to the means, within the cells' bounds; without a ground, every patch even."""
        if ground is None:
            return np.asarray(values[:, self.owners])
        moved = ground + (values - self.read(ground))[:, self.owners]
        return np.asarray(np.clip(moved, self.low, self.high))


Part = Cells | OneHot | Patches
"""A stretch of the flattened observation: its ``knobs``, ``size`` and ``owners`` (which knob each cell shows), and how
they are read off cells ``[B, size]`` and painted into them, over a ground where there is one."""


def parts_of(space: gymnasium.Space[Any], name: str = "", seen: Values | None = None) -> list[Part]:
    """The parts of an observation space, in the order in which :func:`flat` lays them out.

    Args:
        space: a ``Box``, ``Discrete``, ``MultiDiscrete``, ``MultiBinary``, or a ``Dict`` or ``Tuple`` of these.
        name: what the part is called; empty for the whole space.
        seen: flattened observations ``[n, cells]`` of this space, which give bounds where the space has none.

    Raises:
        DnnExplainError: another kind of space.
    """
    if isinstance(space, spaces.Dict | spaces.Tuple):
        parts: list[Part] = []
        items = space.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        at = 0
        for key, inner in items:  # the parts of a tuple have no names
            wide = spaces.flatdim(inner)
            part = None if seen is None else seen[:, at : at + wide]
            parts += parts_of(
                inner, f"{name} {key}" if name else f"{'part ' if isinstance(key, int) else ''}{key}", part
            )
            at += wide
        return parts
    label = name or "input"
    if isinstance(space, spaces.Box):
        return [
            _patches(space, label) if len(space.shape) >= 2 and min(space.shape[:2]) > 3 else _cells(space, label, seen)
        ]
    if isinstance(space, spaces.Discrete):
        return [_one_hot(label, int(space.start), int(space.n))]
    if isinstance(space, spaces.MultiDiscrete):
        return [
            _one_hot(f"{label} {i}", int(start), int(n))
            for i, (start, n) in enumerate(zip(space.start.ravel(), space.nvec.ravel(), strict=True))
        ]
    if isinstance(space, spaces.MultiBinary):
        count = int(np.prod(space.shape))
        return [Cells(tuple(Knob(f"{label} {i}", "", 0, 1) for i in range(count)))]
    msg = (
        f"an observation space of kind {type(space).__name__} cannot be read as knobs; use Box, Discrete, MultiDiscrete, "
        "MultiBinary, or a Dict or Tuple of these (wrap the environment in gymnasium.wrappers.FlattenObservation)"
    )
    raise DnnExplainError(msg)


def flat(space: gymnasium.Space[Any], observation: Any) -> Values:
    """An observation as a vector; choices become a cell for each, as in ``gymnasium.spaces.flatten``."""
    return np.asarray(spaces.flatten(space, observation), dtype=np.float64).ravel()


def _one_hot(label: str, start: int, count: int) -> OneHot:
    last = start + count - 1
    return OneHot((Knob(label, "", start, last, default=min(max(0, start), last)),))


def _cells(space: spaces.Box, label: str, seen: Values | None) -> Cells:
    low, high = (np.asarray(end, dtype=np.float64).ravel().copy() for end in (space.low, space.high))
    count = len(low)
    least, most = (np.zeros(count), np.ones(count)) if seen is None else (seen.min(axis=0), seen.max(axis=0))
    room = np.maximum(0.25 * (most - least), 1e-3)
    low, high = np.where(np.abs(low) > FAR, least - room, low), np.where(np.abs(high) > FAR, most + room, high)
    whole = np.issubdtype(space.dtype, np.integer)
    names = [label if count == 1 else f"{label} {i}" for i in range(count)]
    step = 1.0 if whole else None
    ends = zip(names, low.tolist(), high.tolist(), strict=True)
    # An untouched editor shows the value nearest to zero.
    return Cells(tuple(Knob(n, "", a, b, step, default=min(max(0.0, a), b)) for n, a, b in ends))


def _patches(space: spaces.Box, label: str) -> Patches:
    rows, columns = space.shape[:2]
    if len(space.shape) == 3 and space.shape[0] <= 4 < space.shape[2]:
        rows, columns = space.shape[1:]
        axes = (1, 2)
    else:
        axes = (0, 1)
    down, along = min(_PATCHES, rows), min(_PATCHES, columns)
    place = np.indices(space.shape)
    owner = (place[axes[0]] * down // rows) * along + place[axes[1]] * along // columns
    low, high = float(space.low.min()), float(space.high.max())
    if max(abs(low), abs(high)) > FAR:
        msg = "a picture needs cells with bounds, such as 0 to 255; give the environment's Box its low and high"
        raise DnnExplainError(msg)
    knobs = tuple(Knob(f"{label} row {r} column {c}", "", low, high, None) for r in range(down) for c in range(along))
    return Patches(knobs, owner.ravel(), low, high)
