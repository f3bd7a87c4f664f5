"""Where routing meets the worst-case search: a routing problem as a gray-box pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dnnexplain.contract import Policy
    from dnnexplain.explain.gray_box.problem import Problem
    from dnnexplain.explain.gray_box.white_box import WhiteBox
    from dnnexplain.systems.routing import RoutingSystem

__all__ = ["load_routing_policy", "routing_problem", "routing_white_box"]


def load_routing_policy(name: str, topology: str = "abilene", k: int = 4) -> tuple[RoutingSystem, Policy]:
    """A system and a policy by name: a learned policy, a rule (on the current matrix), or a weights file.

    Raises:
        DnnExplainError: for an unknown name, and if no network is shipped for this topology.
    """
    from pathlib import Path

    from dnnexplain.contract import Choice
    from dnnexplain.policies import load_any
    from dnnexplain.policies.checkpoints import read_metadata
    from dnnexplain.systems.routing import RoutingSystem
    from dnnexplain.systems.routing.kinds import POLICY_KINDS

    if name in POLICY_KINDS:
        system = RoutingSystem(topology, k, POLICY_KINDS[name].history)
        return system, load_any(name, system)
    system = RoutingSystem(topology, k)
    if name in system.rules():
        return system, system.rules()[name]
    if not Path(name).exists():
        raise Choice("routing policy or weights file", name, (*POLICY_KINDS, *system.rules())).error()
    if name.endswith(".safetensors"):
        told = (read_metadata(name).get("system") or {}).get("parameters") or {}
        system = RoutingSystem(topology, k, int(told.get("history", 0)))
    return system, load_any(name, system)


def routing_problem(
    system: RoutingSystem, policy: Policy, routed: ArrayLike | None = None, *, name: str = "", **choices: Any
) -> Problem:
    """MLU over the optimal MLU, as a problem for ``explain.gray_box.worst_case``.

    Args:
        system: topology, paths and history.
        policy: a network, or a rule (then its splits are a black box and are sampled).
        routed: the matrix to route ``[P]``, Gb/s, if only the history is the adversary's.
        name: for results; the policy's if not given.
        choices: ``history`` (``"any"``, ``"plausible"``) and ``all_paths``, as of the system's ``adversary``.
    """
    from dnnexplain.explain.gray_box import problem_of

    made: Problem = problem_of(
        system, policy, routed, name=name or f"{policy.name} on {system.topology.name}", **choices
    )
    return made


def routing_white_box(system: RoutingSystem, policy: Policy, seed: int = 0) -> tuple[WhiteBox, float]:
    """A piecewise-linear stand-in for the policy as a white box, and how far off its splits are (RMS)."""
    import numpy as np

    from dnnexplain.explain.gray_box import WhiteBox
    from dnnexplain.systems.routing.stand_in import fit_stand_in

    fitted = fit_stand_in(system, policy, seed=seed)
    pairs = np.arange(len(fitted.first))
    box = WhiteBox(
        fitted.high, fitted.layers, pairs, fitted.constant, fitted.product, fitted.serve, fitted.use, fitted.least,
        fitted.ratio,
    )  # fmt: skip
    return box, fitted.error
