"""A layer's activations as points of a plane: PCA (linear, exact) and t-SNE (neighbourhoods, seeded).

t-SNE (van der Maaten and Hinton 2008) keeps neighbours together; distances between groups, and the sizes
of groups, mean nothing in its picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, OutputKind, Policy, State, System
from dnnexplain.explain.decision import observe, valid_of
from dnnexplain.explain.neurons import layer_of, neuron_activations
from dnnexplain.explain.sweeps import knob_index
from dnnexplain.explain.words import percent
from dnnexplain.results import Question, Result, array_field
from dnnexplain.sampling import choose

__all__ = ["DECISION", "Embedding", "Projection", "embed"]

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
        label: what the points are coloured by: a knob's name, or ``"decision"``.
        names: for the decision, the names that the label's numbers stand for.
        explained: of PCA, the share of variance along each axis; of t-SNE empty.
        points: ``[n, 2]``.
        index: of each point's state in the states given ``[n]``.
        values: the label of each point ``[n]``.
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

    def sentence(self) -> str:
        """What the picture shows, and what it does not."""
        what = f"{len(self.points)} states by the activations of layer {self.layer}, coloured by {self.label}"
        if self.method == Projection.PCA:
            return f"{what}: the plane that keeps most of their variance, {percent(sum(self.explained))}."
        return f"{what}: neighbours stay neighbours; distances between groups mean nothing."

    def table(self) -> list[dict[str, Any]]:
        """One row per point."""
        rows = zip(self.index.tolist(), self.points.tolist(), self.values.tolist(), strict=True)
        return [{"state": i, "x": x, "y": y, self.label: value} for i, (x, y), value in rows]


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
        label: a knob's name, or ``"decision"``.
        layer: by name; the first hidden layer if not given.
        limit: the most points; more states are thinned by a seeded draw. t-SNE takes 1,000 at most.
        perplexity: of t-SNE, about how many neighbours each point keeps; fewer for few states.
        seed: of the draw and of t-SNE.

    Raises:
        DnnExplainError: too few states, an unknown method or label.
    """
    if method not in set(Projection):
        raise Choice("projection", str(method), tuple(one.value for one in Projection)).error()
    if len(states) < 3:
        msg = f"an embedding needs at least 3 states, not {len(states)}"
        raise DnnExplainError(msg)
    how = Projection(method)
    found = layer_of(system, policy, layer)
    index = _thinned(len(states), min(limit or _MOST[how], _MOST[how]), seed)
    observations = observe(system, [states[i] for i in index])
    inputs = neuron_activations(policy, found, observations)
    points, explained = _pca(inputs) if how is Projection.PCA else (_tsne(inputs, perplexity, seed), ())
    if label == DECISION:
        outputs = np.asarray(policy.outputs(observations))
        choice = system.output.kind is OutputKind.CHOICE
        valid = valid_of(system, policy, observations) if choice else np.ones(outputs.shape, np.bool_)
        values, unit, names = choose(outputs, valid).astype(np.float64), "", system.output.names
    else:
        knob = knob_index(system, label)
        values, unit, names = np.array([states[i].values[knob] for i in index]), system.knobs[knob].unit, ()
    settings = {"layer": found.name, "label": label, "states": len(states), "perplexity": perplexity}
    return Embedding(
        question=Question.about(system, policy, method=how.value, seed=seed, settings=settings),
        layer=found.name,
        method=how.value,
        label=label,
        unit=unit,
        names=names,
        explained=explained,
        points=points,
        index=index,
        values=values,
    )


def _thinned(count: int, limit: int, seed: int) -> NDArray[np.int64]:
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size=limit, replace=False))


def _pca(inputs: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """The two directions of most variance; each axis points to where its largest weight is positive."""
    centred = inputs - inputs.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    points = np.zeros((len(inputs), 2))
    points[:, : len(axes)] = centred @ axes.T
    total = float((sizes**2).sum())
    explained = tuple(float(size) for size in sizes[:2] ** 2 / total) if total > 0 else (0.0, 0.0)
    return points, explained


def _tsne(inputs: NDArray[np.float64], perplexity: float, seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE  # noqa: PLC0415 - slow to import

    near = min(perplexity, (len(inputs) - 1) / 3)
    fitted = TSNE(perplexity=near, init="pca" if inputs.shape[1] >= 2 else "random", random_state=seed).fit_transform(
        inputs
    )
    return np.asarray(fitted, dtype=np.float64)
