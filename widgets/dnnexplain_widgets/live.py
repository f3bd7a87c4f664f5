"""The light explanations of one state, computed in one place: a decision, a map, neurons and curves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Decision, Discrete, GuardedPolicy, NetworkPolicy, Policy, State, System
from dnnexplain.explain.attribution.one_state import Attribution, attribute
from dnnexplain.explain.decisions.decision import decide, observe, valid_of
from dnnexplain.explain.decisions.sweeps import knobs_of_kind
from dnnexplain.explain.probing.neurons import layer_of, neuron_activations
from dnnexplain.explain.probing.thresholds import Curves, curves
from dnnexplain_widgets.words import error_sentence

__all__ = ["PARTS", "Ask", "Live", "best_actions", "compute", "nothing_inside"]

PARTS = ("decision", "saliency", "neurons")
"""What can be asked for; a part that no panel shows is not computed."""

_POINTS, _FEWEST_POINTS, _ROWS = 101, 21, 2400
"""Of a curve over a knob without steps, and of all curves of a step together: a drag waits for them."""


@dataclass(frozen=True)
class Ask:
    """What the panels of a session want to know about its state.

    Attributes:
        parts: those of :data:`PARTS` that some panel shows.
        target, method, baseline: of the map; as in ``explain.attribute``.
        layer: whose neurons, or the first hidden layer.
        sweep: the kind of knob that the curves run over: ``"length"``.
        rules: names of the rules to compare with.
    """

    parts: frozenset[str] = frozenset(PARTS)
    target: str = "default"
    method: str = "saliency"
    baseline: str = "default"
    layer: str | None = None
    sweep: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Live:
    """The light explanations of one state.

    Attributes:
        state: what they are about.
        observation: what the network sees ``[*observation_shape]``.
        decision: what it does, or ``None`` if that failed.
        rules: the action of each rule.
        attribution: the signed map, or ``None`` if not asked for or failed.
        activations: of all units of the layer ``[units]``; empty if not asked for.
        curves: activation of all units against the swept knobs.
        guard: whether a rule of the policy's guard decides here, and why; empty without a guard.
        failures: per part one sentence on what went wrong.
        spent: per part the seconds of processor time that it took.
    """

    state: State
    observation: NDArray[np.float32]
    decision: Decision | None = None
    rules: Mapping[str, int] = field(default_factory=dict)
    attribution: Attribution | None = None
    activations: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    curves: Curves | None = None
    guard: str = ""
    failures: Mapping[str, str] = field(default_factory=dict)
    spent: Mapping[str, float] = field(default_factory=dict)


def compute(system: System, policy: Policy, state: State, ask: Ask) -> Live:
    """All light explanations of a state; a part that fails leaves the others alone."""
    observation = observe(system, [state])
    failures: dict[str, str] = {}
    spent: dict[str, float] = {}

    def attempt(part: str, make: Callable[[], Any], otherwise: Any = None) -> Any:
        if part not in ask.parts:
            return otherwise
        began = time.thread_time()
        try:
            return make()
        except Exception as error:  # noqa: BLE001 - shown in the error area of the panel that asked
            failures[part] = error_sentence(error)
            return otherwise
        finally:
            spent[part] = spent.get(part, 0.0) + time.thread_time() - began

    network = isinstance(policy, NetworkPolicy)
    neurons = attempt("neurons", lambda: _neurons(system, policy, state, observation, ask), (np.zeros(0), None))
    return Live(
        state=state,
        observation=observation[0],
        decision=attempt("decision", lambda: decide(system, policy, state)),
        rules=attempt("decision", lambda: _rules(system, observation, ask.rules), {}),
        attribution=attempt("saliency", lambda: _map(system, policy, state, ask)) if network else None,
        activations=neurons[0],
        curves=neurons[1],
        guard=attempt("decision", lambda: _guard(policy, observation), ""),
        failures=failures if network else {**failures, **_no_network(policy, ask)},
        spent=spent,
    )


def best_actions(system: System, policy: Policy, observations: NDArray[Any]) -> NDArray[np.int64]:
    """The action that a policy takes in each observation ``[B]``, the best valid one."""
    valid = valid_of(system, policy, observations)
    best: NDArray[np.int64] = np.where(valid, policy.outputs(observations), -np.inf).argmax(axis=1)
    return best


def _rules(system: System, observation: NDArray[np.float32], names: tuple[str, ...]) -> dict[str, int]:
    if not isinstance(system.output, Discrete):
        return {}
    known = system.rules()
    return {name: int(best_actions(system, known[name], observation)[0]) for name in names}


def _map(system: System, policy: Policy, state: State, ask: Ask) -> Attribution:
    return attribute(system, policy, state, method=ask.method, target=ask.target, baseline=ask.baseline)


def _neurons(
    system: System, policy: Policy, state: State, observation: NDArray[np.float32], ask: Ask
) -> tuple[NDArray[np.float64], Curves | None]:
    layer = layer_of(system, policy, ask.layer)
    activations = neuron_activations(policy, layer, observation)[0]
    if not ask.sweep:
        return activations, None
    knobs = knobs_of_kind(system, ask.sweep)
    points = min(_POINTS, max(_FEWEST_POINTS, _ROWS // max(1, len(knobs))))
    return activations, curves(system, policy, knobs, state=state, layer=ask.layer, points=points)


def _guard(policy: Policy, observation: NDArray[np.float32]) -> str:
    return policy.why(observation[0]) if isinstance(policy, GuardedPolicy) else ""


def nothing_inside(policy: Policy) -> str:
    """Why a policy that is no network cannot be looked into, and what to choose instead."""
    if isinstance(policy, GuardedPolicy):
        return f"Rules of a guard have no neurons or gradients; choose {policy.policy.name}, without its guard, to look into the network."
    return f"{policy.name} is a rule without a network inside, so there is nothing to look into; choose a network."


def _no_network(policy: Policy, ask: Ask) -> dict[str, str]:
    text = nothing_inside(policy)
    return {part: text for part in ("saliency", "neurons") if part in ask.parts}
