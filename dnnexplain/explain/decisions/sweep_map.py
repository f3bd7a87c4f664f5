"""What a policy does over two quantities, as a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, heat
from dnnexplain.contract import (
    Box,
    Discrete,
    DnnExplainError,
    Policy,
    State,
    SweepAxis,
    SweepView,
    System,
    state_from_values,
)
from dnnexplain.explain.decisions.decision import valid_of
from dnnexplain.explain.decisions.sweeps import knob_index
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["SweepMap", "axis_values", "sweep_line", "sweep_map", "sweep_of"]


@dataclass(frozen=True, eq=False)
class SweepMap(Result):
    """What a policy does over two quantities, all else held.

    Attributes:
        question: system and policy; the state, where the map depends on it.
        title: of the view.
        across, down: what the axes are; ``across_unit``, ``down_unit`` their units.
        across_values: ``[C]``, ``down_values``: ``[R]``, rising.
        kind: of the system's output: ``"choice"``, ``"values"``, ``"switches"``.
        names: of actions, or of the output that is mapped.
        action: the action's index of a choice; the number that is set; how many switches are on, or whether the one that
            is mapped is ``[R, C]``.
        note: what is held, a sentence.
        ordered: whether actions have an order.
        acts: what taking each action is called: ``"picks job 1"``, ``"waits"``; of names that it ``takes``, if empty.
    """

    question: Question
    title: str
    across: str
    down: str
    across_unit: str
    down_unit: str
    kind: str
    names: tuple[str, ...]
    across_values: NDArray[np.float64] = array_field("across")
    down_values: NDArray[np.float64] = array_field("down")
    action: NDArray[np.float64] = array_field("down", "across")
    note: str = ""
    ordered: bool = False
    acts: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The actions that are taken nowhere on the map."""
        taken = set(np.unique(self.action).astype(int).tolist())
        return tuple(name for at, name in enumerate(self.names) if at not in taken) if self.kind == "choice" else ()

    @property
    def turns_back(self) -> NDArray[np.bool_]:
        """Rows in which the action falls again somewhere as the quantity across rises ``[R]``."""
        return np.asarray((np.diff(self.action, axis=1) < -1e-9).any(axis=1) & self._rises())

    def _rises(self) -> NDArray[np.bool_]:
        return np.asarray((np.diff(self.action, axis=1) > 1e-9).any(axis=1))

    def table(self) -> list[dict[str, Any]]:
        """One row per action with its share of the map; of numbers one row with their range."""
        if self.kind != "choice":
            return [{"action": "all", "least": float(self.action.min()), "most": float(self.action.max())}]
        taken = self.action.astype(int)
        return [{"action": name, "share of the map": float((taken == at).mean())} for at, name in enumerate(self.names)]

    def sentence(self) -> str:
        """Which actions are taken, which are missing, and where their order is not kept."""
        return self.words(self.question.policy)

    def words(self, who: str) -> str:
        """The same sentence, of a policy that is called otherwise where it is shown."""
        if self.kind != "choice":
            low, high = float(self.action.min()), float(self.action.max())
            what = self.names[0] if len(self.names) == 1 else "switches on"
            span = (
                f"from {number(low)} to {number(high)}" if number(low) != number(high) else f"{number(low)} everywhere"
            )
            return f"{who}: {what} {span}."
        shares = np.bincount(self.action.astype(int).ravel(), minlength=len(self.names)) / self.action.size
        most = int(shares.argmax())
        acts = self.acts or tuple(f"takes {name}" for name in self.names)
        parts = [f"{who} {acts[most]} most often ({number(100 * float(shares[most]))}% of the map)"]
        if self.missing:
            parts.append(f"nowhere: {', '.join(self.missing)}")
        text = "; ".join(parts) + "."
        if self.ordered:
            rows = int(self.turns_back.sum())
            swings = (
                f"in {rows} of {len(self.down_values)} rows it goes up and down again"
                if rows
                else "nowhere does it go up and down again"
            )
            text += f" As {self.across} rises, {swings}."
        return text

    def picture(self) -> Chart:
        """The map, its first row at the top."""
        rows = [number(float(value)) for value in self.down_values[::-1]]
        columns = [number(float(value)) for value in self.across_values]
        label = "action" if self.kind == "choice" else self.names[0]
        x, y = Axis(self.across, self.across_unit), Axis(self.down, self.down_unit)
        return heat(self.action[::-1], rows, columns, Axis(label), x=x, y=y, title=self.title)


def sweep_of(system: System, across: str, down: str) -> SweepView:
    """The map of any two knobs, all else as it is.

    Raises:
        DnnExplainError: an unknown knob, or the same twice.
    """
    for name in (across, down):
        knob_index(system, name)
    if across == down:
        msg = f"a map needs two different knobs, not {across!r} twice"
        raise DnnExplainError(msg)
    return SweepView(
        f"{across} and {down}", SweepAxis(across, (across,)), SweepAxis(down, (down,)), note="All else is as it is now."
    )


