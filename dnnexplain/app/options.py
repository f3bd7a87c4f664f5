"""What panels of the dashboard need of a concrete system beyond the contract: likelihoods, grids, networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dnnexplain.app.training import School
from dnnexplain.contract import Policy, System
from dnnexplain.explain.transfer_result import Setting

__all__ = ["panel_options"]

RATES = (0.4, 0.55, 0.7, 0.85)


def panel_options(system: System, policies: Mapping[str, Callable[[], Policy]]) -> dict[str, dict[str, Any]]:
    """Options of panels by the name of their class, for ``Dashboard(..., options=...)``.

    Args:
        system: which system the dashboard shows.
        policies: networks that fit it, by name, as functions that load them.
    """
    options: dict[str, dict[str, Any]] = {"TransferPanel": {"policies": dict(policies)}}
    options["ThresholdMapPanel"] = {"networks": dict(policies)}
    if system.name == "deeprm":
        from dnnexplain.systems.deeprm.likelihood import state_likelihood  # noqa: PLC0415 - only for DeepRM

        options["AdversarialPanel"] = {"likelihood": state_likelihood(system)}  # type: ignore[arg-type]
        options["TransferPanel"]["grids"] = _deeprm_grids()
        options["TrainingPanel"] = {"school": School(system)}
    return options


def _deeprm_grids() -> dict[str, tuple[list[Setting], list[Setting]]]:
    """One grid for each parameter of the original generator, over the rate of arrivals."""
    rates = [Setting(f"rate {rate:g}", "", {"rate": rate}, rate) for rate in RATES]
    rows = {
        "share of long jobs": [_row("long_share", f"{share:.0%} long jobs", share) for share in (0, 0.2, 0.4, 0.6, 0.8)],
        "length of long jobs": [
            _row("long_lengths", f"long jobs of {low} to {high} steps", [low, high])
            for low, high in ((4, 6), (6, 9), (8, 12), (10, 15), (13, 15))
        ],
        "demands": [
            _row("dominant_units", f"{low} to {high} units of the larger resource", [low, high])
            for low, high in ((2, 4), (3, 6), (4, 8), (5, 10), (8, 10))
        ],
        "balance of CPU and memory": [
            _row("cpu_dominant", f"CPU dominates in {share:.0%}", share) for share in (0, 0.25, 0.5, 0.75, 1)
        ],
    }  # fmt: skip
    return {name: (settings, rates) for name, settings in rows.items()}


def _row(parameter: str, label: str, value: Any) -> Setting:
    place = sum(value) / len(value) if isinstance(value, list) else float(value)
    return Setting(label, "deeprm", {parameter: value}, place)
