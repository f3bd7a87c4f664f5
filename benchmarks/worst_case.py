"""All worst-case searches on learned routing, at equal CPU time, over several seeds.

    python benchmarks/worst_case.py [--policy dote-current] [--budget 10] [--seeds 5] [--json]

Every ratio is evaluated on the policy as it runs over a certified optimum. Times are CPU-seconds of one
process on one thread (the machine may be shared). "random" draws demands uniformly, as random search in
the paper presumably did; "random-sparse" switches few pairs on. The white-box program bounds a
piecewise-linear stand-in (it cannot hold a sigmoid), and its input is evaluated on the policy.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from dnnexplain.cli.worst_case_problem import load_routing_policy, routing_problem, routing_white_box
from dnnexplain.explain.gray_box import BLACK_BOX, METHODS, solve_white_box, worst_case

SLOW_BUDGET, FAST_BUDGET = 40.0, 4.0


def searches(problem, methods, budget, seeds):
    """One row per method: ratios of all seeds, and when each was reached."""
    rows = []
    for method in methods:
        found = []
        for seed in range(seeds):
            found.append(worst_case(problem, method, budget=budget, seed=seed))
            print(f"  {method}, seed {seed}: {found[-1].ratio:.3f}", file=sys.stderr, flush=True)
        ratios = [one.ratio for one in found]
        rows.append(
            {
                "method": method,
                "best": max(ratios),
                "median": float(np.median(ratios)),
                "ratios": ratios,
                "reached": float(np.median([one.reached for one in found])),
                "widest_interval": max((one.upper - one.lower) / one.lower for one in found),
            }
        )
    return rows


def summary(rows):
    """The gray-box figures against the others."""
    by = {row["method"]: row for row in rows}
    ours = by.get("gray-box")
    if ours is None:
        return {}
    black = [by[name] for name in BLACK_BOX if name in by]
    found = {"best": ours["best"], "median": ours["median"]}
    if "random" in by:
        found["best_over_random"] = ours["best"] / by["random"]["best"]
        found["median_over_random"] = ours["median"] / by["random"]["median"]
    if black:
        strongest = max(black, key=lambda row: row["best"])
        found["best_over_best_black_box"] = ours["best"] / strongest["best"]
        found["strongest_black_box"] = strongest["method"]
    return found


def annealing(problem, seeds):
    """Seconds in which the gray-box search reaches what simulated annealing reaches in 40."""
    goals = [worst_case(problem, "simulated-annealing", budget=SLOW_BUDGET, seed=seed).ratio for seed in range(seeds)]
    goal, times = max(goals), []
    for seed in range(seeds):
        trace = worst_case(problem, budget=FAST_BUDGET * 2, seed=seed).trace
        times.append(float(trace[np.argmax(trace[:, 1] >= goal), 0]) if trace[-1, 1] >= goal else None)
    return {"simulated_annealing_in_40_s": goals, "gray_box_seconds_to_its_best": times}


def white_box(system, policy, problem, budget):
    """What the mixed-integer program proves of the stand-in, and its input on the policy itself."""
    box, error = routing_white_box(system, policy)
    proved = solve_white_box(box, cpu_seconds=budget)
    lower = problem.certify(problem.domain.valid(proved.x[None])[0])[2]
    return {
        "ratio_of_stand_in": proved.ratio,
        "bound_on_stand_in": proved.bound,
        "status": proved.status,
        "ratio_of_policy": lower,
        "cpu_seconds": proved.cpu_seconds,
        "split_error": error,
    }


def show(report):
    print(f"{report['policy']} on {report['topology']}, {report['budget']:g} CPU-seconds, {report['seeds']} seeds\n")
    print("| method | best | median | reached, CPU-s | all |\n|---|---|---|---|---|")
    for row in sorted(report["rows"], key=lambda row: -row["median"]):
        every = " ".join(f"{ratio:.2f}" for ratio in row["ratios"])
        print(f"| {row['method']} | {row['best']:.3f} | {row['median']:.3f} | {row['reached']:.2g} | {every} |")
    for name in ("summary", "annealing", "white_box"):
        for key, value in report.get(name, {}).items():
            print(f"\n{key}: {value:.4g}" if isinstance(value, float) else f"\n{key}: {value}", end="")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="dote-current")
    parser.add_argument("--topology", default="abilene")
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", default="", help="comma-separated; all that fit by default")
    parser.add_argument("--annealing", action="store_true", help="also race simulated annealing's 40 seconds")
    parser.add_argument("--white-box", type=float, default=0.0, help="CPU-seconds for the mixed-integer program")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    system, policy = load_routing_policy(given.policy, given.topology)
    problem = routing_problem(system, policy)
    fit = [name for name in METHODS if name != "exact-inner" or problem.inner is not None]
    rows = searches(problem, given.methods.split(",") if given.methods else fit, given.budget, given.seeds)
    report = {
        "policy": given.policy, "topology": system.topology.name, "budget": given.budget, "seeds": given.seeds,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores", "rows": rows, "summary": summary(rows),
    }  # fmt: skip
    if given.annealing:
        report["annealing"] = annealing(problem, given.seeds)
    if given.white_box:
        report["white_box"] = white_box(system, policy, problem, given.white_box)
    if given.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
