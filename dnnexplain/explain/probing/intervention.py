"""What a neuron does, by intervention: hold its activation at a value and see what changes.

A correlation between a neuron and a decision proves nothing; a decision that changes when the neuron
alone is held fixed does (an ablation is a neuron held at 0). Interventions run on private copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars, scatter
from dnnexplain.contract import (
    Decision,
    Discrete,
    DnnExplainError,
    EpisodeSystem,
    Measured,
    NetworkPolicy,
    State,
    System,
)
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import number
from dnnexplain.explain.decisions.decision import decide, observe
from dnnexplain.explain.decisions.outcomes import outcomes
from dnnexplain.explain.networks.hooks import private
from dnnexplain.explain.probing.clamping import ClampedPolicy, clamped
from dnnexplain.explain.probing.neurons import NeuronLayer, layer_of, neuron_activations
from dnnexplain.explain.transfer.paired import paired_costs
from dnnexplain.gone import without
from dnnexplain.intervals import mean_interval
from dnnexplain.numbers import as_told, interval, probability, span_as_told
from dnnexplain.results import Question, Result, array_field

__all__ = [
    "ClampedPolicy",
    "CostEffect",
    "NeuronEffect",
    "clamped",
    "effect_on_cost",
    "intervene",
    "intervene_each",
]


@dataclass(frozen=True, eq=False)
class NeuronEffect(Result):
    """One decision, with and without a neuron held at a value.

    Attributes:
        neuron: counted from 0.
        held_at: the value; 0 is an ablation.
        natural: its own activation in this state.
        before, after: the decision.
        outputs: names of the outputs.
        moved: change of the raw outputs, after minus before ``[A]``.
        outcome: what the system measures of a decision (``contract.Measured``), by name; empty if nothing.
        outcome_before, outcome_after: its values, or ``None``.
        flips: whether another action is chosen (of a vector output: never).
        measured: what a neuron is: the operation after which it is read.
    """

    question: Question
    layer: str
    neuron: int
    held_at: float
    natural: float
    before: Decision
    after: Decision
    outputs: tuple[str, ...]
    moved: NDArray[np.float64] = array_field("output")
    outcome: str = ""
    outcome_before: float | None = None
    outcome_after: float | None = None
    measured: str = ""

    @property
    def worse(self) -> float:
        """By how much the outcome rises; 0 where nothing is measured, or the change is rounding in single precision."""
        if self.outcome_before is None or self.outcome_after is None:
            return 0.0
        change = self.outcome_after - self.outcome_before
        return change if abs(change) > 1e-6 * max(1.0, abs(self.outcome_before)) else 0.0

    @property
    def flips(self) -> bool:
        """Whether another action is chosen."""
        return self.before.action != self.after.action

    def _most(self) -> str:
        """Which output moves most; of several that move alike, how many."""
        size = np.abs(self.moved)
        most = int(size.argmax())
        alike = int(np.sum(size >= size[most] * (1.0 - 1e-3)))
        by = number(self.moved[most], sign=True)
        if alike == 1:
            return f"{self.outputs[most]} moves most, by {by}"
        return f"{counted(alike, 'output')} move alike, {self.outputs[most]} among them, by {by}"

    def sentence(self) -> str:
        """What holding the neuron did, in words and numbers."""
        how = f"With neuron {self.neuron} held at {number(self.held_at)} (it is {number(self.natural)} here)"
        before, after = self.before, self.after
        if before.action is None or after.action is None or before.probabilities is None or after.probabilities is None:
            if not self.moved.any():
                return f"{how}, no output changes."
            return f"{how}, {self._outcome()}{self._most()}."
        if self.flips:
            return f"{how}, the decision changes from {self.outputs[before.action]} to {self.outputs[after.action]}."
        name, p, q = (
            self.outputs[before.action],
            before.probabilities[before.action],
            after.probabilities[before.action],
        )
        words = (
            f"stays {probability(p)}"
            if probability(p) == probability(q)
            else f"goes from {probability(p)} to {probability(q)}"
        )
        return f"{how}, the decision stays {name}; its probability {words}."

    def _outcome(self) -> str:
        if self.outcome_before is None or self.outcome_after is None:
            return ""
        before, after = (f"{value:.4g}" for value in (self.outcome_before, self.outcome_after))
        words = f"stays {before}" if before == after else f"goes from {before} to {after}"
        return f"the {self.outcome} {words}; "

    def table(self) -> list[dict[str, Any]]:
        """One row per output: before and while the neuron is held."""
        values = "output" if self.before.probabilities is None else "probability"
        pairs = zip(
            *(
                getattr(decision, "outputs" if values == "output" else "probabilities")
                for decision in (self.before, self.after)
            ),
            strict=True,
        )
        return [
            {values: name, "as it is": float(p), "neuron held": float(q)}
            for name, (p, q) in zip(self.outputs, pairs, strict=True)
        ]

    def picture(self) -> Chart:
        """How far each output moves."""
        title = f"neuron {self.neuron} of {self.layer} held at {number(self.held_at)}"
        return bars(self.outputs, {"moved": self.moved}, Axis("change of the output"), x=Axis("output"), title=title)


def intervene(
    system: System, policy: NetworkPolicy, state: State, neuron: int, *, value: float = 0.0, layer: str | None = None
) -> NeuronEffect:
    """Hold one neuron at a value in one state and compare the decisions; 0 ablates it."""
    neuron_layer = layer_of(system, policy, layer)
    natural = neuron_activations(policy, neuron_layer, observe(system, [state]))[0]
    return _effect(system, policy, state, neuron, value, neuron_layer, natural, decide(system, policy, state))


def intervene_each(
    system: System,
    policy: NetworkPolicy,
    state: State,
    *,
    value: float = 0.0,
    layer: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[NeuronEffect, ...]:
    """:func:`intervene` for every neuron of a layer, one after another (each alone).

    ``progress`` is called with the fraction done, and may raise to stop.
    """
    neuron_layer = layer_of(system, policy, layer)
    natural = neuron_activations(policy, neuron_layer, observe(system, [state]))[0]
    before = decide(system, policy, state)
    effects = []
    for neuron in range(neuron_layer.units):
        if progress is not None:
            progress(neuron / neuron_layer.units)
        effects.append(_effect(system, policy, state, neuron, value, neuron_layer, natural, before))
    return tuple(effects)


def _effect(
    system: System,
    policy: NetworkPolicy,
    state: State,
    neuron: int,
    value: float,
    layer: NeuronLayer,
    natural: NDArray[np.float64],
    before: Decision,
) -> NeuronEffect:
    after = decide(system, clamped(system, policy, {neuron: value}, layer.name), state)
    measured: tuple[float | None, ...] = (None, None)
    if isinstance(system, Measured):
        seen = np.repeat(observe(system, [state]), 2, axis=0)
        measured = tuple(outcomes(system, [state] * 2, seen, np.stack([before.outputs, after.outputs])).tolist())
    settings = {"neuron": neuron, "held_at": value, "layer": layer.name}
    return NeuronEffect(
        question=Question.about(system, policy, state, method="neuron held", settings=settings),
        layer=layer.name,
        measured=layer.measured,
        neuron=neuron,
        held_at=value,
        natural=float(natural[neuron]),
        before=before,
        after=after,
        outputs=system.output.names,
        moved=after.outputs - before.outputs,
        outcome=system.outcome if isinstance(system, Measured) else "",
        outcome_before=measured[0],
        outcome_after=measured[1],
    )


@dataclass(frozen=True, eq=False)
class CostEffect(Result):
    """What holding a neuron does to whole episodes.

    Attributes:
        neuron, held_at: as in :class:`NeuronEffect`.
        cost_name: of the figure: the cost, or the metric that was asked for.
        before, after: this figure of each workload ``[W]``, the same workloads and seed.
        mean: of after minus before; ``low`` and ``high`` bound its interval at ``level``, NaN where there is none.
        measured: what a neuron is: the operation after which it is read.
    """

    question: Question
    layer: str
    neuron: int
    held_at: float
    cost_name: str
    mean: float
    low: float
    high: float
    level: float
    before: NDArray[np.float64] = array_field("workload")
    after: NDArray[np.float64] = array_field("workload")
    measured: str = ""

    def sentence(self) -> str:
        """The change of cost with its interval."""
        cost, (before,) = as_told(self.cost_name, float(self.before.mean()))
        if np.allclose(self.before, self.after, rtol=1e-9, atol=0.0):
            words = f"leaves the {cost} of each of {counted(len(self.before), 'workload')} as it is"
            return f"Holding neuron {self.neuron} at {number(self.held_at)} {words}, {number(before)} on average."
        clear = "" if self.low > 0 or self.high < 0 or np.isnan(self.low) else ", which may be chance"
        return (
            f"Holding neuron {self.neuron} at {number(self.held_at)} changes the {cost} over "
            f"{counted(len(self.before), 'workload')} from {number(before)} by {number(self._told_change[0], sign=True)} ({self._interval()}){clear}."
        )

    def _interval(self) -> str:
        result = mean_interval(self.after - self.before, level=self.level)
        if not result.known:
            return f"no interval: {result.missing}"
        return f"{100 * self.level:.3g}% interval {interval(*self._told_change[1:], ratio=False)}"

    @property
    def _told_change(self) -> tuple[float, float, float]:
        return span_as_told(self.cost_name, self.mean, self.low, self.high)

    def table(self) -> list[dict[str, Any]]:
        """One row: the figure as it is, with the neuron held, and the change with its interval."""
        cost, (before, after) = as_told(self.cost_name, float(self.before.mean()), float(self.after.mean()))
        change, low, high = self._told_change
        row = {
            "neuron": self.neuron,
            "held at": self.held_at,
            "workloads": len(self.before),
            f"{cost}, as it is": before,
        }
        return [row | {"held": after, "change": change, "low": low, "high": high}]

    def picture(self) -> Chart:
        """Each workload's cost with the neuron held, over its cost as it is."""
        cost, (sign,) = as_told(self.cost_name, 1.0)
        across, up = Axis(f"{cost}, as it is"), Axis(f"{cost}, neuron {self.neuron} held")
        return scatter({"workload": (sign * self.before, sign * self.after)}, across, up)


