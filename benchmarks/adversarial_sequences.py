"""Worst sequences on DeepRM: CPU time of the evolutionary search and of random search to the same gap.

    python benchmarks/adversarial_sequences.py [--seconds 20] [--first-seed 100] [--seeds 5] [--measure ratio difference]
        [--policy default] [--records FILE]

For each seed two random searches have the same CPU time: every length and demand of 24 job sets drawn
anew ("uniform"), and new job sets of the training workload ("draws"). The evolutionary search starts
from the same 24 job sets and has a quarter of that time. One stopping rule holds for all: the clock is
read when a search first has a gap of at least the goal. Two kinds of goal:

- for each seed, the best gap of its own random searches. Random search set it itself, so its own time
  is the luckiest that it can have; a search without memory has its best at any moment alike.
- for all seeds, the median and the largest of these. Searches that do not reach a goal count with the
  time that they spent: mean time = time spent by all / searches that reached it.

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


def search(world, network, asked):
    """One search by its question: how its best gap grew, and figures of the workload found."""
    measure, seconds, seed = asked["measure"], asked["seconds"], asked["seed"]
    if asked["search"] == "draws":
        return {"trace": training_draws(world, network, measure, seconds, seed)}
    starts = world.workloads("deeprm", STARTS, 9000 + seed)
    method = "random" if asked["search"] == "uniform" else "evolve"
    oracle = 0.5 if method == "random" else 5.0
    options = {"measure": measure, "clock": time.process_time, "seed": seed, "oracle_seconds": oracle}
    found = attack_sequence(world, network, starts, method=method, seconds=seconds, **options)
    names = ("network", "rule", "optimum_lower", "optimum_upper", "evaluated")
    trace = [[best.gap, best.seconds] for best in found.trace]
    return {"trace": trace, **{name: getattr(found, name) for name in names}}


def reached(trace, goal):
    """When a search first had the goal; ``None`` if it never had."""
    return next((seconds for gap, seconds in trace if gap >= goal), None)


def mean_time(traces, goal, seconds):
    """Mean time to the goal, failures counted with all of their time, and how many reached it."""
    times = [reached(trace, goal) for trace in traces]
    hits = sum(one is not None for one in times)
    spent = sum(seconds if one is None else one for one in times)
    return (spent / hits if hits else np.inf), hits


def told(seconds, limit):
    return f"over {limit:g}" if seconds is None else f"{seconds:.2f}"


def show(runs, measure, seconds):
    """Both tables of a measure."""
    print(f"## Gap as the {measure} of mean slowdowns, {seconds:g} CPU s for each random search\n")
    print("| seed | uniform: best | draws: best | goal | random, s | evolve, s | times less | evolve's best in "
          f"{seconds / 4:g} s | optimum, network, SJF there |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    goals, factors = [], []
    for seed, run in runs.items():
        best = {name: run[name]["trace"][-1] for name in ("uniform", "draws")}
        goal, own = max(best.values())
        ours, found = reached(run["evolve"]["trace"], goal), run["evolve"]
        goals.append(goal)
        factors.append(own / ours if ours else 0.0)
        low, high = found["optimum_lower"], found["optimum_upper"]
        optimum = f"{high:.2f}" if np.isclose(low, high) else f"{low:.2f} to {high:.2f}"
        print(
            f"| {seed} | {best['uniform'][0]:.2f} | {best['draws'][0]:.2f} | {goal:.2f} | {own:.2f} | "
            f"{told(ours, seconds / 4)} | {factors[-1]:.1f} | {found['trace'][-1][0]:.2f} | "
            f"{optimum}, {found['network']:.2f}, {found['rule']:.2f} |"
        )
    print(f"\nTimes less, own goals: {min(factors):.1f} to {max(factors):.1f}, median {np.median(factors):.1f}.\n")
    print("| goal for all | uniform: reached, mean s | draws: reached, mean s | evolve: reached, mean s (least to most) "
          "| times less than the better random |")  # fmt: skip
    print("|---|---|---|---|---|")
    for name, goal in (("median", float(np.median(goals))), ("largest", max(goals))):
        cells, means = [], {}
        for kind, limit in (("uniform", seconds), ("draws", seconds), ("evolve", seconds / 4)):
            traces = [run[kind]["trace"] for run in runs.values()]
            means[kind], hits = mean_time(traces, goal, limit)
            least_most = sorted(found for trace in traces if (found := reached(trace, goal)) is not None)
            spread = f" ({least_most[0]:.2f} to {least_most[-1]:.2f})" if least_most else ""
            cells.append(f"{hits} of {len(runs)}, {means[kind]:.2f}{spread}")
        times = min(means["uniform"], means["draws"]) / means["evolve"]
        print(f"| {name}, {goal:.2f} | {' | '.join(cells)} | {times:.1f} |")
    print()


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
        runs = {}
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            runs[seed] = {}
            for kind, share in (("uniform", 1), ("draws", 1), ("evolve", 4)):
                asked = {
                    "measure": measure, "seconds": arguments.seconds / share, "seed": seed, "search": kind,
                    "policy": network.checkpoint,
                }  # fmt: skip
                run = next((one for one in known if asked.items() <= one.items()), None)
                if run is None:
                    run = {**asked, **search(world, network, asked)}
                    if arguments.records:
                        with arguments.records.open("a") as file:
                            file.write(json.dumps(run) + "\n")
                runs[seed][kind] = run
        show(runs, measure, arguments.seconds)


if __name__ == "__main__":
    main()
