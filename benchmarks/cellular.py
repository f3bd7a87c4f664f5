"""The cell: how fast it runs, how much room its defaults leave, and how far the shipped network gets.

    python benchmarks/cellular.py [--days 200] [--repeats 5] [--json] [--card]

Times are process CPU time; speeds are medians over ``--repeats`` runs with the least and the most beside them.
Rules are tuned on days of another seed; rewards are of held-out days, with 95% intervals. A simulated cell; the
14.7% of Chinchali et al. is not reproduced, for their data is not public.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from dnnexplain.intervals import mean_interval, ratio_interval
from dnnexplain.policies import load_shipped, save
from dnnexplain.policies._model_card import write_model_card
from dnnexplain.registry import make_system, spec_of
from dnnexplain.systems.cellular.runs import play_rates

SEED = 31_000
"""Of held-out days; rules and networks were made on others."""


def speed(work: Callable[[], object], minutes: int, repeats: int) -> list[float]:
    """Cell minutes per CPU-second: median, least, most."""
    work()
    rates = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        rates.append(minutes / (time.process_time() - begun))
    return [float(np.median(rates)), min(rates), max(rates)]


def speeds(system, days, network, repeats):
    stacked = system.stack(days)
    minutes = len(days) * days[0].minutes
    rates = np.full((len(days), days[0].minutes), 0.3)
    rule = system.rules()["headroom"]
    found = {
        "given rates": speed(lambda: play_rates(system.cell, stacked, rates), minutes, repeats),
        "a rule in the loop": speed(lambda: system.run(rule, days), minutes, repeats),
        "the network in the loop": speed(lambda: system.run(network, days), minutes, repeats),
    }
    day = days[0]
    begun = time.process_time()
    for _ in range(repeats):
        system.plan(day)
    return found, (time.process_time() - begun) / repeats


def rewards(system, days, network):
    optimum = system.run_optimum(days)
    upper = -np.array([system.bound(day).lower for day in days])
    best = optimum.metrics["reward"]
    runs = {name: system.run(rule, days) for name, rule in system.rules().items()}
    earned = {name: run.metrics["reward"] for name, run in runs.items()}
    rule = max((name for name in earned), key=lambda name: earned[name].mean())
    own = system.run(network, days)
    mine = own.metrics["reward"]
    way = ratio_interval(mine - earned[rule], best - earned[rule])
    threshold = ratio_interval(best, earned["threshold"])
    table = {
        name: {
            "reward": _told(mean_interval(run.metrics["reward"])),
            "volume": float(run.metrics["gained volume"].mean()),
            "minutes below": float(run.metrics["minutes below the limit"].mean()),
            "minutes pushed below": float(run.metrics["minutes pushed below"].mean()),
        }
        for name, run in {**runs, "network": own, "optimum's plan": optimum}.items()
    }
    return {
        "table": table,
        "proved bound": float(upper.mean()),
        "optimum over best fixed threshold": _told(threshold),
        "best rule": rule,
        "way from the best rule to the optimum": _told(way),
        "way to the proved bound": _told(ratio_interval(mine - earned[rule], upper - earned[rule])),
        "network less best rule": _told(mean_interval(mine - earned[rule])),
    }


def write_card(network, system, figures, days):
    """The figures into the shipped weights file, and its card."""
    table, rule = figures["table"], figures["best rule"]
    told = {
        "held-out days": f"{days} of family mixed, seed {SEED:,}",
        "reward (GB a day)": table["network"]["reward"],
        f"reward of the best rule, {rule} (GB a day)": table[rule]["reward"],
        "reward of the optimum's plan (GB a day)": table["optimum's plan"]["reward"],
        "network less best rule (GB a day)": figures["network less best rule"],
        "way from the best rule to the optimum (share)": figures["way from the best rule to the optimum"],
        "way to the proved bound (share)": figures["way to the proved bound"],
        "volume gained (GB a day)": table["network"]["volume"],
        "minutes below the limit a day": table["network"]["minutes below"],
    }
    metadata = {key: value for key, value in network.metadata.items() if key != "checkpoint"} | {"figures": told}
    path = spec_of(system).weights / "cellular-actor.safetensors"
    save(path, network.module, metadata, system=system)
    print(write_model_card(path))


def _told(interval):
    return {"mean": float(interval.mean), "low": float(interval.low), "high": float(interval.high)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--card", action="store_true", help="write the figures into the shipped weights and their card")
    given = parser.parse_args()
    system = make_system("cellular")
    network = load_shipped(system, "default")
    days = system.workloads("mixed", given.days, SEED)
    fast, plan = speeds(system, days[:30], network, given.repeats)
    figures = {
        "cell minutes per CPU-second": fast,
        "seconds for a day's optimum": plan,
        **rewards(system, days, network),
    }
    if given.card:
        write_card(network, system, figures, given.days)
    if given.json:
        print(json.dumps(figures, indent=1))
        return
    for name, (middle, least, most) in fast.items():
        print(f"{name:28s} {middle:12,.0f} cell minutes per CPU-second ({least:,.0f} to {most:,.0f})")
    print(f"optimum of a day of 720 minutes: {plan:.3f} s")
    for name, row in figures["table"].items():
        reward = row["reward"]
        print(
            f"{name:16s} reward {reward['mean']:8.2f} GB a day ({reward['low']:.2f} to {reward['high']:.2f}), volume "
            f"{row['volume']:6.2f} GB, {row['minutes below']:6.1f} minutes below the limit, {row['minutes pushed below']:6.1f} pushed there"
        )
    for name in (
        "optimum over best fixed threshold",
        "way from the best rule to the optimum",
        "way to the proved bound",
        "network less best rule",
    ):
        told = figures[name]
        print(f"{name}: {told['mean']:.3f} ({told['low']:.3f} to {told['high']:.3f})")
    print(f"best rule: {figures['best rule']}; proved bound {figures['proved bound']:.2f} GB a day")


if __name__ == "__main__":
    main()
