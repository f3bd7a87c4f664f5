"""What ``dnnexplain worst-case`` asks about a router: the matrix to route or the history before it, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Challenge, Choice, DnnExplainError, Policy
from dnnexplain.counts import counted
from dnnexplain.systems.routing.names import demands_to_json
from dnnexplain.systems.routing.traffic import FAMILIES
from dnnexplain.systems.routing.traffic_files import load_matrices

if TYPE_CHECKING:
    from dnnexplain.systems.routing.system import RoutingSystem

__all__ = ["challenge"]


def challenge(system: RoutingSystem, policy: Policy, options: Mapping[str, Any], seed: int) -> Challenge:
    """A router and what may be chosen against it.

    Args:
        system: with the history that the policy sees.
        policy: a network or a rule.
        options: of the command: ``history_only``, ``history``, ``all_paths``, ``workload``, ``matrix``, ``unit``, ``row``.
        seed: of the draw of a fixed matrix, where no row is named.
    """
    fixed = bool(options["history_only"] or options["matrix"])
    if not fixed:
        _refuse_unused(options)
    routed = _matrix(system, options, seed) if fixed else None
    history, all_paths = options["history"], bool(options["all_paths"])
    given = {"history": history, "all_paths": all_paths}
    choices = {name: value for name, value in given.items() if value not in ("any", False)}

    def tell(x: NDArray[np.float64]) -> dict[str, Any]:
        matrices = x.reshape(-1, len(system.paths.pairs))
        past = [demands_to_json(system.paths, row) for row in matrices[: system.history]]
        demands = demands_to_json(system.paths, matrices[-1] if routed is None else routed)
        return {"demands": demands, "history": past} if past else {"demands": demands}

    topology = {
        "topology": system.topology.name,
        "history_only": fixed,
        "history": history if system.history else None,
        "optimum_over": "all paths" if all_paths else f"{system.k} paths per pair, the policy's own",
        "unit": "Gb/s",
    }
    beside = ("after_ordinary_traffic", "After ordinary traffic", {"history": "plausible"})
    parts: Any = system.adversary(policy, routed, **choices)
    return Challenge(
        parts,
        topology,
        tell,
        where=system.topology.name,
        settings={"history_only": fixed, **given},
        later=" ago",
        beside=beside if history == "any" and system.history else None,
    )


def _refuse_unused(options: Mapping[str, Any]) -> None:
    """Nothing may be said about a fixed matrix where none is fixed: it would be a search over all of them."""
    for name, usual in (("workload", "gravity"), ("unit", ""), ("row", None)):
        if options[name] != usual:
            msg = f"--{name} says which matrix is fixed, and none is: add --history-only, or leave it out"
            raise DnnExplainError(msg)


def _matrix(system: RoutingSystem, options: Mapping[str, Any], seed: int) -> NDArray[np.float64]:
    """The fixed matrix ``[P]``, Gb/s, rounded to float32 as all traffic is."""
    source, unit, row = options["matrix"] or options["workload"], options["unit"], options["row"]
    if not Path(source).exists() and Path(source).suffix == "":
        if source not in FAMILIES:
            raise Choice("traffic family or file", source, tuple(FAMILIES)).error()
        if row is not None or unit:
            msg = f"--row and --unit are for a file of matrices; {source!r} is generated"
            raise DnnExplainError(msg)
        drawn = system.workloads(source, 1, seed)[0].demands
    else:
        rows = load_matrices(source, system.paths, unit or None)
        if row is not None and not 0 <= row < len(rows):
            msg = f"{source} has {counted(len(rows), 'matrix', 'matrices')}, rows 0 to {len(rows) - 1}; there is no row {row}"
            raise DnnExplainError(msg)
        drawn = rows[int(np.random.default_rng(seed).integers(len(rows))) if row is None else row]
    if not drawn.any():
        msg = "the matrix to route asks for no traffic, so there is nothing to be worse at; choose another row"
        raise DnnExplainError(msg)
    return np.asarray(drawn.astype(np.float32).astype(np.float64))
