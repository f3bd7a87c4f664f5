"""How real generated workloads are: every generator on every system, on workloads that it never saw.

Run: ``python benchmarks/generators.py deeprm routing --fitted 200`` (all systems if none is named). For each generator: the area
under the curve of a classifier that tells generated from held-out real workloads (.5: not told apart; .7 at most to
ship), the same of single records, the largest marginal distance, the largest difference of two correlations, the
median distance to the nearest fitted record (and that of held-out ones), and the share of copies.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.generate import GENERATORS, make_generator, realism
from dnnexplain.registry import BUILT_IN, make_system, spec_of


def main() -> None:
    """Print a line of JSON for each system and generator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--generators", nargs="*", default=list(GENERATORS))
    parser.add_argument("--tables", type=int, default=200, help="Held-out ones, and generated ones.")
    parser.add_argument("--fitted", type=int, default=200, help="Workloads that a generator is fitted to.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--training-steps", type=int, dest="steps", help="The kind's, if not given.")
    parser.add_argument("--components", type=int, help="Of the autoregressive one; the kind's, if not given.")
    given = parser.parse_args()
    settings = {key: getattr(given, key) for key in ("steps", "components") if getattr(given, key) is not None}
    for name in given.systems:
        for kind in given.generators:
            print(json.dumps(measured(name, kind, given.fitted, given.tables, given.seed, settings)), flush=True)


def measured(name: str, kind: str, known: int, count: int, seed: int, settings: dict[str, int]) -> dict[str, Any]:
    """One generator on the ordinary workloads of one system; ``settings`` are of the kind."""
    spec = spec_of(name)
    system: Any = make_system(name, **dict(spec.compared))
    drawn = system.workloads(spec.family().name, known + count, seed)
    tables = [system.to_records(one) for one in drawn]
    fitted, held_out = tables[:known], tables[known:]
    began = time.process_time()
    generator = make_generator(kind, system, **settings)
    told: dict[str, Any] = {
        "system": name,
        "generator": kind,
        **settings,
        "fitted": known,
        "tables": count,
        "seed": seed,
    }
    try:
        generator.fit(fitted, ordered=system.ordered, seed=seed)
    except DnnExplainError as error:
        return {**told, "refused": str(error)}
    made = [system.to_records(system.from_records(one)) for one in generator.sample(count, seed=seed)]
    found = realism(made, held_out, fitted, seed=seed)
    figures = {key: round(value, 3) for key, value in asdict(found).items()}
    return {**told, **figures, "real": found.real, "cpu_seconds": round(time.process_time() - began, 1)}


if __name__ == "__main__":
    main()
