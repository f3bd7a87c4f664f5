"""Attributions over thousands of states: which knob groups always matter, and which cancel.

The paper's first observation on DeepRM is that the cluster's occupancy has positive and negative
gradients that cancel, while some jobs always matter. A survey says for a network whether that is so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import Decision, DnnExplainError, Policy, State, System, Target
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.baselines import reference
from dnnexplain.explain.attribution.captum_question import CaptumQuestion, pose
from dnnexplain.explain.attribution.maps import group_sums
from dnnexplain.explain.attribution.methods import METHODS, Method, method_named
from dnnexplain.explain.attribution.sentences import number, start
from dnnexplain.explain.attribution.targets import resolve
from dnnexplain.explain.decisions.decision import decide_observed, observe, states_from_observations
from dnnexplain.explain.networks.hooks import array, network_of, private
from dnnexplain.numbers import share
from dnnexplain.results import Question, Result, array_field

__all__ = ["Survey", "survey"]

_BATCH = 128
_ALL = 0.995
"""From which share on "100% remains" would be printed: then nothing cancels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Survey(Result):
    """What a method gives to each knob group over many states.

    Attributes:
        states: how many states were asked about.
        positive, negative: mean sums of the cells that are for and of those against ``[G]``.
        cancellation: ``|positive + negative| / (|positive| + |negative|)`` of each state, averaged over the
            states in which the group says something ``[G]``; 0: for and against cancel, 1: all of one sign.
            NaN for a group that never says anything.
        present: share of states in which the group says something ``[G]``.
        top: share of states in which the group has the largest net sum, either sign ``[G]``.
        actions: how often each action was chosen ``[A]``; empty for a vector output.
    """

    question: Question
    method: str
    target: str
    baseline: str
    states: int
    group_names: tuple[str, ...]
    positive: NDArray[np.float64] = array_field("group")
    negative: NDArray[np.float64] = array_field("group")
    cancellation: NDArray[np.float64] = array_field("group")
    present: NDArray[np.float64] = array_field("group")
    top: NDArray[np.float64] = array_field("group")
    actions: NDArray[np.int64] = array_field("action")
    notes: tuple[str, ...] = ()
    milliseconds: float = field(default=0.0, compare=False)

    @property
    def net(self) -> NDArray[np.float64]:
        """Mean net sums ``[G]``."""
        return self.positive + self.negative

    def sentence(self) -> str:
        """Which group leads most often and which cancels most, in words."""
        if not np.isfinite(self.cancellation).any():
            return f"Over {counted(self.states, 'state')} no group says anything about {self.target}."
        first, least = int(self.top.argmax()), int(np.nanargmin(self.cancellation))
        states = counted(self.states, "state")
        leads = f"Over {states} {self.group_names[first]} leads most often, in {share(self.top[first])}"
        if self.cancellation[least] >= _ALL:
            return f"{leads}; each group's cells have one sign, so nothing cancels."
        return (
            f"{leads}; for and against cancel most in {self.group_names[least]}, "
            f"of which {share(self.cancellation[least])} remains."
        )

    def cancels(self, group: str) -> str:
        """The paper's observation for one group, as measured here."""
        i = self.group_names.index(group)
        if not np.isfinite(self.cancellation[i]):
            return f"{start(group)} says nothing in any state."
        parts = f"{number(self.positive[i], sign=True)} and {number(self.negative[i])}"
        if self.cancellation[i] >= _ALL:
            return f"{start(group)}: {parts} on average, of one sign in each state, so nothing cancels."
        return f"{start(group)}: {parts} on average, of which {share(self.cancellation[i])} remains in a state."

    def table(self) -> list[dict[str, Any]]:
        """One row per knob group."""
        columns = {
            name: getattr(self, name) for name in ("positive", "negative", "net", "cancellation", "present", "top")
        }
        return [
            {"group": name, **{column: float(values[i]) for column, values in columns.items()}}
            for i, name in enumerate(self.group_names)
        ]

    def picture(self) -> Chart:
        """Mean sums of each group, for and against apart."""
        shown = {"for": self.positive, "against": self.negative}
        title = f"{self.method}, mean of {counted(self.states, 'state')}"
        return bars(self.group_names, shown, Axis("mean sum"), x=Axis("group"), title=title)


