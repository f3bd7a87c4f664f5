"""How fast DeepRM runs: environment steps per CPU-second on one core, with and without the network.

    python benchmarks/simulator.py [--json]

Episodes that end start again at once. Times are process CPU time; every figure is the median of
``--repeats`` runs with the least and the most beside it. The original's figures (Python 2.7, published
code: 8 to 11 thousand steps with the image, 3 to 7 thousand with its network) were measured on another
machine of the same kind.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
import torch

from dnnexplain import sampling
from dnnexplain.policies import TorchPolicy
from dnnexplain.policies.networks import mlp
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.simulator.batch import Simulator

EPISODES, SETS = 512, 128


def sjf(simulator: Simulator) -> Callable[[], None]:
    """SJF decides; every state is painted."""
    pictures = simulator.observe()

    def step() -> None:
        simulator.step_and_observe(simulator.rule_actions("sjf"), pictures)

    return step


def random_actions(simulator: Simulator) -> Callable[[], None]:
    """Uniform actions, drawn beforehand; every state is painted."""
    pictures = simulator.observe()
    actions = np.random.default_rng(0).integers(0, simulator.params.slots + 1, (997, len(simulator)))
    turn = iter(range(10**9))

    def step() -> None:
        simulator.step_and_observe(actions[next(turn) % len(actions)], pictures)

    return step


def network(simulator: Simulator) -> Callable[[], None]:
    """The paper's network sees every state, and its action is drawn from the valid ones."""
    policy = TorchPolicy(mlp(DeepRM(simulator.params)), DeepRM(simulator.params))
    pictures = simulator.observe()
    rng = np.random.default_rng(0)

    def step() -> None:
        simulator.observe(out=pictures)
        outputs = policy.outputs_of_bytes(pictures, simulator.scale)
        simulator.step(sampling.choose(outputs, simulator.valid(), rng))

    return step


CASES = {"random actions, image": random_actions, "SJF, image": sjf, "network in the loop": network}


def measure(make: Callable[[Simulator], Callable[[], None]], slots: int, steps: int) -> float:
    """Environment steps per CPU-second."""
    system = DeepRM(slots=slots)
    simulator = system.environment(system.workloads("deeprm", SETS, 1), EPISODES // SETS)
    step = make(simulator)
    for _ in range(20):
        step()
    begun = time.process_time()
    for _ in range(steps):
        step()
        ended = np.flatnonzero(simulator.done)
        if len(ended):
            simulator.reset(ended)
    return steps * EPISODES / (time.process_time() - begun)


def main() -> None:
    """Measure every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for slots in (5, 10):
        for name, make in CASES.items():
            rates = sorted(measure(make, slots, options.steps) for _ in range(options.repeats))
            rows.append(
                {"slots": slots, "case": name, "median": rates[len(rates) // 2], "least": rates[0], "most": rates[-1]}
            )
    if options.json:
        print(json.dumps({"machine": platform.processor() or platform.machine(), "rows": rows}, indent=2))
        return
    print(f"{'slots':>5}  {'case':24}{'steps per CPU-second':>22}  {'least':>10}  {'most':>10}")
    for row in rows:
        print(
            f"{row['slots']:>5}  {row['case']:24}{row['median']:>22,.0f}  {row['least']:>10,.0f}  {row['most']:>10,.0f}"
        )


if __name__ == "__main__":
    main()
