"""Do methods agree: rank correlations of maps and of knob groups, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, heat
from dnnexplain.contract import DnnExplainError, Policy, State, System, Target
from dnnexplain.explain.attribution.maps import Attribution, group_sums
from dnnexplain.explain.attribution.methods import METHODS
from dnnexplain.explain.attribution.one_state import attribute
from dnnexplain.explain.attribution.sentences import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["Comparison", "compare", "group_agreement", "map_agreement", "rank_correlation"]

_MOST = 4


def rank_correlation(first: NDArray[Any], other: NDArray[Any]) -> float:
    """Spearman's rank correlation with mean ranks for ties; NaN where one of the two does not vary."""
    a, b = _ranks(np.ravel(first)), _ranks(np.ravel(other))
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > 0.0 else float("nan")


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: NDArray[np.float64] = (last - (count - 1) / 2.0)[group]
    return ranks


def map_agreement(first: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Rank correlation of two maps over the cells in which at least one says something."""
    marked = (first != 0.0) | (other != 0.0)
    return rank_correlation(first[marked], other[marked]) if marked.sum() > 2 else float("nan")


def group_agreement(first: NDArray[np.float64], other: NDArray[np.float64], system: System) -> float:
    """Rank correlation of two maps' sums by knob group, over the groups in which at least one says something."""
    return map_agreement(*(np.add(*group_sums(values, system)) for values in (first, other)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison(Result):
    """Several methods on one decision, side by side.

    Attributes:
        attributions: one per method, in the order asked for.
        maps: Spearman's rank correlation between maps as drawn ``[n, n]``; NaN between a slope and a share, which
            are numbers of different kinds.
        by_group: the same between sums by knob group ``[n, n]``.
        refused: methods that do not fit, and why.
    """

    question: Question
    attributions: tuple[Attribution, ...]
    maps: NDArray[np.float64] = array_field("method", "method")
    by_group: NDArray[np.float64] = array_field("method", "method")
    refused: dict[str, str] = field(default_factory=dict)
    milliseconds: float = field(default=0.0, compare=False)

    def sentence(self) -> str:
        """How far the methods agree, in words."""
        if len(self.attributions) < 2:
            return "One method alone agrees with itself; choose two or more."
        kinds: dict[str, list[Attribution]] = {}
        for attribution in self.attributions:
            kinds.setdefault("slopes" if attribution.measure == "slope" else "shares", []).append(attribution)
        parts = [_firsts(kind, alike, apart=len(kinds) > 1) for kind, alike in kinds.items()]
        apart = " Slopes and shares are numbers of different kinds, so they are not compared." if len(kinds) > 1 else ""
        return f"{' '.join(parts)}{self._least()}{apart}"

    def _least(self) -> str:
        pairs = np.triu_indices(len(self.attributions), 1)
        values = self.by_group[pairs]
        if not np.isfinite(values).any():
            return ""
        lowest = int(np.nanargmin(values))
        names = (_title(self.attributions[int(side[lowest])].method) for side in pairs)
        if np.isfinite(values).sum() == 1:
            return f" {' and '.join(names)} rank knob groups alike to {number(float(values[lowest]))}."
        between = " and ".join(names)
        return f" The least agreement on knob groups is {number(float(values[lowest]))}, between {between}."

    def table(self) -> list[dict[str, Any]]:
        """One row per pair of methods."""
        names = [attribution.method for attribution in self.attributions]
        return [
            {"one": names[i], "other": names[j], "maps": float(self.maps[i, j]), "groups": float(self.by_group[i, j])}
            for i in range(len(names))
            for j in range(i + 1, len(names))
        ]

    def picture(self) -> Chart:
        """The methods' rank correlations, cell by cell."""
        names = [attribution.method for attribution in self.attributions]
        return heat(self.maps, names, names, Axis("rank correlation"), title="Agreement of the maps")


def _title(method: str) -> str:
    """A method's name for people; of one that another version knew its own."""
    return METHODS[method].title if method in METHODS else method


def _firsts(kind: str, alike: Sequence[Attribution], *, apart: bool) -> str:
    """Which knob group methods of one kind put first."""
    tops = sorted({attribution.top(1)[0] for attribution in alike if attribution.top(1)})
    who = f"By {kind}" if apart else "All methods" if len(tops) == 1 else "They"
    if not tops:
        return f"{who}, no knob group stands out." if apart else "No knob group stands out in any map."
    if apart:
        return f"{who}, {' or '.join(tops)} comes first."
    return f"{who} put {', '.join(tops)} first."


def _pairs(
    attribution: Sequence[Attribution], agree: Callable[[NDArray[np.float64], NDArray[np.float64]], float]
) -> NDArray[np.float64]:
    """How maps of the same kind agree ``[n, n]``; NaN between a slope and what is none."""

    def single(a: Attribution, b: Attribution) -> float:
        return agree(a.map, b.map) if (a.measure == "slope") == (b.measure == "slope") else float("nan")

    return np.array([[single(a, b) for b in attribution] for a in attribution])


def compare(
    system: System,
    policy: Policy,
    state: State,
    methods: Sequence[str] = ("saliency", "input-x-gradient", "integrated-gradients", "feature-ablation"),
    *,
    target: str | Target = "default",
    baseline: str | NDArray[Any] = "default",
    seed: int = 0,
    sample: NDArray[Any] | None = None,
) -> Comparison:
    """Up to four methods on one decision, with rank correlations of their maps and knob groups.

    Args:
        system: the world.
        policy: a network policy.
        state: the state in which it decides.
        methods: one to four names from ``METHODS``; one that does not fit is listed in ``refused``.
        target: the scalar explained.
        baseline: what is counted from.
        seed: for methods that draw.
        sample: observations for baselines that need some.

    Raises:
        DnnExplainError: none, more than four, or one method twice; or none of them fits.
    """
    if not 1 <= len(methods) <= _MOST or len(set(methods)) != len(methods):
        msg = f"compare one to {_MOST} different methods, not {', '.join(methods) or 'none'}"
        raise DnnExplainError(msg)
    began = time.perf_counter()
    attribution: list[Attribution] = []
    refused: dict[str, str] = {}
    for method in methods:
        try:
            attribution.append(
                attribute(
                    system, policy, state, method=method, target=target, baseline=baseline, seed=seed, sample=sample
                )
            )
        except DnnExplainError as error:
            refused[method] = str(error)
    if not attribution:
        msg = "; ".join(dict.fromkeys(refused.values()))
        raise DnnExplainError(msg)
    return Comparison(
        question=replace(attribution[0].question, method=", ".join(methods)),
        attributions=tuple(attribution),
        maps=_pairs(attribution, map_agreement),
        by_group=_pairs(attribution, lambda first, other: group_agreement(first, other, system)),
        refused=refused,
        milliseconds=1e3 * (time.perf_counter() - began),
    )
