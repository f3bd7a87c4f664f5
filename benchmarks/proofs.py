"""What is proved, refuted or left open: ready properties x shipped networks; and how fast a decision's reason is found.

    python benchmarks/proofs.py [--seconds 60] [--states 20] [--system NAME ...] [--out proofs.json]
    python benchmarks/proofs.py --reasons-of default hardened --states 20      # the times of reasons alone
    python benchmarks/proofs.py --robust --states 20                           # of one decision to one job alone

For each system: each role's network that ships with the default parameters. A property ends proved, refuted (with a
state that the network itself was run in) or open with the bound that was reached. Reasons and robustness are asked in
states drawn at random (seed 0) and, where a system keeps some, in states met in episodes. Seconds are of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.probing.neurons import random_values
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.ready import ROBUST, named_property, property_names, robust
from dnnexplain.explain.proofs.sufficient import LIMITS, sufficient_reason
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, make_system, spec_of

WALL = 600.0
"""Seconds on the wall that one reason may take: so many that the counts of its limits end it, on a shared machine too."""
REASONS = {"deeprm": ("default", "as-published", "conv", "hardened")}
"""Systems whose decisions' reasons are timed, and networks."""


def networks(spec: Any, system: Any) -> dict[str, Any]:
    """The networks of a system that ship and fit its default parameters."""
    found = {}
    for role in spec.roles:
        try:
            found[role.name] = named_policy(system, role.name)
        except DnnExplainError:
            continue
    return found


def properties(name: str, seconds: float) -> list[dict[str, Any]]:
    """All verdicts on a system's networks."""
    spec, system = spec_of(name), make_system(name)
    rows = []
    for role, policy in networks(spec, system).items():
        for wanted in property_names(spec):
            if wanted == ROBUST:
                continue
            began = time.process_time()
            try:
                claim = named_property(spec, system, policy, wanted, None, 3.0)
                found = prove(system, policy, claim, budget=ProofBudget(seconds=seconds))
            except DnnExplainError as error:
                rows.append(
                    {"system": name, "network": role, "property": wanted, "verdict": "refused", "why": str(error)}
                )
                continue
            how = sorted({case.how for case in found.cases if case.verdict == found.verdict})
            bound = found.bound if np.isfinite(found.bound) else None
            rows.append({
                "system": name, "network": role, "property": wanted, "verdict": found.verdict, "how": ", ".join(how),
                "bound": bound, "checked": found.checked, "seconds": time.process_time() - began,
            })  # fmt: skip
            print(json.dumps(rows[-1]), flush=True)
    return rows


def reasons(name: str, roles: tuple[str, ...], states: int) -> list[dict[str, Any]]:
    """Processor seconds of sufficient reasons, and of the robustness of a decision to one group of knobs."""
    system: Any = make_system(name)
    drawn = random_values(system, states, np.random.default_rng(0))
    kinds = {"random": drawn}
    if hasattr(system, "reachable"):
        met = system.decode(system.reachable)
        kinds["met"] = met[:: max(1, len(met) // states)][:states]
    rows = []
    for role in roles:
        policy = named_policy(system, role)
        for kind, values in kinds.items():
            took, sizes, minimal, steady = [], [], 0, []
            for row in values:
                began = time.process_time()
                found = sufficient_reason(system, policy, State(row), budget=replace(LIMITS, seconds=WALL))
                took.append(time.process_time() - began)
                sizes.append(len(found.fixed))
                print(f"{role} {kind} {len(took)}: {took[-1]:.1f} s, {sizes[-1]} knobs", file=sys.stderr, flush=True)
                minimal += found.proved and found.minimal
                began = time.process_time()
                group = system.knobs[0].group
                prove(system, policy, robust(system, policy, State(row), 3.0, (group,)))
                steady.append(time.process_time() - began)
            rows.append({
                "system": name, "network": role, "states": kind, "count": len(values), "minimal": int(minimal),
                "knobs": float(np.median(sizes)), "seconds_median": float(np.median(took)), "seconds_most": max(took),
                "within_10_s": int((np.array(took) < 10).sum()),
                "robust_median": float(np.median(steady)), "robust_most": max(steady),
            })  # fmt: skip
            print(json.dumps(rows[-1]), flush=True)
    return rows


def robustness(name: str, roles: tuple[str, ...], states: int) -> list[dict[str, Any]]:
    """Processor seconds of the robustness of one decision to one group of knobs, each by 3 steps at most."""
    system: Any = make_system(name)
    drawn = random_values(system, states, np.random.default_rng(0))
    rows = []
    for role in roles:
        policy = named_policy(system, role)
        took, verdicts = [], Counter[str]()
        for row in (drawn[0], *drawn):  # the very first one compiles
            began = time.process_time()
            found = prove(system, policy, robust(system, policy, State(row), 3.0, (system.knobs[0].group,)))
            took.append(time.process_time() - began)
            verdicts[found.verdict] += len(took) > 1
        took = took[1:]
        rows.append({
            "system": name, "network": role, "states": states, **{word: verdicts[word] for word in ("holds", "fails", "open")},
            "seconds_median": float(np.median(took)), "seconds_most": max(took),
        })  # fmt: skip
        print(json.dumps(rows[-1]), flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(names) + " |", "|" + "-|" * len(names)]
    for row in rows:
        cells = [
            f"{value:.3g}" if isinstance(value, float) else str(value) for value in (row.get(one, "") for one in names)
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--states", type=int, default=20)
    parser.add_argument("--system", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--reasons-of", nargs="*", default=[])
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.robust:
        print(
            table(
                [
                    row
                    for name in asked.system
                    if name in REASONS
                    for row in robustness(name, REASONS[name], asked.states)
                ]
            )
        )
        return
    if asked.reasons_of:
        print(table(reasons("deeprm", tuple(asked.reasons_of), asked.states)))
        return
    verdicts = [row for name in asked.system for row in properties(name, asked.seconds)]
    timed = [row for name in asked.system if name in REASONS and asked.states
             for row in reasons(name, REASONS[name], asked.states)]  # fmt: skip
    print(table(verdicts), table(timed), sep="\n\n")
    if asked.out is not None:
        asked.out.write_text(json.dumps({"properties": verdicts, "reasons": timed}, indent=1))


if __name__ == "__main__":
    main()
