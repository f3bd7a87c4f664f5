"""The failure profile of a policy: regions checked on samples they were not found in, ranked by how much is lost there in all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Costed, DecisionOracle, DnnExplainError, Policy
from dnnexplain.counts import counted
from dnnexplain.explain.distillation.conditions import in_words
from dnnexplain.explain.proofs.throughout import UNASKED, Everywhere
from dnnexplain.explain.regions.boxes import LEAST, failing_boxes, inside
from dnnexplain.explain.regions.deciding import decided
from dnnexplain.explain.regions.evidence import Evidence, decisions, gaps, met_states, random_states
from dnnexplain.explain.regions.significance import fisher, holm, rank_sum
from dnnexplain.explain.regions.where import Where
from dnnexplain.numbers import number, percent
from dnnexplain.results import Question, Result, array_field, plain_field, register

__all__ = ["KINDS", "FailureProfile", "Region", "failure_profile", "profile_of"]

KINDS = ("decisions", "workloads")
LEVEL = 0.05
MOST = 8
TURN = 25
"""States of each half that are judged before it is the other's turn."""
Draw = Callable[[int, int], Sequence[Any]]
Progress = Callable[..., object]


@register
@dataclass(frozen=True, slots=True)
class Region:
    """Where a policy fails; all figures from samples that the region was not found in.

    Attributes:
        where: the bounds; ``rule``: the same in words.
        samples, samples_outside: how many lay inside and outside.
        share, share_outside: of these, in how many something was lost.
        loss, loss_outside: the mean loss.
        mass: the share of all that the policy meets that lies inside.
        p, p_share: one-sided: losses inside are larger (Wilcoxon), more of them fail (Fisher); corrected by Holm.
        valid_samples, valid_share: random valid states inside, and in what share of them something is lost; NaN if none.
        words: all in a sentence.
        decision: what is decided in most of the states inside in which something is lost, and in what share of them; empty
            of workloads, which are whole episodes.
        throughout: whether that is decided in every valid state inside: proved, refuted by a state, or open.
    """

    where: Where
    rule: str
    samples: int
    samples_outside: int
    share: float
    share_outside: float
    loss: float
    loss_outside: float
    mass: float
    p: float
    p_share: float
    valid_samples: int
    valid_share: float
    words: str
    decision: str = ""
    decision_share: float = float("nan")
    throughout: Everywhere = UNASKED

    @property
    def weight(self) -> float:
        """Mass times loss, by which regions are ranked: what is lost there for each decision that is met."""
        return self.mass * self.loss


@dataclass(frozen=True, eq=False)
class FailureProfile(Result):
    """Where a policy fails, ranked by mass times loss.

    Attributes:
        question: policy, kind, seeds, counts.
        kind: ``"decisions"`` or ``"workloads"``.
        regions: those that hold on the other half, corrected for how many were tried.
        tried: how many boxes were found in the first half and tested on the other.
        samples: in the other half; ``share``, ``loss``: over all of them; ``unit`` of the loss.
        explained: the part of all loss that lies in some region.
        names: of the quantities; ``values`` and ``losses``: the other half, to compare with.
        words: a sentence.
    """

    question: Question
    kind: str
    regions: tuple[Region, ...]
    tried: int
    samples: int
    share: float
    loss: float
    unit: str
    explained: float
    names: tuple[str, ...]
    values: NDArray[np.float64] = array_field("sample", "quantity")
    losses: NDArray[np.float64] = array_field("sample")
    words: str = ""
    assumed: list[str] = plain_field(default_factory=list)

    def table(self) -> list[dict[str, Any]]:
        """A row per region."""
        return [
            {
                "where": region.rule,
                "share": region.share,
                "outside": region.share_outside,
                "loss": region.loss,
                "mass": region.mass,
                "p": region.p,
            }
            for region in self.regions
        ]


