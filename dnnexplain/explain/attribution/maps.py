"""Attribution results: a map over the observation summed by knob group, and values of a layer's units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import Decision, System
from dnnexplain.explain.attribution.sentences import contribution_sentence, slope_sentence
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["Attribution", "GroupSum", "UnitAttribution", "group_sums"]


class GroupSum(NamedTuple):
    """A knob group's part of a map: its positive and its negative cells apart."""

    positive: float
    negative: float

    @property
    def net(self) -> float:
        """Both together."""
        return self.positive + self.negative


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution(Result):
    """Which inputs moved one decision.

    Attributes:
        map: one number per cell of the observation; what it means says ``measure``.
        references: the observations that the map counts from ``[n, *observation_shape]``.
        explained: ``F(state) - F(baseline)`` of the target, averaged over the references.
        completeness_error: the map's sum minus ``explained``; NaN where the map is no share of it.
        positive, negative: the map summed by knob group, what is for and what is against apart ``[G]``; together they are
            the map's sum.
        steps: steps or samples that the method took, if it takes any.
        notes: what a reader must know.
        milliseconds: how long it took; not compared.
    """

    question: Question
    decision: Decision
    method: str
    measure: str
    target: str
    target_kind: str
    for_name: str
    against_name: str
    unit: str
    baseline: str
    map: NDArray[np.float64] = array_field("...")
    references: NDArray[np.float32] = array_field("reference", "...")
    explained: float
    completeness_error: float
    group_names: tuple[str, ...]
    positive: NDArray[np.float64] = array_field("group")
    negative: NDArray[np.float64] = array_field("group")
    steps: int | None = None
    notes: tuple[str, ...] = ()
    milliseconds: float = field(default=0.0, compare=False)

    @property
    def net(self) -> NDArray[np.float64]:
        """Positive and negative part of each group together ``[G]``."""
        return self.positive + self.negative

    @property
    def groups(self) -> dict[str, GroupSum]:
        """The sums by knob group, by name; every cell of the observation is in exactly one."""
        parts = zip(self.positive.tolist(), self.negative.tolist(), strict=True)
        return {name: GroupSum(*part) for name, part in zip(self.group_names, parts, strict=True)}

    @property
    def relative_error(self) -> float:
        """The completeness error as a part of the difference; NaN where either has no meaning."""
        return abs(self.completeness_error / self.explained) if abs(self.explained) > 1e-9 else float("nan")

    def top(self, count: int = 3) -> list[str]:
        """The groups with the largest net sums, either sign, those without any left out."""
        order = np.argsort(-np.abs(self.net), kind="stable")[:count]
        return [self.group_names[i] for i in order if self.net[i] != 0.0]

    def sentence(self) -> str:
        """The map in domain words and numbers."""
        top = self.top(1)
        if not top:
            against = f", counted from {self.baseline}" if self.measure == "share" else ""
            return f"The map is zero everywhere: nothing here moves {self.target}{against}."
        part = self.groups[top[0]]
        if self.measure == "share":
            total = float(np.sum(self.net))  # also where a method misses what it explains
            whole = self.explained if abs(total - self.explained) <= 0.01 * abs(self.explained) else total
            return contribution_sentence(top[0], part.net, whole, self.for_name, self.against_name, self.unit)
        alike = int(np.sum(np.abs(self.net) >= abs(part.net) * (1.0 - 1e-3)))
        return slope_sentence(top[0], part, self.target, self.measure, alike)

    def table(self) -> list[dict[str, Any]]:
        """One row per knob group, the largest net sum first."""
        rows = [
            {"group": name, "positive": part.positive, "negative": part.negative, "net": part.net}
            for name, part in self.groups.items()
        ]
        return sorted(rows, key=lambda row: -abs(float(str(row["net"]))))

    def picture(self) -> Chart:
        """What each knob group adds, for and against apart where both are there; the largest first."""
        order = np.argsort(-np.abs(self.net), kind="stable")
        sides = {"for": self.positive[order], "against": self.negative[order]}
        shown = {name: side for name, side in sides.items() if side.any()} or {"for": sides["for"]}
        names = [self.group_names[i] for i in order]
        return bars(names, shown, Axis(self.measure, self.unit), x=Axis("group"), title=self.target)


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitAttribution(Result):
    """How much of a decision's difference flows through each unit of a layer.

    ``values`` has one number per unit; they sum to ``explained`` but for ``completeness_error``.
    """

    question: Question
    decision: Decision
    target: str
    baseline: str
    layer: str
    values: NDArray[np.float64] = array_field("unit")
    explained: float
    completeness_error: float
    steps: int | None = None
    notes: tuple[str, ...] = ()
    milliseconds: float = field(default=0.0, compare=False)

    def sentence(self) -> str:
        """The strongest unit in words."""
        top = int(np.abs(self.values).argmax())
        return (
            f"Unit {top} of layer {self.layer} carries most of {self.target}: "
            f"{number(float(self.values[top]), sign=True)} of {number(self.explained)}."
        )

    def table(self) -> list[dict[str, Any]]:
        """One row per unit."""
        return [{"unit": i, "value": float(value)} for i, value in enumerate(self.values)]

    def picture(self) -> Chart:
        """What flows through each unit, the largest first."""
        order = np.argsort(-np.abs(self.values), kind="stable")
        names = [f"unit {i}" for i in order]
        return bars(names, {"share": self.values[order]}, Axis("share"), x=Axis(self.layer), title=self.target)


def group_sums(values: NDArray[np.float64], system: System) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A map's positive and its negative cells summed by knob group: two arrays ``[G]``."""
    cells, count = system.cell_group.ravel(), len(system.groups)
    flat = values.ravel()
    positive, negative = np.zeros(count), np.zeros(count)
    np.add.at(positive, cells, np.maximum(flat, 0.0))
    np.add.at(negative, cells, np.minimum(flat, 0.0))
    return positive, negative
