"""Does the trust badge tell right maps from wrong ones? Maps of three networks, right and spoiled in nine ways.

    python benchmarks/trust.py [--states 50] [--seed 2026] [--keep trust-runs] [--depth light] [--table]

States are those that each network visits. A method's own map is the right one. Five gross errors: cells shuffled,
noise, the sign reversed, the map of a network with shuffled weights, the map of another contrast. Four finer ones:
cells shuffled inside each knob group, the right map times 3, all changed cells alike, the map of another state.
Wherever a method promises a sum, the wrong map is given the right sum, so that adding up cannot give it away
(not for the reversed sign and times 3). --table prints what was measured; the figures of record are in trust.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain import attribute, trust, visited
from dnnexplain.explain.attribution.maps import group_sums
from dnnexplain.explain.attribution.methods import METHODS
from dnnexplain.explain.faithfulness.badge import LIMITS, METHOD
from dnnexplain.explain.networks.hooks import shuffled
from dnnexplain.policies import TorchPolicy, load_shipped
from dnnexplain.systems import make_system

NETWORKS = ("default", "conv", "as-published")
MAPS = ("saliency", "integrated-gradients", "input-x-gradient", "deeplift", "feature-ablation")
GROSS = ("cells shuffled", "noise", "sign reversed", "network with shuffled weights", "another contrast")
FINE = ("shuffled inside groups", "times 3", "changed cells alike", "another state")
KINDS = ("right", *GROSS, *FINE)
LEVELS = ("green", "amber", "red", "grey")


class Spoiler:
    """Wrong maps of one right map."""

    def __init__(self, system, policy, found, seen, random):
        self.system, self.policy, self.found, self.random = system, policy, found, random
        self.share = found.measure == "share"
        self.moved = seen != found.references.mean(axis=0) if self.share else np.ones(seen.shape, bool)

    def with_map(self, values, *, sum_made_right=False):
        if sum_made_right and self.share and self.moved.any():
            values = values + self.moved * (self.found.explained - values.sum()) / self.moved.sum()
        positive, negative = group_sums(values, self.system)
        error = float(values.sum()) - self.found.explained if self.share else float("nan")
        return replace(self.found, map=values, positive=positive, negative=negative, completeness_error=error)

    def make(self, kind, state, other_state):
        found, system, values = self.found, self.system, self.found.map
        ask = {"method": found.method, "target": found.target}
        if kind == "cells shuffled":
            return self.with_map(self.permuted(values, self.moved))
        if kind == "noise":
            noise = self.random.normal(size=values.shape) * self.moved
            return self.with_map(noise * np.linalg.norm(values) / np.linalg.norm(noise), sum_made_right=True)
        if kind == "sign reversed":
            return self.with_map(-values)
        if kind == "network with shuffled weights":
            untaught = TorchPolicy(shuffled(self.policy.module, 99), system, masked=self.policy.masked)
            return self.with_map(attribute(system, untaught, state, **ask).map, sum_made_right=True)
        if kind == "another contrast":
            names, order = system.output.names, np.argsort(-found.decision.outputs)
            third = next(names[i] for i in order if names[i] not in (found.for_name, found.against_name))
            turned = attribute(
                system, self.policy, state, method=found.method, target=f"{third} minus {found.against_name}"
            )
            return self.with_map(turned.map, sum_made_right=True)
        if kind == "shuffled inside groups":
            wrong = values
            for group in range(len(system.groups)):
                wrong = self.permuted(wrong, self.moved & (system.cell_group == group))
            return self.with_map(wrong)
        if kind == "times 3":
            return self.with_map(3.0 * values)
        if kind == "changed cells alike":
            return self.with_map(self.moved * float(values.mean()), sum_made_right=True)
        return self.with_map(attribute(system, self.policy, other_state, **ask).map, sum_made_right=True)

    def permuted(self, values, where):
        wrong = values.copy()
        wrong[where] = self.random.permutation(wrong[where])
        return wrong


def judged(system, policy, found, seed, depth):
    began = time.process_time()
    badge = trust(system, policy, found, seed=seed, depth=depth)
    figures = {figure.name: [figure.value, figure.level] for figure in badge.figures}
    return {"overall": badge.overall, "figures": figures, "ms": 1e3 * (time.process_time() - began)}


def chosen(args):
    """What of the whole is measured, for a file's name."""
    names = [*args.methods, *args.maps] if (args.methods, args.maps) != (MAPS, KINDS) else []
    return "".join(f"-{name.replace(' ', '_')}" for name in names)