def failure_profile(
    system: Any,
    policy: Policy,
    draw: Draw,
    *,
    rules: Mapping[str, Policy] | None = None,
    kind: str = "",
    sets: int = 40,
    states: int = 300,
    seed: int = 0,
    floor: float = 1e-6,
    seconds: float = 1.0,
    most: int = MOST,
    stop: Event | None = None,
    progress: Progress | None = None,
) -> FailureProfile:
    """Find regions in one half of the seeds, check them on the other.

    Args:
        system: with an oracle (decisions) or with rules (workloads).
        policy: whose failures.
        draw: ``draw(count, seed)`` gives workloads.
        rules: that workloads are held against; all but the random one by default.
        kind: ``"decisions"`` or ``"workloads"``; decisions where the system can judge them.
        sets: workloads in each half.
        states: of each half, at most, that are judged; and as many random valid ones in all.
        seed: the first half is drawn with ``2 seed``, the other with ``2 seed + 1``.
        floor: a loss above this is a failure.
        seconds: for each state.
        most: regions to keep.
        stop: ends it with what was judged until then.
        progress: called with what is done, of how many, and words.

    Raises:
        DnnExplainError: an unknown kind, or the system lacks what it needs.
    """
    judged = isinstance(system, DecisionOracle | Costed)
    kind = kind or ("decisions" if judged else "workloads")
    if kind not in KINDS:
        msg = f"regions are of {' or '.join(KINDS)}, not of {kind!r}"
        raise DnnExplainError(msg)
    say = progress or (lambda *_: None)
    held = dict(rules or {name: rule for name, rule in system.rules().items() if name not in {"random", "optimum"}})
    over = stop or Event()
    drawn = [draw(sets, 2 * seed + half) for half in (0, 1)]
    valid = None
    if kind == "decisions":
        seen = [met_states(system, policy, workloads, states, seed=seed) for workloads in drawn]
        *halves, valid = _judged(system, policy, seen, random_states(system, states, seed), seconds, say, over)
    else:
        halves = []
        for half, workloads in enumerate(drawn):
            say(half, 2, f"workloads of {'the other' if half else 'the first'} half")
            halves.append(gaps(system, policy, workloads, held, stop=over))
    settings = {"kind": kind, "sets": sets, "states": states, "floor": floor, "seconds": seconds}
    question = Question.about(system, policy, method="regions", seed=seed, settings=settings)
    profile = profile_of(question, kind, halves[0], halves[1], valid, floor=floor, most=most)
    if halves[1].actions is not None:
        lines = []
        for place, item in enumerate(profile.regions):
            say(place, len(profile.regions), "asking whether it decides so in every valid state")
            lines.append(item if over.is_set() else decided(system, policy, item, halves[1], floor=floor, seed=seed))
        profile = replace(profile, regions=tuple(lines))
    if not over.is_set():
        return profile
    return replace(
        profile,
        assumed=[*profile.assumed, f"Ended early: {len(halves[1].loss):,} of the other half had been looked at."],
    )


def _judged(
    system: Any,
    policy: Policy,
    seen: Sequence[NDArray[Any]],
    valid: tuple[NDArray[np.float64], NDArray[Any]],
    seconds: float,
    say: Progress,
    over: Event,
) -> list[Evidence]:
    """What is lost in the states of both halves and in random valid ones, in turns, so that all can end early."""
    values = (None, None, valid[0])
    lots = (*seen, valid[1])
    most = max(map(len, lots))
    evidences: list[list[Evidence]] = [[], [], []]
    for begin in range(0, max(most, 1), TURN):
        say(begin, most, f"{begin:,} of {most:,} decisions of each half")
        if begin and over.is_set():
            break
        part = slice(begin, begin + TURN)
        for kept, lot, own in zip(evidences, lots, values, strict=True):
            if len(lot[part]) or not begin:
                known = None if own is None else own[part]
                kept.append(decisions(system, policy, lot[part], seconds=seconds, values=known, stop=over))
    return [Evidence.joined(parts) for parts in evidences]


