"""What each picture says, in domain words and numbers, made from the results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dnnexplain.contract import Decision, System
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.sweeps import knobs_of_kind
from dnnexplain_widgets.live import Ask, Live
from dnnexplain_widgets.words import number, probability, share_of_rules, with_unit

__all__ = ["decision_sentence", "sentences"]

FEW_OUTPUTS = 16
"""Numbers or switches that are shown one by one."""


def sentences(system: System, live: Live, unit: int, ask: Ask) -> dict[str, Any]:
    """Sentences by part: ``state``, ``decision``, ``saliency``, ``overlay``, ``neurons``; and the curves' axis."""
    words: dict[str, Any] = {"state": system.describe(live.state)}
    if live.decision is not None:
        words["decision"] = f"{decision_sentence(system, live)} {live.guard}".strip()
    if live.attribution is not None:
        words["saliency"] = live.attribution.sentence()
        words["overlay"] = _overlay_words(live)
    elif "saliency" in ask.parts and "saliency" not in live.failures:
        words["saliency"] = "This method takes longer with this network; its map follows."
    if live.curves is not None:
        words["neurons"] = _neuron_sentence(live, unit)
        swept = knobs_of_kind(system, ask.sweep)
        words["axis"] = {"family": ask.sweep, "unit": _one_unit(live.curves.units) if swept else ""}
    elif live.activations.size:
        words["neurons"] = _count_sentence(live)
    return words


def _one_unit(units: Sequence[str]) -> str:
    """The unit that all have; of several none is the axis's."""
    return units[0] if len(set(units)) == 1 else ""


def decision_sentence(system: System, live: Live) -> str:
    """What the network does and what the rules would do."""
    decision = live.decision
    assert decision is not None
    names = system.output.names
    who = "The guarded network" if live.guard else "The network"
    if decision.action is None and len(names) <= FEW_OUTPUTS:
        return f"{who} sets {system.output.tell(decision.taken)}."
    if decision.action is None or decision.probabilities is None:
        largest = int(np.abs(decision.outputs).argmax())
        return f"{_capital(names[largest])} is the largest output: {with_unit(decision.outputs[largest], system.output.unit)}."
    first = f"{who} {system.output.acts(decision.action)} with probability {probability(decision.probabilities[decision.action])}"
    second = _next_best(decision)
    if second is None:
        first += ", the only thing possible here."
    else:
        first += f"; {names[second]} comes next with {probability(decision.probabilities[second])}."
    return f"{first} {share_of_rules(live.rules, system.output, decision.action)}".strip()


def _next_best(decision: Decision) -> int | None:
    assert decision.probabilities is not None
    others = np.where(decision.valid, decision.probabilities, -np.inf)
    others[decision.action] = -np.inf
    best = int(others.argmax())
    return best if np.isfinite(others[best]) else None


def _overlay_words(live: Live) -> str:
    """The map for those who cannot see it: the groups that count most, with their sums."""
    attribution = live.attribution
    assert attribution is not None
    parts = []
    for name in attribution.top(4):
        part = attribution.groups[name]
        parts.append(f"{name} {number(part.positive)} for and {number(-part.negative)} against")
    listed = "; ".join(parts) if parts else "zero everywhere"
    return f"Map of what moves {attribution.target} ({attribution.method}). {_capital(listed)}."


def _neuron_sentence(live: Live, unit: int) -> str:
    assert live.curves is not None
    curves = [live.curves.curve(unit, knob) for knob in live.curves.knobs]
    spread = [float(np.ptp(curve.activation)) for curve in curves]
    strongest = curves[int(np.argmax(spread))]
    return f"{_count_sentence(live)} {strongest.sentence()}"


def _count_sentence(live: Live) -> str:
    on = int((live.activations > 0).sum())
    size = live.activations.size
    return f"{on:,} of {counted(size, 'neuron')} {'is' if on == 1 else 'are'} on."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
