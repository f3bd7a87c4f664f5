"""Generated traffic: gravity matrices with noise and a daily cycle, sparse bursts, uniform demands.

The training law follows published practice for Abilene (Namyar et al., HotNets 2024, and the data sets
of its code): demand between two nodes in proportion to the product of their link capacities (gravity,
Roughan 2005), normal noise with a standard deviation of a quarter of the mean, and a mean total of a
tenth of all link capacity. The daily cycle, at each node's local solar time, is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.encoding import register
from dnnexplain.systems.routing.paths import PathSet

__all__ = [
    "FAMILIES",
    "WORKLOADS",
    "Gravity",
    "TrafficCase",
    "bursts",
    "generate",
    "gravity",
    "gravity_mean",
    "uniform",
]

WORKLOADS: Mapping[str, str] = {
    "gravity": "demands that follow the nodes' sizes, with noise and a daily cycle",
    "bursts": "a few pairs send much",
    "uniform": "every demand drawn evenly",
}
"""The families of traffic, in words."""

MATRICES_PER_DAY = 288
"""Five-minute matrices."""


@register
@dataclass(frozen=True, eq=False)
class TrafficCase:
    """One workload: the matrix to route and the matrices before it.

    Attributes:
        demands: what must be routed, Gb/s ``[P]``.
        history: the matrices before it, oldest first, Gb/s ``[H, P]``; H = 0 where none are known.
    """

    demands: NDArray[np.float64]
    history: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gravity:
    """The law of gravity traffic.

    Attributes:
        load: mean total demand as a share of the sum of all link capacities.
        noise: standard deviation of a demand as a share of its mean; negative draws become 0.
        cycle: amplitude of the daily cycle of a node's activity, 0 (flat) to below 1.
    """

    load: float = 0.1
    noise: float = 0.25
    cycle: float = 0.3

    def __post_init__(self) -> None:
        fits = self.load > 0 and self.noise >= 0 and 0 <= self.cycle < 1
        if not fits or not np.isfinite([self.load, self.noise]).all():
            msg = (
                f"gravity traffic needs load > 0, noise >= 0 and 0 <= cycle < 1, all finite; not load {self.load:g}, "
                f"noise {self.noise:g}, cycle {self.cycle:g}"
            )
            raise DnnExplainError(msg)


def gravity_mean(paths: PathSet, load: float = 0.1) -> NDArray[np.float64]:
    """Mean gravity demands ``[P]`` in Gb/s that sum to ``load`` times the sum of all link capacities."""
    topology = paths.topology
    weight = np.zeros(len(topology.nodes))
    np.add.at(weight, [a for a, _ in topology.links], topology.capacity)
    product = np.array([weight[a] * weight[b] for a, b in paths.pairs])
    return product * (load * float(topology.capacity.sum()) / float(product.sum()))


def gravity(
    paths: PathSet, count: int, length: int, rng: np.random.Generator, law: Gravity | None = None
) -> NDArray[np.float64]:
    """``count`` independent sequences of ``length`` consecutive matrices, Gb/s ``[count, length, P]``.

    Each sequence starts at a random time of day; noise is drawn anew for every matrix.
    """
    law = law or Gravity()
    mean = gravity_mean(paths, law.load)
    time = (rng.random(count)[:, None] + np.arange(length) / MATRICES_PER_DAY) * 2 * np.pi
    active = 1 + law.cycle * np.sin(time[..., None] + _solar_angle(paths))
    source = np.array([a for a, _ in paths.pairs])
    target = np.array([b for _, b in paths.pairs])
    expected = mean * np.sqrt(active[..., source] * active[..., target])
    return np.maximum(rng.normal(expected, law.noise * expected), 0.0)


def bursts(
    paths: PathSet, count: int, length: int, rng: np.random.Generator, pairs: int = 5, background: float = 0.2
) -> NDArray[np.float64]:
    """Gravity traffic at a share ``background``, and up to ``pairs`` pairs that burst up to the mean link capacity.

    A burst starts somewhere in the sequence and lasts to its end ``[count, length, P]``, Gb/s.
    """
    if not 1 <= pairs <= len(paths.pairs):
        msg = f"the number of bursting pairs must be 1 to {len(paths.pairs)}, not {pairs}"
        raise DnnExplainError(msg)
    if not 0 <= background < np.inf:
        msg = f"the background share must be finite and not negative, not {background:g}"
        raise DnnExplainError(msg)
    traffic = gravity(paths, count, length, rng) * background
    for sequence in traffic:
        chosen = rng.choice(len(paths.pairs), size=int(rng.integers(1, pairs + 1)), replace=False)
        starts = rng.integers(0, length, size=len(chosen))
        sizes = rng.uniform(0.1, 1.0, size=len(chosen)) * paths.topology.mean_capacity
        for pair, start, size in zip(chosen, starts, sizes, strict=True):
            sequence[start:, pair] += size
    return traffic


def uniform(
    paths: PathSet, count: int, length: int, rng: np.random.Generator, top: float | None = None
) -> NDArray[np.float64]:
    """Every demand uniform between 0 and ``top`` (the mean link capacity), Gb/s ``[count, length, P]``."""
    high = paths.topology.mean_capacity if top is None else top
    if not 0 < high < np.inf:
        msg = f"the largest demand must be positive and finite, not {high:g} Gb/s"
        raise DnnExplainError(msg)
    return rng.uniform(0.0, high, size=(count, length, len(paths.pairs)))


def _gravity_by_name(
    paths: PathSet, count: int, length: int, rng: np.random.Generator, **law: float
) -> NDArray[np.float64]:
    return gravity(paths, count, length, rng, Gravity(**law))


FAMILIES: dict[str, Callable[..., NDArray[np.float64]]] = {
    "gravity": _gravity_by_name,
    "bursts": bursts,
    "uniform": uniform,
}
"""Name of a family -> generator ``(paths, count, length, rng, **parameters)``."""

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "gravity": ("load", "noise", "cycle"),
    "bursts": ("pairs", "background"),
    "uniform": ("top",),
}
"""What may be set of each family."""


def generate(
    paths: PathSet, name: str, count: int, length: int, seed: int | Sequence[int], **parameters: float
) -> NDArray[np.float64]:
    """Sequences ``[count, length, P]`` in Gb/s of a family by name, from one seed.

    Raises:
        DnnExplainError: for an unknown family, an unknown parameter, or one out of its range.
    """
    if name not in FAMILIES:
        raise Choice("traffic family", name, tuple(FAMILIES)).error()
    if count < 1:
        msg = f"the number of traffic matrices must be at least 1, not {count}"
        raise DnnExplainError(msg)
    for parameter in parameters:
        if parameter not in PARAMETERS[name]:
            raise Choice(f"parameter of traffic family {name!r}", parameter, PARAMETERS[name]).error()
    return FAMILIES[name](paths, count, length, np.random.default_rng(seed), **parameters)


def _solar_angle(paths: PathSet) -> NDArray[np.float64]:
    """By how much each node's day is ahead, radians ``[N]``; 0 without coordinates."""
    places = paths.topology.coordinates
    return np.zeros(len(paths.topology.nodes)) if places is None else np.radians(places[:, 0])
