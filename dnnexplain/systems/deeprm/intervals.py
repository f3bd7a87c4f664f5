"""Bootstrap intervals over job sets: of one policy's mean, and of two policies on the same sets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["Interval", "interval", "paired_interval"]

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its bootstrap percentile interval.

    ``low`` and ``high`` are NaN where fewer than two sets were given: one set says nothing of the
    spread. ``sets`` is the number of sets that had a value.
    """

    mean: float
    low: float
    high: float
    level: float
    sets: int

    def to_json(self) -> dict[str, Any]:
        """As a dictionary; NaN becomes ``None``, which JSON can hold."""
        return {name: None if value != value else value for name, value in asdict(self).items()}  # noqa: PLR0124 - NaN


def interval(
    values: ArrayLike,
    seed: int = 0,
    *,
    level: float = 0.95,
    weights: ArrayLike | None = None,
    resamples: int = RESAMPLES,
) -> Interval:
    """The mean over job sets, and its percentile bootstrap interval (Efron 1979), sets resampled.

    Args:
        values: one value per set ``[S]``; sets without a value (NaN) are left out.
        seed: of the resampling.
        level: probability that the interval claims.
        weights: jobs per set ``[S]``; given, the mean is the pooled one over all jobs of all sets.
        resamples: number of bootstrap samples.
    """
    numbers = _column("values", values)
    shares = np.ones(len(numbers)) if weights is None else _column("weights", weights, len(numbers))
    known = ~np.isnan(numbers) & (shares > 0)
    return _bootstrap(numbers[known] * shares[known], shares[known], seed, level, resamples)


def paired_interval(
    a: ArrayLike, b: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """The relative difference ``mean(a) / mean(b) - 1`` of two policies on the same sets.

    ``-0.2`` says that ``a`` is 20% below ``b``. Sets are resampled in pairs, so what the sets have in
    common cancels. Sets in which either has no value (NaN) are left out.

    Args:
        a: one value per set ``[S]``.
        b: one value per set ``[S]``, in the same order; positive.
        seed: of the resampling.
        level: probability that the interval claims.
        resamples: number of bootstrap samples.
    """
    first = _column("a", a)
    second = _column("b", b, len(first))
    known = ~np.isnan(first) & ~np.isnan(second)
    if np.any(second[known] <= 0):
        msg = f"b must be positive to be compared with, but holds {second[known].min():g}"
        raise DnnExplainError(msg)
    return _bootstrap(first[known] - second[known], second[known], seed, level, resamples)


def _bootstrap(
    above: NDArray[np.float64], below: NDArray[np.float64], seed: int, level: float, resamples: int
) -> Interval:
    """Interval of ``sum(above) / sum(below)`` over resampled sets."""
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, e.g. 0.95, not {level!r}"
        raise DnnExplainError(msg)
    sets = len(above)
    mean = float(above.sum() / below.sum()) if sets else float("nan")
    if sets < 2:
        return Interval(mean, float("nan"), float("nan"), level, sets)
    draws = np.random.default_rng(seed).multinomial(sets, np.full(sets, 1 / sets), size=resamples)
    low, high = np.quantile((draws @ above) / (draws @ below), [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), level, sets)


def _column(name: str, values: ArrayLike, size: int | None = None) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or (size is not None and len(column) != size):
        msg = f"{name} must hold one number per job set{'' if size is None else f', {size}'}, not shape {column.shape}"
        raise DnnExplainError(msg)
    return column