def survey(
    system: System,
    policy: Policy,
    states: Sequence[State] | NDArray[Any],
    *,
    method: str = "saliency",
    target: str | Target = "default",
    baseline: str | NDArray[Any] = "default",
    seed: int = 0,
    sample: NDArray[Any] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Survey:
    """Explain many decisions by one method, in batches, and sum up what each knob group got.

    Args:
        system: the world.
        policy: a network policy.
        states: states, or observations ``[S, *observation_shape]`` as episodes give them.
        method: a name from ``METHODS`` that gives a map.
        target: as in ``attribute``, resolved for each state (its own chosen action and runner-up).
        baseline: as in ``attribute``, resolved for each state.
        seed: for methods that draw.
        sample: observations for baselines that need some.
        progress: called with (states done, states in all).

    Raises:
        DnnExplainError: no states, a method for neurons or layers, a method that does not fit.
    """
    entry = method_named(method)
    if entry.neuron or entry.units:
        maps = ", ".join(name for name, item in METHODS.items() if not (item.neuron or item.units))
        msg = f"a survey needs a method that gives a map of the decision: {maps}"
        raise DnnExplainError(msg)
    if len(states) == 0:
        msg = "a survey needs at least one state"
        raise DnnExplainError(msg)
    began = time.perf_counter()
    states_seen = list(states_from_observations(system, states) if isinstance(states, np.ndarray) else states)
    tally = _Tally(system, len(states_seen))
    module = private(network_of(policy))
    label, names = "", set[str]()
    for first in range(0, len(states_seen), _BATCH):
        part = states_seen[first : first + _BATCH]
        seen = observe(system, part)
        decisions = decide_observed(system, policy, part, seen)
        targets = [resolve(system, decision, target) for decision in decisions]
        counted_from = [reference(system, item, baseline, sample=sample, seed=seed) for item in part]
        problem = pose(module, system, seen, targets, counted_from, seed=seed + first)
        tally.add(entry, problem, decisions)
        label = counted_from[0].name
        names |= {targets.name for targets in targets}
        if progress is not None:
            progress(first + len(part), len(states_seen))
    name = names.pop() if len(names) == 1 else f"{targets[0].kind} of each state"
    question = Question.about(
        system,
        policy,
        None,
        target=name,
        method=method,
        baseline=label,
        seed=seed,
        settings={"states": len(states_seen)},
    )
    return tally.result(question, name, 1e3 * (time.perf_counter() - began))


class _Tally:
    """Sums by knob group, collected batch by batch."""

    def __init__(self, system: System, count: int) -> None:
        self.system = system
        groups = len(system.groups)
        self.positive = np.zeros((count, groups))
        self.negative = np.zeros((count, groups))
        self.actions = np.zeros(len(system.output.names), np.int64)
        self.filled = 0
        self.notes: tuple[str, ...] = ()

    def add(self, entry: Method, problem: CaptumQuestion, decisions: Sequence[Decision]) -> None:
        """Run one batch."""
        for piece in _pieces(problem):
            raw = entry.apply(piece)
            self.notes = tuple(dict.fromkeys(self.notes + raw.notes))[:8]
            for values in array(raw.map):
                self.positive[self.filled], self.negative[self.filled] = group_sums(values, self.system)
                self.filled += 1
        for decision in decisions:
            if decision.action is not None:
                self.actions[decision.action] += 1

    def result(self, question: Question, target: str, milliseconds: float) -> Survey:
        """The survey."""
        net, size = self.positive + self.negative, self.positive - self.negative
        counted = size > 0.0
        count = counted.sum(axis=0)
        ratio = np.divide(np.abs(net), size, out=np.zeros_like(net), where=counted)
        lead = np.abs(net).argmax(axis=1)[counted.any(axis=1)]
        return Survey(
            question=question,
            method=question.method,
            target=target,
            baseline=question.baseline,
            states=len(net),
            group_names=self.system.groups,
            positive=self.positive.mean(axis=0),
            negative=self.negative.mean(axis=0),
            cancellation=np.where(count > 0, ratio.sum(axis=0) / np.maximum(count, 1), np.nan),
            present=counted.mean(axis=0),
            top=np.bincount(lead, minlength=net.shape[1]) / len(net),
            actions=self.actions,
            notes=self.notes,
            milliseconds=milliseconds,
        )


def _pieces(problem: CaptumQuestion) -> Iterator[CaptumQuestion]:
    """Split a problem by states so that no more pairs than a chunk run at once."""
    pairs = len(problem.rows) // problem.state_count
    step = max(1, problem.chunk // max(1, 64 * pairs))
    for first in range(0, problem.state_count, step):
        inside = (problem.rows >= first) & (problem.rows < first + step)
        yield problem.slice(inside, first)
