"""How long the optimal MLU takes: our HiGHS, started from one basis, against scipy.optimize.linprog, in one run.

    python benchmarks/routing_lp.py [--matrices 200] [--seed 0] [--json]

Times are processor milliseconds per traffic matrix, the preparation of arrays and the certificate included.
Exit code 1 if a target is missed: mean warm solve at most 2 ms and at least 4 times faster than linprog,
relative primal-dual gap at most 1e-9, agreement with linprog to 1e-7.
"""

import argparse
import json
import sys
import time

import numpy as np
from scipy.optimize import linprog

from dnnexplain.systems.routing import RoutingOracle, RoutingSystem


def timed(function, rows):
    """Processor milliseconds per row, and the answers."""
    begun = time.process_time()
    answers = [function(row) for row in rows]
    return (time.process_time() - begun) / len(rows) * 1e3, answers


def scipy_solver(paths):
    """linprog with its matrices made once; only the demands change."""
    links = len(paths.topology.links)
    capacity = paths.topology.capacity
    from scipy import sparse

    upper = sparse.csr_array(sparse.hstack([paths.incidence, sparse.csr_array(-capacity[:, None])]))
    equal = sparse.csr_array(sparse.hstack([paths.pair_incidence, sparse.csr_array((len(paths.pairs), 1))]))
    cost = np.r_[np.zeros(paths.count), 1.0]
    return lambda row: linprog(cost, upper, np.zeros(links), equal, row, method="highs").fun


def measure(topology, matrices, seed):
    system = RoutingSystem(topology)
    rows = system.traffic("gravity", matrices, seed)[:, -1]
    oracle = RoutingOracle(system.paths)
    oracle.solve(rows[-1])
    warm, optima = timed(oracle.solve, rows)
    steps = [rows[0] * (1 + 0.01 * np.random.default_rng(seed + i).normal(size=rows.shape[1])) for i in range(matrices)]
    near, _ = timed(oracle.solve, steps)
    cold, _ = timed(lambda row: RoutingOracle(system.paths).solve(row), rows[: max(1, matrices // 10)])
    theirs, values = timed(scipy_solver(system.paths), rows[: max(1, matrices // 4)])
    ours = np.array([optimum.upper for optimum in optima])[: len(values)]
    return {
        "topology": topology,
        "warm, new matrix (ms)": warm,
        "warm, 1% step (ms)": near,
        "cold, model built anew (ms)": cold,
        "scipy linprog (ms)": theirs,
        "linprog / warm": theirs / warm,
        "largest relative gap": max(optimum.gap for optimum in optima),
        "largest difference to linprog": float(np.max(np.abs(ours - values) / ours)),
    }


def missed(result):
    return (
        result["warm, new matrix (ms)"] > 2
        or result["linprog / warm"] < 4
        or result["largest relative gap"] > 1e-9
        or result["largest difference to linprog"] > 1e-7
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrices", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [measure(name, options.matrices, options.seed) for name in ("abilene", "abilene-12")]
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        for key in results[0]:
            shown = [f"{one[key]:.3g}" if isinstance(one[key], float) else one[key] for one in results]
            print(f"{key:32}" + "".join(f"{text:>14}" for text in shown))
    return int(any(missed(one) for one in results))


if __name__ == "__main__":
    sys.exit(main())
