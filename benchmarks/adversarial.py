"""Adversarial search on DeepRM: methods at equal CPU time, single-job proofs, whole sequences.

    python benchmarks/adversarial.py [--seconds 2] [--states 6] [--sequence-seconds 20] [--seeds 3] [--measure ratio]

All times are CPU seconds of one process. The figures of record are in adversarial.md.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from dnnexplain.contract import State
from dnnexplain.explain.adversarial import METHODS, attack
from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.explain.sequence.gap import Gap
from dnnexplain.policies import load_any
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.likelihood import state_likelihood


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
    states = states_of(world, network, arguments.states, 11)
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


def fresh_draws(world, network, against, measure, seconds, seed):
    """Random search over new job sets of the training distribution: its best gap."""
    gap, began, best, batch = Gap(world, network, against, measure), time.process_time(), -np.inf, 0
    while time.process_time() - began < seconds:
        best = max(best, gap.of(*gap.costs(world.workloads("deeprm", 96, seed * 100_000 + batch))).max())
        batch += 1
    return best, 96 * batch


def sequences(world, network, arguments):
    for measure in arguments.measure:
        print(
            f"## Whole sequences against SJF, {measure} of mean slowdown, {arguments.sequence_seconds:g} CPU s of random search"
        )
        print(
            "| seed | random (uniform) best | random (training draws) best | evolve: CPU s to the better of both | times less | evolve after a quarter of the time | optimum, network, SJF there |"
        )
        print("|---|---|---|---|---|---|---|")
        factors = []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            starts = world.workloads("deeprm", 24, 1000 + seed)
            options = {
                "measure": measure, "clock": time.process_time, "seed": seed, "oracle_seconds": 3.0,
            }  # fmt: skip
            spent = arguments.sequence_seconds
            uniform = attack_sequence(world, network, starts, method="random", seconds=spent, **options)
            drawn, _ = fresh_draws(world, network, "sjf", measure, spent, seed + 1)
            goal = max(uniform.gap, drawn)
            ours = attack_sequence(world, network, starts, seconds=spent, until=goal, **options)
            longer = attack_sequence(world, network, starts, seconds=spent / 4, **options)
            factors.append(spent / ours.seconds if ours.gap >= goal else np.nan)
            print(
                f"| {seed} | {uniform.gap:.3f} | {drawn:.3f} | {ours.seconds:.2f} | {factors[-1]:.0f} | {longer.gap:.2f} | "
                f"{longer.optimum_lower:.2f} to {longer.optimum_upper:.2f}, {longer.network:.2f}, {longer.rule:.2f} |",
                flush=True,
            )
        print(
            f"Times less CPU: smallest {np.min(factors):.0f}, median {np.median(factors):.0f}, largest {np.max(factors):.0f}.\n"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--states", type=int, default=6)
    parser.add_argument("--sequence-seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--measure", nargs="*", default=["ratio", "difference"])
    parser.add_argument("--policy", default="default")
    arguments = parser.parse_args()
    world = DeepRM()
    network = load_any(arguments.policy, world)
    print(f"Network {network.name}, checkpoint {network.checkpoint[:12]}.\n")
    world.run(network, world.workloads("deeprm", 2, 0))  # compiles the kernels before the clock runs
    world.judge(states_of(world, network, 1, 0)[0])
    if arguments.states:
        decisions(world, network, arguments)
    sequences(world, network, arguments)


if __name__ == "__main__":
    main()
