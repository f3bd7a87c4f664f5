"""Networks and rules on sets of links: mean and median QoE, stalls, and the paired difference from robust-mpc.

    python benchmarks/abr_networks.py --links DIR [--links DIR ...] [--policy FILE ...] [--qoe linear] [--optimum]

Without --links, 142 generated links of each family. A network is a file or the name of one that ships. Best actions
are taken. Intervals are 95%, by the package's own method over links. With --optimum the best known plans are a row, too.
"""

import argparse
from pathlib import Path

import numpy as np

from dnnexplain.intervals import mean_interval
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=Path, action="append", default=[])
    parser.add_argument("--policy", action="append", default=[])
    parser.add_argument("--qoe", default="linear", choices=("linear", "log", "hd"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--optimum", action="store_true")
    given = parser.parse_args()
    system = make_system("abr", qoe=given.qoe)
    sets = {path.name: system.read_workloads(path)[0] for path in given.links}
    sets = sets or {name: system.workloads(name, 142, given.seed) for name in system.workload_names}
    policies = {**{name: named_policy(system, name) for name in given.policy or ["default"]}, **system.rules()}
    for title, links in sets.items():
        runs = {name: system.run(policy, links).metrics for name, policy in policies.items()}
        if given.optimum:
            runs["optimum"] = system.run_optimum(links).metrics
        print(f"\n{title}, {len(links)} links, QoE-{given.qoe} of chunks 2 to the last (seed {given.seed})")
        print(f"{'policy':40} {'mean':>8} {'median':>8} {'stalls s':>9}   against robust-mpc (95%)")
        for name, figures in runs.items():
            line = f"{name[-40:]:40} {figures['qoe'].mean():8.2f} {np.median(figures['qoe']):8.2f} {figures['rebuffering'].mean():9.2f}"
            if name != "robust-mpc":
                difference = mean_interval(figures["qoe"] - runs["robust-mpc"]["qoe"])
                line += f"   {difference.mean:+.2f} ({difference.low:+.2f} to {difference.high:+.2f})"
            print(line)


if __name__ == "__main__":
    main()
