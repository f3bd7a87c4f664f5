"""Two failure profiles side by side: which failures another network no longer has, and which are new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.regions.profile import LEVEL, FailureProfile, Region
from dnnexplain.explain.regions.significance import holm
from dnnexplain.numbers import percent
from dnnexplain.results import Result, register

__all__ = ["ComparedProfiles", "Fate", "compare_profiles"]


@register
@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one region from one network to another.

    Attributes:
        rule: the region in words; ``owner`` of whose profile: ``"before"`` or ``"after"``.
        verdict: ``"removed"``, ``"less"``, ``"stays"``, ``"new"``, ``"more"`` or ``"unknown"`` (no sample inside).
        loss_before, loss_after: mean loss inside for either network.
        samples_before, samples_after: inside.
        p: two-sided, of Wilcoxon's rank-sum test, corrected by Holm.
    """

    rule: str
    owner: str
    verdict: str
    loss_before: float
    loss_after: float
    samples_before: int
    samples_after: int
    p: float


@dataclass(frozen=True, eq=False)
class ComparedProfiles(Result):
    """The fate of every region of two profiles; see :func:`compare_profiles`."""

    before: str
    after: str
    fates: tuple[Fate, ...]
    words: str


def compare_profiles(before: FailureProfile, after: FailureProfile) -> ComparedProfiles:
    """Which failures were removed, and which are new: each region tested on both networks' samples.

    A region is removed where what is lost in it fell to no more than is lost elsewhere by the other network, less where
    it only fell; new and more are the same the other way round.

    Raises:
        DnnExplainError: profiles of different systems or kinds.
    """
    if (before.question.system, before.kind, before.names) != (after.question.system, after.kind, after.names):
        msg = "the two profiles are of different systems or kinds; compare like with like"
        raise DnnExplainError(msg)
    regions = [("before", region) for region in before.regions] + [("after", region) for region in after.regions]
    p = holm([_p(region, before, after) for _, region in regions])
    fates = tuple(_fate(owner, region, float(p[k]), before, after) for k, (owner, region) in enumerate(regions))
    names = before.question.policy, after.question.policy
    count = {verdict: sum(fate.verdict == verdict for fate in fates) for verdict in ("removed", "new")}
    words = (
        f"From {names[0]} to {names[1]}: {count['removed']} of {counted(len(before.regions), 'region')} are gone, {count['new']} of "
        f"{len(after.regions)} are new; something is lost in {percent(after.share)} (before: {percent(before.share)})."
    )
    return ComparedProfiles(*names, fates, words)


def _losses(region: Region, profile: FailureProfile) -> tuple[np.ndarray, float]:
    """Losses inside, and the mean elsewhere."""
    within = region.where.holds(profile.names, profile.values)
    outside = profile.losses[~within]
    return profile.losses[within], float(outside.mean()) if len(outside) else 0.0


def _p(region: Region, before: FailureProfile, after: FailureProfile) -> float:
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - slow to import

    first, second = _losses(region, before)[0], _losses(region, after)[0]
    if not len(first) or not len(second) or not np.ptp(np.concatenate([first, second])) > 0:
        return 1.0
    return float(mannwhitneyu(first, second, alternative="two-sided").pvalue)


def _fate(owner: str, region: Region, p: float, before: FailureProfile, after: FailureProfile) -> Fate:
    (item, else_one), (two, else_two) = _losses(region, before), _losses(region, after)
    means = [float(part.mean()) if len(part) else float("nan") for part in (item, two)]
    verdict = "stays"
    if not len(item) or not len(two):
        verdict = "unknown"
    elif p < LEVEL and means[1] < means[0]:
        verdict = "removed" if means[1] <= else_two else "less"
    elif p < LEVEL:
        verdict = "new" if means[0] <= else_one else "more"
    return Fate(region.rule, owner, verdict, means[0], means[1], len(item), len(two), p)
