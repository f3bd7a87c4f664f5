"""The program of a case: its states painted, the network in it once or twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, DnnExplainError, Relation, StateSet, System
from dnnexplain.explain.networks.hooks import network_of, private
from dnnexplain.explain.proofs.following import painted_after
from dnnexplain.explain.proofs.inputs import Input, loose_cells, paint, relate, summands
from dnnexplain.explain.proofs.network import Bend, NetworkForms, Wave
from dnnexplain.explain.proofs.program import Program
from dnnexplain.explain.proofs.tracing import traced

__all__ = ["EmptySet", "Model", "model_of", "pairs_hold", "place_of", "second_states"]

Floats = NDArray[np.float64]


class EmptySet(Exception):  # noqa: N818 - no error
    """A set without states."""


@dataclass(frozen=True, eq=False)
class Model:
    """A program with the network (once or twice) in it."""

    program: Program
    inputs: tuple[Input, ...]
    bends: tuple[Bend | Wave, ...]
    forms: Floats

    def outputs(self, rows: Floats) -> Floats:
        """What the program takes the network's outputs for, in states ``[B, K]`` or pairs ``[B, 2K]``."""
        values = np.zeros((len(rows), len(self.program)))
        half = rows.shape[1] // len(self.inputs)
        for at, item in enumerate(self.inputs):
            item.write(rows[:, at * half : (at + 1) * half], values)
        for bend in self.bends:
            bend.fill(values)
        return np.asarray(values @ self.forms[1:] + self.forms[0])


def model_of(system: System, policy: Any, case: Case, background: Any, seconds: float) -> Model:
    """The program of a case.

    Raises:
        EmptySet: the set holds no state.
        DnnExplainError: the network or the observation is none that programs know.
    """
    states = case.states
    if loose_cells(system, states, background):
        msg = "the mixed-integer program knows no cells that knobs leave open; branching over bounds does"
        raise DnnExplainError(msg)
    program = Program(seconds)
    ground, parts = summands(system, states, background)
    inputs = [paint(program, system, states, ground, parts)]
    if case.change is not None:
        place = place_of(system, case.change.knob)
        second = second_states(system, case)
        ground_two, parts_two = summands(system, second, background)
        inputs.append(paint(program, system, second, ground_two, parts_two, inputs[0], place))
        relate(
            program, system, inputs[1], Relation({case.change.knob: 1.0}, case.change.low, case.change.high), inputs[0]
        )
    if program.relaxed(np.zeros(len(program)), 0.0, 1) == -np.inf:
        raise EmptySet
    graph = traced(private(network_of(policy)))
    bends: list[Bend | Wave] = []
    outputs = []
    later = [] if case.then is None else [painted_after(program, system, states, inputs[0], case.then, background)]
    for item in (*inputs, *later):
        run = NetworkForms(graph, program)
        outputs.append(run.outputs(item.forms, tuple(system.observation_shape)))
        bends += run.bends
    count = 1 + len(program)
    forms = np.hstack([np.vstack([output, np.zeros((count - len(output), output.shape[1]))]) for output in outputs])
    return Model(program, tuple(inputs), tuple(bends), forms)


def second_states(system: System, case: Case) -> StateSet:
    """Where the second of two states can lie."""
    assert case.change is not None
    place = place_of(system, case.change.knob)
    whole = StateSet.all_of(system)
    low, high = case.states.low.copy(), case.states.high.copy()
    low[place] = min(max(low[place] + case.change.low, whole.low[place]), whole.high[place])
    high[place] = max(min(high[place] + case.change.high, whole.high[place]), whole.low[place])
    return replace(whole, low=low, high=high)


def pairs_hold(system: System, case: Case, pairs: Floats) -> NDArray[np.bool_]:
    """Which pairs ``[B, 2K]`` differ as the case says, both being valid."""
    assert case.change is not None
    half = pairs.shape[1] // 2
    first, second = pairs[:, :half], pairs[:, half:]
    place = place_of(system, case.change.knob)
    away = second - first
    moved = (away[:, place] >= case.change.low - 1e-9) & (away[:, place] <= case.change.high + 1e-9)
    away[:, place] = 0.0
    fixed = np.asarray(system.repair(pairs.reshape(-1, half)), dtype=float).reshape(pairs.shape)
    valid = np.isclose(fixed, pairs).all(axis=1)
    return np.asarray(moved & (np.abs(away) < 1e-9).all(axis=1) & valid & case.states.holds(system, first))


def place_of(system: System, name: str) -> int:
    """The place of a knob."""
    for place, knob in enumerate(system.knobs):
        if knob.name == name:
            return place
    msg = f"{system.name} has no knob {name!r}"
    raise DnnExplainError(msg)