def sweep_map(
    system: System, policy: Policy, view: SweepView, state: State | None = None, *, output: str = ""
) -> SweepMap:
    """What a policy does over the two axes of a view, in one batch of states.

    A rule with memory decides as if it had none.

    Args:
        system, policy: whose decisions.
        view: the axes; see :func:`sweep_of` for two knobs.
        state: what all else is; every knob at its start if not given.
        output: of several numbers or switches, the one that is mapped: the first number if empty, all switches counted.

    Raises:
        DnnExplainError: an unknown knob or output, bounds of an axis outside of its knob's.
    """
    base = state if state is not None else state_from_values(system, {})
    columns, rows = (axis_values(system, axis) for axis in (view.across, view.down))
    swept = [(view.across, np.tile(columns, len(rows))), (view.down, np.repeat(rows, len(columns)))]
    action, names = _actions_over(system, policy, base, swept, output, view.settle)
    first = [system.knobs[knob_index(system, axis.knobs[0])] for axis in (view.across, view.down)]
    return SweepMap(
        Question.about(system, policy, base if view.follows else None, target=view.title),
        title=view.title,
        across=view.across.name,
        down=view.down.name,
        across_unit=first[0].unit,
        down_unit=first[1].unit,
        kind=str(system.output.kind),
        names=names,
        across_values=columns,
        down_values=rows,
        action=action.reshape(len(rows), len(columns)),
        note=view.note,
        ordered=view.ordered,
        acts=tuple(map(system.output.acts, range(len(names)))) if isinstance(system.output, Discrete) else (),
    )


def sweep_line(
    system: System, policy: Policy, axis: SweepAxis, state: State, *, output: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a policy does along one axis, all else as it is in a state: the axis's values, and the actions there ``[C]``.

    Args and errors are those of :func:`sweep_map`.
    """
    columns = axis_values(system, axis)
    return columns, _actions_over(system, policy, state, [(axis, columns)], output)[0]


BLOCK_BYTES = 64 * 2**20
"""What the states of one block of a map, and the outputs there, may take."""

_COPIES = 4
"""Of a row of knob values, and of a row of outputs: as made, as settled, as decided, and in between."""


def _actions_over(
    system: System,
    policy: Policy,
    base: State,
    swept: Sequence[tuple[SweepAxis, NDArray[np.float64]]],
    output: str,
    settle: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """What is done in every state of a sweep ``[B]``, so many states at a time that they take a bounded memory."""
    count, names = len(swept[0][1]), tuple[str, ...]()
    places = [[knob_index(system, name) for name in axis.knobs] for axis, _each in swept]
    wide = len(system.knobs) + int(np.prod(system.observation_shape)) + len(system.output.names)
    block = max(1, BLOCK_BYTES // (8 * _COPIES * wide))
    background = base.background if settle is None else None
    parts = []
    for first in range(0, count, block):
        values = np.tile(base.values, (min(block, count - first), 1))
        for at, (_axis, each) in zip(places, swept, strict=True):
            values[:, at] = each[first : first + block, None]
        settled = system.repair(settle(values) if settle is not None else values)
        behind = None if background is None else np.broadcast_to(background, (len(settled), *background.shape))
        seen = system.encode(settled, behind)
        taken = system.output.decide(policy.outputs(seen), valid_of(system, policy, seen))
        part, names = _mapped(system, taken, output)
        parts.append(part.copy())  # a column of all outputs would keep them in memory
    return np.concatenate(parts), names


def axis_values(system: System, axis: SweepAxis) -> NDArray[np.float64]:
    """Where an axis is looked at, rising."""
    knob = system.knobs[knob_index(system, axis.knobs[0])]
    low, high = (axis.low, axis.high) if axis.low != axis.high else (knob.low, knob.high)
    if not knob.low - 1e-9 <= low < high <= knob.high + 1e-9:
        msg = f"the axis {axis.name} goes from {low:g} to {high:g}, but {knob.name} from {knob.low:g} to {knob.high:g}"
        raise DnnExplainError(msg)
    if axis.logarithmic:
        return np.geomspace(max(low, 1e-9), high, axis.steps)
    grid = knob.grid()
    grid = grid[(grid >= low - 1e-9) & (grid <= high + 1e-9)]
    return grid if knob.step is not None and len(grid) <= axis.steps else np.linspace(low, high, axis.steps)


def _mapped(system: System, taken: NDArray[Any], output: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    space = system.output
    if isinstance(space, Discrete):
        return np.asarray(taken, dtype=np.float64), space.names
    if output or isinstance(space, Box):
        at = space.index(output) if output else 0
        return np.asarray(taken, dtype=np.float64)[:, at], (space.names[at],)
    return np.asarray(taken, dtype=np.float64).sum(axis=1), space.names
