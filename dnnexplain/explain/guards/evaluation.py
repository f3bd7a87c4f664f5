"""What a guard is worth, on seeds that it was not made on: the worst gap found with and without it, and the nominal cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np

from dnnexplain.contract import Mutable, Policy, cost_is_ratio
from dnnexplain.explain.guards.adversary import Adverse, Draw, behind, merged, worst_workloads
from dnnexplain.explain.guards.ending import ENDED_BY, Ending
from dnnexplain.explain.guards.guard import Guard
from dnnexplain.explain.guards.guarded import Guarded
from dnnexplain.intervals import compared_interval
from dnnexplain.numbers import as_told, gap, interval, percent
from dnnexplain.results import Question, Result, plain_field

__all__ = ["SEARCHES", "GuardReport", "evaluate_guard"]

ENDED = 12
"""Usual workloads that are still run once it was to end before it began."""
SEARCHES = 3
"""Of each attack, with seeds of their own, so far apart that those of the next seeds are others."""
APART = 200


@dataclass(frozen=True, eq=False)
class GuardReport(Result):
    """A guard on the other half of the seeds.

    Attributes:
        question: policy, counts, seed.
        guard: its rules in words; ``digest`` of what they do.
        gap_without, gap_with: the largest gap to the best rule that an attack found, on the policy and on the guarded
            policy by an attack that knows the guard: cost over the best rule's less one, or the difference of costs.
        reduction: by which share of ``gap_without`` the guard makes it smaller; NaN where there was no gap.
        network_without, rule_without, network_with, rule_with: the costs on these two workloads.
        moved: the guarded policy's gap on the workload that was worst without the guard.
        nominal_without, nominal_with: mean cost of ``sets`` usual workloads.
        change, change_low, change_high: of the nominal cost, paired: in shares of it, or in the cost's unit.
        stepped_in, changed: shares of the decisions on usual workloads that the guard took, and took otherwise.
        stepped_in_worst: share of decisions on the workloads that were worst with the guard.
        words: in sentences.
        workload_without, workload_with: these two workloads as plain JSON, where the system writes them.
        cost_name: what costs are called.
    """

    question: Question
    guard: tuple[str, ...]
    digest: str
    gap_without: float
    gap_with: float
    reduction: float
    network_without: float
    rule_without: float
    network_with: float
    rule_with: float
    moved: float
    nominal_without: float
    nominal_with: float
    change: float
    change_low: float
    change_high: float
    stepped_in: float
    changed: float
    stepped_in_worst: float
    words: str
    workload_without: Any = plain_field(default=None)
    workload_with: Any = plain_field(default=None)
    assumed: list[str] = plain_field(default_factory=list)
    cost_name: str = ""

    def table(self) -> list[dict[str, Any]]:
        """The policy alone and guarded: the worst gap that an attack finds, and the mean cost on usual workloads."""
        cost, (without_it, with_it) = as_told(self.cost_name, self.nominal_without, self.nominal_with)
        usual = "usual cost" if cost == self.cost_name else f"usual {cost}"
        without = {"worst gap": self.gap_without, usual: without_it, "stepped in, usual": 0.0}
        guarded = {"worst gap": self.gap_with, usual: with_it, "stepped in, usual": self.stepped_in}
        return [{"policy": "alone"} | without, {"policy": "guarded"} | guarded]


def evaluate_guard(
    system: Any,
    policy: Policy,
    guard: Guard,
    draw: Draw,
    *,
    rules: Mapping[str, Policy],
    sets: int = 100,
    rounds: int = 20,
    seconds: float = np.inf,
    seed: int = 0,
    stop: Event | None = None,
    progress: Callable[..., object] | None = None,
) -> GuardReport:
    """Measure a guard on odd seeds, which :func:`compile_guard` does not use.

    Each is attacked :data:`SEARCHES` times from starts of their own, since one search ends in one kind of failure: the worst
    gaps that single searches find of one network can differ by a factor of three. The attacks on the guarded policy have as
    many rounds and the same seeds, and begin beside the usual workloads with what those on the policy found; the policy
    alone is tried on what they find too, so that neither is spared.

    Args:
        system, policy, guard: what is measured.
        draw: ``draw(count, seed)`` gives workloads.
        rules: the best of which on each workload is what policies are held against.
        sets: usual workloads.
        rounds: batches of each search of the two attacks.
        seconds: a second limit, for people, on the wall: half of it is the first attack's; it is looked at between batches.
        seed: of everything.
        stop: ends the attacks with what they have found; set before, few workloads are looked at, which the report says.
        progress: called with what is done, of how many, and words.
    """
    guarded = Guarded(policy, guard, system)
    over = Ending(stop, seconds)
    first = Ending(over, seconds / 2)
    sets = min(sets, ENDED) if over.is_set() else sets
    usual = list(draw(sets, 2 * seed + 1))
    before = np.asarray(system.run(policy, usual).cost, dtype=np.float64)
    guarded.forget()
    after = np.asarray(system.run(guarded, usual).cost, dtype=np.float64)
    steps = guarded.steps_in
    ratio = cost_is_ratio(system)
    change = compared_interval(after, before, ratio=ratio)
    drawn = 2 * seed + 5001
    say = progress or (lambda *_: None)

    def attacked(whom: Policy, beside: Sequence[Any], at: int, words: str, over: Ending) -> Adverse:
        def search(place: int) -> Adverse:
            return worst_workloads(
                system, whom, draw, rules, rounds=rounds, seed=drawn + APART * place, beside=beside, stop=over, pace=over.pace,
                progress=lambda share: say(at + (place + share) / SEARCHES, 2, words),
            )  # fmt: skip

        searches = [search(0)]
        while len(searches) < SEARCHES and not over.is_set():
            searches.append(search(len(searches)))
        return merged(searches)

    plain = attacked(policy, (), 0, "attacking the policy on the other half of the seeds", first)
    known = attacked(guarded, plain.workloads, 1, "attacking the guarded policy there", over)
    plain = _also(system, policy, plain, known)
    guarded.forget()
    system.run(guarded, list(known.workloads))
    moved = behind(system, np.asarray(system.run(guarded, plain.workloads[:1]).cost), plain.rule[:1])
    gaps = float(plain.gaps[0]), float(known.gaps[0])
    reduction = 1.0 - gaps[1] / gaps[0] if gaps[0] > 0 else float("nan")
    settings = {"sets": sets, "rounds": rounds, "searches": SEARCHES, "rules": list(rules)}
    report = {
        "gap_without": gaps[0],
        "gap_with": gaps[1],
        "reduction": reduction,
        "network_without": float(plain.own[0]),
        "rule_without": float(plain.rule[0]),
        "network_with": float(known.own[0]),
        "rule_with": float(known.rule[0]),
        "moved": float(moved[0]),
        "nominal_without": float(before.mean()),
        "nominal_with": float(after.mean()),
        "change": change.mean,
        "change_low": change.low,
        "change_high": change.high,
        "stepped_in": steps.share,
        "changed": steps.share_changed,
        "stepped_in_worst": guarded.steps_in.share,
    }
    return GuardReport(
        question=Question.about(system, policy, method="guard", seed=seed, settings=settings),
        guard=guarded.rule_words,
        digest=guard.digest,
        workload_without=_written(system, plain),
        workload_with=_written(system, known),
        words=_words(report, ratio, policy.name, getattr(system, "cost_name", "cost")) + _ended(over.by or first.by),
        cost_name=getattr(system, "cost_name", "cost"),
        assumed=[*guarded.assumed, f"Worst workloads were searched, not proved: {known.how}."],
        **report,
    )


def _ended(by: str) -> str:
    return f" Measuring it was ended before all attacks were done, {ENDED_BY[by]}." if by else ""


def _written(system: Any, adverse: Adverse) -> Any:
    return system.workload_to_json(adverse.workloads[0]) if isinstance(system, Mutable) else None


def _also(system: Any, policy: Policy, plain: Adverse, known: Adverse) -> Adverse:
    """What was found against the policy alone, and how it does on what was found against the guarded one."""
    own = np.asarray(system.run(policy, list(known.workloads)).cost, dtype=np.float64)
    gaps = behind(system, own, known.rule)
    worst = int(gaps.argmax())
    if gaps[worst] <= plain.gaps[0]:
        return plain
    return Adverse(
        (known.workloads[worst], *plain.workloads),
        np.append(own[worst], plain.own),
        np.append(known.rule[worst], plain.rule),
        np.append(gaps[worst], plain.gaps),
        plain.how,
    )


def _words(report: Mapping[str, float], ratio: bool, policy: str, cost: str) -> str:
    def figure(value: float) -> str:
        return gap(value, ratio=ratio)

    reduction = report["reduction"]
    size = "smaller" if reduction >= 0 else "larger"
    much = "there was none to shrink" if np.isnan(reduction) else f"{percent(abs(reduction))} {size}"
    name, (change, high, low) = as_told(cost, report["change"], report["change_low"], report["change_high"])
    if ratio or name == cost:  # a share of what is earned is the same share, whatever its sign
        change, low, high = report["change"], report["change_low"], report["change_high"]
    return (
        f"{policy}: the worst gap to the best rule that was found is {figure(report['gap_without'])} without the guard and "
        f"{figure(report['gap_with'])} with it ({much}); {name} on usual workloads changes by {figure(change)} ({interval(low, high, ratio=ratio)}); "
        f"the guard takes {percent(report['stepped_in'])} of the decisions there, {percent(report['changed'])} otherwise."
    )
