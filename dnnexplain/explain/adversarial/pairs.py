"""Pairs like the paper's Figure 4: two jobs, one is changed a little, and the network swaps their order.

APNet 2018, Figure 4: shortening the memory-heavy job #1 flips the order of two jobs, though the order
that was right before is still right.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import DecisionOracle, DnnExplainError, Policy, State, System, need, state_from_values
from dnnexplain.counts import counted
from dnnexplain.explain.adversarial.run import Progress
from dnnexplain.explain.adversarial.verdicts import Examiner, Kind, Verdict, classify
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.explain.decisions.sweeps import kind_of
from dnnexplain.numbers import from_to, number
from dnnexplain.results import Question, Result, register

__all__ = ["OrderPair", "OrderPairs", "order_pairs"]

Floats = NDArray[np.float64]

BLOCK = 4096


@register
@dataclass(frozen=True, slots=True, eq=False)
class OrderPair:
    """Two states that differ in one knob, between which the network changes its mind for the worse."""

    changed: str
    unit: str
    before_value: float
    after_value: float
    state: State
    after_state: State
    before: Verdict
    after: Verdict


@dataclass(frozen=True, eq=False)
class OrderPairs(Result):
    """Pairs found, those with the largest loss first.

    Attributes:
        question: what was searched.
        pairs: see :class:`OrderPair`; in each the decision before is a best one.
        searched: states looked at.
        words: a sentence on the first.
        ended_by: ``"seconds"`` where the limit was reached before all states were looked at; else empty.
    """

    question: Question
    pairs: tuple[OrderPair, ...]
    searched: int
    words: str
    ended_by: str = ""

    def table(self) -> list[dict[str, Any]]:
        """One row per pair."""
        return [
            {
                "state": _state_words(self.question, pair.state),
                "change": f"{pair.changed} {pair.before_value:g} to {pair.after_value:g}",
                "before": pair.before.name,
                "after": pair.after.name,
                "best after": " or ".join(pair.after.best_names),
                "loss": pair.after.loss,
            }
            for pair in self.pairs
        ]

    def picture(self) -> Chart:
        """What each pair's worse decision loses, the largest first."""
        names = [f"{pair.changed} {pair.before_value:g} to {pair.after_value:g}" for pair in self.pairs]
        return bars(names, {"loss": [pair.after.loss for pair in self.pairs]}, Axis("loss"), x=Axis("change"))


def _state_words(question: Question, state: State) -> str:
    movable = question.settings["knobs"]
    values = [f"{state.values[place]:g}" for place in movable]
    each = len(movable) // 2
    return f"{' x '.join(values[:each])}; {' x '.join(values[each:])}"


def order_pairs(
    system: System,
    policy: Policy,
    *,
    groups: tuple[str, str] = ("job 1", "job 2"),
    vary: str = "length",
    heavy: str = "memory",
    direction: int = -1,
    most_change: int = 1,
    tight: bool = True,
    count: int = 100,
    samples: int = 20_000,
    seconds: float = 30.0,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
    cancel: Event | None = None,
    progress: Progress | None = None,
    keep: Callable[[Callable[[], OrderPairs]], object] | None = None,
) -> OrderPairs:
    """Search states with two objects for small changes of one knob of the first that flip their order.

    Args:
        system: a world with an oracle for decisions.
        policy: the network.
        groups: the two objects; everything else is at its lowest.
        vary: the kind of knob that changes, such as ``"length"``.
        heavy: the kind of knob that is the largest of the first object's demands; any if empty.
        direction: -1 to lower the knob, 1 to raise it, 0 for both.
        most_change: by how many steps of the knob.
        tight: only states in which both objects' demands of one kind together exceed its bound, so that
            they cannot be served together and their order matters.
        count: pairs to return.
        samples: states to start from, drawn at random without repetition.
        seconds: to search, by ``clock``.
        seed: of the samples.
        clock: ``time.process_time`` counts CPU time.
        cancel: ends the search; what was found is returned.
        progress: as for ``attack``.
        keep: called after each batch of states with a function that makes the result so far.

    Raises:
        DnnExplainError: no such group or kind of knob, or a system without oracle.
    """
    places = [[i for i, knob in enumerate(system.knobs) if knob.group == name] for name in groups]
    varied = [i for i in places[0] if kind_of(system.knobs[i]) == vary]
    if not (places[0] and places[1] and varied):
        msg = f"{system.name} has no two groups {groups[0]!r} and {groups[1]!r} with a knob {vary!r}"
        raise DnnExplainError(msg)
    offsets = [sign * step for step in range(1, most_change + 1) for sign in (-1, 1) if direction in {0, sign}]
    search = _Search(system, policy, varied[0], offsets, clock() + seconds, cancel, clock)
    starts = _starts(system, places, varied, heavy, samples, np.random.default_rng(seed), tight=tight)
    pairs: list[OrderPair] = []
    looked, ended_by = 0, ""
    settings = {
        "groups": list(groups), "vary": vary, "heavy": heavy, "direction": direction, "most_change": most_change,
        "tight": tight, "knobs": places[0] + places[1],
    }  # fmt: skip
    question = Question.about(system, policy, method="order pairs", seed=seed, settings=settings)

    def result() -> OrderPairs:
        worst = sorted(pairs, key=lambda pair: -pair.after.loss)
        return OrderPairs(question, tuple(worst[:count]), looked, _words(system, worst, looked), ended_by)

    for first in range(0, len(starts), BLOCK):
        if progress is not None:
            progress(first / len(starts), f"{counted(len(pairs), 'pair')}")
        if search.over():
            break
        block = starts[first : first + BLOCK]
        pairs += search.pairs(block)
        looked += len(block)
        if keep is not None:
            keep(result)
    ended_by = "seconds" if search.late else ""
    return result()


