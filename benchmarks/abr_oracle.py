"""How wide the oracle's interval of a session's optimum is, and what it takes, trace by trace.

    python benchmarks/abr_oracle.py [--workload DIR | --family markov-3g --count 20] [--seconds 10] [--json oracle.json]

One line per ten traces while it runs; the gap is (bound - plan) / plan of the QoE of chunks 2 to the last, in per cent, the
time is CPU time of one core.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from dnnexplain.systems import make_system


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", type=Path)
    parser.add_argument("--family", default="markov-3g")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    system = make_system("abr")
    if given.workload:
        traces = system.read_workloads(given.workload)[0]
    else:
        traces = system.workloads(given.family, given.count, 0)
    system.bound(system.workloads("stable", 1, 0)[0], seconds=0.1)  # compiles
    rows = []
    for number, trace in enumerate(traces, start=1):
        begun = time.process_time()
        found = system.bound(trace, seconds=given.seconds)
        plan, bound = -found.upper, -found.lower
        rows.append((trace.name, plan, bound, 100 * (bound - plan) / abs(plan), time.process_time() - begun))
        if number % 10 == 0:
            print(number, *(f"{value:.3f}" for value in rows[-1][1:]), flush=True)
    plan, bound, gap, took = (np.array([row[at] for row in rows]) for at in range(1, 5))
    worst = rows[int(gap.argmax())][0]
    print(f"{len(rows)} traces: plans {plan.mean():.3f}, bounds {bound.mean():.3f}")
    print(
        f"gap: mean {gap.mean():.2f}%, median {np.median(gap):.2f}%, largest {gap.max():.2f}% ({worst}), above 2%: {(gap > 2).sum()}"
    )
    print(f"CPU time: mean {took.mean():.2f} s, largest {took.max():.2f} s, above 2 s: {(took > 2).sum()}")
    if given.json:
        given.json.write_text(
            json.dumps([dict(zip(("trace", "plan", "bound", "gap", "seconds"), row, strict=True)) for row in rows])
        )


if __name__ == "__main__":
    main()
