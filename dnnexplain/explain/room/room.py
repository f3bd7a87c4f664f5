"""Split the gap between a policy and the optimum: what looking ahead, seeing all, and knowing the future are worth.

Every level but the last is a policy that was run, so it is a cost that is surely reached with what it may know. The
best policy with the same information is not known: it may do better than the search here, and then more of the gap is
the policy's and less is the future's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Continuing,
    Discrete,
    DnnExplainError,
    EpisodeSystem,
    Policy,
    Spec,
    load_reference,
    need,
)
from dnnexplain.counts import counted
from dnnexplain.explain.room.look_ahead import LookAhead
from dnnexplain.explain.room.result import Level, Part, Room
from dnnexplain.intervals import mean_interval
from dnnexplain.parallel import Progress, seeded_map
from dnnexplain.registry import fair_rules
from dnnexplain.results import Question

__all__ = ["FUTURES", "room"]

Floats = NDArray[np.float64]
FUTURES = 8
"""Sampled futures that each action is tried on."""
PART = 5
"""Workloads that one task looks ahead on, side by side."""
_WORDS = {
    "policy": "a better policy with the same information",
    "sight": "seeing all that is there",
    "future": "knowing the future",
    "gap": "not told apart",
}


@dataclass(frozen=True)
class _Task:
    """One policy on all workloads, or the optimum of one of them, for a worker."""

    name: str
    system: Any
    policy: Any
    workloads: Sequence[Any]
    seed: int
    seconds: float = 0.0


def room(
    system: EpisodeSystem,
    spec: Spec,
    policy: Policy,
    workloads: Sequence[Any],
    futures: Sequence[Any] = (),
    *,
    oracle_seconds: float = 10.0,
    seed: int = 0,
    jobs: int | None = None,
    backend: str = "loky",
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> Room:
    """Say where a policy's cost above the optimum comes from.

    Args:
        system: with episodes and an optimum.
        spec: the system's; ``seen_whole`` makes it again with nothing hidden.
        policy: in question.
        workloads: on which everybody is run.
        futures: what is looked ahead over; others than ``workloads``, or the search would know what comes.
        oracle_seconds: for each workload's optimum.
        seed: of all that is drawn.
        jobs, backend: see :func:`~dnnexplain.parallel.seeded_map`.
        progress: called with (runs done, in all).
        cancel: ends it; where all but looking ahead was done, the gap is told whole.

    Raises:
        DnnExplainError: no whole workloads, no optimum, fewer than two workloads, or it was ended before the policy,
            the rules and the optimum were run.
    """
    need(system, EpisodeSystem, "the room to improve")
    if len(workloads) < 2:
        msg = f"the room to improve is told from at least 2 {spec.workloads}, not from {len(workloads)}"
        raise DnnExplainError(msg)
    rules = fair_rules(system)
    whole, left_out = _whole(system, spec, futures)
    tasks = _needed(system, policy, rules, workloads, oracle_seconds, seed)
    needed = len(tasks)
    if not left_out:
        tasks += [_Task("searched policy", system, LookAhead(system, policy, futures, seed=seed), workloads, seed)]
        tasks += _rule_searches("searched", system, rules, workloads, futures, seed)
        if whole is not None:
            tasks += _rule_searches("seen", whole, fair_rules(whole), workloads, futures, seed)
    tasks = [part for task in tasks for part in _parted(task)]
    done = seeded_map(_run, tasks, seed=seed, jobs=jobs, backend=backend, progress=progress, cancel=cancel)
    if any(entry is None for entry in done[:needed]):
        msg = "it was ended before the policy, the rules and the optimum were run, so nothing can be told yet"
        raise DnnExplainError(msg)
    if any(entry is None for entry in done):
        left_out, tasks, done = (
            ["The gap is not split: it was ended while it looked ahead."],
            tasks[:needed],
            done[:needed],
        )
    runs: dict[str, list[Floats]] = {}
    for task, item in zip(tasks, done, strict=True):
        runs.setdefault(task.name, []).append(item)
    bounds = np.stack(runs.pop("optimum"))
    result = {name: np.concatenate(parts) for name, parts in runs.items()}
    question = Question.about(
        system, policy, method="room", seed=seed, settings={"workloads": len(workloads), "futures": len(futures)}
    )
    levels, costs = _levels(spec, policy, result, bounds)
    reasons = left_out or ([] if whole is not None else [_all_seen()])
    assumed = [] if left_out else [str(getattr(system, "continuing", "")), _SAID]
    assumed += _unproved(spec, bounds, oracle_seconds)
    return Room(
        question, levels, _parts(costs), float(bounds[:, 0].mean()), len(workloads), len(futures) if not left_out else 0,
        system.cost_name, tuple(reasons), tuple(assumed), int((bounds[:, 2] > 0).sum()),
    )  # fmt: skip


def _needed(
    system: Any, policy: Policy, rules: Mapping[str, Policy], workloads: Sequence[Any], seconds: float, seed: int
) -> list[_Task]:
    """What the whole gap is told from: the policy, the rules, the optimum of each workload."""
    return [
        _Task("policy", system, policy, workloads, seed),
        *(_Task(f"rule {name}", system, rule, workloads, seed) for name, rule in rules.items()),
        *(_Task("optimum", system, None, [workload], seed, seconds) for workload in workloads),
    ]


_SAID = (
    "Every level but the optimum is a policy that was run; the best one with the same information may do better, and "
    "then more of the gap is the policy's and less is the future's."
)


def _unproved(spec: Spec, bounds: Floats, seconds: float) -> list[str]:
    """That some optima are bounds ``[W, 3]``, and of which a faster machine would bring them closer; nothing if all are proved."""
    apart = bounds[:, 1] - bounds[:, 0] > 1e-9 * np.maximum(1.0, np.abs(bounds[:, 1]))
    timed, words = apart & (bounds[:, 2] > 0), []
    if timed.any():
        of = f"{int(timed.sum())} of {counted(len(bounds), spec.workload, spec.workloads)}"
        words.append(
            f"The optimum of {of} was not proved within {seconds:g} s: its bounds depend on the machine's speed, so another run may say them a little differently."
        )
    if (apart & ~timed).any():
        of = f"{int((apart & ~timed).sum())} of {counted(len(bounds), spec.workload, spec.workloads)}"
        words.append(f"The optimum of {of} is known within bounds; the best plan found stands for it.")
    return words


def _all_seen() -> str:
    return "Here a policy sees all that is there, as far as the system's description says: no part of the gap is put down to sight."


def _whole(system: EpisodeSystem, spec: Spec, futures: Sequence[Any]) -> tuple[Any | None, list[str]]:
    """The system with nothing hidden if there is one, and why the gap cannot be split if it cannot."""
    if not isinstance(system, Continuing) or not isinstance(system.output, Discrete):
        why = (
            "sets numbers or switches, not one of a few actions"
            if isinstance(system, Continuing)
            else "cannot go on from a state midway"
        )
        return None, [f"The gap is not split, for nobody can look ahead: {spec.name} {why}."]
    if not len(futures):
        return None, ["The gap is not split: no futures were given to look ahead over."]
    if not spec.seen_whole:
        return None, []
    known = getattr(system, "parameters", {})
    return load_reference(spec.make)(**{**known, **spec.seen_whole}), []


def _rule_searches(
    name: str, system: Any, rules: Mapping[str, Policy], workloads: Sequence[Any], futures: Sequence[Any], seed: int
) -> list[_Task]:
    """The rule that is best on the futures (others than the workloads), alone and looking ahead."""
    means = {rule: float(system.run(item, futures, seed=seed).cost.mean()) for rule, item in rules.items()}
    if not means:
        return []
    best = min(means, key=lambda rule: means[rule])
    ahead = LookAhead(system, rules[best], futures, seed=seed)
    return [
        _Task(f"{name} {best}", system, rules[best], workloads, seed),
        _Task(f"{name} {best}, looking ahead", system, ahead, workloads, seed),
    ]


def _parted(task: _Task) -> list[_Task]:
    """Looking ahead takes long, so it is done for some workloads at a time: progress is seen, and it can be ended."""
    if not isinstance(task.policy, LookAhead):
        return [task]
    return [replace(task, workloads=task.workloads[at : at + PART]) for at in range(0, len(task.workloads), PART)]


def _run(task: _Task, rng: np.random.Generator) -> Floats:
    """Cost of each workload ``[W]``; of the optimum lower and upper end, and whether its time ran out ``[3]``."""
    del rng  # the question's own seed draws everything
    if task.policy is None:
        bound = task.system.bound(task.workloads[0], seconds=task.seconds)
        return np.array([bound.lower, bound.upper, bound.ended_by == "seconds"], dtype=np.float64)
    return np.asarray(task.system.run(task.policy, task.workloads, seed=task.seed).cost, dtype=np.float64)


def _levels(
    spec: Spec, policy: Policy, result: Mapping[str, Floats], bounds: Floats
) -> tuple[tuple[Level, ...], dict[str, Floats]]:
    """From the best rule to the optimum; each is the best of what was run with what it may know, or with less."""
    named = {"searched": ("policy", "rule", "searched"), "seen": ("policy", "rule", "searched", "seen")}
    costs = {"policy": result["policy"]}
    words = {"policy": policy.name}
    rules = {key: value for key, value in result.items() if key.startswith("rule ")}
    if rules:
        best = min(rules, key=lambda key: float(rules[key].mean()))
        costs, words = {"rule": rules[best], **costs}, {"rule": f"best rule: {best.removeprefix('rule ')}", **words}
    for name, known in named.items():
        if not any(key.startswith(name) for key in result):
            continue
        open_to = {key: value for key, value in result.items() if key.startswith(known)}
        best = min(open_to, key=lambda key: float(open_to[key].mean()))
        costs[name], words[name] = open_to[best], _run_words(best, name, policy)
    costs["optimum"] = bounds[:, 1]
    words["optimum"] = f"best plan for each {spec.workload}, known beforehand"
    levels = [
        Level(name, words[name], *mean_interval(cost, within=spec.cost_range).three) for name, cost in costs.items()
    ]
    return tuple(levels), costs


def _run_words(key: str, name: str, policy: Policy) -> str:
    """A run in words."""
    who = key.removeprefix("rule ").removeprefix("searched ").removeprefix("seen ")
    ahead = " over sampled futures" if key == "searched policy" or key.endswith("looking ahead") else ""
    who = f"{policy.name}, looking ahead" if key == "searched policy" else policy.name if key == "policy" else who
    return f"{who}{ahead}{', all seen' if name == 'seen' and key.startswith('seen') else ''}"


def _parts(costs: Mapping[str, Floats]) -> tuple[Part, ...]:
    """What each level costs less than the one before it."""
    order = [name for name in ("policy", "searched", "seen", "optimum") if name in costs]
    names = {"searched": "policy", "seen": "sight", "optimum": "future"} if len(order) > 2 else {"optimum": "gap"}
    whole = float((costs["policy"] - costs["optimum"]).mean())
    parts = []
    for before, now in pairwise(order):
        gap = mean_interval(costs[before] - costs[now])
        share = gap.mean / whole if whole > 0 else float("nan")
        parts.append(Part(names[now], _WORDS[names[now]], *gap.three, share))
    return tuple(parts)
