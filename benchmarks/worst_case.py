"""All worst-case searches at equal CPU time, over several seeds: on learned routing, or on job sets.

    python benchmarks/worst_case.py [--policy dote-current] [--topology abilene] [--budget 10] [--seeds 5]
        [--annealing 5] [--white-box 60] [--history-only] [--records FILE] [--json]
    python benchmarks/worst_case.py --jobs 12 [--budget 30] [--seeds 5] [--records FILE] [--json]

Every ratio is evaluated on the policy as it runs over a certified optimum. Times are CPU-seconds of one
process on one thread (the machine may be shared). "random" draws demands uniformly, as random search in
the paper presumably did; "random-sparse" switches few pairs on. The white-box program bounds a
piecewise-linear stand-in (it cannot hold a sigmoid), and its input is evaluated on the policy.
With --records every finished search is kept in that file, and a stopped benchmark goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.routers import deeprm_problem, load_routing_policy, routing_problem, routing_white_box
from dnnexplain.explain.gray_box import BLACK_BOX, METHODS, Budget, solve_white_box, worst_case
from dnnexplain.policies import load_any
from dnnexplain.systems.deeprm import DeepRM

SLOW_BUDGET, FAST_BUDGET = 40.0, 4.0
TARGETS = {
    "dote-current": {"best": 3.45, "median": 3.3, "over_random": 2.4, "over_best_black_box": 1.0},
    "dote-history": {"best": 5.5, "median": 4.5, "over_random": 3.5, "over_best_black_box": 1.4},
}
"""What the gray-box search must reach on 11-node Abilene, by policy; elsewhere only that no black box is better."""

WARM: set[str] = set()
"""Methods that ran once in this process."""


class Records:
    """Finished searches in a file of JSON lines, so that a benchmark that was stopped goes on.

    Args:
        path: the file, or None to keep nothing.
        about: policy, weights and topology; a search on anything else is another record.
    """

    def __init__(self, path: Path | None, about: dict[str, str]) -> None:
        self.path, self.about, self.known = path, about, {}
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        for line in lines:
            one = json.loads(line)
            self.known[self._key(one["about"], one["what"])] = one["answer"]

    def get(self, what, compute):
        """The answer to ``what`` (a flat dict), computed if no earlier run has."""
        key = self._key(self.about, what)
        if key not in self.known:
            self.known[key] = json.loads(json.dumps(compute()))
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps({"about": self.about, "what": what, "answer": self.known[key]}) + "\n")
        return self.known[key]

    @staticmethod
    def _key(about, what):
        return json.dumps([about, what], sort_keys=True)


def searched(records, problem, method, budget, seed, case="all free"):
    """The figures of one search; ``case`` says what the adversary may choose."""

    def compute():
        if method not in WARM:  # imports and caches take no one's time
            worst_case(problem, method, budget=Budget(20.0, rounds=2), seed=seed)
            WARM.add(method)
        found = worst_case(problem, method, budget=budget, seed=seed)
        print(f"  {problem.name}, {method}, seed {seed}: {found.ratio:.3f}", file=sys.stderr, flush=True)
        names = ("ratio", "lower", "upper", "cpu_seconds", "reached", "evaluations", "stopped")
        return {name: getattr(found, name) for name in names} | {"trace": found.trace.tolist()}

    return records.get({"case": case, "method": method, "budget": budget, "seed": seed}, compute)


def row_of(method, found):
    """Best, median and spread of one method's searches."""
    ratios = [one["ratio"] for one in found]
    return {
        "method": method,
        "best": max(ratios),
        "median": float(np.median(ratios)),
        "least": min(ratios),
        "ratios": ratios,
        "reached": float(np.median([one["reached"] for one in found])),
        "evaluations": float(np.median([one["evaluations"] for one in found])),
        "widest_interval": max((one["upper"] - one["lower"]) / one["lower"] for one in found),
    }


def searches(records, problem, methods, budget, seeds):
    """One row per method: ratios of all seeds, and when each was reached. Seed by seed, so that a stop is fair to all."""
    found = [[searched(records, problem, name, budget, seed) for name in methods] for seed in range(seeds)]
    return [row_of(name, [of_seed[i] for of_seed in found]) for i, name in enumerate(methods)]


def summary(rows, targets):
    """The gray-box figures against the others, best with best and median with median, and the targets."""
    by = {row["method"]: row for row in rows}
    ours = by.get("gray-box")
    if ours is None:
        return {}
    found = {"best": ours["best"], "median": ours["median"]}
    black = [by[name] for name in BLACK_BOX if name in by]
    for name, others in (("over_random", [by["random"]] if "random" in by else []), ("over_best_black_box", black)):
        for kind in ("best", "median") if others else ():
            found[f"{kind}_{name}"] = ours[kind] / max(row[kind] for row in others)
    if black:
        found["strongest_black_box"] = max(black, key=lambda row: row["best"])["method"]
    for name, least in targets.items():
        figures = [found[key] for key in (name, f"best_{name}", f"median_{name}") if key in found]
        if figures:
            found[f"target_{name}"] = f"{least:g}: {'reached' if min(figures) >= least else 'MISSED'}"
    return found


