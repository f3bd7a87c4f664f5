"""What do guards buy? The worst gap to the best rule with and without one, and the nominal cost, on networks of all systems.

    python benchmarks/guards.py [--case NAME] [--sets 100] [--rounds 10] [--making 6] [--cycles 2] [--tries 20] [--most 3]
                                [--seed 0] [--making-seconds N] [--keep guard-runs] [--abr-weights FILE] [--abr-traces FOLDER] [--table]

A guard is compiled on even seeds and measured on odd ones. The gap is the cost over that of the best rule on the same
workload, less one (for bitrates and the cell, whose rewards are no ratio scale, the difference). The attack on the guarded network
knows the guard: it searches against both together, for --rounds batches; while the guard is made the largest attacks have
--making of them; after --making-seconds of the processor the best guard that was attacked by then is taken. Each case is kept as JSON and skipped where it is there.
--abr-weights names weights published elsewhere, --abr-traces a folder of links; neither ships. Half of the folder's links
are what guards are made on, the other half what they are measured on. The figures of record are in guards.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from dnnexplain.contract import cost_is_ratio
from dnnexplain.explain.guards import compile_guard, evaluate_guard
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.policies import named_policy
from dnnexplain.registry import spec_of
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.trace_files import read_traces

CASES: dict[str, dict[str, Any]] = {
    "deeprm default": {"system": "deeprm", "policy": "default", "family": "deeprm"},
    "deeprm as-published": {"system": "deeprm", "policy": "as-published", "family": "deeprm"},
    "deeprm conv": {"system": "deeprm", "policy": "conv", "family": "deeprm"},
    "routing dote-history": {
        "system": "routing",
        "parameters": {"history": 12},
        "policy": "dote-history",
        "family": "gravity",
        "rules": ("ecmp", "oblivious"),
        "choices": ("ecmp", "oblivious", "hedged"),
    },
    "routing dote-history, bursts": {
        "system": "routing",
        "parameters": {"history": 12},
        "policy": "dote-history",
        "family": "bursts",
        "rules": ("ecmp", "oblivious"),
        "choices": ("ecmp", "oblivious", "hedged"),
    },
    "abr published": {"system": "abr", "policy": "", "family": "puffer-like"},
    "cellular default": {"system": "cellular", "policy": "default"},
    "cran default": {"system": "cran", "policy": "default"},
}


SETTINGS = {"sets": 100, "rounds": 10, "making": 6, "cycles": 2, "tries": 20, "most": 3, "seed": 0}


def measure(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Compile and measure one case."""
    case = CASES[name]
    system: Any = make_system(case["system"], **case.get("parameters", {}))
    policy = named_policy(system, case["policy"] or str(asked.abr_weights))
    rules = {key: rule for key, rule in system.rules().items() if key not in {"random", "optimum"}}
    choices = {key: rules[key] for key in case.get("choices", rules)}
    rules = {key: rules[key] for key in case.get("rules", rules)}

    def draw(count: int, seed: int) -> Any:
        return system.workloads(case.get("family", spec_of(case["system"]).family("").name), count, seed)

    if case["system"] == "abr" and asked.abr_traces is not None:
        draw = halves(asked.abr_traces)
    began = time.process_time()
    last, over = "", Event()

    def tell(done: float, total: float, words: str) -> None:
        nonlocal last
        if time.process_time() - began > asked.making_seconds:
            over.set()
        if words != last:
            print(
                f"{time.process_time() - began:6.0f} s, {done:.0f} of {total:.0f}: {words}", file=sys.stderr, flush=True
            )
        last = words

    guard = compile_guard(
        system,
        policy,
        draw,
        rules=rules,
        choices=choices,
        sets=asked.sets,
        rounds=asked.making,
        cycles=asked.cycles,
        tries=asked.tries,
        most=asked.most,
        seed=asked.seed,
        stop=over,
        progress=tell,
    )
    made = time.process_time() - began
    print(f"{made:.0f} s: {[rule.words(quantities_of(system)) for rule in guard.rules]}", file=sys.stderr, flush=True)
    report = evaluate_guard(
        system, policy, guard, draw, rules=rules, sets=asked.sets, rounds=asked.rounds, seed=asked.seed
    )
    told = {key: value for key, value in asdict(report).items() if key != "question"}
    settings = {key: getattr(asked, key) for key in SETTINGS}
    told = {key: value for key, value in told.items() if not key.startswith("workload")}
    told["ratio"] = cost_is_ratio(system)
    return {"case": name, **told, **settings, "cpu_seconds": {"made": made, "all": time.process_time() - began}}


def halves(folder: Path) -> Any:
    """``draw(count, seed)`` of the links in a folder: no link comes for even seeds and for odd ones."""
    links, told = read_traces(folder)
    print(told)

    def draw(count: int, seed: int) -> Any:
        half = links[seed % 2 :: 2]
        order = np.random.default_rng(seed).permutation(len(half))
        return [half[place] for place in order[:count]]

    return draw


def table(folder: Path) -> str:
    """What was measured, as Markdown."""
    rows = ["| case | gap without | gap with | smaller by | nominal (95%) | steps in | rules |", "|-|-|-|-|-|-|-|"]
    for path in sorted(folder.glob("*.json")):
        one = json.loads(path.read_text())
        ends = (one["change"], one["change_low"], one["change_high"])
        ratio = one.get("ratio", not one["case"].startswith(("abr", "cellular")))  # as it was kept before it said so
        change = "{:+.2%} ({:+.2%} to {:+.2%})" if ratio else "{:+.3g} ({:+.3g} to {:+.3g})"
        rows.append(
            f"| {one['case']} | {one['gap_without']:.3g} | {one['gap_with']:.3g} | {one['reduction']:.0%} | "
            f"{change.format(*ends)} | {one['stepped_in']:.1%} | {'; '.join(one['guard']) or 'none'} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Measure what is missing, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append")
    for option, value in SETTINGS.items():
        parser.add_argument(f"--{option}", type=int, default=value)
    parser.add_argument("--making-seconds", type=float, default=float("inf"))
    parser.add_argument("--keep", type=Path, default=Path("guard-runs"))
    parser.add_argument("--abr-weights", type=Path)
    parser.add_argument("--abr-traces", type=Path)
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    asked.keep.mkdir(exist_ok=True)
    for name in () if asked.table else asked.case or CASES:
        path = asked.keep / f"{name.replace(' ', '-').replace(',', '')}.json"
        if path.exists() or (not CASES[name]["policy"] and asked.abr_weights is None):
            continue
        found = measure(name, asked)
        path.write_text(json.dumps(found, indent=1, default=float))
        print(name, found["words"], flush=True)
    print(table(asked.keep))


if __name__ == "__main__":
    main()
