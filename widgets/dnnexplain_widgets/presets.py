"""States to start from: those that a system's spec offers for the network at hand, or its defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dnnexplain.contract import (
    Decision,
    DnnExplainError,
    Policy,
    PresetTools,
    State,
    System,
    load_reference,
    state_from_values,
)
from dnnexplain.explain.decisions.decision import decide_many
from dnnexplain.registry import spec_of

__all__ = ["preset_tools", "presets_for"]

Presets = dict[str, State | Callable[[], State]]


def presets_for(system: System, policy: Policy) -> tuple[State, Presets]:
    """Where the editor starts, and the states that it offers by name."""
    try:
        reference = spec_of(system).presets
    except DnnExplainError:
        reference = ""
    if not reference:
        return state_from_values(system, {}), {}
    presets: tuple[State, Presets] = load_reference(reference)(system, preset_tools(system, policy))
    return presets


def preset_tools(system: System, policy: Policy) -> PresetTools:
    """What presets may ask of the explainers about a policy."""

    def decide(states: Sequence[State]) -> list[Decision]:
        return decide_many(system, policy, states)

    return PresetTools(decide, partial(_order_pairs, system, policy))


def _order_pairs(system: System, policy: Policy, **options: Any) -> Any:
    from dnnexplain.explain.adversarial import order_pairs  # noqa: PLC0415 - the page starts without it

    return order_pairs(system, policy, **options)
