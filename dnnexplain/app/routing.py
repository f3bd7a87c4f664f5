"""The routing dashboard's parts: whole traffic cases as states, three learned routers, matrices to start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, Policy, State

if TYPE_CHECKING:
    from dnnexplain.systems.routing import RoutingSystem

__all__ = ["HISTORY", "router", "routers", "routing_parts", "traffic_presets"]

HISTORY = 12
"""Matrices before the one to route, as the papers have them."""

_ROLES = {
    "dote-current": "DOTE, sees the matrix to route",
    "dote-history": "DOTE, sees the 12 matrices before",
    "learning-to-route": "Learning to Route, sees the 12 before",
}
_RULES = {
    "shortest-path": "Rule: shortest path",
    "ecmp": "Rule: all shortest paths alike",
    "even": "Rule: all paths alike",
}


def routing_parts(
    policy: str | None = None, topology: str = "abilene", k: int = 4, **parameters: Any
) -> dict[str, Any]:
    """The arguments of ``dnnexplain_widgets.Dashboard`` for routing.

    Args:
        policy: a file of weights, or a name in :func:`routers`' table, to begin with.
        topology, k: as for ``RoutingSystem``; further parameters are its own.

    Raises:
        DnnExplainError: an unknown topology or parameter, a file that does not fit.
    """
    from dnnexplain.systems.routing import RoutingSystem  # noqa: PLC0415 - slow to import

    wrong = set(parameters) - {"capacity", "grouping"}
    if wrong:
        raise Choice(
            "parameter of the routing dashboard", min(wrong), ("topology", "k", "capacity", "grouping")
        ).error()
    system = RoutingSystem(topology, k, HISTORY, routed=True, **parameters)
    policies = routers(system)
    if policy is not None and policy not in _ROLES:
        own = load_router(system, Path(policy))
        policies = {Path(policy).name: lambda: own, **policies}
    elif policy is not None and _ROLES[policy] in policies:
        policies = {_ROLES[policy]: policies[_ROLES[policy]], **policies}
    presets = traffic_presets(system)
    return {
        "system": system,
        "policy": next(iter(policies.values()))(),
        "state": presets["A busy hour, twice the traffic"],  # routed well, until its largest demand is dragged
        "title": "Routing: does the network send traffic the best way?",
        "policies": policies,
        "loader": partial(load_router, system),
        "presets": presets,
    }


def routers(system: RoutingSystem) -> dict[str, Callable[[], Policy]]:
    """The shipped routers of a topology and a few rules, by names for people; loaded when chosen."""
    from dnnexplain.policies import shipped  # noqa: PLC0415 - loads torch

    found: dict[str, Callable[[], Policy]] = {}
    for role, history in _histories().items():
        if role in shipped(_small(system, history)):
            found[_ROLES[role]] = partial(router, system, role)
    rules = system.rules()
    found |= {title: partial(rules.__getitem__, name) for name, title in _RULES.items() if name in rules}
    return found


def router(system: RoutingSystem, role: str) -> Policy:
    """A shipped router as a policy of whole cases.

    Raises:
        DnnExplainError: no router of that name is shipped for the topology.
    """
    from dnnexplain.policies import load_shipped  # noqa: PLC0415 - loads torch

    known = _histories()
    if role not in known:
        raise Choice("router", role, tuple(known)).error()
    loaded: Any = load_shipped(_small(system, known[role]), role)
    loaded.name = role
    seen: Any = system.seen_by(loaded)
    seen.python = ("from dnnexplain.app.routing import router", f"router(system, {role!r})")
    policy: Policy = seen
    return policy


def load_router(system: RoutingSystem, path: Path) -> Policy:
    """A file of weights as a policy of whole cases; what it sees is what its file says, or what its input has room for.

    Raises:
        DnnExplainError: the file cannot be read, or fits neither the matrix to route nor the history.
    """
    from dnnexplain.policies import load_any  # noqa: PLC0415 - loads torch
    from dnnexplain.policies.checkpoints import read_metadata  # noqa: PLC0415

    told = read_metadata(path) if path.suffix == ".safetensors" else {}
    known = ((told.get("system") or {}).get("parameters") or {}).get("history")
    first: DnnExplainError | None = None
    for history in (0, HISTORY) if known is None else (int(known),):
        try:
            return system.seen_by(load_any(path, _small(system, history)))
        except DnnExplainError as error:
            first = first or error
    assert first is not None
    raise first


def traffic_presets(system: RoutingSystem) -> dict[str, State]:
    """Traffic matrices to start from, each with the twelve before it."""
    drawn = {
        "Ordinary traffic": ("gravity", 3, {}),
        "A busy hour, twice the traffic": ("gravity", 5, {"load": 0.2}),
        "A few bursts": ("bursts", 2, {}),
        "Every demand drawn alike": ("uniform", 1, {"top": 0.1 * system.cap}),
    }
    found = {"Mean traffic": _state(system, np.tile(system.mean_demands, (HISTORY + 1, 1)))}
    for name, (family, seed, law) in drawn.items():
        found[name] = _state(system, system.traffic(family, 1, seed, **law)[0])
    alone = np.zeros((HISTORY + 1, len(system.paths.pairs)))
    alone[:, int(np.argmax(system.mean_demands))] = 0.5 * system.cap
    found["One pair alone"] = _state(system, alone)
    calm = np.tile(system.mean_demands, (HISTORY + 1, 1))
    calm[-1] = system.traffic("bursts", 1, 2)[0, -1]
    found["Calm before, then bursts"] = _state(system, calm)
    return found


def _state(system: RoutingSystem, rows: NDArray[np.float64]) -> State:
    return State(system.repair(rows.reshape(1, -1))[0])


def _histories() -> Mapping[str, int]:
    from dnnexplain.systems.routing.kinds import POLICY_KINDS  # noqa: PLC0415

    return {role: POLICY_KINDS[role].history for role in _ROLES}


def _small(system: RoutingSystem, history: int) -> RoutingSystem:
    """The system that a router was made for: the history alone, or the matrix to route alone."""
    return type(system)(system.topology, system.k, history, capacity=system.capacity)
