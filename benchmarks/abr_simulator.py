"""How many chunks per CPU-second the video simulator downloads, with its 6 x 8 states and with a network in the loop.

    python benchmarks/abr_simulator.py [--sessions 4096] [--seed 0]

Links are generated. Time is CPU time of this process (one thread), the median of five runs with its range.
"""

import argparse
import os
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.qoe import make_qoe
from dnnexplain.systems.abr.rules import RulePolicy
from dnnexplain.systems.abr.runner import run_policy
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.trace_families import generate
from dnnexplain.systems.abr.training import actor
from dnnexplain.systems.abr.video import default_video


def timed(work, chunks):
    """Chunks per CPU-second of five runs, sorted."""
    work()
    rates = []
    for _ in range(5):
        begin = time.process_time()
        work()
        rates.append(chunks / (time.process_time() - begin))
    return sorted(rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    video = default_video()
    traces = generate("markov-3g", 256, given.seed)
    which = np.arange(given.sessions) % len(traces)
    actions = np.random.default_rng(given.seed).integers(0, 6, (47, given.sessions))
    chunks = 47 * given.sessions
    simulator = Simulator(traces, trace=which)

    def random_actions():
        simulator.reset()
        for row in actions:
            simulator.step(row)

    module = actor(video)

    def network():
        simulator.reset()
        with torch.inference_mode():
            while not simulator.done.all():
                states = torch.from_numpy(simulator.observe().astype(np.float32))
                simulator.step(module(states).argmax(dim=1).numpy())

    print(
        f"{given.sessions} sessions of 48 chunks, markov-3g links, seed {given.seed}; chunks per CPU-second, median (range)"
    )
    for title, work, count in (
        ("simulator with 6 x 8 states", random_actions, chunks),
        ("the paper's network in the loop", network, chunks),
    ):
        rates = timed(work, count)
        print(f"{title:34} {rates[2]:12,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})")
    for name in ("bb", "bola", "robust-mpc"):
        rule = RulePolicy(name, video, Params(), make_qoe("linear", video.bitrates))
        rates = timed(lambda rule=rule: run_policy(traces, video, Params(), rule), 47 * len(traces))
        print(f"{'rule ' + name:34} {rates[2]:12,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})")


if __name__ == "__main__":
    main()
