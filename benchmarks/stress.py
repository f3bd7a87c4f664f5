"""Likely inputs that are bad for a network, at equal counts: drawn, by hill climbing, generated blindly, and steered.

Run: ``python benchmarks/stress.py --runs 600 --seeds 3`` (add system names for some systems only). For each system: the
mean regret (cost less that of the best plan where an optimum is prompt, else of the best rule on each workload) of the ten worst inputs at least as likely as the
least likely 5% of the system's own, over seeds; and the ratio to drawing. Every way runs the policy on the same number
of workloads.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dnnexplain.explain.generate import Plausibility, TriedWorkloads, hardest, propose
from dnnexplain.explain.generate.adversary import worst_ten
from dnnexplain.explain.stress.reference import reference, regret_of, slope_of
from dnnexplain.policies import named_policy, shipped_roles
from dnnexplain.registry import BUILT_IN, fair_rules, make_system, spec_of

LEAST = 0.05
CLIMBERS = 10

Regret = Callable[[Sequence[Any]], Any]


def main() -> None:
    """Print a line of JSON for each system."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--runs", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1, help="The first seed.")
    given = parser.parse_args()
    for name in given.systems:
        print(json.dumps(compared(name, given.runs, range(given.first, given.first + given.seeds))), flush=True)


def compared(name: str, runs: int, seeds: Sequence[int]) -> dict[str, Any]:
    """All ways on one system."""
    spec = spec_of(name)
    system: Any = make_system(name, **dict(spec.compared))
    roles = list(shipped_roles(system))
    rules = system.rules()
    policy = named_policy(system, roles[0]) if roles else rules[spec.baselines[-1]]
    fair = fair_rules(system)
    began = time.process_time()
    found: dict[str, list[float]] = {}
    for seed in seeds:
        regret = regret_of(system, policy, fair, seed)
        drawn = list(system.workloads(spec.family().name, max(400, runs), seed))
        law = Plausibility([system.to_records(one) for one in drawn])
        ways = {
            "drawn": _drawn(system, drawn[:runs], law, regret),
            "hill climbing": _climbed(system, drawn, law, regret, runs, seed),
            "generated blindly": hardest(system, drawn, law, regret, count=runs, seed=seed, steer=False),
            "steered": hardest(system, drawn, law, regret, count=runs, seed=seed, slope=slope_of(system, policy)),
        }
        for way, one in ways.items():
            ten = worst_ten(one, LEAST)
            found.setdefault(way, []).append(float(np.mean([one.regret[run] for run in ten])))
    means = {way: [round(float(np.mean(values)), 4), round(float(np.std(values)), 4)] for way, values in found.items()}
    ratio = round(means["steered"][0] / means["drawn"][0], 3) if means["drawn"][0] > 0 else None
    return {
        "system": name, "policy": policy.name, "reference": reference(system), "runs": runs, "seeds": list(seeds), "mean_and_spread": means,
        "steered_over_drawn": ratio, "cpu_seconds": round(time.process_time() - began, 1),
    }  # fmt: skip


def _drawn(system: Any, workloads: Sequence[Any], law: Plausibility, regret: Regret) -> TriedWorkloads:
    found = TriedWorkloads()
    found.add(system, list(workloads), law, regret)
    return found


def _climbed(
    system: Any, drawn: Sequence[Any], law: Plausibility, regret: Regret, runs: int, seed: int
) -> TriedWorkloads:
    """Ten climbers side by side, each from a likely drawn workload; a step is kept where regret grows and it stays likely."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(17,)))
    pool = [system.to_records(one) for one in drawn]
    shares = law(pool)
    starts = [one for one, share in zip(drawn, shares, strict=True) if share >= LEAST][:CLIMBERS]
    found = TriedWorkloads()
    found.add(system, starts, law, regret)
    now = list(range(len(starts)))
    while len(found.regret) + CLIMBERS <= runs:
        steps = [_step(system, found.workloads[run], pool, law, rng) for run in now]
        first = len(found.regret)
        found.add(system, steps, law, regret)
        now = [
            new if found.regret[new] > found.regret[old] else old
            for old, new in zip(now, range(first, first + len(now)), strict=True)
        ]
    return found


def _step(system: Any, workload: Any, pool: Sequence[Any], law: Plausibility, rng: np.random.Generator) -> Any:
    for _ in range(20):
        table = propose(system.to_records(workload), pool[int(rng.integers(len(pool)))], rng, ordered=system.ordered)
        made = system.from_records(table)
        if law([system.to_records(made)])[0] >= LEAST:
            return made
    return workload


if __name__ == "__main__":
    main()
