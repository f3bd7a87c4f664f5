"""Regions of ordinary workloads in which a policy falls behind the best rule, as part of a stress test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnnexplain.contract import Distillable, DnnExplainError, EpisodeSystem, Policy, Replayable, Spec
from dnnexplain.explain.regions.profile import failure_profile
from dnnexplain.explain.stress.result import StressTest

__all__ = ["failing_regions", "region_sets", "region_words"]

SHARE, MOST, LEAST = 30, 40, 20
"""A half has a thirtieth of the budget, so many at most; below so many it tells nothing."""


def region_words(test: StressTest) -> list[str]:
    """What is known of them, a sentence each; none if they were not looked for."""
    if not test.regions:
        return []
    return [str(test.regions["words"]), *(str(region["words"]) for region in test.regions["regions"])]


def region_sets(system: EpisodeSystem, budget: int) -> int:
    """Workloads in each half in which regions are looked for; 0 where there are too few, or the system shows no states."""
    sets = min(MOST, budget // SHARE)
    return sets if sets >= LEAST and isinstance(system, Distillable | Replayable) else 0


def failing_regions(
    system: EpisodeSystem, spec: Spec, policy: Policy, rules: Mapping[str, Policy], sets: int, seed: int
) -> tuple[dict[str, Any], str]:
    """What is known of them as plain JSON (``words``, ``sets``, ``regions`` with the figures of each), or why nothing is.

    Args:
        system: shows the states that are met.
        spec: whose first family draws the workloads.
        policy: whose failures.
        rules: that it is held against.
        sets: workloads in each half; regions are found in one and every figure is from the other.
        seed: of the workloads.
    """
    if not sets:
        return {}, (
            f"Regions of {spec.workloads} in which it fails: they are looked for in two halves of at least {LEAST}, for "
            f"which a budget of {LEAST * SHARE} is enough, where a system shows the states that are met; dnnexplain regions looks for them."
        )

    def draw(count: int, drawn: int) -> Any:
        return system.workloads(spec.family().name, count, drawn)

    try:
        profile = failure_profile(system, policy, draw, rules=rules, kind="workloads", sets=sets, seed=seed)
    except DnnExplainError as error:
        return {}, f"Regions of {spec.workloads} in which it fails: {error}."
    names = ("rule", "samples", "share", "share_outside", "loss", "loss_outside", "mass", "p", "words")
    regions = [{name: getattr(region, name) for name in names} for region in profile.regions]
    sentence = profile.words.removeprefix(f"{policy.name}: ")
    return {"words": sentence[:1].upper() + sentence[1:], "sets": sets, "unit": profile.unit, "regions": regions}, ""