def profile_of(
    question: Question,
    kind: str,
    found_in: Evidence,
    checked_on: Evidence,
    valid: Evidence | None = None,
    *,
    floor: float = 1e-6,
    most: int = MOST,
) -> FailureProfile:
    """Regions of given evidence: found in one part of it, tested on another."""
    boxes = failing_boxes(found_in.values, np.where(found_in.loss > floor, found_in.loss, 0.0))
    within = [inside(box, checked_on.values) for box in boxes]
    failed = checked_on.loss > floor
    p = holm([rank_sum(item, checked_on.loss) for item in within])
    p_share = holm([fisher(item, failed) for item in within])
    what = "decisions" if kind == "decisions" else "workloads"
    regions = [
        _region(box, item, float(p[k]), float(p_share[k]), checked_on, failed, valid, floor, what)
        for k, (box, item) in enumerate(zip(boxes, within, strict=True))
        if p[k] < LEVEL and item.sum() >= LEAST
    ]
    regions = sorted(regions, key=lambda region: -region.weight)[:most]
    covered = np.zeros(len(failed), dtype=bool)
    for region in regions:
        covered |= region.where.holds(checked_on.names, checked_on.values)
    total = float(checked_on.loss.sum())
    profile = FailureProfile(
        question, kind, tuple(regions), len(boxes), len(failed),
        float(failed.mean()) if len(failed) else 0.0, float(checked_on.loss.mean()) if len(failed) else 0.0,
        checked_on.unit, float(checked_on.loss[covered].sum()) / total if total > 0 else 0.0,
        checked_on.names, checked_on.values, checked_on.loss, assumed=_assumed(kind, found_in, checked_on),
    )  # fmt: skip
    return replace(profile, words=_words(profile, question.policy, what))


def _region(
    box: Mapping[int, tuple[float, float]],
    within: NDArray[np.bool_],
    p: float,
    p_share: float,
    evidence: Evidence,
    failed: NDArray[np.bool_],
    valid: Evidence | None,
    floor: float,
    what: str,
) -> Region:
    where = Where.of(evidence.names, box)
    rule = in_words(
        {span.feature: (span.low, span.high) for span in where.spans}, evidence.units, evidence.absent, evidence.whole
    )
    others = np.zeros(0, dtype=bool) if valid is None else where.holds(valid.names, valid.values)
    valid_failed = np.zeros(0, dtype=bool) if valid is None else valid.loss > floor
    samples = int(within.sum())
    shares = float(failed[within].mean()), _mean(failed[~within])
    losses = float(evidence.loss[within].mean()), _mean(evidence.loss[~within])
    mass = samples / len(within)
    words = (
        f"Where {rule}: something is lost in {percent(shares[0])} of {samples:,} {what} (elsewhere {percent(shares[1])}), "
        f"{_loss(losses[0], evidence.unit)} on average (elsewhere {_loss(losses[1], evidence.unit)}); "
        f"{percent(mass)} of all {what} that it meets."
    )
    return Region(
        where, rule, samples, int((~within).sum()), *shares, *losses, mass, p, p_share,
        int(others.sum()), _mean(valid_failed[others]), words,
    )  # fmt: skip


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _loss(value: float, unit: str) -> str:
    if np.isnan(value):
        return "-"
    return f"{number(value)} {unit}" if unit else percent(value)


def _words(profile: FailureProfile, policy: str, what: str) -> str:
    share = f"something is lost in {percent(profile.share)} of {profile.samples:,} {what}"
    if profile.share == 0 and not profile.regions:
        return f"{policy}: nothing is lost in any of {profile.samples:,} {what}, so no region stands out."
    if not profile.regions:
        why = "no range of quantities held more of it than elsewhere"
        if profile.tried:
            tested = (
                f"of {profile.tried} that were found none held" if profile.tried > 1 else "the one found did not hold"
            )
            why = f"{tested} on the other half"
        return f"{policy}: {share}; no region stands out ({why})."
    first = profile.regions[0]
    count = len(profile.regions)
    return (
        f"{policy}: {share}; {percent(profile.explained)} of all loss lies in {counted(count, 'region')}"
        f"{', the first' if count > 1 else ''}: where {first.rule}."
    )


def _assumed(kind: str, *halves: Evidence) -> list[str]:
    lines = ["Regions were found in one half of the seeds; every figure is from the other half."]
    if kind == "decisions":
        lines.append("Decisions of one workload count as independent in the tests.")
    inexact = sum(half.inexact for half in halves)
    if inexact:
        lines.append(f"Of {counted(inexact, 'decision')} the loss is a lower bound: they were not solved in time.")
    return lines
