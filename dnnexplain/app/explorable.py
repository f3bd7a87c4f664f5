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

from dnnexplain.app.presets import presets_for
from dnnexplain.contract import Painted, Policy, State, System, state_from_observation
from dnnexplain.counts import counted
from dnnexplain.files import atomic_write, check_writable
from dnnexplain.given_states import state_from_file
from dnnexplain.registry import known_systems, make_system, spec_of

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
    """The costs that a card compares, the least first: of each policy the first figure with a mean."""
    from dnnexplain_widgets.words import label  # noqa: PLC0415 - loads ipywidgets

    for where, rows in figures.items():
        if not isinstance(rows, Mapping) or "mean" in rows:  # a figure by itself
            yield f"{where[:1].upper()}{where[1:]}", _figure(rows)
            continue
        result = {who: _mean_of(row) for who, row in rows.items()}
        means = {who: mean for who, mean in result.items() if mean is not None}
        if means:
            words = (f"{label(who)} {means[who]:.3g}" for who in sorted(means, key=means.__getitem__))
            yield f"{cost[:1].upper()}{cost[1:]}, {where}", f"{'; '.join(words)} (less is better)"


def _figure(value: Any) -> str:
    """One figure, with its interval where it has one."""
    if not isinstance(value, Mapping):
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    interval = f" ({value['low']:.3g} to {value['high']:.3g})" if {"low", "high"} <= set(value) else ""
    return f"{value['mean']:.3g}{interval}"


def _mean_of(row: Any) -> float | None:
    """The first figure with a finite mean of what a card says of one policy, its cost before others."""
    if not isinstance(row, Mapping):
        return None
    for item in (row.get("cost"), *row.values()):
        mean = item.get("mean") if isinstance(item, Mapping) else None
        if isinstance(mean, int | float) and math.isfinite(mean):
            return float(mean)
    return None
