"""Networks told as rules of at most 21 leaves, and how network, tree and rules do on sets of links.

    python benchmarks/abr_rules_out.py --learn DIR --links DIR [--links DIR ...] [--policy FILE ...] [--polish 4000] [--polish-sets 600]
        [--out DIR]
    python benchmarks/abr_rules_out.py --learn DIR --moves

A tree learns what each bitrate costs if its network goes on, on the links of --learn and on generated ones, half each
(these in the shares that the shipped network was trained on), and is then tuned there by what its sessions cost, until other such links, which are held out, say that it gets no better;
never on --links. Without --learn, generated links alone are learned from; without --links, generated ones are measured on.
Shows leaves, the share of the network's states in which the tree decides as it, and on each set of links mean and median
QoE-linear of chunks 2 to the last, stalls, and the difference from the network with its 95% interval (paired over links).
A tuned tree is a good controller of few rules that began as an account of the network; it agrees with it less.
With --moves: what each move that a rule can say reaches by itself, on the links of --learn and on 250 generated ones.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from dnnexplain.cli.mixtures import shared_out
from dnnexplain.explain import distil
from dnnexplain.explain.distillation import TreePolicy
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.intervals import mean_interval
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.recipes import MIXTURE


def generated(system, count, seed):
    """Links of the families that the shipped network was trained on, in its shares; the largest share has what rounding leaves."""
    shares = dict(sorted(MIXTURE.items(), key=lambda one: one[1]))
    drawn = []
    for name, many in zip(shares, shared_out(count, list(shares.values())), strict=True):
        drawn += system.workloads(name, many, seed) if many else []
    return drawn


def alone(system, move):
    """A tree of one leaf."""
    none, scores = np.array([-1]), np.eye(len(system.features.moves))[[move]]
    tree = Tree(none, np.zeros(1), none, none, scores, np.ones(1))
    return TreePolicy(tree, system.features, 6, system.features.moves[move])


def show_moves(system, read, names):
    """Mean QoE-linear of each move alone, beside networks and rules, best on both sets last."""
    sets = [links for links in (read, generated(system, 250, 99)) if len(links)]
    moves = [alone(system, move) for move in range(len(system.features.moves))]
    policies = [
        *moves,
        *(system.rules()[name] for name in ("bb", "bola", "robust-mpc")),
        *(named_policy(system, name) for name in names),
    ]
    means = [
        (tuple(float(system.run(policy, links).metrics["qoe"].mean()) for links in sets), policy.name)
        for policy in policies
    ]
    for reached, name in sorted(means):
        print("  ".join(f"{value:7.2f}" for value in reached), name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learn", type=Path)
    parser.add_argument("--links", type=Path, action="append", default=[])
    parser.add_argument("--policy", action="append", default=[])
    parser.add_argument("--leaves", type=int, default=21)
    parser.add_argument("--polish", type=int, default=4000)
    parser.add_argument("--polish-sets", type=int, default=600)
    parser.add_argument("--sets", type=int, default=150)
    parser.add_argument("--out", type=Path, help="Keep the trees here, one JSON a network.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--moves", action="store_true", help="Say what each move alone reaches, and no more.")
    parser.add_argument("--rules", action="store_true", help="Print the rules, too.")
    given = parser.parse_args()
    system = make_system("abr")
    read = system.read_workloads(given.learn)[0] if given.learn else ()
    if given.moves:
        show_moves(system, read, given.policy or ["default"])
        return
    sets = {path.name: system.read_workloads(path)[0] for path in given.links}
    sets = sets or {name: system.workloads(name, 142, 1) for name in system.workload_names}

    def draw(count, seed):
        some = [read[place] for place in np.random.default_rng(seed).permutation(len(read))[: count // 2]]
        return [*some, *generated(system, count - len(some), seed)]

    policies, teachers = {}, {}
    for name in given.policy or ["default"]:
        teacher, began = named_policy(system, name), time.process_time()
        found = distil(system, teacher, draw, leaves=given.leaves, rounds=3, sets=given.sets, seeds=2, weighting="cost",
                       polish=given.polish, polish_sets=given.polish_sets, seed=given.seed)  # fmt: skip
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            found.save(given.out / f"{Path(name).name}.json")
        short = Path(name).name[:24]
        policies[short] = teacher
        policies[f"tree of {short}"] = TreePolicy(found.tree, system.features, 6, f"tree of {short}")
        teachers[f"tree of {short}"] = short
        asked = {found.features[place] for place in found.tree.feature if place >= 0}
        print(f"tree of {short}: {found.leaves} leaves, {len(asked)} quantities ({', '.join(sorted(asked))}), "
              f"same decision in {found.fidelity:.0%}, {time.process_time() - began:.0f} CPU-seconds")  # fmt: skip
        if given.rules:
            print(found.text())
    policies |= {name: system.rules()[name] for name in ("bb", "bola", "robust-mpc", "robust-mpc-reset")}
    for title, links in sets.items():
        print(f"\n{title}, {len(links)} links")
        runs = {name: system.run(policy, links).metrics for name, policy in policies.items()}
        print(f"{'policy':36} {'mean':>8} {'median':>8} {'stalls s':>9}   against its network (95%)")
        for name, figures in runs.items():
            line = f"{name:36} {figures['qoe'].mean():8.2f} {np.median(figures['qoe']):8.2f} {figures['rebuffering'].mean():9.2f}"
            if name in teachers:
                one = mean_interval(figures["qoe"] - runs[teachers[name]]["qoe"])
                line += f"   {one.mean:+.2f} ({one.low:+.2f} to {one.high:+.2f})"
            print(line)


if __name__ == "__main__":
    main()
