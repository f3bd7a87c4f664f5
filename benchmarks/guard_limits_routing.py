"""How small can a worst gap be in routing? What no split ratios can do that are chosen before the matrix is seen.

    python benchmarks/guard_limits_routing.py [--rules ecmp oblivious] [--json]

A router that sees the past decides once for whatever matrix comes. Behind one and the same past (here the mean traffic,
twelve times) any matrix may follow, so whoever decides, network, rule or guard, has one vector s of split ratios against
all of them:

    value = min over s, max over D of MLU(s, D) / min over rules r of MLU(r, D) - 1

MLU scales with D, so for one rule r and one link the inner maximum is a linear program over the matrices that the rule
routes with an MLU of at most 1. With their duals in its place the whole is one linear program (oblivious routing relative
to rules and not to the optimum: Applegate and Cohen, 2003). What is printed is checked from both sides: above, the ratios
that it finds against all matrices, link by link; below, the best that any ratios can do on the few matrices that its dual
solution names, with the rules' MLU on them measured by the simulator.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from dnnexplain.intervals import mean_interval
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system
from dnnexplain.systems.routing.traffic import TrafficCase

Floats = NDArray[np.float64]


def loads(paths: Any, splits: Floats) -> Floats:
    """What each pair's demand of 1 adds to each link's utilisation ``[E, P]``."""
    shares = sparse.diags_array(splits) @ paths.pair_incidence.T
    return (paths.incidence @ shares).toarray() / paths.topology.capacity[:, None]


def worst(own: Floats, rules: list[Floats]) -> float:
    """The largest MLU of split ratios where some rule's is at most 1."""
    answers = [linprog(-link, A_ub=rule, b_ub=np.ones(len(rule)), method="highs") for rule in rules for link in own]
    return max(-answer.fun for answer in answers)


def program(
    paths: Any, rules: list[Floats], usual: Floats | None = None, most: float = np.inf
) -> tuple[Floats, list[Floats]]:
    """Split ratios whose worst ratio to the rules is least, and the matrices that keep any ratios from a better one.

    With ``usual`` matrices ``[W, P]``: the ratios whose mean MLU on them is least of those whose worst ratio is at most
    ``most``. Variables: the ratios ``[F]``, the worst ratio, for each rule and link the rule's link prices ``[E]``, and the
    MLU of each usual matrix.
    """
    links, pairs, flows = len(paths.topology.links), len(paths.pairs), paths.count
    which = [(rule, link) for rule in range(len(rules)) for link in range(links)]
    own = [paths.incidence[[link]] / paths.topology.capacity[link] for link in range(links)]
    on = [sparse.csr_array(paths.pair_incidence @ sparse.diags_array(row.toarray()[0])) for row in own]
    value = sparse.csr_array((pairs, 1))
    carried = sparse.vstack([sparse.hstack([on[link], value]) for _rule, link in which])
    prices = sparse.block_diag([-rules[rule].T for rule, _link in which])
    total = sparse.hstack([sparse.csr_array((len(which), flows)), -np.ones((len(which), 1))])
    sums = sparse.block_diag([np.ones((1, links)) for _ in which])
    upper = sparse.vstack([sparse.hstack([carried, prices]), sparse.hstack([total, sums])]).tocsr()
    width, cost = upper.shape[1], np.zeros(upper.shape[1])
    cost[flows] = 1.0
    if usual is not None:
        rows = [paths.incidence @ sparse.diags_array(row[paths.pair_of_path]) for row in usual]
        scaled = sparse.vstack([sparse.diags_array(1 / paths.topology.capacity) @ row for row in rows])
        measured = -sparse.block_diag([np.ones((links, 1)) for _ in usual])
        used = sparse.hstack([scaled, sparse.csr_array((scaled.shape[0], width - flows)), measured])
        upper = sparse.vstack([sparse.hstack([upper, sparse.csr_array((upper.shape[0], len(usual)))]), used]).tocsr()
        cost = np.append(np.zeros(width), np.full(len(usual), 1 / len(usual)))
    equal = sparse.hstack([paths.pair_incidence, sparse.csr_array((pairs, upper.shape[1] - flows))]).tocsr()
    bounds = np.tile([0.0, np.inf], (upper.shape[1], 1))
    bounds[flows, 1] = most
    answer = linprog(
        cost,
        A_ub=upper,
        b_ub=np.zeros(upper.shape[0]),
        A_eq=equal,
        b_eq=np.ones(pairs),
        bounds=bounds,
        method="highs-ipm",
    )
    named = -answer.ineqlin.marginals[: len(which) * pairs].reshape(len(which), pairs)
    return answer.x[:flows], [row for row in named if row.max() > 1e-9]