@without(resamples="intervals are of Student's kind, and draw nothing")
def effect_on_cost(
    system: EpisodeSystem,
    policy: NetworkPolicy,
    neuron: int,
    workloads: Sequence[Any],
    *,
    value: float = 0.0,
    layer: str | None = None,
    seed: int = 0,
    sample: bool = False,
    metric: str | None = None,
    level: float = 0.95,
    progress: Callable[[float], None] | None = None,
) -> CostEffect:
    """Run episodes with and without a neuron held at a value; the paired change of cost with its interval.

    The interval is that of the mean difference, both runs of a workload together (:mod:`dnnexplain.intervals`).

    Args:
        system: runs the episodes.
        policy: with a torch network inside.
        neuron: counted from 0.
        workloads: at least two; see ``system.workloads``.
        value: what the neuron is held at; 0 ablates it.
        layer: by name; the first hidden layer if not given.
        seed: of both runs.
        sample: draw actions instead of taking the most probable.
        metric: a figure among ``Episodes.metrics``, or ``""`` for the cost. If not given, the one by which the
            system is measured (``contract.Measured``), else the cost.
        level: of the interval.
        progress: called with the fraction done, 0 to 1; may raise to stop.

    Raises:
        DnnExplainError: fewer than two workloads, an unknown metric, or as :func:`clamped`.
    """
    if len(workloads) < 2:
        msg = f"an interval needs at least two workloads, not {len(workloads)}"
        raise DnnExplainError(msg)
    neuron_layer = layer_of(system, policy, layer)
    changed = clamped(system, policy, {neuron: value}, neuron_layer.name)
    sample = sample and isinstance(system.output, Discrete)
    # The untouched network runs through the same wrapper, so that the two differ in the neuron alone.
    plain = ClampedPolicy(policy.name, private(policy), policy.checkpoint, policy.masked)
    metric = (system.metric if isinstance(system, Measured) else "") if metric is None else metric
    before, after = paired_costs(system, (plain, changed), workloads, seed, sample, progress, metric)
    found_interval = mean_interval(after - before, level=level)
    settings = {
        "neuron": neuron,
        "held_at": value,
        "layer": neuron_layer.name,
        "sample": sample,
        "workloads": len(workloads),
    }
    return CostEffect(
        question=Question.about(system, policy, method="neuron held over episodes", seed=seed, settings=settings),
        layer=neuron_layer.name,
        measured=neuron_layer.measured,
        neuron=neuron,
        held_at=value,
        cost_name=metric or system.cost_name,
        mean=found_interval.mean,
        low=found_interval.low,
        high=found_interval.high,
        level=level,
        before=before,
        after=after,
    )
