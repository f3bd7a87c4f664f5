"""What would follow each action: the same policy goes on from the state, over the same workloads, to the end.

Of a choice, every valid action is taken; a number within bounds, or a set of switches, is compared with the others that
its space names (``Space.alternatives``): lowest, highest and middle; one switch changed, all off, all on.

"Why not the other one?" is answered by what would come of it, in the system's own figures, as in decomposed future
returns (Patel, Abdu Jyothi, Narodytska, arXiv 2302.13483), here by simulation and not by a learned predictor.
Differences are paired: each workload goes on after every action.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Continuing, Discrete, DnnExplainError, Policy, Space, State
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.decision import observe, valid_of
from dnnexplain.intervals import Interval, mean_interval
from dnnexplain.numbers import as_told, interval, number
from dnnexplain.registry import spec_of
from dnnexplain.results import Shown

__all__ = ["Consequence", "Consequences", "check_future", "consequences"]

NOISE = 1e-12
"""A share of a figure by which two runs of the same future may differ by rounding alone."""


@dataclass(frozen=True)
class Consequence:
    """What followed one action.

    Attributes:
        action: its index; numbers of a ``Box``; switches, 0 or 1, of a ``MultiBinary``.
        name: in words.
        figures: mean and 95% interval over workloads, by name; ``cost`` is one of them.
        against: each figure less what followed the chosen action, paired.
    """

    action: int | list[float] | list[int]
    name: str
    figures: dict[str, Interval]
    against: dict[str, Interval]


@dataclass(frozen=True)
class Consequences(Shown):
    """What would follow each action of one decision.

    Attributes:
        policy: who decided, and goes on.
        chosen: the action that it takes, as in :class:`Consequence`.
        cost_name: what ``cost`` is.
        futures: how many workloads were gone on with.
        assumed: of them, in a sentence.
        actions: one for each action that was taken, the chosen one among them.
    """

    policy: str
    chosen: int | list[float] | list[int]
    cost_name: str
    futures: int
    assumed: str
    actions: tuple[Consequence, ...]

    def of(self, action: int | list[float] | list[int]) -> Consequence:
        """What followed an action."""
        return next(item for item in self.actions if item.action == action)

    @property
    def cost_title(self) -> str:
        """What ``cost`` is called where people read it: of "minus QoE" the QoE."""
        return as_told(self.cost_name)[0]

    def as_read(self, span: Interval, figure: str = "cost") -> Interval:
        """A figure as people read it: of a cost that is what is earned with its sign changed, what is earned."""
        if figure != "cost" or self.cost_title == self.cost_name:
            return span
        _, (mean, high, low) = as_told(self.cost_name, *span.three)
        return replace(span, mean=mean, low=low, high=high)

    @property
    def decision(self) -> str:
        """The chosen action in words."""
        return self.of(self.chosen).name

    def table(self) -> list[dict[str, Any]]:
        """A row for each action: what followed, and how much more it cost than the chosen one, with its interval."""
        rows = []
        for action in self.actions:
            row: dict[str, Any] = {"action": action.name, "chosen": action.action == self.chosen}
            row |= {name: span.mean for name, span in action.figures.items()}
            if (span := action.against.get("cost")) is not None:
                row |= {"more than the chosen": span.mean, "low": span.low, "high": span.high}
            rows.append(row)
        return rows

    def sentence(self) -> str:
        """Whether an action would have done better, in words."""
        text = self._compared()
        return f"{text[:1].upper()}{text[1:]}"

    def _compared(self) -> str:
        mine = self.of(self.chosen)
        others = [action for action in self.actions if action.action != self.chosen]
        if not others:
            return f"{mine.name} is the only valid action."
        best = min(others, key=lambda item: item.against["cost"].mean)
        gap = best.against["cost"]
        shown, title = self.as_read(gap), self.cost_title
        tail = f"over {counted(self.futures, 'future')}, if {self.policy} goes on"
        if not gap.known:
            more = f"{number(shown.mean, sign=True)} in {title}" if gap.mean else f"the same {title}"
            return f"{best.name} instead of {mine.name} has {more} {tail}; there is no interval ({gap.missing})."
        span = f"{number(shown.mean, sign=True)} in {title} ({interval(shown.low, shown.high)})"
        if gap.high < 0:
            return f"{best.name} instead of {mine.name} would have been better: {span} {tail}."
        if gap.low > 0:
            return f"{mine.name} is better than any other action: the next, {best.name}, has {span} {tail}."
        return f"{mine.name} and {best.name} cannot be told apart: {span} {tail}."


def check_future(system: Any) -> None:
    """Refuse a system of which it cannot be shown what would follow each action.

    Raises:
        DnnExplainError: it is not run from a state on.
    """
    if isinstance(system, Continuing):
        return
    name = getattr(system, "name", type(system).__name__)
    msg = (
        f"what would follow each action cannot be shown for {name}: its episodes are run from their beginning, never from "
        f"a state on. Without this request, explain shows what the decision rests on; `dnnexplain evaluate {name}` shows "
        "what whole episodes come to"
    )
    raise DnnExplainError(msg)


def consequences(
    system: Any,
    policy: Policy,
    state: State,
    workloads: Sequence[Any],
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Consequences:
    """Take each action in a state, let the policy go on, and compare what follows.

    Args:
        system: one that can go on from a state.
        policy: who decided; it takes its best actions.
        state: in which.
        workloads: the futures; the same after every action.
        seed: of what is drawn.
        progress: called with (actions done, in all).

    Raises:
        DnnExplainError: the system cannot go on from a state, or there are no workloads.
    """
    check_future(system)
    if not len(workloads):
        msg = "what follows a decision is shown over at least one workload; none was given"
        raise DnnExplainError(msg)
    seen = observe(system, [state])
    valid = valid_of(system, policy, seen)
    chosen = system.output.decide(policy.outputs(seen), valid)[0]
    actions = _taken(system.output, chosen, valid[0])
    runs = []
    for done, action in enumerate(actions):
        episodes = system.continued(state, policy, action, workloads, seed=seed)
        runs.append({"cost": episodes.cost, **episodes.metrics})
        if progress is not None:
            progress(done + 1, len(actions))
    mine = runs[next(place for place, action in enumerate(actions) if np.array_equal(action, chosen))]
    spec = spec_of(system)
    ranges = {metric.name: metric.range for metric in spec.metrics} | {"cost": spec.cost_range}
    free = (-math.inf, math.inf)
    measured = tuple(
        Consequence(
            _plain(action),
            system.output.tell(action),
            {name: mean_interval(values, within=ranges.get(name, free)) for name, values in run.items()},
            {name: mean_interval(_apart(values, mine[name])) for name, values in run.items()},
        )
        for action, run in zip(actions, runs, strict=True)
    )
    return Consequences(policy.name, _plain(chosen), system.cost_name, len(workloads), system.continuing, measured)


def _apart(values: NDArray[np.float64], mine: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much runs differ; what is rounding alone is nothing."""
    differences = np.asarray(values, dtype=float) - mine
    differences[np.abs(differences) <= NOISE * np.maximum(np.abs(values), np.abs(mine))] = 0.0
    return differences


def _taken(space: Space, chosen: Any, valid: NDArray[np.bool_]) -> list[Any]:
    """Every valid action of a choice, in order; else the chosen one, then those that it is compared with."""
    if isinstance(space, Discrete):
        return [int(action) for action in np.flatnonzero(valid)]
    return [np.asarray(chosen), *space.alternatives(chosen)]


def _plain(action: Any) -> Any:
    """An action as JSON holds it: a number, numbers, or switches as 0 and 1."""
    array = np.asarray(action)
    return array.astype(int).tolist() if array.dtype == bool else array.tolist()
