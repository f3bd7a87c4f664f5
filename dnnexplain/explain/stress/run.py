"""Run a battery of scenarios, over all cores, and go on where an earlier run ended."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Box, DnnExplainError, EpisodeSystem, Policy, Spec, Tabular, cost_is_ratio, need
from dnnexplain.counts import counted
from dnnexplain.explain.generate.adversary import TriedWorkloads, hardest, worst_ten
from dnnexplain.explain.generate.files import generator_mark
from dnnexplain.explain.generate.generators import Generator
from dnnexplain.explain.generate.plausibility import LEAST, Plausibility
from dnnexplain.explain.guards.guarded import Guarded
from dnnexplain.explain.stress.boundaries import boundaries
from dnnexplain.explain.stress.cases import Case, battery, case_file, distinct
from dnnexplain.explain.stress.failing import failing_regions, region_sets
from dnnexplain.explain.stress.faults import FAULTS, FaultyInput
from dnnexplain.explain.stress.reference import reference, regret_of, slope_of
from dnnexplain.explain.stress.result import Generated, ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import Comparison, compare
from dnnexplain.intervals import mean_interval
from dnnexplain.parallel import Progress, seeded_imap
from dnnexplain.registry import fair_rules
from dnnexplain.results import Question

__all__ = ["BUDGET", "UNSETTLED", "stress"]

Floats = NDArray[np.float64]
BUDGET = 4000
"""Workloads that the policy is run on, in all."""
SMALLEST, LARGEST = 10, 50
"""Workloads of a scenario."""
ORDINARY = 100
"""Ordinary workloads, at most; a tenth of the budget."""
FAULTY = 6
"""Quantities of the input that a fault spoils, at most; of a late fault workloads, too, for they run one by one."""
PLAUSIBLE = 0.05
BARE = " "
"""Under this name a policy runs without its guard; no rule is called so."""
UNSETTLED = "Proofs:"
"""Begins the sentence on what was not proved."""
LEARNED = 400
"""Workloads that say what is likely; they are drawn and not run."""


@dataclass(frozen=True)
class _Task:
    """A scenario for a worker."""

    system: Any
    spec: Spec
    policy: Policy
    case: Case
    sets: int
    seed: int

    def forget(self) -> None:
        """Count a guard's decisions from here on."""
        if isinstance(self.policy, Guarded):
            self.policy.forget()

    @property
    def stepped_in(self) -> tuple[float, float]:
        """Of the decisions that were counted, the shares that a guard took, and took otherwise than the policy."""
        steps = self.policy.steps_in if isinstance(self.policy, Guarded) else None
        return (steps.share, steps.share_changed) if steps is not None else (0.0, 0.0)

    @property
    def bare(self) -> Policy | None:
        """The policy without its guard; ``None`` if it has none."""
        return self.policy.policy if isinstance(self.policy, Guarded) else None


