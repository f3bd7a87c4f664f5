"""Where the numbers of the rules `bola` and `tuned` come from, and what every rule reaches: generated links only.

    python benchmarks/abr_rules.py [--links 400] [--seed 999]

Tries a grid of numbers on `links` links of markov-3g and prints the best of each rule; about a minute of one core.
"""

import argparse
import itertools

from dnnexplain.systems.abr import Params, default_video, make_qoe
from dnnexplain.systems.abr.rules import SETTINGS, RulePolicy
from dnnexplain.systems.abr.runner import run_policy
from dnnexplain.systems.abr.trace_families import generate

GRIDS = {
    "tuned": {"share": (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8), "reserve": (0, 1, 2, 3, 4, 5, 6, 8)},
    "bola": {"gain": (1.0, 1.4, 1.6, 1.8, 2.0, 2.2, 2.6, 3.0, 5.0), "target": (60.0,)},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=int, default=400)
    parser.add_argument("--seed", type=int, default=999)
    given = parser.parse_args()
    video, params = default_video(), Params()
    qoe = make_qoe("linear", video.bitrates)
    links = generate("markov-3g", given.links, given.seed, spread=0.6)

    def total(name, **numbers):
        return float(
            run_policy(links, video, params, RulePolicy(name, video, params, qoe, **numbers)).total(qoe).mean()
        )

    print(f"mean QoE-linear of chunks 2 to 48 over {given.links} markov-3g links, seed {given.seed}")
    for name, grid in GRIDS.items():
        tried = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        scores = [(total(name, **numbers), numbers) for numbers in tried]
        best = max(scores, key=lambda one: one[0])
        print(f"{name:18} best of {len(scores)}: {best[0]:.2f} with {best[1]}; shipped: {SETTINGS[name]}")
    for name in SETTINGS:
        print(f"{name:18} {total(name):.2f}")


if __name__ == "__main__":
    main()
