"""Networks, their trees and rules on sets of links: mean, median, stalls, shares of bitrates, and the sessions behind a mean.

    python benchmarks/abr_transfer.py --links DIR [--links DIR ...] [--policy FILE ...] [--tree FOUND.json ...] [--worst 5]

A tree is a result of ``dnnexplain distill abr --out FOUND.json``. Without --links, 142 generated links of each family.
Best actions, QoE-linear of chunks 2 to the last. "Without worst 5%" is the mean over the other sessions: where it is far
from the mean, a few sessions make the mean; these are told by name, with their QoE and stalls. The table is Markdown.
"""

import argparse
from pathlib import Path

import numpy as np

from dnnexplain.explain.distillation import Distillation, TreePolicy
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system

RULES = ("bb", "bola", "rb", "robust-mpc-reset")


def policies_of(system, given):
    found = {Path(name).name[:28]: named_policy(system, name) for name in given.policy or ["default"]}
    for file in given.tree:
        told = Distillation.load(file)
        name = f"{told.leaves} rules out of {(told.question.policy or '')[:24]}"
        found[name] = TreePolicy(told.tree, system.features, len(system.output.names), name)
    return {**found, **{name: system.rules()[name] for name in RULES}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=Path, action="append", default=[])
    parser.add_argument("--policy", action="append", default=[])
    parser.add_argument("--tree", type=Path, action="append", default=[])
    parser.add_argument("--worst", type=int, default=3)
    given = parser.parse_args()
    system = make_system("abr")
    sets = {path.name: system.read_workloads(path)[0] for path in given.links}
    sets = sets or {name: system.workloads(name, 142, 0) for name in system.workload_names}
    policies = policies_of(system, given)
    labels = [label.removesuffix(" kbps") for label in system.output.names]
    for title, links in sets.items():
        print(f"\n{title}, {len(links)} links\n")
        print(f"| policy | mean | median | without worst 5% | stalls, s | {' | '.join(labels)} kbps |")
        print("|-" * (5 + len(labels)) + "|")
        behind = {}
        for name, policy in policies.items():
            run = system.run(policy, links)
            worth, stalls = run.metrics["qoe"], run.metrics["rebuffering"]
            order = np.argsort(worth)
            rest = worth[order[len(order) // 20 :]]
            shares = run.actions.sum(axis=0) / run.actions.sum()
            told = [f"{worth.mean():.2f}", f"{np.median(worth):.2f}", f"{rest.mean():.2f}", f"{stalls.mean():.2f}"]
            print(f"| {name} | {' | '.join(told)} | {' | '.join(f'{share:.0%}' for share in shares)} |", flush=True)
            behind[name] = [f"{links[at].name} ({worth[at]:.0f}, {stalls[at]:.0f} s)" for at in order[: given.worst]]
        for name, worst in behind.items():
            print(f"- {name}: worst sessions (QoE, stalls): {', '.join(worst)}")


if __name__ == "__main__":
    main()
