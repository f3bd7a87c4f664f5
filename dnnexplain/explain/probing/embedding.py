"""A layer's activations as points of a plane: PCA (linear, exact) and t-SNE (neighbourhoods, seeded).

t-SNE (van der Maaten and Hinton 2008) keeps neighbours together; distances between groups, and the sizes
of groups, mean nothing in its picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, scatter
from dnnexplain.contract import Box, Choice, Discrete, DnnExplainError, Measured, Policy, State, System
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import percent
from dnnexplain.explain.decisions.decision import observe, valid_of
from dnnexplain.explain.decisions.outcomes import outcomes
from dnnexplain.explain.decisions.sweeps import knob_index
from dnnexplain.explain.probing.neurons import layer_of, neuron_activations
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field
from dnnexplain.sampling import choose

__all__ = ["DECISION", "Embedding", "Projection", "embed", "label_names", "locate", "relabelled"]

DECISION = "decision"
"""The label that is not a knob's value but the chosen action (of a vector output: the largest component)."""

_MOST = {"pca": 100_000, "tsne": 1000}


class Projection(StrEnum):
    """How activations become points."""

    PCA = "pca"
    TSNE = "tsne"


@dataclass(frozen=True, eq=False)
class Embedding(Result):
    """States as points, by a layer's activations.

    Attributes:
        method: ``"pca"`` or ``"tsne"``.
        label: what the points are coloured by, see :func:`label_names`.
        names: the names that the label's numbers stand for, where they do.
        explained: of PCA, the share of variance along each axis; of t-SNE empty.
        points: ``[n, 2]``.
        index: of each point's state in the states given ``[n]``.
        values: the label of each point ``[n]``.
        centre, axes: of PCA the mean activation ``[units]`` and the directions ``[2, units]``; of t-SNE empty.
        measured: what a neuron is: the operation after which it is read.
    """

    question: Question
    layer: str
    method: str
    label: str
    unit: str
    names: tuple[str, ...]
    explained: tuple[float, ...]
    points: NDArray[np.float64] = array_field("state", "axis")
    index: NDArray[np.int64] = array_field("state")
    values: NDArray[np.float64] = array_field("state")
    centre: NDArray[np.float64] = array_field("neuron", default_factory=lambda: np.zeros(0))
    axes: NDArray[np.float64] = array_field("axis", "neuron", default_factory=lambda: np.zeros((0, 0)))
    measured: str = ""

    def sentence(self) -> str:
        """What the picture shows, and what it does not."""
        what = (
            f"{counted(len(self.points), 'state')} by the activations of layer {self.layer}, coloured by {self.label}"
        )
        if self.method == Projection.PCA:
            return f"{what}: the plane that keeps most of their variance, {percent(sum(self.explained))}."
        return f"{what}: neighbours stay neighbours; distances between groups mean nothing."

    def table(self) -> list[dict[str, Any]]:
        """One row per point."""
        rows = zip(self.index.tolist(), self.points.tolist(), self.values.tolist(), strict=True)
        return [{"state": i, "x": x, "y": y, self.label: value} for i, (x, y), value in rows]

    def picture(self) -> Chart:
        """The points, by their label's name or third of its range."""
        right, up = self.points.T if len(self.points) else np.zeros((2, 0))
        shown = {name: (right[at], up[at]) for name, at in self._kinds().items()}
        return scatter(shown, Axis(f"{self.method} axis 1"), Axis(f"{self.method} axis 2"), title=f"by {self.label}")

    def _kinds(self) -> dict[str, NDArray[np.bool_]]:
        """Which points belong to each colour ``[n]``: the label's names (most met first), or thirds of its range."""
        if self.names:
            met = [place for place, _ in Counter(self.values.astype(int).tolist()).most_common()]
            first = {self.names[place]: self.values == place for place in met[:5]}
            rest = np.isin(self.values, met[5:])
            return first | ({"others": rest} if rest.any() else {})
        ends = np.quantile(self.values, [0, 1 / 3, 2 / 3, 1]) if len(self.values) else np.zeros(4)
        place = np.clip(np.searchsorted(ends, self.values, side="left") - 1, 0, 2)
        lines = [f"{number(ends[k])} to {number(ends[k + 1])} {self.unit}".strip() for k in range(3)]
        return {words: place == k for k, words in enumerate(lines) if (place == k).any()}


