"""When a policy is better than the best rule, as good, worse, or unsafe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.counts import counted
from dnnexplain.intervals import Interval, compared_interval
from dnnexplain.numbers import tally, thing

__all__ = [
    "ALIKE",
    "BETTER",
    "FAR",
    "ONLY_OURS",
    "ORDER",
    "UNSAFE",
    "UNSURE",
    "WITHIN",
    "WORSE",
    "YARDSTICK",
    "Comparison",
    "compare",
    "worst_verdict",
]

Floats = NDArray[np.float64]
BETTER, WITHIN, WORSE, UNSAFE = "better", "within 5%", "worse", "unsafe"
UNSURE = "better, but not surely"
"""What people are told of a gap below -5% whose interval holds 0; its verdict is ``WITHIN``."""

ORDER = (BETTER, WITHIN, WORSE, UNSAFE)
ALIKE, FAR = 0.05, 0.5
ONLY_OURS = " where the best rule has none"
YARDSTICK = (
    "The cost is no ratio scale, so per cent are those of the distance from the best to the worst fair rule in the "
    "same scenario: unsafe is worse than the best rule by more than half of it."
)


@dataclass(frozen=True)
class Comparison:
    """A policy beside the best rule of a scenario.

    Attributes:
        verdict: see :func:`compare`.
        why: of ``unsafe``, what makes it so; else empty.
        best_rule: its name, and its mean cost ``rule_cost``.
        gap: by how much the policy costs more, a share of the rule's cost (of the yardstick, where the cost is no ratio).
        sure: whether the whole interval lies where the verdict says.
        worst: the workload on which the policy is furthest behind the best rule, by place.
    """

    verdict: str
    why: str
    best_rule: str
    rule_cost: float
    gap: Interval
    sure: bool
    worst: int


def compare(
    cost: Floats,
    rules: Mapping[str, Floats],
    *,
    ratio: bool,
    wrong: Mapping[str, tuple[float, float]] | None = None,
    invalid: int = 0,
) -> Comparison:
    """A verdict from costs ``[W]`` of the policy and of every fair rule on the same workloads.

    ``better``: the 95% interval of the gap lies below 0. ``unsafe``: the mean gap is above 50%, or something went wrong that does not with the best rule, or an output was not valid. ``within 5%``: the mean
    gap is at most 5%. ``worse``: else.

    Args:
        cost: of the policy.
        rules: costs by name.
        ratio: whether costs are a ratio scale.
        wrong: what must not happen: by name how often with the policy and with the best rule.
        invalid: decisions with outputs that are no finite numbers.
    """
    means = {name: float(np.mean(rule)) for name, rule in rules.items()}
    best = min(means, key=means.__getitem__)
    ratio = ratio and means[best] > 0
    gap = compared_interval(cost, rules[best], ratio=ratio)
    if not ratio:
        gap = _scaled(gap, max(means.values()) - means[best] or abs(means[best]) or 1.0)
    why = _unsafe(gap, wrong or {}, invalid)
    if why:
        verdict = UNSAFE
    elif gap.high < 0:
        verdict = BETTER
    else:
        verdict = WITHIN if gap.mean <= ALIKE else WORSE
    return Comparison(
        verdict, why, best, means[best], gap, _sure(verdict, gap, why), int(np.argmax(cost - rules[best]))
    )


def worst_verdict(verdicts: Sequence[str]) -> str:
    """The worst of several."""
    return max(verdicts, key=ORDER.index)


def _scaled(gap: Interval, yardstick: float) -> Interval:
    return Interval(gap.mean / yardstick, gap.low / yardstick, gap.high / yardstick, gap.level, gap.sets, gap.missing)


def _unsafe(gap: Interval, wrong: Mapping[str, tuple[float, float]], invalid: int) -> str:
    if invalid:
        return f"{counted(invalid, 'decision')} whose outputs are no numbers"
    for name, (ours, theirs) in wrong.items():
        if ours > 0 and not theirs > 0:
            return f"{thing(tally(ours), name)}{ONLY_OURS}"
    return "worse than the best rule by more than 50%" if gap.mean > FAR else ""


def _sure(verdict: str, gap: Interval, why: str) -> bool:
    if verdict == UNSAFE:
        return gap.low > FAR or "50%" not in why
    if verdict == WORSE:
        return gap.low > ALIKE
    return gap.high < 0 if verdict == BETTER else gap.high <= ALIKE
