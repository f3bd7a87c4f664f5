"""Tune and report the rule ``hold``: which jobs are held, and for how long; ``python -m benchmarks.hold``.

Tuned on 40 job sets of each of the seeds 101 to 105 of the training distribution, per number of slots; reported on
200 job sets of each of the seeds 1 to 5, beside the other rules.
"""

from __future__ import annotations

import argparse

import numpy as np

from dnnexplain.cli.output import print_table
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.rules.policy import RulePolicy

TUNED_ON, REPORTED_ON = range(101, 106), range(1, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, nargs="+", default=[5, 10])
    parser.add_argument("--rate", type=float, default=0.7)
    given = parser.parse_args()
    for slots in given.slots:
        world = DeepRM(slots=slots)
        tune(world, given.rate)
        report(world, given.rate)


def tune(world: DeepRM, rate: float) -> None:
    """Mean slowdown over a grid of both numbers, the best ten."""
    sets = [one for seed in TUNED_ON for one in world.workloads("deeprm", 40, seed, rate=rate)]
    rows = []
    for length in range(1, world.params.max_job_length + 1):
        for patience in range(world.params.tracking):
            rule = RulePolicy("hold", world.codec, hold=(length, patience))
            rows.append((length, patience, float(world.run(rule, sets).cost.mean())))
    rows.sort(key=lambda row: row[2])
    title = f"{world.params.slots} slots, rate {rate}, seeds 101 to 105: the best ten of {len(rows)}"
    print_table(("held if longer than", "patience", "mean slowdown"), rows[:10], title)


def report(world: DeepRM, rate: float) -> None:
    """Every rule on workloads of other seeds."""
    rows = []
    for name, rule in world.rules().items():
        means = [
            float(world.run(rule, world.workloads("deeprm", 200, seed, rate=rate)).cost.mean()) for seed in REPORTED_ON
        ]
        rows.append((name, *means, float(np.mean(means))))
    print_table(
        ("rule", *(f"seed {seed}" for seed in REPORTED_ON), "all"), rows, f"{world.params.slots} slots, 200 sets each"
    )


if __name__ == "__main__":
    main()