def measure(args):
    torch.set_num_threads(1)
    system = make_system("deeprm")
    args.keep.mkdir(parents=True, exist_ok=True)
    for network in NETWORKS:
        file = args.keep / f"{network}-{args.depth}-{args.states}-{args.seed}{chosen(args)}.jsonl"
        if file.exists():
            continue
        policy, random = load_shipped(system, network), np.random.default_rng(args.seed)
        states = visited(system, policy, args.states, seed=args.seed).states(system)
        lines = []
        for index, state in enumerate(states):
            seen = system.encode(state.values[None], state.background)[0]
            for method in args.methods:
                try:
                    right = attribute(system, policy, state, method=method)
                except DnnExplainError:
                    continue  # DeepLift refuses where it does not add up
                if not right.map.any():
                    continue  # nothing to spoil: the network is flat here
                spoiler = Spoiler(system, policy, right, seen, random)
                other = states[(index + len(states) // 2) % len(states)]
                for kind in args.maps:
                    if kind in FINE[:1] and METHODS[method].groupwise:
                        continue
                    given = right if kind == "right" else spoiler.make(kind, state, other)
                    record = judged(system, policy, given, args.seed, args.depth)
                    lines.append({"method": method, "kind": kind, "state": index, **record})
            print(network, index, flush=True)
        part = file.with_suffix(".part")
        part.write_text("".join(json.dumps(line) + "\n" for line in lines))
        part.rename(file)


def overall(record):
    """A record's colour under the present limits, so that the table follows them; what was mild then is mild now."""
    levels = []
    for name, (value, level) in record["figures"].items():
        if LIMITS[name].judges == METHOD:
            continue
        now = str(LIMITS[name].level(value))
        levels.append("amber" if now == "red" and level == "amber" else now)
    return next((level for level in ("red", "amber", "green") if level in levels), "grey")


def table(args):
    total = {}
    for network in NETWORKS:
        file = args.keep / f"{network}-{args.depth}-{args.states}-{args.seed}{chosen(args)}.jsonl"
        if not file.exists():
            continue
        records = [json.loads(line) for line in file.read_text().splitlines()]
        for record in records:
            record["overall"] = overall(record)
        print(f"\n**{network}**, badge {np.median([r['ms'] for r in records]):.0f} ms of processor time (median)\n")
        print("| map | n | " + " | ".join(LEVELS) + " | red by method |\n|-|-|-|-|-|-|-|")
        for kind in args.maps:
            mine = [r for r in records if r["kind"] == kind]
            levels = Counter(r["overall"] for r in mine)
            group = "right" if kind == "right" else "gross" if kind in GROSS else kind
            total.setdefault(group, Counter()).update(levels)
            by = [
                f"{method} {np.mean([r['overall'] == 'red' for r in mine if r['method'] == method]):.0%}"
                for method in dict.fromkeys(r["method"] for r in mine)
            ]
            print(
                f"| {kind} | {len(mine)} | " + " | ".join(str(levels[one]) for one in LEVELS) + f" | {', '.join(by)} |"
            )
    print("\n**all networks**\n\n| maps | n | " + " | ".join(LEVELS) + " |\n|-|-|-|-|-|-|")
    for group, levels in total.items():
        n = levels.total()
        print(f"| {group} | {n} | " + " | ".join(f"{levels[one] / n:.1%}" for one in LEVELS) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=int, default=50)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--keep", type=Path, default=Path("trust-runs"))
    parser.add_argument("--depth", choices=("light", "full"), default="light")
    parser.add_argument("--methods", nargs="+", choices=MAPS, default=MAPS, help="of these alone")
    parser.add_argument("--maps", nargs="+", choices=KINDS, default=KINDS, help="of these alone")
    parser.add_argument("--table", action="store_true", help="print what is there, measure nothing")
    args = parser.parse_args()
    args.methods, args.maps = tuple(args.methods), tuple(args.maps)
    if not args.table:
        measure(args)
    table(args)


if __name__ == "__main__":
    main()
