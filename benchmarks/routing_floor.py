"""How close to the optimum any router can come that knows only the past: the floor under mean MLU / optimum.

    python benchmarks/routing_floor.py [--topology abilene-12] [--matrices 1500] [--phases 3] [--json]

The generated matrices of one time of day differ by noise that is drawn anew for each, so the past tells a router the
time of day and no more, and the best it can do is one set of splits for each time of day. Those splits
minimise a convex function: the mean of MLU / optimum. Two figures bracket its minimum:

- lower: the minimum over splits of the mean over ``--matrices`` drawn ones, a linear program, solved by
  adding links as they become the busiest. A minimum over a sample is on average below the true minimum.
- upper: those splits on as many fresh matrices.

Learning to Route has one weight per link instead of free splits. From the splits above, weights that give
the same mean load on each link solve a convex problem (maximum entropy; Xu, Chiang and Rexford, INFOCOM
2008); they are then tuned by gradient. Those figures are the best found, not proved.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from scipy import sparse
from scipy.optimize import linprog, minimize

from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.traffic import Gravity, gravity_mean

ROUNDS, CLOSE, DONE = 12, 0.01, 2e-5
STEPS, BATCH = 800, 256


def draw(system, phase, count, seed):
    """Mean demands ``[P]`` at a time of day, and ``count`` matrices with noise ``[count, P]``."""
    law, paths = Gravity(), system.paths
    angle = phase + np.radians(paths.topology.coordinates[:, 0])
    active = 1 + law.cycle * np.sin(angle)
    ends = np.array(paths.pairs)
    mean = gravity_mean(paths, law.load) * np.sqrt(active[ends[:, 0]] * active[ends[:, 1]])
    noisy = np.random.default_rng(seed).normal(mean, law.noise * mean, size=(count, len(mean)))
    return mean, np.maximum(noisy, 0.0)


def ratios(system, splits, demands, optimum):
    """Utilisation over the optimal MLU of every link ``[count, E]``."""
    return system.utilisation(np.broadcast_to(splits, (len(demands), len(splits))), demands) / optimum[:, None]


def best_splits(system, start, demands, optimum):
    """The splits with the smallest mean of MLU / optimum on these matrices, and that mean's proved lower end."""
    splits, paths = start, system.paths
    rows, lower = np.zeros((len(demands), len(system.topology.links)), dtype=bool), 0.0
    for _ in range(ROUNDS):
        now = ratios(system, splits, demands, optimum)
        if now.max(axis=1).mean() - lower < DONE:
            break
        rows |= now >= now.max(axis=1, keepdims=True) - (CLOSE if lower == 0.0 else CLOSE / 5)
        solved = program(paths, rows, demands, optimum)
        splits, lower = np.maximum(solved.x[: paths.count], 0.0), float(solved.fun)
        splits = splits / (paths.pair_incidence @ splits)[paths.pair_of_path]
    return splits, lower


def program(paths, rows, demands, optimum):
    """Minimise the mean of t over splits and t, with t at least each listed link's utilisation over the optimum."""
    which, link = np.nonzero(rows)
    used = np.asarray(paths.dense_incidence)[link] / paths.topology.capacity[link][:, None]
    load = sparse.csr_array(used * demands[which][:, paths.pair_of_path] / optimum[which][:, None])
    count = len(demands)
    top = sparse.csr_array((-np.ones(len(which)), (np.arange(len(which)), which)), shape=(len(which), count))
    once = sparse.hstack([sparse.csr_array(paths.pair_incidence), sparse.csr_array((len(paths.pairs), count))])
    cost = np.r_[np.zeros(paths.count), np.full(count, 1 / count)]
    above = sparse.hstack([load, top]).tocsr()
    return linprog(cost, above, np.zeros(len(which)), once.tocsr(), np.ones(len(paths.pairs)), method="highs-ipm")


def entropy_weights(routing, splits, mean):
    """Link weights whose softmin loads the links as ``splits`` do on average (a convex problem)."""
    demands = torch.as_tensor(mean)
    loads = routing.loads(routing.flows(torch.as_tensor(splits), demands))

    def dual(weights):
        w = torch.tensor(weights, requires_grad=True)
        scores = -routing.path_costs(w[None])[0]
        total = torch.log(routing.pair_sums(torch.exp(scores)))
        value = ((demands * total).sum() + (w * loads).sum()) / demands.sum()
        value.backward()
        return value.item(), w.grad.numpy()

    links = len(loads)
    return minimize(dual, np.ones(links), jac=True, method="L-BFGS-B", bounds=[(0, 20)] * links).x


def tuned(routing, weights, demands, optimum):
    """The same weights after gradient steps on the mean of MLU / optimum."""
    w = torch.tensor(weights, requires_grad=True)
    adam = torch.optim.Adam([w], lr=0.02)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, STEPS)
    random = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        chosen = torch.randint(0, len(demands), (BATCH,), generator=random)
        splits = routing.softmax(-routing.path_costs(w[None]))
        loss = (routing.mlu(splits, demands[chosen]) / optimum[chosen]).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        fall.step()
        with torch.no_grad():
            w.clamp_(min=0)
    return w.detach()


def floor(system, phase, count):
    """The figures of one time of day."""
    mean, seen = draw(system, phase, count, (11, round(1000 * phase)))
    _, fresh = draw(system, phase, count, (12, round(1000 * phase)))
    known, unknown = system.oracle.mlu(seen), system.oracle.mlu(fresh)
    naive = system.oracle.solve(mean).splits
    splits, lower = best_splits(system, naive, seen, known)
    routing = system.tensors(dtype=torch.float64)
    weights = tuned(routing, entropy_weights(routing, splits, mean), torch.as_tensor(seen), torch.as_tensor(known))
    by_weights = routing.softmax(-routing.path_costs(weights[None]))[0].numpy()
    upper, link = (ratios(system, one, fresh, unknown).max(axis=1) for one in (splits, by_weights))
    return {
        "phase": phase,
        "lower": lower,
        "upper": float(upper.mean()),
        "upper_p95": float(np.quantile(upper, 0.95)),
        "optimum_of_the_mean": float(ratios(system, naive, fresh, unknown).max(axis=1).mean()),
        "link_weights": float(link.mean()),
        "link_weights_p95": float(np.quantile(link, 0.95)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topology", default="abilene-12")
    parser.add_argument("--matrices", type=int, default=1500)
    parser.add_argument("--phases", type=int, default=3, help="times of day")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    system = RoutingSystem(given.topology)
    rows = []
    for phase in np.arange(given.phases) / given.phases * 2 * np.pi:
        rows.append(floor(system, float(phase), given.matrices))
        if not given.json:
            print(given.topology, "  ".join(f"{key} {value:.4f}" for key, value in rows[-1].items()), flush=True)
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key != "phase"}
    if given.json:
        print(json.dumps({"topology": given.topology, "rows": rows, "mean": means}, indent=2))
    else:
        print("mean", "  ".join(f"{key} {value:.4f}" for key, value in means.items()))


if __name__ == "__main__":
    main()
