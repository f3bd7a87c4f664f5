"""Cloud RAN: speed of power programs and of optimal days, quality of policies, and the grid that tunes a rule.

    python -m benchmarks.cran speed [--twelve]
    python -m benchmarks.cran policies --days 200 --seed 900 [--action set] [--policy default ...]
    python -m benchmarks.cran tune --days 40 --seed 7
    python -m benchmarks.cran card --days 200 --seed 900 [--family diurnal] [--file mine.safetensors] [--twelve]

The shipped networks: ``dnnexplain train cran --seed 0 --out cran-toggle-5.safetensors``, the same with
``--action set --out cran-set-5.safetensors``, and ``dnnexplain train cran --heads 12 --users 4 --days 4000 --steps 24000
--rounds 4 --seed 0 --out cran-toggle-12.safetensors``, of whose days the optimum, 4 s each, is found with ``--twelve`` alone.

Times are CPU seconds of this process (one thread): the median of five runs with its range.
"""

import argparse
import os
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from dnnexplain.intervals import mean_interval, ratio_interval
from dnnexplain.policies import load_any, save
from dnnexplain.policies._model_card import write_model_card
from dnnexplain.policies.checkpoints import read_metadata
from dnnexplain.policies.named import named_policy
from dnnexplain.registry import spec_of
from dnnexplain.systems.cran import CloudRan
from dnnexplain.systems.cran.cone import cone_power
from dnnexplain.systems.cran.oracle import PlanOracle
from dnnexplain.systems.cran.power import all_sets, powers_of_sets
from dnnexplain.systems.cran.rules import Rule, hysteresis

LIMITS = (
    "Trained on generated days of one scene; it does not see places. It leaves more slots unserved than rules that solve "
    "the power program. Scene, channels and demands are assumptions; no saving here is Iqbal et al.'s or Xu et al.'s."
)
MOST = 8
"""Heads with which the optimum of a day takes less than a second."""
RIVALS = ("all-on", "greedy", "hysteresis", "tuned-hysteresis")


