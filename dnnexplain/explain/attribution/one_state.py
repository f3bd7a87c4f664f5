"""Which inputs moved a decision: ask one of the methods, and sum its map by knob group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, Policy, State, System, Target, TargetKind
from dnnexplain.explain.attribution.captum_question import ResolvedQuestion, ask, question
from dnnexplain.explain.attribution.maps import Attribution, UnitAttribution, group_sums
from dnnexplain.explain.attribution.methods import METHODS, Measure, Method, method_named
from dnnexplain.explain.networks.hooks import Layer, array, layers, network_of, with_gradients

__all__ = ["Attribution", "UnitAttribution", "attribute", "attribute_units", "layer_named"]


@with_gradients()
def attribute(
    system: System,
    policy: Policy,
    state: State,
    *,
    method: str = "saliency",
    target: str | Target = "default",
    baseline: str | NDArray[Any] = "default",
    seed: int = 0,
    sample: NDArray[Any] | None = None,
    neuron: tuple[str, int] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Attribution:
    """Explain one decision of a network by an attribution method.

    Args:
        system: the world; gives groups, baselines and targets.
        policy: a network policy; it is copied, so that any number of threads may ask at once.
        state: the state in which it decides.
        method: a name from ``METHODS``.
        target: see :func:`dnnexplain.explain.attribution.targets.resolve`; by default the contrast between the
            chosen action and the runner-up.
        baseline: see :func:`dnnexplain.explain.attribution.baselines.reference`; several references are averaged over.
        seed: for methods that draw.
        sample: observations ``[N, *observation_shape]`` for the baselines "mean state", "reachable states".
        neuron: layer and index, for ``neuron-gradient`` and ``neuron-conductance``.
        settings: a method's own numbers: ``steps``, ``samples``, ``noise``, ``window``.

    Raises:
        DnnExplainError: the method does not fit the network, DeepLift does not add up, unknown names.
    """
    began = time.perf_counter()
    entry = method_named(method)
    if entry.units:
        msg = f"{entry.title} speaks of a layer's units, not of inputs: use attribute_units(..., layer=...)"
        raise DnnExplainError(msg)
    options = {"seed": seed, "settings": dict(settings or {})}
    if entry.neuron:
        options |= _place(system, policy, entry, neuron)
    resolved = ask(system, policy, state, target=target, baseline=baseline, sample=sample, **options)
    if entry.neuron and entry.measure is Measure.SLOPE:
        resolved = resolved._replace(target=_activation(neuron))
    return _finish(system, policy, entry, resolved, began)


def _place(system: System, policy: Policy, entry: Method, neuron: tuple[str, int] | None) -> dict[str, Any]:
    """A neuron's layer and its index along the layer's axes."""
    available = layers(network_of(policy), system.observation_shape)
    if neuron is None:
        names = ", ".join(f"{layer.name!r} (0 to {layer.units - 1})" for layer in available)
        msg = f"{entry.title} needs a neuron: neuron=(layer, index); layers: {names}"
        raise DnnExplainError(msg)
    layer = layer_named(available, neuron[0])
    if not 0 <= neuron[1] < layer.units:
        msg = f"layer {layer.name!r} has neurons 0 to {layer.units - 1}, not {neuron[1]}"
        raise DnnExplainError(msg)
    index = np.unravel_index(neuron[1], layer.shape)
    return {"layer": layer.name, "neuron": tuple(int(i) for i in index)}


def layer_named(layers: tuple[Layer, ...], name: str) -> Layer:
    """A layer by the name of its activation or of its weights."""
    for layer in layers:
        if name in layer.names:
            return layer
    raise Choice("layer", name, tuple(layer.name for layer in layers)).error()


def _activation(neuron: tuple[str, int] | None) -> Target:
    assert neuron is not None
    name = f"activation of neuron {neuron[1]} of layer {neuron[0]}"
    return Target(name, TargetKind.VALUE, lambda outputs, _inputs: outputs[:, 0])


def _finish(system: System, policy: Policy, entry: Method, resolved: ResolvedQuestion, began: float) -> Attribution:
    """Run the method and sum its map by knob group."""
    problem, target = resolved.problem, resolved.target
    raw = entry.apply(problem)
    map_drawn = array(raw.map[0])
    difference = float(problem.by_state(problem.explained())[0])
    positive, negative = group_sums(map_drawn, system)
    names = system.output.names
    return Attribution(
        question=question(system, policy, resolved, entry.name),
        decision=resolved.decision,
        method=entry.name,
        measure=str(entry.measure),
        target=target.name,
        target_kind=str(target.kind),
        for_name=target.name if target.index is None or target.kind is TargetKind.VALUE else names[target.index],
        against_name="" if target.against is None else names[target.against],
        unit=target.unit,
        baseline=resolved.reference.name,
        map=map_drawn,
        references=resolved.reference.observations,
        explained=difference,
        completeness_error=float(map_drawn.sum()) - difference if entry.baseline and not entry.neuron else float("nan"),
        group_names=system.groups,
        positive=positive,
        negative=negative,
        steps=raw.steps,
        notes=raw.notes + _remarks(entry, difference),
        milliseconds=1e3 * (time.perf_counter() - began),
    )


def _remarks(entry: Method, difference: float) -> tuple[str, ...]:
    if entry.baseline and abs(difference) <= 1e-9:
        return (
            "the target is the same in state and baseline: there is no difference to explain; try another baseline",
        )
    return ()


@with_gradients()
def attribute_units(
    system: System,
    policy: Policy,
    state: State,
    *,
    layer: str,
    target: str | Target = "default",
    baseline: str | NDArray[Any] = "default",
    seed: int = 0,
    sample: NDArray[Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> UnitAttribution:
    """Layer conductance: how much of the difference flows through each unit of a layer.

    Args:
        system: as in :func:`attribute`, like all that is not said here.
        policy: a network policy.
        state: the state in which it decides.
        layer: a name from :func:`dnnexplain.explain.networks.hooks.layer_names`.
        target: the scalar explained.
        baseline: what is counted from.
        seed: which references of a large sample are taken.
        sample: observations for baselines that need some.
        settings: ``steps`` of the integral (128).

    Raises:
        DnnExplainError: no such layer.
    """
    began = time.perf_counter()
    place = layer_named(layers(network_of(policy), system.observation_shape), layer)
    options = {"seed": seed, "settings": dict(settings or {}), "layer": place.name}
    resolved = ask(system, policy, state, target=target, baseline=baseline, sample=sample, **options)
    raw = METHODS["layer-conductance"].apply(resolved.problem)
    values = array(raw.map[0])
    difference = float(resolved.problem.by_state(resolved.problem.explained())[0])
    return UnitAttribution(
        question=question(system, policy, resolved, "layer-conductance"),
        decision=resolved.decision,
        target=resolved.target.name,
        baseline=resolved.reference.name,
        layer=place.name,
        values=values,
        explained=difference,
        completeness_error=float(values.sum()) - difference,
        steps=raw.steps,
        notes=raw.notes,
        milliseconds=1e3 * (time.perf_counter() - began),
    )
