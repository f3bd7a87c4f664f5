"""Explorables of built-in systems: one HTML file that needs no kernel, for a reader, a class or a site.

``write_explorable("page.html")`` writes the one of the shipped default network, as ``dnnexplain export``
does; a site's build calls the same function.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dnnexplain.contract import Painted, Policy, State, System, state_from_observation
from dnnexplain.counts import counted
from dnnexplain.files import atomic_write, check_writable
from dnnexplain.given_states import state_from_file
from dnnexplain.numbers import as_told, gap, number
from dnnexplain.registry import known_systems, make_system, spec_of
from dnnexplain_widgets.presets import presets_for

__all__ = ["card_facts", "explorable", "write_explorable"]

DEFAULT_SYSTEM = next(iter(known_systems()))

_OUTPUTS = {"choice": ("action", "actions"), "values": ("number", "numbers"), "switches": ("switch", "switches")}
_DRAWN = 24
"""States from episodes that a page brings along, to draw one of them."""


def write_explorable(path: str | Path, system: str | System = DEFAULT_SYSTEM, **options: Any) -> int:
    """Write :func:`explorable` to a file, whole or not at all.

    Returns:
        its size in bytes.

    Raises:
        DnnExplainError: the file cannot be written; or as :func:`explorable`.
    """
    check_writable(path)
    page = explorable(system, **options).encode()
    with atomic_write(path, "wb") as file:
        file.write(page)
    return len(page)


def explorable(
    system: str | System = DEFAULT_SYSTEM,
    *,
    policy: str = "default",
    state: str | Path | State | None = None,
    title: str | None = None,
    **parameters: Any,
) -> str:
    """A self-contained page in which a network of a system can be explored.

    Args:
        system: a name that ``dnnexplain systems`` lists, or a system of your own; one that says how it paints its
            knobs, or whose network sees each knob's value, scaled.
        policy: a shipped network by its role, or a file of weights.
        state: where the page starts, a JSON file or a state; one step from another decision if not given.
        title: the page's heading.
        parameters: the system's own, e.g. ``slots=10``.

    Returns:
        HTML.

    Raises:
        DnnExplainError: names that are unknown, files that cannot be read or do not fit, a network that a
            page cannot run.
    """
    from dnnexplain.policies import load_any  # noqa: PLC0415 - loads torch
    from dnnexplain_widgets.export import export_page  # noqa: PLC0415 - loads ipywidgets

    spec = spec_of(system)
    made = make_system(system, **parameters) if isinstance(system, str) else system
    network = load_any(policy, made)
    start, presets = presets_for(made, network)
    if state is not None:
        start = state if isinstance(state, State) else state_from_file(made, state)
    given = "".join(f" --{name.replace('_', '-')} {value}" for name, value in parameters.items())
    chosen = "" if policy == "default" else f" --policy {Path(policy).name}"
    return export_page(
        made,
        network,
        start,
        title=title or spec.question or f"What moves {spec.name}?",
        lead=spec.page_lead or spec.lead,
        presets={name: fixed for name, preset in presets.items() if (fixed := _fixed(made, preset))},
        facts=list(card_facts(network, made)),
        made=f"dnnexplain export {spec.name} page.html{given}{chosen}",
    )


def _fixed(system: Any, preset: Any) -> Any:
    """A preset that draws its state becomes several states, evenly spaced over the system's episodes."""
    if not callable(preset):
        return preset
    pictures = getattr(system, "reachable", None)
    if pictures is None:
        return preset()
    chosen = np.linspace(0, len(pictures) - 1, min(_DRAWN, len(pictures))).astype(int)
    return [state_from_observation(system, pictures[at]) for at in chosen]


