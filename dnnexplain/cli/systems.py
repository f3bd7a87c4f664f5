"""``dnnexplain systems``: what is built in, and the knobs of each."""

from __future__ import annotations

import inspect
from typing import Any

import typer

from dnnexplain.cli.output import examples, print_json, print_table
from dnnexplain.contract import Choice, EpisodeSystem, Knob

__all__ = ["register"]

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("systems", epilog=examples("dnnexplain systems", "dnnexplain systems deeprm --json"))(systems)


def systems(
    name: str = typer.Argument("", help="Only this system, with all its knobs.", show_default=False),
    *,
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the built-in systems and the knobs that explainers may turn."""
    from dnnexplain.systems import BUILT_IN, make_system

    if name and name not in BUILT_IN:
        raise Choice("system", name, tuple(BUILT_IN)).error()
    described = [_describe(make_system(one)) for one in ([name] if name else BUILT_IN)]
    if as_json:
        print_json({"systems": described})
        return
    for system in described:
        _show(system, limit=None if name else SHOWN)


def _describe(system: EpisodeSystem) -> dict[str, Any]:
    document = inspect.getdoc(type(system)) or ""
    return {
        "name": system.name,
        "description": document.partition("\n\n")[0].replace("\n", " "),
        "cost": system.cost_name,
        "observation_shape": list(system.observation_shape),
        "output": {"kind": system.output.kind, "names": list(system.output.names), "unit": system.output.unit},
        "knobs": [_knob(knob) for knob in system.knobs],
    }


def _knob(knob: Knob) -> dict[str, Any]:
    return {
        "name": knob.name,
        "unit": knob.unit,
        "low": knob.low,
        "high": knob.high,
        "step": knob.step,
        "group": knob.group,
        "default": knob.start,
    }


def _show(system: dict[str, Any], limit: int | None) -> None:
    shape = " x ".join(str(size) for size in system["observation_shape"])
    names = system["output"]["names"]
    typer.echo(f"{system['name']}: {system['description']}")
    typer.echo(f"  minimises {system['cost']}; sees {shape} numbers, emits {len(names)} ({system['output']['kind']})")
    knobs = system["knobs"][:limit]
    print_table(
        ("  knob", "unit", "from", "to", "step"),
        [
            (f"  {knob['name']}", knob["unit"], _exact(knob["low"]), _exact(knob["high"]), _exact(knob["step"]))
            for knob in knobs
        ],
    )
    if len(knobs) < len(system["knobs"]):
        more = len(system["knobs"]) - len(knobs)
        typer.echo(f"  and {more} more knobs: dnnexplain systems {system['name']}")
    typer.echo()


def _exact(bound: float | None) -> int | float | str:
    """A bound or step as it is configured: 15, not 15.0."""
    if bound is None:
        return "any value"
    return int(bound) if float(bound).is_integer() else bound
