"""Likely inputs that are bad for a network, at equal counts: drawn, searched as ``worst-case`` does, climbed to, generated, steered.

Run: ``python benchmarks/stress.py --runs 300 --seeds 3 --out found.jsonl`` (add system names for some systems only); what is in the file
already is not run again, and ``--table found.jsonl`` prints the table of all that is in it. For each system and seed: the mean regret
(cost less that of the best plan where an optimum is prompt, else of the best rule on each workload) of the ten worst inputs at least
as likely as the least likely 5% of the system's own. Every way runs the policy on the same number of workloads. The search of
``worst-case`` (CMA-ES over the system's own box of workloads, or over its family's parameters) is told what is likely: what is not is
not run, and of it the more likely one is preferred; it may propose twelve times as many as are run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cma
import numpy as np
from numpy.typing import NDArray

from dnnexplain.cli.worst_case_world import ParameterBox
from dnnexplain.contract import Boxed, DnnExplainError
from dnnexplain.explain.generate import (
    Plausibility,
    TriedWorkloads,
    hardest,
    load_generator,
    propose,
    shipped_generator,
)
from dnnexplain.explain.generate.adversary import worst_ten
from dnnexplain.explain.stress.reference import reference, regret_of, slope_of
from dnnexplain.numbers import number
from dnnexplain.policies import named_policy, shipped_roles
from dnnexplain.registry import BUILT_IN, fair_rules, make_system, spec_of

LEAST = 0.05
CLIMBERS = 10
POPULATION, SPREAD, TRIES = 12, 0.3, 12
FROM_GENERATOR = "steered from a generator"
WAYS = ("drawn", "worst-case search", "hill climbing", "generated blindly", "steered", FROM_GENERATOR)

Regret = Callable[[Sequence[Any]], NDArray[np.float64]]


def main() -> None:
    """Print a line of JSON for each system and seed, or the table of a file of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1, help="The first seed.")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), help="Only these.")
    parser.add_argument("--out", type=Path, help="Append lines here; what is there is not run again.")
    parser.add_argument("--table", type=Path, help="Print the table of this file and run nothing.")
    given = parser.parse_args()
    if given.table is not None:
        print(_table([json.loads(line) for line in given.table.read_text().splitlines()]))
        return
    there = given.out.read_text().splitlines() if given.out is not None and given.out.exists() else []
    known = {(one["system"], one["seed"], one["runs"]) for one in map(json.loads, there)}
    for name in given.systems:
        for seed in range(given.first, given.first + given.seeds):
            if (name, seed, given.runs) in known:
                continue
            line = json.dumps(compared(name, given.runs, seed, given.ways))
            print(line, flush=True)
            if given.out is not None:
                with given.out.open("a") as file:
                    file.write(line + "\n")


def compared(name: str, runs: int, seed: int, wanted: Sequence[str] = WAYS) -> dict[str, Any]:
    """All wanted ways on one system: mean regret of the ten worst likely workloads, and how many kinds of workload they are of."""
    spec = spec_of(name)
    system: Any = make_system(name, **dict(spec.compared))
    roles = list(shipped_roles(system))
    policy = named_policy(system, roles[0]) if roles else system.rules()[spec.baselines[-1]]
    began = time.process_time()
    regret = regret_of(system, policy, fair_rules(system), seed)
    drawn = list(system.workloads(spec.family().name, max(400, runs), seed))
    law = Plausibility([system.to_records(one) for one in drawn])
    box = system.workload_box() if isinstance(system, Boxed) else ParameterBox(system, spec, seed)
    common: dict[str, Any] = {"count": runs, "seed": seed}
    steering: dict[str, Any] = {**common, "slope": slope_of(system, policy)}
    runs_of: dict[str, Callable[[], TriedWorkloads]] = {
        "drawn": lambda: _drawn(system, drawn[:runs], law, regret),
        "hill climbing": lambda: _climbed(system, drawn, law, regret, runs, seed),
        "generated blindly": lambda: hardest(system, drawn, law, regret, steer=False, **common),
        "steered": lambda: hardest(system, drawn, law, regret, **steering),
        "worst-case search": lambda: _searched(system, box, law, regret, runs, seed),
    }
    shipped = shipped_generator(spec, system)
    if shipped is not None:
        written = [system.from_records(one) for one in load_generator(shipped, system).sample(len(drawn), seed=seed)]
        runs_of[FROM_GENERATOR] = lambda: hardest(system, written, law, regret, **steering)
    ways = {way: run() for way, run in runs_of.items() if way in wanted}
    found: dict[str, Any] = {}
    for way in wanted:
        ten = worst_ten(ways[way], LEAST) if way in ways else []
        found[way] = round(float(np.mean([ways[way].regret[run] for run in ten])), 4) if ten else None
        found[f"{way}: kinds"] = len({ways[way].cells[run] for run in ten}) if ten else 0
    told = {"system": name, "policy": policy.name, "reference": reference(system), "runs": runs, "seed": seed}
    return {**told, **found, "cpu_seconds": round(time.process_time() - began, 1)}