def annealing(records, problem, budget, seeds, slow_seeds):
    """Seconds in which the gray-box search reaches what simulated annealing reaches in 40; None if it does not."""
    slow = [searched(records, problem, "simulated-annealing", SLOW_BUDGET, seed)["ratio"] for seed in range(slow_seeds)]
    traces = [searched(records, problem, "gray-box", budget, seed)["trace"] for seed in range(seeds)]

    def seconds(goal):
        return [next((time for time, ratio in trace if ratio >= goal), None) for trace in traces]

    median = float(np.median(slow))
    times = seconds(median)
    typical = float(np.median([time if time is not None else np.inf for time in times]))
    return {
        "simulated_annealing_in_40_s": slow,
        "its_median": median,
        "gray_box_seconds_to_its_median": times,
        "gray_box_seconds_to_its_best": seconds(max(slow)),
        "target_in_4_s": "reached" if typical <= FAST_BUDGET else "MISSED",
    }


def white_box(records, system, policy, problem, budget):
    """What the mixed-integer program proves of the stand-in, and its input on the policy itself."""

    def compute():
        box, error = routing_white_box(system, policy)
        proved = solve_white_box(box, cpu_seconds=budget)
        x = problem.domain.valid(proved.x[None])[0]
        return {
            "ratio_of_stand_in": proved.ratio,
            "bound_on_stand_in": proved.bound,
            "status": proved.status,
            "ratio_of_policy": problem.certify(x)[2],
            "cpu_seconds": proved.cpu_seconds,
            "split_error": error,
        }

    return records.get({"case": "stand-in", "method": "white-box", "budget": budget}, compute)


def history_only(records, system, policy, budget, seeds):
    """The smaller figure: the next matrix is a real (generated) one, and only the history is the adversary's."""
    rows = []
    for seed in range(seeds):
        routed = system.workloads("gravity", 1, 100 + seed)[0].demands
        problem = routing_problem(system, policy, routed, name=f"{policy.name}, history alone, matrix {100 + seed}")
        rows.append(searched(records, problem, "gray-box", budget, seed, f"history alone, matrix {100 + seed}"))
    ratios = [row["ratio"] for row in rows]
    return {"ratios": ratios, "median": float(np.median(ratios)), "best": max(ratios)}


def show(report):
    print(f"{report['policy']} on {report['topology']}, {report['budget']:g} CPU-seconds, {report['seeds']} seeds\n")
    print("| method | best | median | least | reached, CPU-s | inputs tried | all seeds |")
    print("|---|---|---|---|---|---|---|")
    for row in sorted(report["rows"], key=lambda row: -row["median"]):
        every = " ".join(f"{ratio:.2f}" for ratio in row["ratios"])
        figures = f"{row['best']:.3f} | {row['median']:.3f} | {row['least']:.3f} | {row['reached']:.2g}"
        print(f"| {row['method']} | {figures} | {row['evaluations']:,.0f} | {every} |")
    for name in ("summary", "annealing", "white_box", "history_only"):
        for key, value in report.get(name, {}).items():
            print(f"\n{key}: {value:.4g}" if isinstance(value, float) else f"\n{key}: {value}", end="")
    print()


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="dote-current")
    parser.add_argument("--topology", default="abilene")
    parser.add_argument("--budget", type=float, default=10.0, help="CPU-seconds per search")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", default="", help="comma-separated; all that fit by default")
    parser.add_argument(
        "--annealing", type=int, default=0, help="also race simulated annealing's 40 seconds, this many seeds of it"
    )
    parser.add_argument("--white-box", type=float, default=0.0, help="CPU-seconds for the mixed-integer program")
    parser.add_argument("--history-only", action="store_true", help="also with a generated matrix fixed")
    parser.add_argument(
        "--jobs", type=int, default=0, help="DeepRM's shipped scheduler on sets of this many jobs instead"
    )
    parser.add_argument("--records", type=Path, help="keep every finished search here, and go on from it")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def world(given):
    """System, policy, problem, and what they are called."""
    if given.jobs:
        system = DeepRM(slots=5)
        policy = load_any("default", system)
        return system, policy, deeprm_problem(system, policy, given.jobs), f"sets of {given.jobs} jobs"
    system, policy = load_routing_policy(given.policy, given.topology)
    return system, policy, routing_problem(system, policy), system.topology.name


def fitting(problem):
    """The methods that a problem allows: some need a known form of its optimum."""
    needs = {"exact-inner": problem.inner, "witness": problem.witness, "lagrangian": problem.alternative}
    return [name for name in METHODS if needs.get(name, problem) is not None]


def main():
    given = parse()
    system, policy, problem, where = world(given)
    about = {"policy": policy.name if given.jobs else given.policy, "topology": where}
    records = Records(given.records, about | {"checkpoint": getattr(policy, "checkpoint", "")})
    methods = given.methods.split(",") if given.methods else fitting(problem)
    rows = searches(records, problem, methods, given.budget, given.seeds)
    eleven = given.topology == "abilene" and not given.jobs
    targets = TARGETS.get(given.policy, {}) if eleven else {"over_best_black_box": 1.0}
    report = records.about | {
        "budget": given.budget, "seeds": given.seeds, "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rows": rows, "summary": summary(rows, targets),
    }  # fmt: skip
    if given.annealing:
        report["annealing"] = annealing(records, problem, given.budget, given.seeds, given.annealing)
    if given.white_box and not given.jobs:
        report["white_box"] = white_box(records, system, policy, problem, given.white_box)
    if given.history_only and not given.jobs and system.history:
        report["history_only"] = history_only(records, system, policy, given.budget, given.seeds)
    print(json.dumps(report, indent=2)) if given.json else show(report)


if __name__ == "__main__":
    main()