def timed(work, runs=5):
    """Median, least and most CPU seconds, after one run that compiles."""
    work()
    seconds = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return sorted(seconds)[runs // 2], min(seconds), max(seconds)


def speed(given):
    """Programs per second by duality and by Clarabel; CPU seconds of an optimal day."""
    for heads, users in ((5, 2), (8, 3), *([(12, 4)] if given.twelve else [])):
        system = CloudRan(heads=heads, users=users)
        scene, day = system.scene, system.workloads("diurnal", 1, given.seed)[0]
        channels = scene.channels(day.gain, day.phase)
        sets = np.tile(all_sets(scene)[1:], (len(day), 1))[:, : 2**8 - 1]
        middle, low, high = timed(lambda: powers_of_sets(scene, channels, day.demand, sets))  # noqa: B023
        print(f"{heads} heads, {users} users: {sets.size / middle:,.0f} programs a CPU second"
              f" ({sets.size / high:,.0f} to {sets.size / low:,.0f})")  # fmt: skip
        gamma, every = scene.needed_ratio(day.demand), np.arange(heads)
        middle, low, high = timed(lambda: [cone_power(h, every, g) for h, g in zip(channels, gamma, strict=True)])  # noqa: B023
        print(
            f"  Clarabel, all heads awake: {len(day) / middle:,.0f} ({len(day) / high:,.0f} to {len(day) / low:,.0f})"
        )
        for action in ("toggle", "set"):

            def optimum(scene=scene, day=day, toggles=action == "toggle"):
                return PlanOracle(scene, toggles=toggles).plan(day)

            middle, low, high = timed(optimum, 3)
            print(f"  optimum of a day, {action}: {middle:.3g} s ({low:.3g} to {high:.3g})")


def policies(given):
    """Mean power, the share of the optimum's saving, and what went wrong, on days that nothing was trained on."""
    system = CloudRan(heads=given.heads, users=given.users, action=given.action)
    for family in ("diurnal", "flash", "walk"):
        days = system.workloads(family, given.days, given.seed)
        full = system.run(system.rules()["all-on"], days).cost
        best = system.run_optimum(days)
        print(
            f"{given.days} days of {family}, seed {given.seed}, {given.action}: all on {full.mean():.3f} W, optimum {best.cost.mean():.3f} W"
        )
        for name in (*given.policy, *system.rules(), "optimum"):
            run = best if name == "optimum" else system.run(named_policy(system, name), days)
            share = ratio_interval(full - run.cost, full - best.cost)
            metrics = run.metrics
            print(f"  {name:17} {run.cost.mean():.3f} W, {share.low:.3f} to {share.high:.3f} of the optimum's saving,"
                  f" {metrics['switches'].mean():.1f} switches a day, {metrics['unserved slots'].sum():.0f} slots not served")  # fmt: skip


def card(given):
    """Measure the shipped networks on held-out days, and write the figures into their files and cards."""
    for path in given.file or sorted(spec_of("cran").weights.glob("*.safetensors")):
        told = read_metadata(path)
        system = CloudRan(**told["system"]["parameters"])
        policy = load_any(path, system)
        figures = {}
        for family in given.family or ("diurnal", "flash", "walk"):
            days = system.workloads(family, given.days, given.seed)
            known = system.scene.heads <= MOST or given.twelve
            rows = {"optimum, every day known beforehand": system.run_optimum(days)} if known else {}
            rows |= {"network": system.run(policy, days)}
            rows |= {name: system.run(system.rules()[name], days) for name in RIVALS}
            full = rows["all-on"].cost
            best = next(iter(rows.values())).cost if known else np.full(len(days), np.nan)
            figures[f"{given.days} days of {family}, seed {given.seed}"] = {
                name: {
                    "slots not served": int(run.metrics["unserved slots"].sum()),
                    "mean power, W": interval(mean_interval(run.cost)),
                    **(
                        {"share of the optimum's saving": interval(ratio_interval(full - run.cost, full - best))}
                        if known
                        else {}
                    ),
                    "network less this one, W, paired": interval(mean_interval(rows["network"].cost - run.cost)),
                }
                for name, run in rows.items()
            }
        save(path, policy, {**told, "limits": LIMITS, "figures": figures}, system=system)
        print(write_model_card(path))


def interval(figure):
    """As files hold it; where nothing varies there is no interval."""
    return {"mean": figure.mean, "low": figure.low, "high": figure.high} if figure.known else figure.mean


def tune(given):
    """The factors of hysteresis by a grid, for both kinds of action."""
    for action in ("toggle", "set"):
        system = CloudRan(heads=given.heads, users=given.users, action=action)
        days = system.workloads("diurnal", given.days, given.seed)
        costs = {
            (on, off): system.run(Rule("h", system.codec, system.output, hysteresis(on, off)), days).cost.mean()
            for on in (1.0, 1.05, 1.1, 1.2)
            for off in (1.0, 1.1, 1.2, 1.3, 1.5)
            if off >= on
        }
        best = min(costs, key=costs.get)
        print(f"{action}: best factors on={best[0]:g}, off={best[1]:g} with {costs[best]:.3f} W; "
              f"hysteresis as it is {costs[1.1, 1.5]:.3f} W")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speed", "policies", "tune", "card"))
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--heads", type=int, default=5)
    parser.add_argument("--users", type=int, default=2)
    parser.add_argument("--action", default="toggle")
    parser.add_argument("--family", action="append", default=[], help="of a card's days; all if not given")
    parser.add_argument("--policy", action="append", default=[])
    parser.add_argument("--file", action="append", type=Path, default=[], help="to measure; all that ship if not given")
    parser.add_argument("--twelve", action="store_true", help="time 12 heads, too; find their optimum")
    given = parser.parse_args()
    {"speed": speed, "policies": policies, "tune": tune, "card": card}[given.what](given)


if __name__ == "__main__":
    main()