def embed(
    system: System,
    policy: Policy,
    states: Sequence[State],
    *,
    method: Projection | str = Projection.PCA,
    label: str = DECISION,
    layer: str | None = None,
    limit: int | None = None,
    perplexity: float = 30.0,
    seed: int = 0,
) -> Embedding:
    """Project a layer's activations in many states onto a plane.

    Args:
        system: the world.
        policy: with a torch network inside.
        states: at least three.
        method: ``"pca"`` or ``"tsne"``.
        label: one of :func:`label_names`.
        layer: by name; the first hidden layer if not given.
        limit: the most points; more states are thinned by a seeded draw. t-SNE takes 1,000 at most.
        perplexity: of t-SNE, about how many neighbours each point keeps; fewer for few states.
        seed: of the draw and of t-SNE.

    Raises:
        DnnExplainError: too few states, an unknown method or label.
    """
    if method not in set(Projection):
        raise Choice("projection", str(method), tuple(item.value for item in Projection)).error()
    if len(states) < 3:
        msg = f"an embedding needs at least 3 states, not {len(states)}"
        raise DnnExplainError(msg)
    how = Projection(method)
    neuron_layer = layer_of(system, policy, layer)
    index = _thinned(len(states), min(limit or _MOST[how], _MOST[how]), seed)
    observations = observe(system, [states[i] for i in index])
    inputs = neuron_activations(policy, neuron_layer, observations)
    if how is Projection.PCA:
        points, explained, centre, axes = _pca(inputs)
    else:
        points, explained, centre, axes = _tsne(inputs, perplexity, seed), (), np.zeros(0), np.zeros((0, 0))
    values, unit, names = _labels(system, policy, [states[i] for i in index], observations, label)
    settings = {"layer": neuron_layer.name, "label": label, "states": len(states), "perplexity": perplexity}
    return Embedding(
        question=Question.about(system, policy, method=how.value, seed=seed, settings=settings),
        layer=neuron_layer.name,
        measured=neuron_layer.measured,
        method=how.value,
        label=label,
        unit=unit,
        names=names,
        explained=explained,
        points=points,
        index=index,
        values=values,
        centre=centre,
        axes=axes,
    )


def label_names(system: System) -> tuple[str, ...]:
    """What points may be coloured by: ``"decision"`` (the action of a choice, the value of one output), the outcome, features, and every knob's value."""
    made = (DECISION,) if isinstance(system.output, Discrete) else ()
    measured = (system.outcome,) if isinstance(system, Measured) else ()
    features: Any = getattr(system, "features", None)
    names = tuple(features.names) if features is not None else ()
    knobs = tuple(knob.name for knob in system.knobs)
    return tuple(dict.fromkeys((*made, *measured, *names, *knobs))) if made or measured else (DECISION, *names, *knobs)


def relabelled(system: System, policy: Policy, embedding: Embedding, states: Sequence[State], label: str) -> Embedding:
    """The same points with another label; ``states`` are those that ``embed`` was given."""
    shown = [states[i] for i in embedding.index]
    values, unit, names = _labels(system, policy, shown, observe(system, shown), label)
    question = replace(embedding.question, settings={**embedding.question.settings, "label": label})
    return replace(embedding, question=question, label=label, values=values, unit=unit, names=names)


def locate(system: System, policy: Policy, embedding: Embedding, states: Sequence[State]) -> NDArray[np.float64]:
    """Where other states lie in a PCA picture ``[B, 2]``.

    Raises:
        DnnExplainError: t-SNE, which places no state that it was not fitted to.
    """
    if not embedding.axes.size:
        msg = "t-SNE places only the states that it was fitted to; use PCA to see where another state lies"
        raise DnnExplainError(msg)
    inputs = neuron_activations(policy, layer_of(system, policy, embedding.layer), observe(system, states))
    placed = np.zeros((len(states), 2))
    placed[:, : len(embedding.axes)] = (inputs - embedding.centre) @ embedding.axes.T
    return placed


def _labels(
    system: System, policy: Policy, states: Sequence[State], observations: NDArray[Any], label: str
) -> tuple[NDArray[np.float64], str, tuple[str, ...]]:
    """The label of each state ``[n]``, its unit, and the names that its numbers stand for."""
    features: Any = getattr(system, "features", None)
    if features is not None and label in features.names:
        values = np.asarray(features(observations), dtype=np.float64)[:, list(features.names).index(label)]
        answers = ("no", "yes") if not features.units[label] and np.isin(values, (0, 1)).all() else ()
        return values, features.units[label], answers
    if isinstance(system, Measured) and label == system.outcome:
        return outcomes(system, states, observations, policy.outputs(observations)), "", ()
    if label == DECISION:
        outputs = np.asarray(policy.outputs(observations))
        if isinstance(system.output, Box) and outputs.shape[1:] == (1,):
            return system.output.decide(outputs)[:, 0].astype(np.float64), system.output.unit, ()
        choice = isinstance(system.output, Discrete)
        valid = valid_of(system, policy, observations) if choice else np.ones(outputs.shape, np.bool_)
        return choose(outputs, valid).astype(np.float64), "", system.output.names
    knob = knob_index(system, label)
    return np.array([state.values[knob] for state in states]), system.knobs[knob].unit, ()


def _thinned(count: int, limit: int, seed: int) -> NDArray[np.int64]:
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size=limit, replace=False))


def _pca(
    inputs: NDArray[np.float64],
) -> tuple[NDArray[np.float64], tuple[float, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Points, shares of variance, the mean, and the two directions of most variance.

    Each direction points to where its largest weight is positive.
    """
    centre = inputs.mean(axis=0)
    centred = inputs - centre
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    points = np.zeros((len(inputs), 2))
    points[:, : len(axes)] = centred @ axes.T
    total = float((sizes**2).sum())
    explained = tuple(float(size) for size in sizes[:2] ** 2 / total) if total > 0 else (0.0, 0.0)
    return points, explained, centre, axes


def _tsne(inputs: NDArray[np.float64], perplexity: float, seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE  # noqa: PLC0415 - slow to import

    near = min(perplexity, (len(inputs) - 1) / 3)
    fitted = TSNE(perplexity=near, init="pca" if inputs.shape[1] >= 2 else "random", random_state=seed).fit_transform(
        inputs
    )
    return np.asarray(fitted, dtype=np.float64)
