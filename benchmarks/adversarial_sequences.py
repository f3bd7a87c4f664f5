"""Worst sequences on DeepRM: CPU time of the evolutionary search and of random search to the same gap.

    python benchmarks/adversarial_sequences.py [--seconds 20] [--first-seed 100] [--seeds 5] [--measure ratio difference]
        [--policy default] [--records FILE]

For each seed two random searches have the same CPU time: every length and demand of 24 job sets drawn
anew ("uniform"), and new job sets of the training workload ("training draws"). The goal is the larger
of their best gaps. Both sides have the same stopping rule: the clock is read when a search first has
a gap of at least the goal. Random search set the goal itself, so its time is the most favourable one
that it can have; how many of the other seeds' random searches reach the goal at all is printed too.

The search's settings were chosen with job sets 1000 to 1005 and seeds 0 to 5. The seeds here (100 and
on, job sets 9100 and on) played no part in that. Times are CPU seconds of one process on one thread.
With --records every finished search is kept there, and a stopped benchmark goes on from it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.explain.sequence.gap import Gap
from dnnexplain.policies import load_any
from dnnexplain.systems.deeprm import DeepRM

STARTS = 24
BATCH = 96


def training_draws(world, network, measure, seconds, seed):
    """Random search over new job sets of the training workload: how its best gap grew, ``[[gap, seconds]]``."""
    gap, trace, batch, began = Gap(world, network, "sjf", measure), [], 0, time.process_time()
    while time.process_time() - began < seconds:
        found = float(gap.of(*gap.costs(world.workloads("deeprm", BATCH, seed * 100_000 + batch))).max())
        batch += 1
        if not trace or found > trace[-1][0]:
            trace.append([found, time.process_time() - began])
    return trace


def one_seed(world, network, measure, seconds, seed):
    """All searches of a seed, as plain figures."""
    starts = world.workloads("deeprm", STARTS, 9000 + seed)
    options = {"measure": measure, "clock": time.process_time, "seed": seed}
    uniform = attack_sequence(world, network, starts, method="random", seconds=seconds, oracle_seconds=0.5, **options)
    random = {
        "uniform": [[best.gap, best.seconds] for best in uniform.trace],
        "training draws": training_draws(world, network, measure, seconds, seed),
    }
    winner = max(random, key=lambda name: random[name][-1][0])
    goal, random_seconds = random[winner][-1]
    ours = attack_sequence(world, network, starts, seconds=seconds, until=goal, oracle_seconds=0.5, **options)
    left = max(0.1, seconds / 4 - ours.seconds)
    later = attack_sequence(world, network, starts, resume=ours, seconds=left, oracle_seconds=5.0, **options)
    return {
        "measure": measure, "seconds": seconds, "seed": seed, "policy": network.checkpoint, "random": random,
        "winner": winner, "goal": goal, "random_seconds": random_seconds, "reached": ours.gap >= goal,
        "evolve_seconds": ours.seconds, "evolve_workloads": ours.evaluated, "later_seconds": later.seconds,
        "later_gap": later.gap, "lower": later.optimum_lower, "upper": later.optimum_upper,
        "network": later.network, "rule": later.rule,
    }  # fmt: skip


def others_that_reach(runs, run):
    """How many of the other seeds' random searches of the same kind reach a run's goal."""
    others = [one for one in runs if one["seed"] != run["seed"]]
    return sum(one["random"][run["winner"]][-1][0] >= run["goal"] for one in others), len(others)


def show(runs, measure, seconds):
    print(f"## Whole sequences against SJF, {measure} of mean slowdowns, {seconds:g} CPU s for each random search\n")
    print(
        "| seed | uniform: best | training draws: best | goal reached by it after | evolve: after | times less | "
        "others that reach the goal | evolve, later | optimum, network, SJF there |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for run in runs:
        times = f"{run['random_seconds'] / run['evolve_seconds']:.1f}" if run["reached"] else "not reached"
        count, of = others_that_reach(runs, run)
        best = {name: trace[-1][0] for name, trace in run["random"].items()}
        proved = np.isclose(run["lower"], run["upper"])
        optimum = f"{run['upper']:.2f}" if proved else f"{run['lower']:.2f} to {run['upper']:.2f}"
        print(
            f"| {run['seed']} | {best['uniform']:.2f} | {best['training draws']:.2f} | {run['random_seconds']:.2f} s | "
            f"{run['evolve_seconds']:.2f} s | {times} | {count} of {of} | "
            f"{run['later_gap']:.2f} at {run['later_seconds']:.1f} s | {optimum}, {run['network']:.2f}, {run['rule']:.2f} |"
        )
    factors = [run["random_seconds"] / run["evolve_seconds"] for run in runs if run["reached"]]
    whole = [run["seconds"] / run["evolve_seconds"] for run in runs if run["reached"]]
    if factors:
        print(
            f"\nTimes less CPU, goal reached in {len(factors)} of {len(runs)}: smallest {min(factors):.1f}, median "
            f"{np.median(factors):.1f}, largest {max(factors):.1f}. All of random search's {seconds:g} s over "
            f"evolve's time: smallest {min(whole):.1f}, median {np.median(whole):.1f}, largest {max(whole):.1f}.\n"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--measure", nargs="*", default=["ratio", "difference"])
    parser.add_argument("--policy", default="default")
    parser.add_argument("--records", type=Path)
    arguments = parser.parse_args()
    world = DeepRM()
    network = load_any(arguments.policy, world)
    print(f"Network {network.name}, checkpoint {network.checkpoint[:12]}.\n")
    world.run(network, world.workloads("deeprm", 2, 0))  # compiles the kernels before the clock runs
    kept = arguments.records.read_text().splitlines() if arguments.records and arguments.records.exists() else []
    known = [json.loads(line) for line in kept]
    for measure in arguments.measure:
        runs = []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            asked = {"measure": measure, "seconds": arguments.seconds, "seed": seed, "policy": network.checkpoint}
            run = next((one for one in known if asked.items() <= one.items()), None)
            if run is None:
                run = one_seed(world, network, measure, arguments.seconds, seed)
                if arguments.records:
                    with arguments.records.open("a") as file:
                        file.write(json.dumps(run) + "\n")
            runs.append(run)
        show(runs, measure, arguments.seconds)


if __name__ == "__main__":
    main()