def best_splits(paths: Any, matrices: Floats, best: Floats) -> tuple[float, Floats]:
    """The split ratios whose largest MLU over the best rule's is least on these matrices, and that ratio."""
    rows = [
        (paths.incidence @ sparse.diags_array(demands[paths.pair_of_path])) / paths.topology.capacity[:, None] / least
        for demands, least in zip(matrices, best, strict=True)
    ]
    upper = sparse.hstack([sparse.vstack(rows), -np.ones((len(rows) * len(paths.topology.links), 1))]).tocsr()
    equal = sparse.hstack([paths.pair_incidence, np.zeros((len(paths.pairs), 1))]).tocsr()
    cost = np.append(np.zeros(paths.count), 1.0)
    answer = linprog(
        cost, A_ub=upper, b_ub=np.zeros(upper.shape[0]), A_eq=equal, b_eq=np.ones(len(paths.pairs)), method="highs"
    )
    return float(answer.fun), answer.x[:-1]


def value(system: Any, names: list[str]) -> dict[str, Any]:
    """The least worst gap, from below and from above, and what the network and the rules have."""
    paths, history = system.paths, np.tile(system.mean_demands, (system.history, 1))
    seen = system.observe([TrafficCase(system.mean_demands, history)])
    network = np.asarray(named_policy(system, "dote-history").outputs(seen)[0], dtype=np.float64)
    splits = {name: np.asarray(system.rules()[name].outputs(seen)[0], dtype=np.float64) for name in names}
    against = [loads(paths, one) for one in splits.values()]
    found, named = program(paths, against)
    found = np.maximum(found, 0)
    found = found / (paths.pair_incidence @ found)[paths.pair_of_path]
    matrices = np.array(named) * (0.5 * system.cap / np.max(named, axis=1, keepdims=True))
    cases = [TrafficCase(demands, history) for demands in matrices]
    best = np.min([system.run(system.rules()[name], cases).cost for name in names], axis=0)
    lower, _ = best_splits(paths, matrices, best)
    gaps = {name: worst(loads(paths, one), against) - 1 for name, one in {"dote-history": network, **splits}.items()}
    upper = worst(loads(paths, found), against)
    return {"rules": names, "lower": lower - 1, "upper": upper - 1, "matrices": len(matrices), "gaps": gaps}


def hedged(system: Any, names: list[str], family: str, sets: int, part: float, seed: int) -> dict[str, Any]:
    """Ratios fixed beforehand that leave a part of the network's worst gap: how much worse than the network they are usually."""
    paths, history = system.paths, np.tile(system.mean_demands, (system.history, 1))
    seen = system.observe([TrafficCase(system.mean_demands, history)])
    router = named_policy(system, "dote-history")
    against = [loads(paths, np.asarray(system.rules()[name].outputs(seen)[0], dtype=np.float64)) for name in names]
    gap = worst(loads(paths, np.asarray(router.outputs(seen)[0], dtype=np.float64)), against) - 1
    usual = np.array([case.demands for case in system.workloads(family, sets, seed)])
    found, _ = program(paths, against, usual, 1 + part * gap)
    found = np.maximum(found, 0)
    found = found / (paths.pair_incidence @ found)[paths.pair_of_path]
    unseen = system.workloads(family, 500, 10_000 + seed)
    cost = system.routed_by("hedged", np.tile(found, (len(unseen), 1)), unseen, 0).cost
    network = system.run(router, unseen).cost
    usually = mean_interval((cost - network) / network.mean())
    left = worst(loads(paths, found), against) - 1
    return {"family": family, "seed": seed, "network": gap, "hedged": left, "smaller": 1 - left / gap, "usual": usually}


def main() -> None:
    """Print the bounds, and the worst gap of the network and of each rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", nargs="+", default=["ecmp", "oblivious"])
    parser.add_argument("--usual", nargs="+", default=["gravity", "bursts"], help="Families of usual traffic.")
    parser.add_argument("--sets", type=int, default=400, help="Usual matrices that ratios are fitted to.")
    parser.add_argument("--part", type=float, default=0.3, help="Of the network's worst gap that may be left.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="Of the usual matrices.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    system = make_system("routing", history=12)
    found = value(system, asked.rules)
    every = [
        hedged(system, asked.rules, family, asked.sets, asked.part, seed)
        for family in asked.usual
        for seed in asked.seeds
    ]
    if asked.json:
        print(json.dumps({"value": found, "hedged": every}, default=str))
        return
    print(f"no policy's worst gap to the best of {', '.join(asked.rules)} is below {found['lower']:.3f}")
    print(
        f"({found['matrices']} matrices); split ratios with one of at most {found['upper']:.3f} exist. Over all matrices:"
    )
    print("\n".join(f"{name}: {gap:.3f}" for name, gap in found["gaps"].items()))

    print(
        "\n| usual traffic, seed | worst gap of the network | of fixed ratios | smaller by | usual cost beside the network's |\n|-|-|-|-|-|"
    )
    for one in every:
        usually = one["usual"]
        change = f"{usually.mean:+.2%} ({usually.low:+.2%} to {usually.high:+.2%})"
        print(
            f"| {one['family']}, {one['seed']} | {one['network']:.2f} | {one['hedged']:.2f} | {one['smaller']:.0%} | {change} |"
        )


if __name__ == "__main__":
    main()
