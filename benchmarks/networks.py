"""The networks that ship, before and after training, with and without the mask, beside every rule.

``python -m benchmarks.networks --write`` measures them, puts the figures into the weights' files and writes their
model cards again; ``python -m benchmarks.networks`` prints the README's table from the files; with ``--untrained``
it measures networks that learned nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from safetensors.torch import load_file, save

from dnnexplain.files import write_bytes
from dnnexplain.numbers import interval, number, percent
from dnnexplain.policies import load, read_metadata, untrained, write_model_card
from dnnexplain.policies._shipped import KEY
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.figures import network_figures, title
from dnnexplain.systems.deeprm.spec import SPEC
from dnnexplain.systems.deeprm.trained import about

HOME = "deeprm", {"rate": 0.7, "steps": 50}
MASKED = "", ", without the mask"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--untrained", action="store_true")
    given = parser.parse_args()
    for path in sorted(Path(SPEC.weights).glob("*.safetensors")):
        if given.write:
            rewrite(path)
        show(path.stem, read_metadata(path)["figures"])
    for slots in (5, 10) if given.untrained else ():
        for seed in range(3):
            world = DeepRM(slots=slots)
            both = {label: untrained(world, seed, masked=not label) for label in MASKED}
            show(f"untrained, {slots} slots, seed {seed}", network_figures(world, both, *HOME))


def rewrite(path: Path) -> None:
    """Measure a network again; its weights stay as they are."""
    story = read_metadata(path)
    world = DeepRM(slots=story["system"]["parameters"]["slots"])
    masked = story.get("masked", True)
    both = {
        "": load(path, world),
        f", {'without' if masked else 'with'} the mask": load(path, world, masked=not masked),
    }
    kept = {name: value for name, value in story["figures"].items() if name.startswith("cells of the mix")}
    story["figures"] = {**network_figures(world, both, *HOME), **kept}
    story |= about(story["role"], masked=masked, workload=story["workload"])
    write_bytes(path, save(load_file(path), metadata={KEY: json.dumps(story)}))
    write_model_card(path)


def show(name: str, figures: dict) -> None:
    """Rows of a Markdown table."""
    brief, against = figures[title()], figures["against rules"]
    best = against["best_rule"]
    for action, one in brief.items():
        if "action" not in action:
            continue
        mean, more = one["slowdown"], against["relative_to_best_rule"][action]
        cells = (
            name,
            action,
            number(one["starved"]),
            f"{mean['mean']:.2f} ({interval(mean['low'], mean['high'])})",
            f"{best} {brief[best]['slowdown']['mean']:.2f}",
            f"{percent(more['mean'], sign=True)} ({interval(more['low'], more['high'], ratio=True)})",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
