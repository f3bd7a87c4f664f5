"""What does hedging cost? Fixed splits for usual traffic under bounds on their worst cases, and the splits that ship.

    python benchmarks/hedged_routing.py [--topologies abilene abilene-12] [--write] [--json]

For each topology: the hedged splits solved for anew, their worst MLU over the optimum (an upper bound, which the prices of
linear programs over all demands give) and over the better of ECMP and oblivious routing (the optimum of such programs, as
HiGHS reports it), and the mean MLU over the optimum on 1,000 unseen matrices (seed 1) beside the other fixed rules. With --write the splits become those that ship.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from guard_limits_routing import loads, worst

from dnnexplain.files import atomic_write
from dnnexplain.intervals import mean_interval
from dnnexplain.systems import make_system
from dnnexplain.systems.routing.hedged import SHIPPED, key_of, solve_hedged
from dnnexplain.systems.routing.oblivious import worst_demand
from dnnexplain.systems.routing.rules import FixedSplits, ecmp_splits


def measure(topology: str) -> dict[str, Any]:
    """Solve, and hold the splits against the other fixed rules."""
    system: Any = make_system("routing", topology=topology)
    paths, began = system.paths, time.process_time()
    splits = solve_hedged(paths, ecmp_splits(paths))
    seconds = time.process_time() - began
    rules = {name: rule.splits for name, rule in system.rules().items() if isinstance(rule, FixedSplits)}
    rules["hedged"] = splits
    against = [loads(paths, rules[name]) for name in ("ecmp", "oblivious")]
    rows = {}
    for name, ratios in rules.items():
        row = {"optimum": worst_demand(paths, ratios).upper, "rules": worst(loads(paths, ratios), against)}
        for family in ("gravity", "bursts", "uniform"):
            cases = system.workloads(family, 1000, 1)
            cost = system.routed_by(name, np.tile(ratios, (len(cases), 1)), cases, 0).metrics["MLU over optimum"]
            row[family] = mean_interval(cost).to_json()
        rows[name] = row
    return {"topology": topology, "key": key_of(paths), "seconds": seconds, "rows": rows, "splits": splits.tolist()}


def main() -> None:
    """Measure, print, and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topologies", nargs="+", default=["abilene", "abilene-12"])
    parser.add_argument("--write", action="store_true", help="Ship these splits.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = [measure(topology) for topology in asked.topologies]
    if asked.write:
        shipped = {one["key"]: [round(share, 7) for share in one["splits"]] for one in found}
        with atomic_write(SHIPPED) as file:
            file.write(json.dumps(shipped, separators=(",", ":")).replace("],", "],\n") + "\n")
    if asked.json:
        print(json.dumps(found))
        return
    for one in found:
        print(f"\n{one['topology']}, {one['seconds']:.1f} s\n")
        print(
            "| rule | worst, over the optimum | worst, over the better rule | gravity | bursts | uniform |\n|-|-|-|-|-|-|"
        )
        for name, row in one["rows"].items():
            usual = (f"{row[family]['mean']:.3f}" for family in ("gravity", "bursts", "uniform"))
            print(f"| {name} | {row['optimum']:.3f} | {row['rules']:.3f} | {' | '.join(usual)} |")


if __name__ == "__main__":
    main()
