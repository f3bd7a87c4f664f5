"""Independent blocks of knobs: which knobs share cells of the picture or a rule, found by trying.

If every cell of an observation depends on the knobs of one block alone, then a sum over cells (such as
the input of a first-layer neuron) is a sum over blocks, and each block can be maximised on its own. That
is the whole argument behind the proofs of :mod:`dnnexplain.explain.probing.maximal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, System
from dnnexplain.explain.probing.neurons import random_values

__all__ = ["Blocks", "block_name", "block_values", "is_affine", "knob_blocks"]

_BASES = 12
_SWEPT = 17
_MIXES = 256
_FOUND: dict[int, tuple[ref[System], Blocks]] = {}
"""By identity, for a system need not be hashable."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of knobs that are painted, and valid, independently of one another.

    Attributes:
        knobs: positions of the knobs of each block; every knob is in exactly one.
        parts: the blocks again, by painting alone: a block that only a rule holds together falls apart.
        separable: whether mixing the blocks of two states mixes their pictures, cell by cell.
        loose: the same of ``parts``, whether or not the mixed state is valid.
        free: whether mixing the blocks of two valid states always gave a valid state.
        checked: on how many random pairs of valid states this was checked.
    """

    knobs: tuple[tuple[int, ...], ...]
    parts: tuple[tuple[int, ...], ...]
    separable: bool
    loose: bool
    free: bool
    checked: int


def knob_blocks(system: System) -> Blocks:
    """Find a system's independent blocks, and check them on random pairs of valid states.

    Two knobs belong to one block if changing one changes a cell that the other changes too, or makes
    ``repair`` change the other.
    """
    if (known := _FOUND.get(id(system))) is not None and known[0]() is system:
        return known[1]
    rng = np.random.default_rng(0)
    touched, own, tied = _dependence(system, rng)
    counted = own.astype(np.float32)
    shared = counted @ counted.T > 0
    knobs, parts = _components(tied | shared), _components(shared | np.eye(len(shared), dtype=np.bool_))
    separable, free = _mix(system, knobs, touched, rng)
    loose, _ = _mix(system, parts, own, rng)
    blocks = Blocks(knobs, parts, separable, loose, free, _MIXES)
    _FOUND[id(system)] = (ref(system), blocks)
    return blocks


def block_name(system: System, block: tuple[int, ...]) -> str:
    """A block in words: its group if it is one, else its knobs."""
    groups = {system.knobs[i].group for i in block}
    members = {i for i, knob in enumerate(system.knobs) if knob.group in groups}
    if len(groups) == 1 and members == set(block) and "" not in groups:
        return groups.pop()
    return " and ".join(system.knobs[i].name for i in block)


def block_values(
    system: System,
    base: NDArray[np.float64],
    block: tuple[int, ...],
    limit: int,
    *,
    points: int = 101,
    valid: bool = True,
) -> NDArray[np.float64] | None:
    """All states ``[n, K]`` that differ from ``base`` in one block only, in grid order; the valid ones, or all.

    A continuous knob takes ``points`` values. ``None`` if there are more than ``limit`` combinations.
    """
    grids = [system.knobs[i].grid(points) for i in block]
    count = int(np.prod([len(grid) for grid in grids], dtype=np.float64))
    if count > limit:
        return None
    rows = np.repeat(base[None], count, axis=0)
    mesh = np.meshgrid(*grids, indexing="ij")
    rows[:, list(block)] = np.stack([axis.ravel() for axis in mesh], axis=1)
    return rows[(system.repair(rows) == rows).all(axis=1)] if valid else rows


def is_affine(system: System, base: NDArray[np.float64], knob: int, points: int = 101) -> bool:
    """Whether every cell moves on a straight line as a knob moves, so that extremes are at its ends."""
    rows = np.repeat(base[None], points, axis=0)
    rows[:, knob] = system.knobs[knob].grid(points)
    share = np.linspace(0.0, 1.0, points)[:, None]
    seen = system.encode(rows).reshape(points, -1).astype(np.float64)
    line = seen[:1] + share * (seen[-1:] - seen[:1])
    return bool(np.allclose(seen, line, rtol=0.0, atol=1e-6 * max(1.0, float(np.abs(seen).max()))))


def _dependence(
    system: System, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which cells change with each knob ``[K, cells]``, which by it alone, and which knobs a rule moves with it ``[K, K]``.

    Each knob is swept from several valid states: all knobs at their highest, and random ones in which
    every knob is as likely to be at an end of its range as anywhere else.
    """
    count = len(system.knobs)
    touched = np.zeros((count, int(np.prod(system.observation_shape))), dtype=np.bool_)
    own, tied = np.zeros_like(touched), np.eye(count, dtype=np.bool_)
    for k, knob in enumerate(system.knobs):
        base = _bases(system, rng)
        grid = knob.grid(_SWEPT)
        grid = grid[np.unique(np.linspace(0, len(grid) - 1, min(len(grid), _SWEPT)).astype(int))]
        swept = np.repeat(base, len(grid), axis=0)
        swept[:, k] = np.tile(grid, len(base))
        swept = np.asarray(system.repair(swept))
        seen = np.repeat(system.encode(base).reshape(len(base), -1), len(grid), axis=0)
        moved = swept != np.repeat(base, len(grid), axis=0)
        alone = moved.sum(axis=1) == moved[:, k]
        changed = seen != system.encode(swept).reshape(len(swept), -1)
        touched[k], own[k] = changed.any(axis=0), changed[alone].any(axis=0)
        tied[k] |= moved.any(axis=0)
    return touched, own, tied | tied.T


def _bases(system: System, rng: np.random.Generator) -> NDArray[np.float64]:
    low = np.array([knob.low for knob in system.knobs])
    high = np.array([knob.high for knob in system.knobs])
    rows = random_values(system, _BASES, rng)
    where = rng.integers(4, size=rows.shape)
    rows = np.where(where == 0, low, np.where(where == 1, high, rows))
    rows[0] = high
    return np.asarray(system.repair(rows), dtype=np.float64)


def _components(linked: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """Connected components of a symmetric relation, each ascending, in order of their first member."""
    left = set(range(len(linked)))
    components: list[tuple[int, ...]] = []
    while left:
        reached, frontier = set(), {min(left)}
        while frontier:
            reached |= frontier
            frontier = set(np.flatnonzero(linked[sorted(frontier)].any(axis=0)).tolist()) - reached
        components.append(tuple(sorted(reached)))
        left -= reached
    return tuple(components)


def _mix(
    system: System, knobs: tuple[tuple[int, ...], ...], touched: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[bool, bool]:
    """Mix random pairs of states block by block; see whether pictures mix alike and states stay valid."""
    first, second = random_values(system, _MIXES, rng), random_values(system, _MIXES, rng)
    mixed = np.array(first)
    seen, other = (system.encode(rows).reshape(_MIXES, -1) for rows in (first, second))
    expected = np.array(seen)
    for block in knobs:
        painted = np.flatnonzero(touched[list(block)].any(axis=0))
        taken = np.flatnonzero(rng.random(_MIXES) < 0.5)[:, None]
        mixed[taken, list(block)] = second[taken, list(block)]
        expected[taken, painted] = other[taken, painted]
    try:
        got = system.encode(mixed).reshape(_MIXES, -1)
    except DnnExplainError:  # it paints valid states alone
        return False, False
    return bool(np.array_equal(got, expected)), bool((system.repair(mixed) == mixed).all())