def stress(
    system: EpisodeSystem,
    spec: Spec,
    policy: Policy,
    *,
    recorded: Sequence[Any] | None = None,
    generator: Generator | None = None,
    budget: int = BUDGET,
    oracle_seconds: float = 1.0,
    seed: int = 0,
    jobs: int | None = None,
    backend: str = "loky",
    client: Any = None,
    resume: StressTest | None = None,
    keep: Callable[[Callable[[], StressTest]], object] | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> StressTest:
    """Test a policy under every scenario, and search for likely inputs that are bad for it.

    Args:
        system: with episodes.
        spec: the system's.
        policy: what is tested; one with a guard is run without it, too, to tell what the guard helps.
        recorded: workloads of a log: a scenario of their own, and what generated ones must be like.
        generator: a fitted one: the search for likely and bad inputs begins from what it writes, and mixes that in;
            what is likely is told by ordinary workloads, or the log's, all the same.
        budget: workloads that the policy is run on: half for scenarios, a quarter each for generated and drawn ones,
            of which those are taken in which regions are looked for.
        oracle_seconds: for the optimum of each point of the front.
        seed: of all that is drawn.
        jobs, backend, client: see :func:`~dnnexplain.parallel.seeded_map`.
        resume: an earlier run of the same question: its scenarios are not run again.
        keep: called with a function that makes the result so far, after each scenario.
        progress: called with scenarios done and in all.
        cancel: ends it; the result is then not ``done``.

    Raises:
        DnnExplainError: no whole workloads, no rule to compare with, a budget too small, or another question resumed.
    """
    need(system, EpisodeSystem, "a stress test")
    fair = _fair(system, spec)
    cases, sets, left_out = _afforded(distinct(system, battery(spec, recorded), seed), budget)
    settings = {"budget": budget, "cases": [case.name for case in cases], "like": recorded is not None}
    if generator is not None:
        settings["generator"] = generator_mark(generator)
    question = Question.about(system, policy, method="stress", seed=seed, settings=settings)
    known = _known(resume, question)
    ordinary = max(sets, min(ORDINARY, budget // 10))
    each = [ordinary if case.kind == "nominal" else sets for case in cases]
    tasks = [
        _Task(system, spec, policy, case, count, seed)
        for case, count in zip(cases, each, strict=True)
        if case.name not in known
    ]
    refused: dict[str, str] = {}

    def result(
        generated: Generated | None = None,
        regions: Mapping[str, Any] | None = None,
        more: Sequence[str] = (),
        *,
        done: bool = False,
    ) -> StressTest:
        kept = tuple(known[case.name] for case in cases if case.name in known)
        reasons = (*left_out, *(f"{name}: {why}" for name, why in refused.items()), *more)
        where = boundaries(spec, kept, policy.name)
        return StressTest(
            question, kept, generated, reasons, system.cost_name, cost_is_ratio(system), boundaries=where,
            regions=dict(regions or {}), done=done,
        )  # fmt: skip

    ways: dict[str, Any] = {"jobs": jobs, "backend": backend, "client": client, "cancel": cancel}
    for position, scenario in seeded_imap(_run, tasks, seed=seed, progress=progress, **ways):
        if isinstance(scenario, str):
            refused[tasks[position].case.name] = scenario
        else:
            known[scenario.name] = scenario
        if keep is not None and "nominal" in known:
            keep(result)
    if "nominal" not in known:
        ended = "the test was ended before ordinary workloads were run, and nothing is kept; run it again"
        msg = f"ordinary workloads could not be run: {refused['nominal']}" if "nominal" in refused else ended
        raise DnnExplainError(msg)
    sets = region_sets(system, budget)
    generated, why = (None, "") if resume is None or not resume.done else (resume.generated, "")
    if generated is None and not _over(cancel):
        count = budget // 4 - sets
        generated, why = _generate(system, spec, policy, fair, recorded, generator, count, oracle_seconds, seed, cancel)
    regions, unknown = (dict(resume.regions), "") if resume is not None and resume.done else ({}, "")
    if not regions and not _over(cancel):
        regions, unknown = failing_regions(system, spec, policy, fair, sets, seed)
    return result(generated, regions, [*filter(None, (why, unknown)), *_never(system)], done=not _over(cancel))


def _over(cancel: Event | None) -> bool:
    return cancel is not None and cancel.is_set()


def _never(system: EpisodeSystem) -> list[str]:
    never = [
        f"{UNSETTLED} what a test does not find may still exist; a test with proofs settles what the system states, a search for worst cases looks further.",
        "Policies' probabilities: each decision is the most probable one; drawn decisions were not tested.",
    ]
    return never[:1] if isinstance(system.output, Box) else never  # numbers are set, not drawn


def _fair(system: EpisodeSystem, spec: Spec) -> dict[str, Policy]:
    rules = fair_rules(system)
    if not rules:
        msg = f"a stress test compares with rules, and {spec.name} has none that is fair"
        raise DnnExplainError(msg)
    return rules


def _afforded(cases: Sequence[Case], budget: int) -> tuple[list[Case], int, list[str]]:
    """The scenarios that half of the budget pays for, workloads for each, and what is left out."""
    for_them = budget // 2 - max(0, min(ORDINARY, budget // 10) - SMALLEST)
    most = for_them // SMALLEST
    if most < 1:
        msg = f"a budget of {budget} runs is too small: one scenario needs {2 * SMALLEST}; {BUDGET} is usual"
        raise DnnExplainError(msg)
    kept, rest = list(cases[:most]), cases[most:]
    if rest:
        names = Counter(case.name.split(":")[0] for case in rest)
        listed = "; ".join(f"{count} of {name}" if count > 1 else name for name, count in names.items())
        enough = 20 * math.ceil((len(cases) * SMALLEST + ORDINARY - SMALLEST) / 10)
        said = [
            f"{len(rest)} of {counted(len(cases), 'scenario')}, for which the budget is too small ({enough:,} is enough): {listed}."
        ]
    else:
        said = []
    return kept, int(np.clip(for_them // len(kept), SMALLEST, LARGEST)), said


def _known(resume: StressTest | None, question: Question) -> dict[str, ScenarioResult]:
    if resume is None:
        return {}
    if resume.question != question:
        msg = (
            "the stress test that is there asked another question (policy, system, seed, budget); choose another folder"
        )
        raise DnnExplainError(msg)
    return {scenario.name: scenario for scenario in resume.scenarios}


def _run(task: _Task, rng: np.random.Generator) -> ScenarioResult | str:
    """One scenario, or why it cannot be run."""
    del rng  # the test's own seed draws the workloads, so that one scenario can be drawn again by itself
    try:
        workloads = task.case.workloads(task.system, task.sets, task.seed)
        task.forget()
        if task.case.fault:
            return _faulty(task, workloads)
        ours = task.system.run(task.policy, workloads, seed=task.seed)
        bare = None if task.bare is None else task.system.run(task.bare, workloads, seed=task.seed)
        fair = _fair(task.system, task.spec)
        theirs = {name: task.system.run(rule, workloads, seed=task.seed) for name, rule in fair.items()}
    except DnnExplainError as error:
        return f"not run: {error}"
    return _judged(task, workloads, ours, theirs, bare)


def _judged(
    task: _Task,
    workloads: Sequence[Any],
    ours: Any,
    theirs: Mapping[str, Any],
    bare: Any = None,
    invalid: tuple[int, int] = (0, 0),
) -> ScenarioResult:
    """A scenario's result; ``invalid`` outputs of the policy, and of the one without its guard."""
    costs = {name: np.asarray(their.cost, dtype=np.float64) for name, their in theirs.items()}
    best = theirs[min(costs, key=lambda name: float(costs[name].mean()))]
    names = {metric.name: metric.words or metric.title for metric in task.spec.metrics if metric.wrong}

    def compared(run: Any, faulty: int) -> tuple[Comparison, Floats, dict[str, tuple[float, float]]]:
        wrong = {
            words: (float(np.nansum(run.metrics[name])), float(np.nansum(best.metrics[name])))
            for name, words in names.items()
            if name in run.metrics and name in best.metrics
        }
        cost = np.asarray(run.cost, dtype=np.float64)
        return compare(cost, costs, ratio=cost_is_ratio(task.system), wrong=wrong, invalid=faulty), cost, wrong

    verdict, cost, wrong = compared(ours, invalid[0])
    without: dict[str, Any] = {}
    if bare is not None:
        alone, own, _ = compared(bare, invalid[1])
        without = {"verdict": alone.verdict, "why": alone.why, "cost": float(own.mean()), "gap": alone.gap.mean}
        without["stepped_in"], without["changed"] = task.stepped_in
    mean, case = mean_interval(cost, within=task.spec.cost_range), task.case
    worst: dict[str, Any] = case_file(task.system, workloads[verdict.worst], case.name)
    worst |= {"place": verdict.worst, "seed": task.seed, "cost": float(cost[verdict.worst])}
    data = {name: {"policy": first, "best_rule": other} for name, (first, other) in wrong.items() if first or other}
    return ScenarioResult(
        case.name, case.kind, case.sentence, verdict.verdict, verdict.why, verdict.sure, *mean.three, verdict.best_rule,
        verdict.rule_cost, *verdict.gap.three, len(cost), data, case.family, dict(case.parameters), worst,
        without,
    )  # fmt: skip


def _faulty(task: _Task, workloads: Sequence[Any]) -> ScenarioResult | str:
    """Policy and rules with the same fault: of every so many workloads, another quantity is spoiled.

    What a late fault shows depends on what was seen before, so it is run workload by workload; others side by side.
    """
    fault = FAULTS[task.case.fault]
    chosen = workloads[:FAULTY] if fault.late else workloads
    policies = {"": task.policy, **({} if task.bare is None else {BARE: task.bare}), **_fair(task.system, task.spec)}
    runs: dict[str, list[Any]] = {name: [] for name in policies}
    invalid = dict.fromkeys(policies, 0)
    decisions = 0
    for quantity in range(min(FAULTY, len(chosen))):
        for name, policy in policies.items():
            spoiled = FaultyInput(policy, fault, task.system, quantity)
            runs[name].append(task.system.run(spoiled, chosen[quantity::FAULTY], seed=task.seed))
            invalid[name] += spoiled.invalid
            decisions = max(decisions, spoiled.decisions)
    if fault.late and decisions < 2:
        return "not run: an episode is a single decision here, and this fault shows from the second on."
    order = np.argsort(np.concatenate([np.arange(len(chosen))[start::FAULTY] for start in range(len(runs[""]))]))
    joined = {name: _joined(run, order) for name, run in runs.items()}
    ours, bare = joined.pop(""), joined.pop(BARE, None)
    return _judged(task, chosen, ours, joined, bare, (invalid[""], invalid.get(BARE, 0)))


@dataclass(frozen=True)
class _Joined:
    """Several runs as one."""

    cost: Floats
    metrics: Mapping[str, Floats]


def _joined(runs: Sequence[Any], order: NDArray[np.int64]) -> _Joined:
    metrics = {name: np.concatenate([run.metrics[name] for run in runs])[order] for name in runs[0].metrics}
    return _Joined(np.concatenate([run.cost for run in runs])[order], metrics)


# --- likely and bad -----------------------------------------------------------------------------


def _generate(
    system: EpisodeSystem,
    spec: Spec,
    policy: Policy,
    fair: Mapping[str, Policy],
    recorded: Sequence[Any] | None,
    generator: Generator | None,
    count: int,
    seconds: float,
    seed: int,
    cancel: Event | None,
) -> tuple[Generated | None, str]:
    """What the search found, or why there was none."""
    if not isinstance(system, Tabular):
        return None, f"Generated inputs: {spec.name} cannot turn workloads into tables of records and back."
    if count < LEAST:
        return None, f"Generated inputs: a quarter of the budget is {counted(count, 'run')}, and {LEAST} are needed."
    drawn, said = _ordinary(system, spec, recorded, max(LEARNED, count), seed)
    law = Plausibility([system.to_records(item) for item in drawn])

    regret = regret_of(system, policy, fair, seed)
    ordinary = TriedWorkloads()
    ordinary.add(system, drawn[:count], law, regret)
    start = drawn if generator is None else _likely(system, generator, law, len(drawn), seed)
    searched = hardest(
        system,
        start,
        law,
        regret,
        count=count,
        least=PLAUSIBLE,
        seed=seed,
        cancel=cancel,
        slope=slope_of(system, policy),
    )
    ten, plain = worst_ten(searched, PLAUSIBLE), worst_ten(ordinary, PLAUSIBLE)
    if not ten or not plain:
        return (
            None,
            f"Generated inputs: in {counted(count, 'run')} none was at least as likely as the least likely {PLAUSIBLE:.0%} of {spec.workloads}.",
        )
    if len(ordinary.regret) < len(searched.regret):
        said = f"{said} Generated inputs: {len(searched.regret)} were run, and the log has {len(ordinary.regret)} to compare with.".strip()
    front = [_point(system, policy, searched, run, seconds, seed) for run in searched.front(PLAUSIBLE)[:10]]
    made = Generated(
        float(np.mean([searched.regret[run] for run in ten])),
        float(np.mean([ordinary.regret[run] for run in plain])),
        float(searched.regret[ten[0]]),
        PLAUSIBLE,
        len(searched.regret),
        searched.proposed,
        [searched.plausibility[run] for run in ten],
        len({searched.cells[run] for run in ten}),
        front,
        reference(system),
    )
    return made, said


def _likely(system: Tabular, generator: Generator, law: Plausibility, count: int, seed: int) -> list[Any]:
    """What a generator writes, the likely ones first."""
    made = [system.from_records(table) for table in generator.sample(count, seed=seed)]
    shares = law([system.to_records(item) for item in made])
    return [item for item, share in zip(made, shares, strict=True) if share >= PLAUSIBLE] + [
        item for item, share in zip(made, shares, strict=True) if share < PLAUSIBLE
    ]


def _ordinary(
    system: EpisodeSystem, spec: Spec, recorded: Sequence[Any] | None, count: int, seed: int
) -> tuple[list[Any], str]:
    """Workloads that say what is likely, and what one must know of them: those of a log, if it has enough."""
    if recorded is not None and len(recorded) >= 2 * LEAST:
        return list(recorded), ""
    said = (
        f"Generated inputs like the log: it has {len(recorded)} {spec.workloads}, and what is likely is learned from "
        f"{2 * LEAST}; they are like ordinary {spec.workloads} instead."
        if recorded is not None
        else ""
    )
    return list(system.workloads(spec.family().name, count, seed)), said


def _point(system: Any, policy: Policy, tried: TriedWorkloads, run: int, seconds: float, seed: int) -> dict[str, Any]:
    """A point of the front: read back from its file's content, run again, and held against the optimum."""
    content = case_file(system, tried.workloads[run], f"generated {run}")
    workload = system.from_records(np.array(content["records"]))
    cost = float(system.run(policy, [workload], seed=seed).cost[0])
    bound = system.bound(workload, seconds=seconds)
    return {
        "regret": tried.regret[run],
        "plausibility": tried.plausibility[run],
        "cost": cost,
        "optimum": [
            bound.lower if np.isfinite(bound.lower) else None,
            bound.upper if np.isfinite(bound.upper) else None,
        ],
        "optimum_status": bound.status,
        "ended_by": bound.ended_by,
        "workload": content,
    }
