"""Prints saved transfer grids as Markdown: costs with intervals, starved jobs, boundaries.

    dnnexplain transfer deeprm --sets 200 --seed 1 --out families.json
    python benchmarks/transfer.py families.json [more.json ...] [--network default]

A cell: the network's mean, the best rule's, the network over the best rule with its 95% interval (set by
set), who wins by that interval, and jobs starved by the network in all sets of the cell.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dnnexplain.explain.transfer.grid import Transfer


def cell(found, row, column, network):
    if not found.done[row, column]:
        return "-"
    rule, at = int(found.best_rule[row, column]), (row, column, network)
    count = found.metric("starved")[at]
    starved = f", starved {count:.0f}" if count > 0 else ""
    low, high = 100 * found.relative_low[at], 100 * found.relative_high[at]
    return (
        f"{found.cost[at]:.2f} / {found.cost[row, column, rule]:.2f} {found.policies[rule]}, "
        f"{low:+.0f} to {high:+.0f}%, {found.verdict(row, column, network)}{starved}"
    )


def show(found, wanted):
    settings = found.question.settings
    for network, name in enumerate(found.policies[: found.networks]):
        if wanted and name not in wanted:
            continue
        weights = settings["policies"][name][:12]
        print(f"### {name} (checkpoint {weights}), {settings['sets']} sets per cell, seed {found.question.seed}\n")
        print(f"| workload | {' | '.join(column.label for column in found.columns)} |")
        print("|---" * (1 + len(found.columns)) + "|")
        for r, row in enumerate(found.rows):
            print(f"| {row.label} | {' | '.join(cell(found, r, c, network) for c in range(len(found.columns)))} |")
        verdicts = [found.verdict(r, c, network) for r in range(len(found.rows)) for c in range(len(found.columns))]
        counts = ", ".join(f"{kind} {verdicts.count(kind)}" for kind in ("wins", "even", "loses", "unsafe"))
        print(f"\nCells: {counts}. Where the mean crosses the best rule's:")
        for one in found.boundaries:
            if one.policy == name:
                where = "" if one.value is None else f" (at {one.value:.2f})"
                verb = "stops" if one.wins_before else "starts"
                print(f"- {one.row}: {verb} winning between {one.before} and {one.after}{where}")
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--network", nargs="*", help="Only these networks; all if not given.")
    arguments = parser.parse_args()
    for path in arguments.files:
        print(f"## {path.stem}\n")
        show(Transfer.load(path), arguments.network)


if __name__ == "__main__":
    main()
