"""``dnnexplain systems``: what is built in, and the knobs of each."""

from __future__ import annotations

from typing import Any

import typer

from dnnexplain.cli.output import examples, print_json, print_table
from dnnexplain.cli.system_options import DEFAULT_SYSTEM
from dnnexplain.contract import EpisodeSystem, Knob, Spec
from dnnexplain.finding import Meaning, find

__all__ = ["register"]

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples("dnnexplain systems", f"dnnexplain systems {DEFAULT_SYSTEM} --json")
    app.command("systems", epilog=shown)(systems)


def systems(
    name: str = typer.Argument("", help="Only this system, with all its knobs.", show_default=False),
    *,
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the systems, those of other installed packages too, and the knobs that explainers may turn."""
    from dnnexplain.registry import specs

    chosen = [find(name)] if name else [Meaning(spec) for spec in specs().values()]
    described = [_describe(item.spec, item.make()) for item in chosen]
    if as_json:
        print_json({"systems": described})
        return
    for system in described:
        _show(system, limit=None if name else SHOWN)


def _describe(spec: Spec, system: EpisodeSystem) -> dict[str, Any]:
    return {
        "name": system.name,
        "title": spec.title,
        "description": spec.sentence,
        "cost": system.cost_name,
        "observation_shape": list(system.observation_shape),
        "output": {"kind": system.output.kind, "names": list(system.output.names), "unit": system.output.unit},
        "parameters": [
            {"name": parameter.name, "default": parameter.default, "help": parameter.help}
            for parameter in spec.parameters
        ],
        "networks": [{"name": role.name, "title": role.title} for role in spec.roles],
        "rules": list(system.rules()),
        "workloads": [{"name": family.name, "about": family.about} for family in spec.families],
        "metrics": [
            {"name": metric.name, "title": metric.title, "unit": metric.unit, "better": metric.better}
            for metric in spec.metrics
        ],
        "caveats": list(spec.caveats),
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
    for what in ("networks", "rules", "workloads"):
        shown = ", ".join(item if isinstance(item, str) else item["name"] for item in system[what])
        typer.echo(f"  {what}: {shown or 'none'}")
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
