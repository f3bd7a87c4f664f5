"""The smaller figure: a real matrix comes next, and only the history that a router saw is the adversary's.

    python benchmarks/real_history.py AbileneTM2 --unit "100 bytes per 5 minutes" [--budget 5] [--rows 200 600 1000]

For each matrix: MLU over optimum with the real history before it, and with the worst history found (certified).
"""

import argparse
import json

import numpy as np

from benchmarks.routers import load_routing_policy
from dnnexplain.explain import problem_of, worst_case
from dnnexplain.systems.routing import TrafficCase, load_matrices


def main():
    """Print one line of JSON per router and matrix."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("file", help="matrices of the 12-node topology, one a line")
    words.add_argument("--unit", default=None)
    words.add_argument("--policy", nargs="+", default=["dote-history", "learning-to-route"])
    words.add_argument("--rows", nargs="+", type=int, default=[200, 600, 1000, 1400, 1800])
    words.add_argument("--budget", type=float, default=5.0, help="CPU-seconds of each search")
    given = words.parse_args()
    for name in given.policy:
        system, policy = load_routing_policy(name, "abilene-12")
        matrices = load_matrices(given.file, system.paths, given.unit).astype(np.float32).astype(np.float64)
        for row in given.rows:
            real = TrafficCase(matrices[row], matrices[row - system.history : row])
            found = worst_case(problem_of(system, policy, matrices[row]), budget=given.budget, seed=1)
            told = {
                "policy": name, "row": row, "real history": float(system.run(policy, [real]).metrics["MLU over optimum"][0]),
                "worst history": found.lower, "upper": found.upper, "cpu_seconds": found.cpu_seconds,
            }  # fmt: skip
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
