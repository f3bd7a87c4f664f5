"""The dashboard's parts for the app and for a notebook: system, networks, states to start from.

This is where a concrete system meets the panels; the panels themselves know only the contract.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dnnexplain.app.options import panel_options
from dnnexplain.app.presets import presets_for
from dnnexplain.contract import DnnExplainError, Policy, System

__all__ = ["NOTEBOOK", "SETTINGS", "dashboard_parts", "settings"]

NOTEBOOK = Path(__file__).parent / "dashboard.ipynb"
"""The notebook that ``dnnexplain app`` serves."""

SETTINGS = "DNNEXPLAIN_APP"
"""The environment variable by which the command line tells the notebook what to show, as JSON."""

_ROLES = {
    "default": "The paper's network, fairly trained",
    "conv": "A small convolutional network",
    "hardened": "Hardened: taught on shifted workloads too",
    "as-published": "Trained by the recipe as published",
}


def settings() -> dict[str, Any]:
    """What the command line asked the notebook to show; nothing where it was not started by it."""
    given = os.environ.get(SETTINGS, "{}")
    try:
        found = json.loads(given)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        msg = f'{SETTINGS} must be a JSON object such as {{"slots": 5}}, not {given!r}'
        raise DnnExplainError(msg)
    return found


def dashboard_parts(system: str = "deeprm", policy: str | None = None, **parameters: Any) -> dict[str, Any]:
    """The arguments of ``dnnexplain_widgets.Dashboard`` for a built-in system.

    Args:
        system: a name in ``dnnexplain.systems.BUILT_IN``.
        policy: a file of weights to begin with; the shipped default network if not given.
        parameters: the system's own, e.g. ``slots=10``.

    Raises:
        DnnExplainError: an unknown system or parameter, no network of that size, a file that does not fit.
    """
    import torch  # noqa: PLC0415 - slow to import

    from dnnexplain.policies import load_any  # noqa: PLC0415 - loads torch
    from dnnexplain.systems import make_system  # noqa: PLC0415

    torch.set_num_threads(1)  # two threads spin under load: 4 ms become 180
    from dnnexplain_widgets.served import is_served  # noqa: PLC0415 - only where panels are

    if system == "routing":
        from dnnexplain.app.routing import routing_parts  # noqa: PLC0415

        return routing_parts(policy, **parameters)
    made = make_system(system, **parameters)
    policies = shipped_policies(made)
    if policy is not None:
        own = _named(load_any(policy, made), "load_any", str(policy))
        policies = {Path(policy).name: lambda: own, **policies}
    if not policies:
        from dnnexplain.policies import load_shipped  # noqa: PLC0415

        load_shipped(made)  # raises, and says which networks there are
    first = next(iter(policies.values()))()
    states, presets = presets_for(made, first)
    return {
        "system": made,
        "policy": first,
        "state": states,
        "title": _TITLES.get(system, f"What moves {system}?"),
        "policies": policies,
        "loader": partial(_load, made),
        "presets": presets,
        "rules": [name for name in made.rules() if name != "random"],
        "options": panel_options(made, policies),
        "leave_out": ("TrainingPanel",) if is_served() else (),  # strangers do not start trainings here
    }


_TITLES = {"deeprm": "DeepRM: why does the network schedule this job?"}


def shipped_policies(system: System) -> dict[str, Callable[[], Policy]]:
    """The shipped networks that fit a system, by a name for people; loaded when chosen."""
    from dnnexplain.policies import shipped  # noqa: PLC0415 - loads torch

    found: Mapping[str, Path] = shipped(system)
    return {_ROLES.get(role, role): partial(_shipped, system, role) for role in found}


def _shipped(system: System, role: str) -> Policy:
    from dnnexplain.policies import load_shipped  # noqa: PLC0415 - loads torch

    return _named(load_shipped(system, role), "load_shipped", role)


def _load(system: System, path: Path) -> Policy:
    from dnnexplain.policies import load_any  # noqa: PLC0415 - loads torch

    return _named(load_any(path, system), "load_any", path.name)


def _named(policy: Any, function: str, argument: str) -> Policy:
    """The policy, which now knows how it is made in Python; see ``python_code.policy_code``."""
    arguments = "system" if argument == "default" else f"system, {argument!r}"
    if function == "load_any":
        arguments = f"{argument!r}, system"
    policy.python = (f"from dnnexplain.policies import {function}", f"{function}({arguments})")
    named: Policy = policy
    return named