def card_facts(policy: Policy, system: System) -> Iterator[tuple[str, str]]:
    """What a network's model card says, in a few lines: name and value."""
    card: Mapping[str, Any] = getattr(policy, "metadata", {})
    if card.get("description"):
        yield "Purpose", str(card["description"])
    weights = sum(weight.numel() for weight in policy.module.parameters())  # type: ignore[attr-defined]
    inputs = " x ".join(map(str, system.observation_shape))
    outputs = counted(len(system.output.names), *_OUTPUTS[system.output.kind])
    yield "Network", f"{policy.name}: {inputs} inputs, {counted(weights, 'weight')}, {outputs}"
    if isinstance(system, Painted) and system.painting.masks:
        kept = getattr(policy, "masked", True)
        yield (
            "Impossible actions",
            "left out before the softmax" if kept else "not left out: it may choose an empty slot",
        )
    yield from _figures(card.get("figures") or {}, getattr(system, "cost_name", "cost"))
    for key, name in (("training_time", "Training"), ("command", "Trained with"), ("limits", "Limits")):
        if card.get(key):
            yield name, str(card[key])
    yield "SHA-256 of the weights", str(getattr(policy, "checkpoint", ""))


def _figures(figures: Mapping[str, Any], cost: str) -> Iterator[tuple[str, str]]:
    """What a card measured, group by group: costs of policies, the least first; other figures in the card's order."""
    for where, rows in figures.items():
        title = f"{where[:1].upper()}{where[1:]}"
        if not isinstance(rows, Mapping) or _mean_of(rows) is not None:  # a figure by itself
            yield title, _figure(rows)
        elif "relative_to_best_rule" in rows:
            yield _beside_best_rule(rows)
        elif costs := {who: mean for who, row in rows.items() if (mean := _cost_of(row)) is not None}:
            order = sorted(costs, key=costs.__getitem__)
            name, means = as_told(cost, *(costs[who] for who in order))
            words = (f"{_label(who)} {number(mean)}" for who, mean in zip(order, means, strict=True))
            better = "less" if name == cost else "more"
            yield f"{name[:1].upper()}{name[1:]}, {where}", f"{'; '.join(words)} ({better} is better)"
        elif any(_mean_of(row) is not None for row in rows.values()):
            yield title, "; ".join(f"{_label(who)} {_figure(row)}" for who, row in rows.items())
        else:
            yield from _figures({f"{where}, {inner}": row for inner, row in rows.items()}, cost)


def _beside_best_rule(rows: Mapping[str, Any]) -> tuple[str, str]:
    """By how much others cost more than the best rule on the same workloads."""
    ratio = rows.get("scale", "ratio") == "ratio"
    words = (f"{_label(who)} {gap(row['mean'], ratio=ratio)}" for who, row in rows["relative_to_best_rule"].items())
    return f"Beside the best rule, {_label(str(rows['best_rule']))}", f"{'; '.join(words)} (less is better)"


def _label(name: str) -> str:
    from dnnexplain_widgets.words import label  # noqa: PLC0415 - loads ipywidgets

    return label(name)


def _figure(value: Any) -> str:
    """One figure, with its interval where it has one."""
    if not isinstance(value, Mapping):
        return number(value) if isinstance(value, int | float) else str(value)
    if "mean" not in value:  # something else beside figures
        return ", ".join(f"{name} {_figure(inner)}" for name, inner in value.items())
    if isinstance(value["mean"], Mapping):  # beside other statistics
        return _figure(value["mean"])
    interval = f" ({number(value['low'])} to {number(value['high'])})" if {"low", "high"} <= set(value) else ""
    return f"{number(value['mean'])}{interval}"


def _mean_of(row: Any) -> float | None:
    """The finite mean of what is a figure: a number, or a mean with what goes with it."""
    value = row.get("mean") if isinstance(row, Mapping) else row
    if isinstance(value, Mapping):
        return _mean_of(value)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _cost_of(row: Any) -> float | None:
    """The mean of the first figure of what a card says of one policy, its cost before others."""
    if not isinstance(row, Mapping) or "mean" in row:
        return None
    for figure in (row.get("cost"), *row.values()):
        if isinstance(figure, Mapping) and not isinstance(figure.get("mean"), Mapping):
            mean = _mean_of(figure)
            if mean is not None:
                return mean
    return None
