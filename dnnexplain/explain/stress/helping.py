"""What a guard helps: verdicts with it beside verdicts without, in words."""

from __future__ import annotations

from collections.abc import Sequence

from dnnexplain.counts import counted
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import ORDER
from dnnexplain.numbers import as_told, number, percent

__all__ = ["changed_verdicts", "guard_words"]

SHOWN = 6


def changed_verdicts(test: StressTest) -> list[tuple[int, ScenarioResult]]:
    """Scenarios, with their places, in which a guard makes the verdict another: those that get better first, by how much."""
    both = [(place, item) for place, item in enumerate(test.scenarios) if item.without and _step(item)]
    return sorted(both, key=lambda pair: _step(pair[1]))


def guard_words(test: StressTest, *, listed: bool = True) -> str:
    """In which scenarios a guard makes the verdict better or worse, and what it costs on ordinary workloads; empty without one.

    Args:
        test: the test.
        listed: whether the scenarios are named.
    """
    both = [scenario for scenario in test.scenarios if scenario.without]
    if not both:
        return ""
    better = [item for item in both if _step(item) < 0]
    worse = [item for item in both if _step(item) > 0]
    same = len(both) - len(better) - len(worse)
    words = (
        f"Without the guard it is unsafe in {_unsafe([str(item.without['verdict']) for item in both])} of {counted(len(both), 'scenario')}, "
        f"with it in {_unsafe([item.verdict for item in both])}. The guard makes the verdict better in {_listed(better, listed=listed)}, worse in {_listed(worse, listed=listed)}, "
        f"and leaves it as it was in {same or 'none'}.{_stepped_in(both)}"
    )
    nominal = both[0]
    if nominal.kind != "nominal":
        return words
    name, (with_it, without) = as_told(test.cost_name, nominal.cost, float(nominal.without["cost"]))
    measure = "cost" if name == test.cost_name else name
    return f"{words} On ordinary workloads the {measure} is {number(with_it)} with it and {number(without)} without."


def _stepped_in(scenarios: Sequence[ScenarioResult]) -> str:
    """Where a guard decided most often, and how often on ordinary workloads; empty of a test that did not count."""
    if not all("stepped_in" in item.without for item in scenarios):
        return ""
    most = max(scenarios, key=lambda item: float(item.without["stepped_in"]))
    share, changed = (float(most.without[name]) for name in ("stepped_in", "changed"))
    if not share:
        return " It never stepped in."
    words = f" It took {percent(share)} of the decisions in {most.label} ({percent(changed)} otherwise than the policy)"
    first = scenarios[0]
    if first is most or first.kind != "nominal":
        return f"{words}, where it did so most often."
    return (
        f"{words}, where it did so most often, and {percent(float(first.without['stepped_in']))} on ordinary workloads."
    )


def _step(scenario: ScenarioResult) -> int:
    return ORDER.index(scenario.verdict) - ORDER.index(str(scenario.without["verdict"]))


def _unsafe(verdicts: Sequence[str]) -> int | str:
    return verdicts.count(ORDER[-1]) or "none"


def _listed(scenarios: Sequence[ScenarioResult], *, listed: bool) -> str:
    if not scenarios or not listed:
        return str(len(scenarios) or "none")
    names = [f"{item.label}, from {item.without['verdict']} to {item.verdict}" for item in scenarios[:SHOWN]]
    more = "; ..." if len(scenarios) > SHOWN else ""
    return f"{len(scenarios)} ({'; '.join(names)}{more})"
