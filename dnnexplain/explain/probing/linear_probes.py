"""What a layer knows: linear probes for domain facts, held against a control task.

A linear probe (Alain and Bengio 2016) is a logistic regression that reads a fact ("job 1 fits now") off a
layer's activations. A probe with enough inputs can learn almost anything, so its accuracy alone says little.
The control task (Hewitt and Liang 2019) gives every *type* of state a label by the toss of a coin; a probe
can only learn it by heart. Selectivity, the accuracy on the fact minus that on the control, is what speaks
for the layer. Train and test states never share a state. Accuracies are balanced (the mean over both
answers), so that guessing gives 0.5 however rare the fact is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import DnnExplainError, Policy, State, System
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import number
from dnnexplain.explain.decisions.decision import observe
from dnnexplain.explain.probing.neurons import layer_of, neuron_activations
from dnnexplain.intervals import repeated_splits_interval
from dnnexplain.results import Question, Result, array_field, register

__all__ = ["Fact", "Knowledge", "ProbedFact", "probe_facts"]

Fact = NDArray[np.bool_] | Callable[[NDArray[np.float64]], NDArray[np.bool_]]
"""Per state whether it holds ``[S]``; or a function of knob values ``[S, K]``."""

_LEAST = 10
_MOST_TYPES = 64
_LEAST_TYPES = 4  # a random label for each of two types is a fact itself: there is nothing to learn by heart


@register
@dataclass(frozen=True, slots=True)
class ProbedFact:
    """How well a linear probe reads one fact off a layer.

    Attributes:
        name: the fact.
        share: of states in which it holds.
        accuracy, control: balanced accuracy on unseen states, on the fact and on the control task; means
            over the repeats.
        selectivity: their difference; ``low`` and ``high`` bound its interval at the level asked for.
        note: why there is no figure (NaN), or an empty string.
    """

    name: str
    share: float
    accuracy: float
    control: float
    selectivity: float
    low: float
    high: float
    note: str = ""

    def sentence(self) -> str:
        """What the figures say."""
        if self.note:
            return f"{self.name}: {self.note}."
        known = "the layer holds it" if self.low > 0 else "not told apart from what a probe learns by heart"
        return (
            f"{self.name}: read off with accuracy {number(self.accuracy)} (control {number(self.control)}); selectivity "
            f"{number(self.selectivity, sign=True)} ({number(self.low, sign=True)} to {number(self.high, sign=True)}): {known}."
        )


@dataclass(frozen=True, eq=False)
class Knowledge(Result):
    """Probed facts of one layer.

    Attributes:
        states: distinct states used; ``repeats``: splits and control tasks drawn.
        level: of the intervals.
        accuracies, controls: of every repeat ``[facts, repeats]``.
        measured: what a neuron is: the operation after which it is read.
    """

    question: Question
    layer: str
    states: int
    repeats: int
    level: float
    facts: tuple[ProbedFact, ...]
    accuracies: NDArray[np.float64] = array_field("fact", "repeat")
    controls: NDArray[np.float64] = array_field("fact", "repeat")
    measured: str = ""

    def sentences(self) -> tuple[str, ...]:
        """One sentence per fact, the best known first."""
        order = sorted(self.facts, key=lambda fact: -np.nan_to_num(fact.selectivity, nan=-1.0))
        return tuple(fact.sentence() for fact in order)

    def table(self) -> list[dict[str, Any]]:
        """One row per fact."""
        return [{name: getattr(fact, name) for name in ProbedFact.__slots__} for fact in self.facts]

    def sentence(self) -> str:
        """How many facts the layer holds, and the best known of them."""
        held = sum(fact.low > 0 for fact in self.facts)
        best = self.sentences()
        return f"The layer holds {held} of {counted(len(self.facts), 'fact')}. {best[0] if best else ''}".strip()

    def picture(self) -> Chart:
        """How well each fact is read off, beside the control task."""
        names = [fact.name for fact in self.facts]
        shown = {name: [getattr(fact, name) for fact in self.facts] for name in ("accuracy", "control")}
        return bars(names, shown, Axis("balanced accuracy"), x=Axis("fact"), levels=[("chance", 0.5)])


def probe_facts(
    system: System,
    policy: Policy,
    states: Sequence[State],
    facts: Mapping[str, Fact],
    *,
    layer: str | None = None,
    types: NDArray[Any] | None = None,
    repeats: int = 10,
    test_share: float = 0.3,
    level: float = 0.95,
    seed: int = 0,
    cancel: Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> Knowledge:
    """Train linear probes for facts on a layer's activations, and their control tasks.

    Each repeat draws a new split of the distinct states and a new control task: every type of state gets
    a random label, as often true as the fact is. The interval of the mean selectivity is Student's with the
    variance of repeated splits corrected for their overlap (Nadeau and Bengio 2003).

    Args:
        system: the world.
        policy: with a torch network inside.
        states: a few hundred or thousand reachable ones; copies of a state are dropped.
        facts: name -> whether it holds, per state or as a function of knob values.
        layer: by name; the first hidden layer if not given.
        types: of the states ``[S]``, for the control task. If not given, each repeat takes the values of
            one knob, drawn at random among those that vary over at least 4 values (or the most there are).
        repeats: splits, at least 2.
        test_share: of states held out.
        level: of the intervals.
        seed: of splits and control tasks.
        cancel: stops after the current fact; the others are then noted as not probed.
        progress: called with the fraction done, 0 to 1; may raise to stop.

    Raises:
        DnnExplainError: no facts, too few states, or a fact of the wrong length.
    """
    neuron_layer = layer_of(system, policy, layer)
    values, observations, kept = _distinct(system, states)
    if not facts or len(values) < 2 * _LEAST or repeats < 2:
        msg = (
            f"probing needs at least one fact, {2 * _LEAST} distinct states and 2 repeats; there are "
            f"{counted(len(facts), 'fact')}, {counted(len(values), 'distinct state')} and {counted(repeats, 'repeat')}"
        )
        raise DnnExplainError(msg)
    inputs = neuron_activations(policy, neuron_layer, observations)
    given = None if types is None else _typed(types, len(states))[kept]
    scores = np.full((len(facts), 2, repeats), np.nan)
    probed = []
    for place, (name, fact) in enumerate(facts.items()):
        holds = _holds(name, fact, values, len(states), kept)
        note = "not probed, the work was stopped" if cancel is not None and cancel.is_set() else _too_rare(holds)
        if not note:

            def tell(part: float, place: int = place) -> None:
                if progress is not None:
                    progress((place + part) / len(facts))

            scores[place] = _repeat(inputs, holds, values, given, repeats, test_share, seed, tell)
        probed.append(_summary(name, holds, scores[place], test_share, level, note))
        if progress is not None:
            progress((place + 1) / len(facts))
    settings = {
        "layer": neuron_layer.name,
        "facts": list(facts),
        "states": len(values),
        "repeats": repeats,
        "test_share": test_share,
    }
    return Knowledge(
        question=Question.about(system, policy, method="linear probes", seed=seed, settings=settings),
        layer=neuron_layer.name,
        measured=neuron_layer.measured,
        states=len(values),
        repeats=repeats,
        level=level,
        facts=tuple(probed),
        accuracies=scores[:, 0],
        controls=scores[:, 1],
    )


def _distinct(
    system: System, states: Sequence[State]
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.int64]]:
    """Values, observations and positions of the states without copies, in their order."""
    if not states:
        return (
            np.empty((0, len(system.knobs))),
            np.empty((0, *system.observation_shape), np.float32),
            np.empty(0, np.int64),
        )
    observations = observe(system, states)
    _, first = np.unique(observations.reshape(len(states), -1), axis=0, return_index=True)
    kept = np.sort(first)
    return np.stack([states[i].values for i in kept]), observations[kept], kept


def _typed(types: NDArray[Any], count: int) -> NDArray[np.int64]:
    array = np.asarray(types)
    if array.shape != (count,):
        msg = f"types must hold one type per state [{count}], not an array of shape {array.shape}"
        raise DnnExplainError(msg)
    codes: NDArray[np.int64] = np.unique(array, return_inverse=True)[1]
    return codes


def _holds(
    name: str, fact: Fact, values: NDArray[np.float64], count: int, kept: NDArray[np.int64]
) -> NDArray[np.bool_]:
    if callable(fact):
        answer, expected = np.asarray(fact(values)), len(values)
    else:
        answer, expected = np.asarray(fact), count
    if answer.shape != (expected,):
        msg = (
            f"fact {name!r} must say yes or no for each of {expected} states, not give an array of shape {answer.shape}"
        )
        raise DnnExplainError(msg)
    return answer.astype(np.bool_) if callable(fact) else answer[kept].astype(np.bool_)


def _too_rare(holds: NDArray[np.bool_]) -> str:
    least = int(min(holds.sum(), (~holds).sum()))
    return "" if least >= _LEAST else f"holds in {int(holds.sum())} of {len(holds)} states, too one-sided to probe"


def _repeat(
    inputs: NDArray[np.float64],
    holds: NDArray[np.bool_],
    values: NDArray[np.float64],
    types: NDArray[np.int64] | None,
    repeats: int,
    test_share: float,
    seed: int,
    progress: Callable[[float], None],
) -> NDArray[np.float64]:
    """Balanced accuracies on the fact and on the control task ``[2, repeats]``."""
    scores = np.empty((2, repeats))
    for i in range(repeats):
        progress(i / repeats)
        rng = np.random.default_rng([seed, i])
        test = rng.permutation(len(holds)) < max(_LEAST // 2, round(test_share * len(holds)))
        kinds = types if types is not None else _types_by_knob(values, rng)
        scores[0, i] = _accuracy(inputs, holds, test)
        scores[1, i] = _accuracy(inputs, _control(kinds, float(holds.mean()), rng), test)
    return scores


def _types_by_knob(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Types by the value of one knob, drawn at random among those that vary over many values; at most 64, by rank."""
    spread = np.array([len(np.unique(column)) for column in values.T])
    varying = np.flatnonzero(spread >= min(_LEAST_TYPES, spread.max()))
    codes: NDArray[np.int64] = np.unique(values[:, rng.choice(varying)], return_inverse=True)[1]
    count = int(codes.max()) + 1
    return codes if count <= _MOST_TYPES else codes * _MOST_TYPES // count


