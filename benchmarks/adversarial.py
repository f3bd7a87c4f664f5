"""Adversarial search on DeepRM: methods at equal CPU time, single-job proofs, pairs like Figure 4.

    python benchmarks/adversarial.py [--seconds 2] [--states 12] [--seed 11] [--policy default]

All times are CPU seconds of one process. The figures of record are in adversarial.md; whole sequences
are in adversarial_sequences.py.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from dnnexplain.contract import State
from dnnexplain.explain.adversarial import METHODS, attack, order_pairs
from dnnexplain.policies import load_any
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.workloads.likelihood import state_likelihood


def states_of(world, network, count, seed):
    """States that the network meets in its own episodes, with at least two jobs and a right decision."""
    run = world.replay(network, world.workloads("deeprm", 1, seed)[0])
    values = world.decode(run.observations)
    rng = np.random.default_rng(seed)
    chosen = []
    for row in rng.permutation(len(values)):
        jobs = int((values[row][: 3 * world.params.slots : 3] > 0).sum())
        state = State(values[row], run.observations[row])
        if jobs >= 2 and run.actions[row] in world.judge(state).best:
            chosen.append(state)
        if len(chosen) == count:
            break
    return chosen


def decisions(world, network, arguments):
    print(f"## One decision: {arguments.states} states, {arguments.seconds:g} CPU s per method and state")
    print("| method | found | mean cost where all found | proved | median CPU s to its best | states per CPU s |")
    print("|---|---|---|---|---|---|")
    states = states_of(world, network, arguments.states, arguments.seed)
    table = {
        name: [
            attack(world, network, state, method=name, seconds=arguments.seconds, clock=time.process_time, seed=i)
            for i, state in enumerate(states)
        ]
        for name in METHODS
    }
    common = [i for i in range(len(states)) if all(answers[i].found for answers in table.values())]
    for name, answers in table.items():
        cost = np.mean([answers[i].distance for i in common]) if common else np.nan
        best = [a.trace[-1].seconds for a in answers if a.trace]
        rate = sum(a.evaluated for a in answers) / sum(a.seconds for a in answers)
        print(
            f"| {name} | {sum(a.found for a in answers)} of {len(states)} | {cost:.2f} ({len(common)} states) | "
            f"{sum(a.proved_minimal or a.complete for a in answers)} | {np.median(best) if best else np.nan:.2f} | {rate:,.0f} |",
            flush=True,
        )
    print()
    print("Changes of one job only, proved (every one of its lengths and demands):")
    print("| state | CPU s | cost | states decided | judged | log-likelihood before -> after |")
    print("|---|---|---|---|---|---|")
    likelihood = state_likelihood(world)
    for i, state in enumerate(states):
        found = attack(world, network, state, objects=1, clock=time.process_time, seconds=30, likelihood=likelihood)
        logs = ", ".join(f"{a:.1f} -> {b:.1f}" for a, b in found.likelihood.values()) or "-"
        assert found.proved_minimal or found.complete
        print(
            f"| {i} | {found.seconds:.2f} | {found.distance} | {found.evaluated:,} | {found.judged} | {logs} |",
            flush=True,
        )
    print()


def pairs(world, network):
    """States of two jobs in which shortening job 1 by a step swaps their order for the worse."""
    began = time.process_time()
    found = order_pairs(world, network, samples=20_000, seconds=120)
    print(f"## Pairs like the paper's Figure 4 ({time.process_time() - began:.1f} CPU s)")
    print("| jobs 1; 2 (steps x CPU x memory) | change | before | after | best after | loss |")
    print("|---|---|---|---|---|---|")
    for row in found.table()[:5]:
        told = [row[name] for name in ("state", "change", "before", "after", "best after")]
        print(f"| {' | '.join(told)} | {row['loss']:.2f} |")
    print(f"\n{found.words}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--states", type=int, default=12)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--policy", default="default")
    arguments = parser.parse_args()
    world = DeepRM()
    network = load_any(arguments.policy, world)
    print(f"Network {network.name}, checkpoint {network.checkpoint[:12]}.\n")
    warm = states_of(world, network, 1, 0)[0]
    attack(world, network, warm, seconds=0.2)  # compiles the kernels before the clock runs
    decisions(world, network, arguments)
    pairs(world, network)


if __name__ == "__main__":
    main()
