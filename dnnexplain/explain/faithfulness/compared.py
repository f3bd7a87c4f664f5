"""Several methods on one decision, side by side, each with its trust badge: how far can an explanation be trusted?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dnnexplain.charts import Chart
from dnnexplain.contract import Policy, State, System, Target
from dnnexplain.explain.attribution.agreement import Comparison, compare
from dnnexplain.explain.attribution.maps import Attribution
from dnnexplain.explain.attribution.methods import METHODS, fits
from dnnexplain.explain.faithfulness.badge import Level, TrustBadge, trust
from dnnexplain.results import Question, Result

__all__ = ["TrustedComparison", "compare_trusted", "usable"]

_SCALE = (Level.GREEN, Level.AMBER, Level.RED, Level.GREY)


def _quiet(_fraction: float | None, _text: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TrustedComparison(Result):
    """Maps of one decision by several methods, how far they agree, and how far each can be trusted.

    Attributes:
        comparison: the maps and their rank correlations.
        badges: one per map, in the same order.
    """

    question: Question
    comparison: Comparison
    badges: tuple[TrustBadge, ...]
    milliseconds: float = field(default=0.0, compare=False)

    @property
    def pairs(self) -> tuple[tuple[Attribution, TrustBadge], ...]:
        """Each map with its badge."""
        return tuple(zip(self.comparison.attributions, self.badges, strict=True))

    def sentence(self) -> str:
        """How many maps earn which colour, and how far they agree."""
        levels = [badge.overall for badge in self.badges]
        if len(levels) == 1:
            return f"Badge: {levels[0]}. {self.comparison.attributions[0].sentence()}"
        counts = [f"{levels.count(level)} {level}" for level in _SCALE if level in levels]
        return f"Badges: {', '.join(counts)}. {self.comparison.sentence()}"

    def table(self) -> list[dict[str, Any]]:
        """One row per method and figure of its badge."""
        return [{"method": pair.method, **row} for pair, badge in self.pairs for row in badge.table()]

    def picture(self) -> Chart:
        """The only map, or the agreement of several."""
        maps = self.comparison.attributions
        return maps[0].picture() if len(maps) == 1 else self.comparison.picture()


def usable(system: System, policy: Policy) -> dict[str, str | None]:
    """Each method by name: why it cannot explain this network's decisions, or ``None`` if it can."""
    reasons: dict[str, str | None] = {}
    for name, entry in METHODS.items():
        if entry.neuron:
            reasons[name] = f"{entry.title} explains one neuron, not a decision"
        elif entry.units:
            reasons[name] = f"{entry.title} speaks of a layer's units, not of the input"
        else:
            reasons[name] = fits(name, policy, system)
    return reasons


def compare_trusted(
    system: System,
    policy: Policy,
    state: State,
    methods: Sequence[str],
    *,
    target: str | Target = "default",
    baseline: str = "default",
    seed: int = 0,
    depth: str = "light",
    progress: Callable[[float | None, str], None] = _quiet,
) -> TrustedComparison:
    """Up to four methods on one decision, with rank correlations and a trust badge each.

    Args:
        system: the world.
        policy: a network policy; hooks enter a copy of it.
        state: the state in which it decides.
        methods: one to four names from ``METHODS``; one that does not fit is listed in ``comparison.refused``.
        target: the scalar explained.
        baseline: what is counted from, by name.
        seed: for methods and figures that draw.
        depth: of the badges: ``"light"`` or ``"full"``.
        progress: told the fraction done and what is being done; may raise to stop.

    Raises:
        DnnExplainError: as :func:`compare` and :func:`trust`.
    """
    began = time.perf_counter()
    progress(0.0, "Making the maps")
    compared = compare(system, policy, state, methods, target=target, baseline=baseline, seed=seed)
    maps = compared.attributions
    own = target if isinstance(target, Target) else None
    badges: list[TrustBadge] = []
    for index, attribution in enumerate(maps):
        progress((1 + index) / (1 + len(maps)), f"Checking {METHODS[attribution.method].title}")
        badges.append(trust(system, policy, attribution, seed=seed, depth=depth, target=own))
    return TrustedComparison(
        question=compared.question,
        comparison=compared,
        badges=tuple(badges),
        milliseconds=1e3 * (time.perf_counter() - began),
    )
