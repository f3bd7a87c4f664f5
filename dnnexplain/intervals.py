"""Intervals of means, of differences and of ratios over workloads: one method, for every screen.

Student's interval, corrected for skew by Hall's cubic transformation ("On the Removal of Skewness by
Transformation", JRSS B 54, 1992): exact for normal values at any number of workloads, and without chance,
so that the same figures have the same interval wherever they are shown. A nominal 95% covers, in 20,000
simulated samples each (``tests/test_intervals.py`` repeats it):

====================  =====  =====  ======  ======
values                n = 2  n = 5  n = 10  n = 30
====================  =====  =====  ======  ======
normal                 .950   .954    .951    .950
uniform                .926   .951    .970    .962
exponential            .912   .911    .934    .947
log-normal, sigma .5   .938   .924    .935    .943
log-normal, sigma 1    .891   .865    .895    .924
====================  =====  =====  ======  ======

Where a figure is known to have a range (a mean slowdown is at least 1, a cost of nothing is 100% less), its interval
ends there: that takes away nothing that could be true, so it covers as often. (The percentile bootstrap covers 26 to 51% with two workloads, 73 to 90% with ten.) Where most values are
the same number (a change that leaves most workloads as they are), no interval can be had from the few others:
at least :data:`LEAST_DIFFERENT` must differ from the commonest one, or all but one of them where there are fewer.
What is then given covers less than it says: of values of which two in three are 0 and the others normal
(mean .2, deviation 1) .91, .90 and .93 with n = 10, 20 and 50, where there is an interval.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = [
    "LEAST_DIFFERENT",
    "Interval",
    "compared_interval",
    "counted_interval",
    "large_sample_interval",
    "mean_interval",
    "ratio_interval",
    "repeated_splits_interval",
    "share_interval",
]

LEAST_DIFFERENT = 5
"""Values that must differ from the commonest one."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its interval.

    Attributes:
        mean: the figure.
        low, high: the interval; NaN where there is none, and ``missing`` says why.
        level: the probability with which it holds the true figure.
        sets: the number of workloads that had a value.
        missing: ``""``, or why there is no interval.
    """

    mean: float
    low: float
    high: float
    level: float
    sets: int
    missing: str = ""

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not self.missing

    @property
    def verdict(self) -> int:
        """-1 if all of the interval lies below zero, 1 if above, 0 if it holds zero or is not known."""
        return -1 if self.high < 0 else int(self.low > 0)

    @property
    def three(self) -> tuple[float, float, float]:
        """``mean, low, high``."""
        return self.mean, self.low, self.high

    def less(self, amount: float) -> Interval:
        """The interval of the figure less a constant."""
        return Interval(self.mean - amount, self.low - amount, self.high - amount, self.level, self.sets, self.missing)

    def within(self, low: float, high: float) -> Interval:
        """The same, its ends no further out than what the figure can be (nor inside the figure, which rounding may put there)."""
        ends = float(min(max(self.low, low), self.mean)), float(max(min(self.high, high), self.mean))
        return Interval(self.mean, *ends, self.level, self.sets, self.missing) if self.known else self

    def to_json(self) -> dict[str, Any]:
        """As a dictionary; NaN becomes ``None``, which JSON can hold."""
        data = {name: None if value != value else value for name, value in asdict(self).items()}  # noqa: PLR0124 - NaN
        return data if self.missing else {name: value for name, value in data.items() if name != "missing"}


def mean_interval(
    values: ArrayLike,
    *,
    level: float = 0.95,
    weights: ArrayLike | None = None,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Interval:
    """The mean over workloads and its interval.

    Args:
        values: one value per workload ``[W]``; workloads without a value (NaN) are left out.
        level: the probability that the interval claims.
        weights: given ``[W]`` (such as jobs per workload), the mean is the weighted one.
        within: what no value can lie beyond, so that the interval does not; see ``Metric.range``.

    Raises:
        DnnExplainError: not one number per workload, or a level outside 0 to 1.
    """
    numbers = _column("values", values)
    if weights is not None:
        shares = _column("weights", weights, len(numbers))
        interval = ratio_interval(np.where(shares > 0, numbers * shares, np.nan), shares, level=level)
        return interval.within(*within)
    known = numbers[~np.isnan(numbers)]
    mean = float(known.mean()) if len(known) else math.nan
    low, high, missing = _spread(known, level)
    return Interval(mean, mean + low, mean + high, level, len(known), missing).within(*within)


def ratio_interval(top: ArrayLike, bottom: ArrayLike, *, level: float = 0.95) -> Interval:
    """``sum(top) / sum(bottom)`` over the same workloads, and its interval.

    The interval is that of the mean of ``(top - ratio * bottom) / mean(bottom)`` about the ratio (the delta method), in
    which what the workloads have in common cancels.

    Args:
        top, bottom: one value per workload ``[W]``, in the same order; a workload without either is left out.
        level: the probability that the interval claims.

    Raises:
        DnnExplainError: ``bottom`` has a value below zero: the sign of a ratio to it would say nothing.
    """
    above = _column("top", top)
    below = _column("bottom", bottom, len(above))
    known = ~np.isnan(above) & ~np.isnan(below)
    above, below = above[known], below[known]
    if np.any(below < 0):
        msg = f"a ratio needs something above zero to be compared with, not {below.min():g}; compare by differences"
        raise DnnExplainError(msg)
    if not below.sum() > 0:
        return Interval(math.nan, math.nan, math.nan, level, len(above), "there is nothing to compare with")
    ratio = float(above.sum() / below.sum())
    low, high, missing = _spread((above - ratio * below) / below.mean(), level)
    return Interval(ratio, ratio + low, ratio + high, level, len(above), missing)


def share_interval(part: ArrayLike, whole: ArrayLike, *, level: float = 0.95) -> Interval:
    """``sum(part) / sum(whole)``, a share from 0 to 1, and its interval; see :func:`ratio_interval`."""
    return ratio_interval(part, whole, level=level).within(0.0, 1.0)


_ROUNDING = 1e-12
"""Costs that differ by less than this share of themselves are the same, added up in another order."""


def compared_interval(a: ArrayLike, b: ArrayLike, *, ratio: bool, level: float = 0.95) -> Interval:
    """Two policies on the same workloads: by how much ``a`` costs more than ``b``; below zero it costs less.

    Args:
        a, b: cost per workload ``[W]``, in the same order.
        ratio: whether the cost is a ratio scale (above zero, and twice as much is twice as bad): then
            ``mean(a) / mean(b) - 1``, of which no interval goes below -1 (-100%), else ``mean(a - b)`` in the cost's unit.
        level: the probability that the interval claims.
    """
    first = _column("a", a)
    second = _column("b", b, len(first))
    second = np.where(np.isclose(first, second, rtol=_ROUNDING, atol=0), first, second)
    if not ratio:
        return mean_interval(first - second, level=level)
    return ratio_interval(first, second, level=level).less(1.0).within(-1.0, math.inf)


def counted_interval(hits: int, of: int, *, level: float = 0.95) -> Interval:
    """How often something is so, from independent draws: exact, by Clopper and Pearson (Biometrika 26, 1934).

    Its lower end at ``level`` 0.9 is the one-sided 95% bound.
    """
    _check_level(level)
    if not of:
        return Interval(math.nan, math.nan, math.nan, level, 0, "nothing was drawn")
    from scipy.special import betaincinv  # noqa: PLC0415 - only where an interval is made

    out = (1.0 - level) / 2.0
    low = float(betaincinv(hits, of - hits + 1, out)) if hits else 0.0
    high = float(betaincinv(hits + 1, of - hits, 1.0 - out)) if hits < of else 1.0
    return Interval(hits / of, low, high, level, of)


def large_sample_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """The mean of many values ``[N]`` by the normal law: for gains of -1, 0 and 1, most of which may be equal.

    :func:`mean_interval`, which is for few workloads, gives none there. Of values that are all the same it is a point.
    """
    _check_level(level)
    numbers = _column("values", values)
    if len(numbers) < 2:
        return Interval(
            math.nan, math.nan, math.nan, level, len(numbers), f"{counted(len(numbers), 'value')}; it needs two"
        )
    from scipy.special import ndtri  # noqa: PLC0415 - only where an interval is made

    mean = float(numbers.mean())
    half = float(ndtri(0.5 + level / 2)) * float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    return Interval(mean, mean - half, mean + half, level, len(numbers))


def repeated_splits_interval(values: ArrayLike, test_share: float, *, level: float = 0.95) -> Interval:
    """The mean over repeated random splits of the same data, whose parts overlap.

    Student's interval with the variance of Nadeau and Bengio ("Inference for the Generalization Error", Machine
    Learning 52, 2003), ``s^2 (1 / J + test / train)``: without it the interval would shrink with every repetition.

    Args:
        values: one per split ``[J]``.
        test_share: how much of the data each split tests on.
        level: the probability that the interval claims.
    """
    _check_level(level)
    numbers = _column("values", values)
    count = len(numbers)
    if count < 2:
        return Interval(math.nan, math.nan, math.nan, level, count, f"{counted(count, 'split')}; it needs two")
    from scipy.special import stdtrit  # noqa: PLC0415 - only where an interval is made

    mean = float(numbers.mean())
    error = math.sqrt(float(numbers.var(ddof=1)) * (1 / count + test_share / (1 - test_share)))
    half = float(stdtrit(count - 1, 0.5 + level / 2)) * error
    return Interval(mean, mean - half, mean + half, level, count)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, e.g. 0.95, not {level!r}"
        raise DnnExplainError(msg)


def _spread(values: Floats, level: float) -> tuple[float, float, str]:
    """How far the interval reaches below and above the mean of values ``[W]``, or why there is none."""
    _check_level(level)
    missing = _missing(values)
    if missing:
        return math.nan, math.nan, missing
    from scipy.special import stdtrit  # noqa: PLC0415 - only where an interval is made

    count = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(count)
    skew = float(((values - values.mean()) ** 3).mean()) / float(values.std(ddof=1)) ** 3
    most = float(stdtrit(count - 1, 0.5 + level / 2))
    return -error * _untransformed(most, skew, count), -error * _untransformed(-most, skew, count), ""


def _untransformed(value: float, skew: float, count: int) -> float:
    """The inverse of Hall's transformation of Student's t: 1992, equation 2.4."""
    root = math.sqrt(count)
    bend = skew / 3.0
    shifted = value / root - skew / (6.0 * count)
    if abs(bend) < 1e-8:
        return root * shifted
    return root * float(np.cbrt(1.0 + 3.0 * bend * shifted) - 1.0) / bend


def _missing(values: Floats) -> str:
    """Why values ``[W]`` have no interval, or ``""``."""
    count = len(values)
    if count < 2:
        return f"{counted(count, 'workload')}; an interval needs two"
    if not np.isfinite(values).all():
        return "a value is not finite"
    rounded = np.round(values / max(float(np.abs(values).max()), 1e-300), 12)
    different = count - int(np.unique(rounded, return_counts=True)[1].max())
    if different < min(LEAST_DIFFERENT, count - 1):
        verb = "differs" if different < 2 else "differ"
        least = min(LEAST_DIFFERENT, count - 1)
        few = f"only {different}" if different else "none"
        return f"{few} of {counted(count, 'workload')} {verb} from the others; an interval needs {least}"
    return ""


def _column(name: str, values: ArrayLike, size: int | None = None) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or (size is not None and len(column) != size):
        expected = "" if size is None else f", {size}"
        msg = f"{name} must hold one number per workload{expected}, not shape {column.shape}"
        raise DnnExplainError(msg)
    return column