def _table(lines: Sequence[dict[str, Any]]) -> str:
    """Mean and standard deviation over seeds, and what steering finds over what drawing finds, without and with a generator."""
    known = [way for way in WAYS if any(way in line for line in lines)]
    steered = [way for way in known if way.startswith("steered")]
    rows = [["system, network", "seeds", *known, *(f"{way} over drawn" for way in steered)]]
    for name in dict.fromkeys(line["system"] for line in lines):
        ours = [line for line in lines if line["system"] == name]
        spreads, ratios = [_spread(way, ours) for way in known], [_ratio(way, ours) for way in steered]
        rows.append([f"{name}, `{ours[0]['policy']}`", str(len(ours)), *spreads, *ratios])
    rows.insert(1, ["-"] * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _spread(way: str, lines: Sequence[dict[str, Any]]) -> str:
    values = [line[way] for line in lines if line.get(way) is not None]
    if not values:
        return "no generator" if way == FROM_GENERATOR else "none likely"
    words = f"{number(np.mean(values))} ± {number(np.std(values))}"
    return f"{words} ({len(values)} of {len(lines)})" if len(values) < len(lines) else words


def _ratio(way: str, lines: Sequence[dict[str, Any]]) -> str:
    ratios = [line[way] / line["drawn"] for line in lines if line.get(way) is not None]
    return f"{np.mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""


def _drawn(system: Any, workloads: Sequence[Any], law: Plausibility, regret: Regret) -> TriedWorkloads:
    found = TriedWorkloads()
    found.add(system, list(workloads), law, regret)
    return found


def _searched(system: Any, box: Any, law: Plausibility, regret: Regret, runs: int, seed: int) -> TriedWorkloads:
    """CMA-ES over rows of a box, on likely workloads only."""
    found, asked_for = TriedWorkloads(), 0
    size = max(2, len(box.low))  # the package asks for two dimensions
    strategy: Any = None
    while len(found.regret) < runs and asked_for < TRIES * runs:
        if strategy is None or strategy.stop():
            options = {"bounds": [0, 1], "popsize": POPULATION, "seed": seed + asked_for, "verbose": -9}
            strategy = cma.CMAEvolutionStrategy(np.full(size, 0.5), SPREAD, options)
        asked = strategy.ask()
        asked_for += len(asked)
        rows = np.clip(np.asarray(asked), 0, 1)[:, : len(box.low)] * (box.high - box.low) + box.low
        losses, likely = [2e9] * len(rows), {}
        for place, row in enumerate(np.rint(rows) if box.whole else rows):
            with suppress(DnnExplainError):
                made = box.workload(row)
                share = float(law([system.to_records(made)])[0])
                losses[place] = 1e9 * (1 - share)
                if share >= LEAST:
                    likely[place] = made
        first = len(found.regret)
        if likely:
            found.add(system, list(likely.values()), law, regret)
        for run, place in enumerate(likely, start=first):
            losses[place] = -found.regret[run]
        strategy.tell(asked, losses)
    return found


def _climbed(
    system: Any, drawn: Sequence[Any], law: Plausibility, regret: Regret, runs: int, seed: int
) -> TriedWorkloads:
    """Ten climbers side by side, each from a likely drawn workload; a step is kept where regret grows and it stays likely."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(17,)))
    pool = [system.to_records(one) for one in drawn]
    shares = law(pool)
    starts = [one for one, share in zip(drawn, shares, strict=True) if share >= LEAST][:CLIMBERS]
    found = TriedWorkloads()
    found.add(system, starts, law, regret)
    now = list(range(len(starts)))
    while len(found.regret) + CLIMBERS <= runs:
        steps = [_step(system, found.workloads[run], pool, law, rng) for run in now]
        first = len(found.regret)
        found.add(system, steps, law, regret)
        now = [
            new if found.regret[new] > found.regret[old] else old
            for old, new in zip(now, range(first, first + len(now)), strict=True)
        ]
    return found


def _step(system: Any, workload: Any, pool: Sequence[Any], law: Plausibility, rng: np.random.Generator) -> Any:
    for _ in range(20):
        table = propose(system.to_records(workload), pool[int(rng.integers(len(pool)))], rng, ordered=system.ordered)
        made = system.from_records(table)
        if law([system.to_records(made)])[0] >= LEAST:
            return made
    return workload


if __name__ == "__main__":
    main()
