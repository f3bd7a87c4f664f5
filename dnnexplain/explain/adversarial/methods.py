"""The ways to search: each calls ``run.consider`` with states until time is up or it knows all.

A method is a function of a :class:`~dnnexplain.explain.adversarial.run.Run` and a generator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.adversarial.levels import several, single, width
from dnnexplain.explain.adversarial.moves import ROUNDING
from dnnexplain.explain.adversarial.run import Run
from dnnexplain.numbers import number

__all__ = ["exhaustive", "local", "manipulate", "steps"]

Floats = NDArray[np.float64]

BLOCK = 256

WALKS = 6
"""Walks of the local search within an exhaustive one."""


def manipulate(run: Run, rng: np.random.Generator) -> None:
    """The paper's random manipulation (Section 4.2): some objects get random valid values, over and over."""
    while True:
        run.consider(_random_states(run, rng, BLOCK), text="Random changes")


def exhaustive(run: Run, rng: np.random.Generator) -> None:
    """Every change in order of cost: first of one object at all costs, then of several up to the best cost.

    What it finds is minimal, and where it finds nothing up to a cost, there is nothing. Between the two, a
    few walks of the local search give an answer while the proof is still under way.
    """
    del rng
    for values, complete in single(run.moves, run.single_radius):
        if run.moves.cost(values[:1])[0] >= run.limit() - ROUNDING:
            break
        run.consider(values, text=f"One object, up to a cost of {number(run.moves.cost(values[-1:])[0])}")
        run.single_radius = max(run.single_radius, min(complete, run.limit() - ROUNDING))
    run.single_radius = np.inf if run.best is None else max(run.single_radius, run.best.distance - ROUNDING)
    if run.most < 2 or len(run.moves.atoms) < 2:
        run.radius = run.single_radius
        return
    _descend(run, np.random.default_rng(0))
    step, dearest = width(run.moves), sum(float(atom.cost[-1]) for atom in run.moves.atoms)
    while run.radius < min(run.limit() - ROUNDING, dearest):
        high = min(run.radius + step, dearest)
        for values in several(run.moves, run.radius, high, run.most, run.limit):
            fine = run.moves.allowed(run.system, values)
            run.consider(values[fine], text=f"Several objects, up to a cost of {number(high)}")
        run.radius = min(high, run.limit() - ROUNDING)
    run.radius = np.inf if run.best is None else run.radius


def local(run: Run, rng: np.random.Generator) -> None:
    """Greedy steps towards a flip, then back towards the state as far as it stays fooled; with restarts.

    The first walk starts from the state itself and takes the step of the highest gain; later ones start
    from random changes, or take steps at random among the best.
    """
    walk = 0
    while True:
        start = _walk(run, rng, greedy=walk == 0) if walk % 4 == 0 else _fooled(run, rng)
        if start is not None:
            _shrink(run, start)
        walk += 1


def _descend(run: Run, rng: np.random.Generator) -> None:
    for walk in range(WALKS):
        start = _walk(run, rng, greedy=True) if walk == 0 else _fooled(run, rng)
        if start is not None:
            _shrink(run, start)


def steps(run: Run, values: Floats) -> Floats:
    """All allowed states one step of one knob away ``[B, K]``."""
    rows = []
    for place in run.moves.movable:
        knob = run.system.knobs[place]
        step = knob.step if knob.step is not None else (knob.high - knob.low) / 100
        for sign in (-step, step):
            row = values.copy()
            row[place] = knob.snap(values[place] + sign)
            rows.append(row)
    block = np.unique(np.array(rows), axis=0)
    return np.asarray(block[run.allowed(block) & np.any(block != values, axis=1)])


def _random_states(run: Run, rng: np.random.Generator, count: int) -> Floats:
    """States in which one to three objects take random values."""
    atoms = run.moves.atoms
    most = min(run.most, 3)
    values = np.repeat(run.moves.base.values[None], count, axis=0)
    for row, many in zip(values, rng.integers(1, most + 1, size=count), strict=True):
        for at in rng.choice(len(atoms), size=many, replace=False):
            row[list(atoms[at].knobs)] = atoms[at].rows[rng.integers(len(atoms[at].rows))]
    return np.asarray(values[run.allowed(values)])


def _fooled(run: Run, rng: np.random.Generator) -> Floats | None:
    """Some adversarial state among random ones, the cheapest."""
    run.count()
    values = _random_states(run, rng, BLOCK)
    values = values[np.argsort(run.moves.cost(values), kind="stable")]
    flips = run.witness.flipped(run.witness.ask(values))
    run.evaluated += len(values)
    for row in values[flips][:8]:
        if run.consider(row[None], every=True, text="Random starts").adversarial[0]:
            return np.asarray(row)
    run.check("Random starts")
    return None


def _walk(run: Run, rng: np.random.Generator, *, greedy: bool) -> Floats | None:
    """Steps of highest gain from the state until it is fooled; ``None`` if the walk gets too dear."""
    values = run.moves.base.values
    seen: set[bytes] = {values.tobytes()}
    while True:
        near = steps(run, values)
        near = near[[row.tobytes() not in seen for row in near]] if len(near) else near
        near = near[run.moves.cost(near) < run.limit() - ROUNDING]
        if not len(near) or len(seen) > 200:
            return None
        feedback = run.consider(near, text="Local search")
        if feedback.adversarial.any():
            return np.asarray(near[np.flatnonzero(feedback.adversarial)[0]])
        order = np.argsort(-feedback.margin, kind="stable")
        values = near[order[0 if greedy else min(int(rng.geometric(0.4)) - 1, len(order) - 1)]]
        seen.add(values.tobytes())


def _shrink(run: Run, values: Floats) -> None:
    """Move knobs back towards the state, dearest first, while it stays fooled."""
    base = run.moves.base.values
    while True:
        moved = np.flatnonzero(np.abs(values - base) > ROUNDING)
        rows = []
        for place in moved:
            knob = run.system.knobs[place]
            step = knob.step if knob.step is not None else (knob.high - knob.low) / 100
            size = abs(values[place] - base[place])
            for back in dict.fromkeys((size, size / 2, step)):
                row = values.copy()
                row[place] = knob.snap(values[place] - np.sign(values[place] - base[place]) * back)
                rows.append(row)
        rows = [row for row in rows if run.moves.cost(row[None])[0] < run.moves.cost(values[None])[0] - ROUNDING]
        block = np.unique(np.array(rows), axis=0) if rows else np.zeros((0, len(base)))
        block = block[run.allowed(block)] if len(block) else block
        block = block[np.argsort(run.moves.cost(block), kind="stable")]
        for row in block:
            if run.consider(row[None], every=True, text="Local search").adversarial[0]:
                values = row
                break
        else:
            return