def _starts(
    system: System,
    places: list[list[int]],
    varied: list[int],
    heavy: str,
    samples: int,
    rng: np.random.Generator,
    *,
    tight: bool,
) -> Floats:
    """Valid states of two objects ``[n, K]``."""
    base = np.array([knob.low for knob in system.knobs], dtype=np.float64)
    values = np.repeat(base[None], samples, axis=0)
    for place in places[0] + places[1]:
        values[:, place] = rng.choice(system.knobs[place].grid(), size=samples)
    values = np.unique(values, axis=0)
    fine = np.all(system.repair(values) == values, axis=1)
    for group in places:
        fine &= (values[:, group] > base[group]).any(axis=1)
    demands = [[i for i in group if kind_of(system.knobs[i]) != kind_of(system.knobs[varied[0]])] for group in places]
    largest = [i for i in demands[0] if kind_of(system.knobs[i]) == heavy]
    for other in demands[0] if largest else []:
        if other != largest[0]:
            fine &= values[:, largest[0]] > values[:, other]
    together = [
        values[:, first] + values[:, second] > system.knobs[first].high
        for first, second in product(*demands)
        if kind_of(system.knobs[first]) == kind_of(system.knobs[second])
    ]
    if tight and together:
        fine &= np.any(together, axis=0)
    return np.asarray(rng.permutation(values[fine]))


class _Search:
    """Looks for flips between neighbouring values of one knob."""

    def __init__(
        self,
        system: System,
        policy: Policy,
        varied: int,
        offsets: list[int],
        deadline: float,
        cancel: Event | None,
        clock: Callable[[], float],
    ) -> None:
        self.system, self.varied, self.offsets = system, varied, offsets
        self.deadline, self.cancel, self.clock = deadline, cancel, clock
        self.late = False
        need(system, DecisionOracle, "telling which pairs of states are mistaken for one another")
        self.witness = Examiner(system, policy, state_from_values(system, {}))

    def over(self) -> bool:
        """Whether time is up, or nobody waits any more."""
        self.late = self.late or self.clock() > self.deadline
        return self.late or (self.cancel is not None and self.cancel.is_set())

    def pairs(self, block: Floats) -> list[OrderPair]:
        """Pairs whose first state is in the block ``[B, K]``."""
        knob = self.system.knobs[self.varied]
        step = knob.step or (knob.high - knob.low) / 100
        order_pairs: list[OrderPair] = []
        base = self.witness.ask(block).actions
        for offset in self.offsets:
            moved = block.copy()
            moved[:, self.varied] += offset * step
            inside = (moved[:, self.varied] > knob.low) & (moved[:, self.varied] <= knob.high)
            rows = np.flatnonzero(inside)
            if not len(rows):
                continue
            flips = rows[self.witness.ask(moved[rows]).actions != base[rows]]
            for row in flips:
                if self.over():
                    return order_pairs
                pair = self._pair(block[row], moved[row])
                if pair is not None:
                    order_pairs.append(pair)
        return order_pairs

    def _pair(self, before: Floats, after: Floats) -> OrderPair | None:
        first, second = self.witness.verdict(before), self.witness.verdict(after)
        still = first.action in first.best_actions and first.action in second.best_actions
        if not still or classify(first, second) is not Kind.ADVERSARIAL:
            return None
        knob = self.system.knobs[self.varied]
        return OrderPair(
            knob.name,
            knob.unit,
            float(before[self.varied]),
            float(after[self.varied]),
            State(before),
            State(after),
            first,
            second,
        )


def _words(system: System, pairs: list[OrderPair], looked: int) -> str:
    if not pairs:
        return f"No pair among {counted(looked, 'state')} of two objects: no such change makes this policy swap them for the worse."
    pair = pairs[0]
    known = decide(system, system.rules()[next(iter(system.rules()))], pair.after_state) if system.rules() else None
    rule = (
        ""
        if known is None or known.action is None
        else f" (a rule, {next(iter(system.rules()))}, {system.output.acts(known.action)})"
    )
    return (
        f"{counted(len(pairs), 'pair')} among {counted(looked, 'state')} of two objects. The worst: {system.describe(pair.state)} With "
        f"{pair.changed} changed {from_to(pair.before_value, pair.after_value)} {pair.unit} the decision goes from "
        f"{pair.before.name} to {pair.after.name}{rule}, although {' or '.join(pair.after.best_names)} is still best; "
        f"it costs {number(pair.after.loss)} more ({pair.after.unit})."
    )
