"""What panels of the dashboard need of a system beyond the contract, from its spec: likelihoods, grids, networks, teachers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dnnexplain.app.training import School
from dnnexplain.contract import DnnExplainError, Grid, Policy, Shift, System, load_reference
from dnnexplain.registry import spec_of

__all__ = ["grid_settings", "panel_options"]


def panel_options(system: System, policies: Mapping[str, Callable[[], Policy]]) -> dict[str, dict[str, Any]]:
    """Options of panels by the name of their class, for ``Dashboard(..., options=...)``.

    Args:
        system: which system the dashboard shows.
        policies: networks that fit it, by name, as functions that load them.
    """
    options: dict[str, dict[str, Any]] = {"TransferPanel": {"policies": dict(policies)}}
    options["EpisodePanel"] = {"policies": dict(policies)}
    options["ThresholdMapPanel"] = {"networks": dict(policies)}
    try:
        spec = spec_of(system)
    except DnnExplainError:
        return options
    if spec.likelihood:
        options["AdversarialPanel"] = {"likelihood": load_reference(spec.likelihood)(system)}
    grids = {grid.name: grid_settings(grid) for grid in spec.grids if grid.columns and not _plain(grid)}
    if grids:
        options["TransferPanel"]["grids"] = grids
    if spec.teachers:
        options["TrainingPanel"] = {"school": School(system)}
    return options


def grid_settings(grid: Grid) -> tuple[list[Shift], list[Shift]]:
    """A spec's grid as rows and columns of ``explain.transfer``."""
    return list(grid.rows), list(grid.columns)


def _plain(grid: Grid) -> bool:
    """Whether its rows are the families as they are, which the panel offers of itself as kinds of workload."""
    return all(row.label == row.family and not row.parameters for row in grid.rows)
