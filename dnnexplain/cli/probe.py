"""``dnnexplain probe``: one neuron: the state that activates it most, its curves and thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.layers_over_networks import ALL, networks_of, show_census
from dnnexplain.cli.output import examples, number, print_json, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import DnnExplainError, outside_valid, state_from_values, valid_states
from dnnexplain.counts import counted
from dnnexplain.given_states import state_from_file
from dnnexplain.registry import spec_of

if TYPE_CHECKING:
    from dnnexplain.contract import NetworkPolicy, State, System
    from dnnexplain.explain.probing.maximal import Maximum
    from dnnexplain.explain.probing.thresholds import Curves, ThresholdCurve

__all__ = ["register"]

MOST_SWEPT = 256
"""Knobs that are swept unasked: those of 40,000 pairs of nodes would take an hour."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain probe {DEFAULT_SYSTEM} --neuron 3",
        f"dnnexplain probe {DEFAULT_SYSTEM} --neuron 3 --state state.json --json",
        f"dnnexplain probe {DEFAULT_SYSTEM} --policy mine.safetensors --by 'SWEPT'",
        f"dnnexplain probe {DEFAULT_SYSTEM} --census",
    )
    app.system_command("probe", probe, epilog=shown)


def probe(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    neuron: int | None = typer.Option(
        None, help="Counted from 0, as in the network's weights; all neurons in brief if not given.", show_default=False
    ),
    layer: str = typer.Option("", help="By name; the first hidden layer if not given.", show_default=False),
    policy: str = typer.Option(
        "",
        help="A shipped network or a weights file; with --census also all.  [default: default; with --census all]",
        show_default=False,
    ),
    state: Path | None = typer.Option(
        None, help="A state as JSON: adds the activation in it; curves start from it.", show_default=False
    ),
    by: str = typer.Option("", help="The kind of knob to sweep, e.g. length, cpu, memory.", show_default=False),
    others: str = typer.Option(
        "",
        help="The other objects while one is swept: as they are, or empty.  [default: as they are; with --census empty]",
        show_default=False,
    ),
    census: bool = typer.Option(False, "--census", help="Count the neurons that show thresholds, network by network."),
    restarts: int = typer.Option(8, min=1, help="Starts of the search for a neuron of a deeper layer."),
    seed: int = typer.Option(0, help="Of that search."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Probe a network's neurons: maximal activation, threshold curves, activation in a state.

    Neurons are counted from 0. The maximum of a first-layer neuron is exact and proved; that of a deeper
    one is searched, and the output says so.
    """
    from dnnexplain.explain.probing.neurons import check_neuron, layer_of
    from dnnexplain.explain.probing.thresholds import curves
    from dnnexplain.policies import named_policy

    del system
    world: Any = options.make_for(policy)
    given = None if state is None else state_from_file(world, state)
    if census:
        if neuron is not None:
            msg = "--census counts all neurons; leave --neuron out"
            raise DnnExplainError(msg)
        networks = networks_of(policy or ALL, world)
        show_census(world, networks, kind=by, layer=layer, others=others, state=given, as_json=as_json)
        return
    network: Any = named_policy(world, policy or "default")
    neuron_layer = layer_of(world, network, layer or None)
    chosen = range(neuron_layer.units) if neuron is None else [check_neuron(neuron_layer, neuron)]
    reference = world.baselines(given or state_from_values(world, {})).get("reachable states")
    settings: dict[str, Any] = {
        "state": given,
        "layer": neuron_layer.name,
        "others": others.replace("-", " ") or "as they are",
        "reference": reference,
    }
    swept = curves(world, network, _knobs(world, by, given), **settings)
    maxima = _maxima(world, network, neuron_layer.name, list(chosen), restarts, seed, quiet=as_json)
    report = {
        "system": world.name,
        "policy": network.name,
        "checkpoint": network.checkpoint,
        "layer": neuron_layer.name,
        "measured": neuron_layer.measured,
        "valid_states": valid_states(world),
        "neurons": neuron_layer.units,
        "counted_from": 0,
    }
    details = [_neuron(world, network, neuron_layer, swept, item, given) for item in maxima]
    if as_json:
        print_json(report | (details[0] if neuron is not None else {"probed": details}))
    elif neuron is None:
        _show_all(report, swept, details)
    else:
        _show_one(world, maxima[0], swept, details[0])


def _knobs(world: System, by: str, given: State | None) -> tuple[str, ...]:
    """The knobs of the kind asked for; else of the first kind that several objects share, or all: the largest of very many."""
    from dnnexplain.assumptions import assume
    from dnnexplain.explain.decisions.sweeps import kinds, knobs_of_kind

    shared = kinds(world)
    if by:
        return knobs_of_kind(world, by)
    places = next(iter(shared.values()), range(len(world.knobs)))
    if len(places) <= MOST_SWEPT:
        return tuple(world.knobs[place].name for place in places)
    values = (given or state_from_values(world, {})).values[list(places)]
    largest = sorted(np.argsort(-values, kind="stable")[:MOST_SWEPT])
    assume(
        f"of {counted(len(places), 'knob')} those {MOST_SWEPT} are swept whose values are largest in the state; --by names one or a kind"
    )
    return tuple(world.knobs[places[at]].name for at in largest)


def _maxima(
    world: System, network: NetworkPolicy, layer: str, neurons: list[int], restarts: int, seed: int, *, quiet: bool
) -> list[Maximum]:
    from dnnexplain.explain.probing.maximal import maximise, maximise_all

    with progress_bar("Maximal activation", 100, quiet=quiet) as show:

        def tell(fraction: float) -> None:
            show(round(100 * fraction))

        if len(neurons) > 1:
            return list(maximise_all(world, network, layer, restarts=restarts, seed=seed, progress=tell))
        return [maximise(world, network, neurons[0], layer, restarts=restarts, seed=seed, progress=tell)]


def _neuron(
    world: System, network: NetworkPolicy, layer: Any, swept: Curves, best: Maximum, state: State | None
) -> dict[str, Any]:
    from dnnexplain.explain.decisions.decision import observe
    from dnnexplain.explain.probing.neurons import neuron_activations

    maximum = {
        "activation": best.activation,
        "state": world.state_to_json(best.state),
        "proved": best.proved,
        "certificate": best.certificate,
        "words": best.words,
    }
    data: dict[str, Any] = {"neuron": best.neuron, "maximum": maximum}
    if state is not None:
        seen = neuron_activations(network, layer, observe(world, [state]), [best.neuron])
        data["activation"] = float(seen[0, 0])
        data["outside_valid"] = outside_valid(world, state)
    objects = spec_of(world).objects
    data[objects or "curves"] = [
        _curve(swept.curve(best.neuron, knob), place if objects else None)
        for place, knob in enumerate(swept.knobs, start=1)
    ]
    return data


def _curve(curve: ThresholdCurve, slot: int | None) -> dict[str, Any]:
    return {
        **({} if slot is None else {"slot": slot}),
        "knob": curve.knob,
        "unit": curve.unit,
        "curve": {"values": curve.values, "activations": curve.activation},
        "ranges": curve.ranges,
        "thresholds": curve.thresholds,
        "current": curve.current,
        "held": curve.held,
        "sentence": curve.sentence(),
    }


def _show_one(world: System, best: Maximum, swept: Curves, words: dict[str, Any]) -> None:
    typer.echo(best.sentence())
    typer.echo(f"Maximal state: {world.describe(best.state)}")
    if "activation" in words:
        outside = f" {words['outside_valid']}" if words["outside_valid"] else ""
        typer.echo(f"In the given state neuron {best.neuron} is at {number(words['activation'])}.{outside}")
    for knob in swept.knobs:
        typer.echo(swept.curve(best.neuron, knob).sentence())


def _show_all(report: dict[str, Any], swept: Curves, details: list[dict[str, Any]]) -> None:
    rows = []
    for detail in details:
        curves = [swept.curve(detail["neuron"], knob) for knob in swept.knobs]
        steps = [f"{curve.knob}: {step.words()}" for curve in curves for step in curve.thresholds]
        now = (detail["activation"],) if "activation" in detail else ()
        rows.append(
            (
                detail["neuron"],
                detail["maximum"]["activation"],
                detail["maximum"]["proved"],
                *now,
                "; ".join(steps) or "-",
            )
        )
    now_column = ("in the state",) if details and "activation" in details[0] else ()
    columns = ("neuron", "maximum", "proved", *now_column, "thresholds")
    print_table(
        columns, rows, f"{report['policy']}, layer {report['layer']}, neurons counted from 0, read {report['measured']}"
    )
