"""A transfer grid: what was run, what it cost, and who wins where."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, heat
from dnnexplain.contract import Choice, Metric, Shift
from dnnexplain.encoding import decode
from dnnexplain.gone import renamed
from dnnexplain.numbers import number, went_wrong
from dnnexplain.results import Question, Result, array_field, register

__all__ = ["Boundary", "Transfer"]

Floats = NDArray[np.float64]


__getattr__ = renamed(__name__, Setting="dnnexplain.contract:Shift")


@register
@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a policy stops (or starts) beating the best rule: between two cells of a row, or of a column.

    ``row`` names the row (or the column, for a boundary down a column). ``value`` is the place where the
    straight line between both cells crosses zero, where the axis is numeric.
    """

    row: str
    policy: str
    before: str
    after: str
    wins_before: bool
    value: float | None

    @property
    def words(self) -> str:
        """Between what it stops, or starts, winning: ``"bursty: stops winning between load 0.4 and load 0.6 (at about 0.47)"``."""
        where = "" if self.value is None else f" (at about {number(self.value)})"
        return f"{self.row}: {'stops' if self.wins_before else 'starts'} winning between {self.before} and {self.after}{where}"


@dataclass(frozen=True, eq=False)
class Transfer(Result):
    """Costs of ``P`` policies and rules over ``R`` rows and ``C`` columns; cells not run are NaN.

    Attributes:
        question: what was run, with which seed.
        rows, columns: the settings.
        policies: networks first, then rules; ``networks`` says how many are networks.
        cost, low, high: mean over the workloads of a cell and its 95% interval (:mod:`dnnexplain.intervals`).
        median: of the same costs.
        episodes: cost of every workload ``[R, C, P, W]``.
        metrics: the ``M`` figures that the system's spec tells of an episode beside its cost.
        figures: of each metric the sum over a cell's workloads, where it is a total, else the mean; NaN where a run
            does not tell it. See :meth:`metric`.
        actions: the ``A`` actions, or switches; empty where there are none, or a system does not count them.
        shares: how often each action was taken, or each switch on, among all decisions of a cell.
        best_rule: per cell the rule with the least mean cost, as an index of ``policies``; -1 if not run.
        relative, relative_low, relative_high: each network's mean cost over the best rule's, minus 1 (less the best
            rule's, where the cost is no ratio scale), with its 95% interval, set by set ``[R, C, N]``; below 0 the
            network wins, unless it is :meth:`unsafe`.
        ratio: whether ``relative`` is a ratio.
        boundaries: where networks stop winning.
        cost_name: ``"rebuffering, s"``.
        words: a sentence.
    """

    VERSION: ClassVar[int] = 2

    question: Question
    rows: tuple[Shift, ...]
    columns: tuple[Shift, ...]
    policies: tuple[str, ...]
    networks: int
    cost: Floats = array_field("row", "column", "policy")
    low: Floats = array_field("row", "column", "policy")
    high: Floats = array_field("row", "column", "policy")
    episodes: Floats = array_field("row", "column", "policy", "workload")
    median: Floats = array_field("row", "column", "policy")
    figures: Floats = array_field("row", "column", "policy", "metric")
    shares: Floats = array_field("row", "column", "policy", "action")
    best_rule: NDArray[np.int64] = array_field("row", "column")
    relative: Floats = array_field("row", "column", "policy")
    relative_low: Floats = array_field("row", "column", "policy")
    relative_high: Floats = array_field("row", "column", "policy")
    metrics: tuple[Metric, ...] = ()
    actions: tuple[str, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    cost_name: str = ""
    ratio: bool = True
    words: str = ""

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which cells were run ``[R, C]``."""
        return np.asarray(self.best_rule >= 0)

    def metric(self, name: str) -> Floats:
        """A metric's figures by its name ``[R, C, P]``; see ``figures``.

        Raises:
            DnnExplainError: the system's spec has none of that name.
        """
        names = tuple(metric.name for metric in self.metrics)
        if name not in names:
            raise Choice("metric", name, names).error()
        return np.asarray(self.figures[..., names.index(name)], dtype=np.float64)

    def __getattr__(self, name: str) -> Floats:
        """A metric by its name as an attribute, as it was before metrics were data. Deprecated: use :meth:`metric`."""
        known = self.__dict__.get("metrics", ())
        if name not in {item.name for item in known}:
            msg = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(msg)
        warn(f"Transfer.{name} is deprecated; write metric({name!r})", DeprecationWarning, stacklevel=2)
        return self.metric(name)

    @classmethod
    def migrated(cls, data: dict[str, Any], version: int) -> dict[str, Any] | None:
        """Version 1 had each metric as a field of its own, sums of what must not happen, and no medians or actions."""
        if version != 1:
            return None
        known = {field.name for field in fields(cls)}
        old = {name: data[name] for name in data if name not in known and not name.startswith("__")}
        arrays = {name: np.asarray(decode(item), dtype=np.float64) for name, item in old.items()}
        costs = np.asarray(decode(data["episodes"]), dtype=np.float64)
        units = {name: str(item.get("unit", "")) for name, item in old.items()}
        empty: NDArray[np.bool_] = np.asarray(np.isnan(costs).all(axis=-1))
        metrics = {
            "metrics": tuple(
                Metric(name, name.replace("_", " "), units[name], total=True, wrong=True,
                       words=f"{units[name]} {name.replace('_', ' ')}".strip())
                for name in arrays
            ),
            "figures": np.stack(list(arrays.values()), axis=-1) if arrays else np.empty((*costs.shape[:3], 0)),
            "median": np.where(empty, np.nan, np.nanmedian(np.where(empty[..., None], 0.0, costs), axis=-1)),
            "shares": np.empty((*costs.shape[:3], 0)),
        }  # fmt: skip
        return {name: datum for name, datum in data.items() if name not in old} | metrics

    def went_wrong(self, row: int, column: int, policy: int) -> str:
        """What must not happen and did, in a cell: ``"12 jobs lost"``; empty if nothing did."""
        values = dict(zip((metric.name for metric in self.metrics), self.figures[row, column, policy], strict=True))
        return went_wrong(self.metrics, values)

    def unsafe(self, row: int, column: int, network: int = 0) -> str:
        """What must not happen, and did with a network and not with the best rule: ``"324 jobs starved"``; else empty."""
        ours, theirs = self.figures[row, column, network], self.figures[row, column, int(self.best_rule[row, column])]
        worse = [
            metric
            for metric, first, other in zip(self.metrics, ours, theirs, strict=True)
            if first > 0 and not other > 0
        ]
        return went_wrong(worse, dict(zip((metric.name for metric in self.metrics), ours, strict=True)))

    def verdict(self, row: int, column: int, network: int = 0) -> str:
        """``"wins"``, ``"loses"`` or ``"even"`` (the interval holds zero) against the best rule; ``""`` if not run.

        ``"unsafe"``, whatever the mean, where something went wrong that does not with the best rule: a mean cost of
        work that was left undone ranks nothing.
        """
        if self.best_rule[row, column] < 0:
            return ""
        if self.unsafe(row, column, network):
            return "unsafe"
        if self.relative_high[row, column, network] < 0:
            return "wins"
        return "loses" if self.relative_low[row, column, network] > 0 else "even"

    def sentence(self) -> str:
        """Where it wins and where not."""
        return self.words

    def table(self) -> list[dict[str, Any]]:
        """One row per cell and policy."""
        return [
            {
                "row": row.label,
                "column": column.label,
                "policy": policy,
                "mean": float(self.cost[r, c, p]),
                "low": float(self.low[r, c, p]),
                "high": float(self.high[r, c, p]),
                "median": float(self.median[r, c, p]),
                **{item.name: float(self.figures[r, c, p, m]) for m, item in enumerate(self.metrics)},
            }
            for r, row in enumerate(self.rows)
            for c, column in enumerate(self.columns)
            for p, policy in enumerate(self.policies)
            if self.done[r, c]
        ]

    def picture(self) -> Chart:
        """The first network against the best rule in each cell; without a network, the first rule's cost."""
        relative = (self.relative if self.networks else self.cost)[..., 0]
        what = f"{self.cost_name} against the best rule's" if self.networks else self.cost_name
        value = Axis(what, "relative" if self.networks and self.ratio else "")
        rows, columns = ([item.label for item in side] for side in (self.rows, self.columns))
        return heat(relative, rows, columns, value, title=self.policies[0] if self.policies else "")