def _control(types: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random label per type, both labels present; about a share of the states is true."""
    count = int(types.max()) + 1
    order = rng.permutation(count)
    sizes = np.bincount(types, minlength=count)[order]
    reached = np.cumsum(sizes) / sizes.sum()
    chosen = order[: int(np.clip(np.abs(reached - share).argmin() + 1, 1, max(1, count - 1)))]
    return np.isin(types, chosen)


def _accuracy(inputs: NDArray[np.float64], labels: NDArray[np.bool_], test: NDArray[np.bool_]) -> float:
    """The balanced accuracy on test states of a logistic regression fitted to the others."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow to import

    train = ~test
    if len(np.unique(labels[train])) < 2 or len(np.unique(labels[test])) < 2:
        return float("nan")
    centre, spread = inputs[train].mean(axis=0), inputs[train].std(axis=0)
    scaled = (inputs - centre) / np.where(spread > 0, spread, 1.0)
    probe = LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000).fit(scaled[train], labels[train])
    right = probe.predict(scaled[test]) == labels[test]
    return float((right[labels[test]].mean() + right[~labels[test]].mean()) / 2)


def _summary(
    name: str, holds: NDArray[np.bool_], scores: NDArray[np.float64], test_share: float, level: float, note: str
) -> ProbedFact:
    gaps = (scores[0] - scores[1])[np.isfinite(scores).all(axis=0)]
    if not note and len(gaps) < 2:
        note = "too rare for its splits, or the states have too few types for a control task"
    if note:
        nan = float("nan")
        return ProbedFact(name, float(holds.mean()), nan, nan, nan, nan, nan, note)
    accuracy, control = np.nanmean(scores, axis=1)
    gap = repeated_splits_interval(gaps, test_share, level=level).within(-1.0, 1.0)
    return ProbedFact(name, float(holds.mean()), float(accuracy), float(control), *gap.three)
