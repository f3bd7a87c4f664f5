"""What is searched: a pipeline's cost against the optimum, over a domain of valid inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.gray_box.component import Array, Component
from dnnexplain.explain.gray_box.pipeline import Pipeline

__all__ = ["Alternative", "Domain", "Inner", "Problem", "Witness"]


@dataclass(frozen=True)
class Domain:
    """The valid inputs: a box, and what must hold beside it.

    Attributes:
        low, high: inclusive bounds ``[n]``, in ``unit``.
        names: one per input, or empty.
        unit: of the inputs.
        blocks: inputs that belong together (one matrix of a history each), as index arrays; sparse samples
            draw a density per block. One block of all if empty.
        project: the nearest valid inputs ``[B, n]``, where the box is not all; applied after clipping.
        scale_invariant: whether scaling an input leaves the ratio as it is; then inputs are kept at full scale.
        whole: whether inputs are whole numbers. A climb then moves between them and is judged at the nearest;
            if every step were rounded, steps of less than a half would lead nowhere.
    """

    low: Array
    high: Array
    names: tuple[str, ...] = ()
    unit: str = ""
    blocks: tuple[NDArray[np.int64], ...] = ()
    project: Callable[[Array], Array] | None = field(default=None, compare=False)
    scale_invariant: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        low, high = (np.array(side, dtype=np.float64) for side in (self.low, self.high))
        if low.shape != high.shape or low.ndim != 1 or not low.size:
            msg = f"a domain needs one low and one high bound per input; got shapes {low.shape} and {high.shape}"
            raise DnnExplainError(msg)
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
            msg = "every bound of a domain must be finite, and low at most high"
            raise DnnExplainError(msg)
        if self.names and len(self.names) != low.size:
            msg = f"a domain of {low.size} inputs was given {counted(len(self.names), 'name')}"
            raise DnnExplainError(msg)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        if not self.blocks:
            object.__setattr__(self, "blocks", (np.arange(low.size),))

    @property
    def size(self) -> int:
        """The number of inputs ``n``."""
        return int(self.low.size)

    @property
    def width(self) -> Array:
        """The range of every input ``[n]``."""
        return np.asarray(self.high - self.low)

    def valid(self, x: Array) -> Array:
        """The nearest valid inputs ``[B, n]``."""
        out = np.clip(x, self.low, self.high)
        if self.scale_invariant:
            top = np.max(np.abs(out) / np.maximum(np.abs(self.high), 1e-300), axis=1, keepdims=True)
            out = np.clip(np.divide(out, top, out=out.copy(), where=top > 0), self.low, self.high)
        out = np.rint(out) if self.whole else out
        return out if self.project is None else np.asarray(self.project(out), dtype=np.float64)

    def between(self, x: Array) -> Array:
        """Where a climb may stand ``[B, n]``: the nearest valid inputs, or between two of them if they are whole."""
        return np.clip(x, self.low, self.high) if self.whole else self.valid(x)

    def uniform(self, count: int, random: np.random.Generator) -> Array:
        """Inputs drawn uniformly from the box ``[count, n]``, made valid."""
        return self.valid(self.low + self.width * random.random((count, self.size)))

    def sparse(self, count: int, random: np.random.Generator) -> Array:
        """Inputs ``[count, n]`` of which few are not at their low bound.

        Each block of each row draws how many of its inputs are active, log-uniformly from one to all; an
        active input is at its high bound or uniform, with equal odds.
        """
        share = np.zeros((count, self.size))
        for block in self.blocks:
            density = np.exp(random.uniform(np.log(1.0 / len(block)), 0.0, (count, 1)))
            active = random.random((count, len(block))) < density
            active[np.arange(count), random.integers(0, len(block), count)] = True
            full = random.random((count, len(block))) < 0.5
            share[:, block] = active * np.where(full, 1.0, random.random((count, len(block))))
        return self.valid(self.low + self.width * share)

    def mixed(self, count: int, random: np.random.Generator) -> Array:
        """Three quarters sparse, one quarter dense (uniform, at a scale of its own) ``[count, n]``."""
        dense = count // 4
        scale = np.exp(random.uniform(np.log(0.01), 0.0, (dense, 1)))
        rows = self.valid(self.low + self.width * scale * random.random((dense, self.size)))
        return np.concatenate([self.sparse(count - dense, random), rows])


@dataclass(frozen=True)
class Witness:
    """An input and a feasible solution for it, given by one vector ``p``.

    Because the solution is feasible, its value is never below the optimum: cost over it is a sound lower
    bound of the ratio, without solving anything. In routing ``p`` are flows on paths, the demands their
    sums (``d = A f``) and the value the largest utilisation.

    Attributes:
        input: from ``p [B, k]`` to the input ``[B, n]``.
        value: from ``p [B, k]`` to the solution's value ``[B, 1]``.
        valid: the nearest valid ``p``.
        lift: a ``p [B, k]`` for given inputs ``[B, n]``.
        scale: the natural size of every entry of ``p`` ``[k]``.
    """

    input: Component
    value: Component
    valid: Callable[[Array], Array]
    lift: Callable[[Array], Array]
    scale: Array


@dataclass(frozen=True)
class Alternative:
    """A second solution, feasible for every input, given by free parameters ``w`` (the paper's ``f``).

    Attributes:
        size: the number of parameters ``k``.
        value: from ``[x, w] [B, n + k]`` to the value ``[B, 1]`` of solution ``w`` at input ``x``.
    """

    size: int
    value: Component


@dataclass(frozen=True)
class Inner:
    """An exact solver for a part of the input, where the network does not see that part.

    With the network's input held, the worst rest of the input for one piece of the cost may be a linear
    program (for routing: the oblivious performance ratio of fixed splits, Azar et al., STOC 2003).

    Attributes:
        outer: positions of the inputs that stay (the network's).
        free: positions that the solver chooses; the optimum depends on these alone.
        maximise: from one input ``[n]`` and a piece to the input ``[n]`` with its free part at the best.
        ideal: per piece the free part ``[m, len(free)]`` that would be worst if the network did its worst;
            where a search over the network's input may begin.
    """

    outer: NDArray[np.int64]
    free: NDArray[np.int64]
    maximise: Callable[[Array, int], Array]
    ideal: Array


@dataclass(frozen=True)
class Problem:
    """Find the input at which the pipeline's cost is largest against the optimum.

    Attributes:
        name: in words: ``"dote-current on Abilene"``.
        pipeline: the system; its value is the cost.
        domain: the valid inputs.
        optimum: from inputs ``[B, n]`` to optimal values ``[B, 1]``; its derivative by duals, or sampled.
        bound: for one input ``[n]`` a certified interval around the optimum.
        witness, alternative, inner: what else is known of the optimum; each makes a way of searching possible.
        deployed: the cost ``[B]`` of the system as it runs (single precision, its own code), which is what a
            reported ratio speaks of; the pipeline's value if not given.
        floor: an input whose optimum is not above it is no case (nothing to do, nothing to divide by).
        cost_name, cost_unit: what the cost is, in words.
        certify_seconds: CPU-seconds that a search keeps back for the certificate of its best case.
        black_box: whether of the cost and the optimum only values are known; a search then follows no slope.
        remarks: sentences that a case ``[n]`` must not be shown without.
    """

    name: str
    pipeline: Pipeline
    domain: Domain
    optimum: Component
    bound: Callable[[Array], Bound] = field(compare=False)
    witness: Witness | None = None
    alternative: Alternative | None = None
    inner: Inner | None = None
    deployed: Callable[[Array], Array] | None = field(default=None, compare=False)
    floor: float = 1e-9
    cost_name: str = "cost"
    cost_unit: str = ""
    certify_seconds: float = 0.0
    remarks: Callable[[Array], tuple[str, ...]] | None = field(default=None, compare=False)
    black_box: bool = False

    def ratio(self, x: Array) -> Array:
        """Cost over optimum ``[B]``; 0 where the optimum is not above the floor."""
        return self.over(self.pipeline.value(x), self.optimum.output(x)[:, 0])

    def over(self, cost: Array, optimum: Array) -> Array:
        """``cost / optimum`` ``[B]``; 0 where the optimum is not above the floor."""
        return np.divide(cost, optimum, out=np.zeros_like(cost), where=optimum > self.floor)

    def certify(self, x: Sequence[float] | Array) -> tuple[float, float, float, float]:
        """For one input: the cost, the best known optimum, and the certified interval of the ratio.

        Returns:
            ``(cost, optimum, lower, upper)``: the ratio lies in ``[lower, upper]``; ``upper`` is infinite
            where the optimum's lower bound is 0.
        """
        row = np.asarray(x, dtype=np.float64)
        cost = float((self.deployed or self.pipeline.value)(row[None])[0])
        bound = self.bound(row)
        if not bound.upper > self.floor:
            return cost, float(bound.upper), 0.0, 0.0
        upper = cost / float(bound.lower) if bound.lower > self.floor else float("inf")
        return cost, float(bound.upper), cost / float(bound.upper), upper
