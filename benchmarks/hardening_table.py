"""The tables of hardening.md, from what hardening.py measured."""

from __future__ import annotations

import numpy as np

from dnnexplain.intervals import compared_interval
from dnnexplain.policies.training import GRID_FAMILIES, GRID_RATES

RESAMPLES = 2000
HOME = (GRID_FAMILIES.index("deeprm"), GRID_RATES.index(0.7))
NAMES = {"plain": "plain (ships)", "mix": "mix, no teacher", "hardened": "mix, teacher"}


def show(found):
    """Print every table for which there is something."""
    measured = {key[0] for key in found}
    for table in (grid, efficiency, utilisation, adversarial):
        if table.__name__ in measured:
            table(found)


def of(found, part, arm):
    """The records of a part and an arm, by seed."""
    return {key[2]: value for key, value in sorted(found.items()) if key[:2] == (part, arm)}


def spread(values, digits=3):
    """Median with least and most, or the one value."""
    median, low, high = (_text(value, digits) for value in (np.median(values), np.min(values), np.max(values)))
    return f"{median} (1 seed)" if len(values) == 1 else f"{median} ({low} to {high}, {len(values)} seeds)"


def _text(value, digits):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.{digits}g}"


def interval(network, sjf):
    """Relative difference of means with its 95% interval, job set by job set."""
    found = compared_interval(network, sjf, ratio=True)
    return f"{100 * found.mean:+.1f}% ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def relative(record):
    """Mean cost over SJF's, minus 1, per cell."""
    return np.mean(record["network"], axis=2) / np.mean(record["sjf"], axis=2) - 1


def grid(found):
    plain = of(found, "grid", "plain").get(1)
    if plain is None:
        return
    gain = relative(plain)[HOME]
    print(
        "\n## The grid\n\n| network | seed | cells over +2% | worst cell | gain at home | of the plain gain | starved |\n|-|-|-|-|-|-|-|"
    )
    for arm, name in NAMES.items():
        for seed, record in of(found, "grid", arm).items():
            table = relative(record)
            r, c = np.unravel_index(table.argmax(), table.shape)
            worst = interval(record["network"][r][c], record["sjf"][r][c])
            print(
                f"| {name} | {seed} | {int((table > 0.02).sum())} of {table.size} | {GRID_FAMILIES[r]} at {GRID_RATES[c]:g}: "
                f"{worst} | {-100 * table[HOME]:.1f}% | {100 * table[HOME] / gain:.0f}% | {record['starved']:.0f} |"
            )
    for arm in ("plain", "hardened"):
        for seed, record in list(of(found, "grid", arm).items())[:1]:
            print(
                f"\n{NAMES[arm]}, seed {seed}, against SJF:\n\n| workload | "
                + " | ".join(f"rate {rate:g}" for rate in GRID_RATES)
                + " |\n|-"
                + "|-" * len(GRID_RATES)
                + "|"
            )
            for r, family in enumerate(GRID_FAMILIES):
                cells = [interval(record["network"][r][c], record["sjf"][r][c]) for c in range(len(GRID_RATES))]
                print(f"| {family} | " + " | ".join(cells) + " |")


def efficiency(found):
    print(
        "\n## Decisions until SJF's level\n\n| learns from | seeds that reached it | decisions (median, least to most) | CPU-s |\n|-|-|-|-|"
    )
    for arm, name in (("reward", "rewards"), ("teacher", "rewards and SJF as teacher")):
        records = of(found, "efficiency", arm).values()
        done = [record for record in records if record["reached"]]
        if records:
            steps = (
                spread([one["decisions"] for one in done], 4)
                if done
                else f"none within {max(r['decisions'] for r in records):,}"
            )
            print(
                f"| {name} | {len(done)} of {len(records)} | {steps} | {spread([one['cpu_seconds'] for one in records])} |"
            )


def utilisation(found):
    print("\n## Utilisation\n\n| network | share of steps above 80%, in % | mean slowdown |\n|-|-|-|")
    for arm, name in (
        ("sjf", "SJF"),
        ("plain", "plain"),
        ("reward", "fine-tuned, rewards"),
        ("teacher", "fine-tuned, utilisation:0.8 as teacher"),
    ):
        records = of(found, "utilisation", arm).values()
        if records:
            print(
                f"| {name} | {spread([100 * r['above'] for r in records])} | {spread([r['slowdown'] for r in records])} |"
            )


def adversarial(found):
    print("\n## Adversarial job sets\n\n| network | slowdown over SJF's (median, least to most) |\n|-|-|")
    for arm, name in NAMES.items():
        records = of(found, "adversarial", arm).values()
        if records:
            print(f"| {name} | {spread([r['gap'] for r in records])} |")
