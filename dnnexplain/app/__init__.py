"""The dashboard's parts for the app and for a notebook: system, networks, states to start from.

This is where a concrete system meets the panels; the panels themselves know only the contract.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from dnnexplain.app.options import panel_options
from dnnexplain.contract import Discrete, DnnExplainError, PartiallySeen, Policy, Spec, System
from dnnexplain.finding import find
from dnnexplain.registry import known_systems
from dnnexplain.rule_names import rule_entry
from dnnexplain_widgets.presets import presets_for

__all__ = ["NOTEBOOK", "SETTINGS", "dashboard_parts", "settings"]

NOTEBOOK = Path(__file__).parent / "dashboard.ipynb"
"""The notebook that ``dnnexplain app`` serves."""

SETTINGS = "DNNEXPLAIN_APP"
"""The environment variable by which the command line tells the notebook what to show, as JSON."""

UNTRAINED_TITLE = "Untrained network (random weights)"
"""What a dashboard opens with where a system ships no network."""

DEFAULT_SYSTEM = next(iter(known_systems()))
"""The system that a dashboard shows when none is named."""


def settings() -> dict[str, Any]:
    """What the command line asked the notebook to show; nothing where it was not started by it."""
    given = os.environ.get(SETTINGS, "{}")
    try:
        values = json.loads(given)
    except json.JSONDecodeError:
        values = None
    if not isinstance(values, dict):
        msg = f'{SETTINGS} must be a JSON object such as {{"slots": 5}}, not {given!r}'
        raise DnnExplainError(msg)
    return values


def dashboard_parts(
    system: str = DEFAULT_SYSTEM, policy: str | None = None, guard: str | None = None, **parameters: Any
) -> dict[str, Any]:
    """The arguments of ``dnnexplain_widgets.Dashboard`` for a system by its name.

    Args:
        system: a name in ``dnnexplain.registry.known_systems()``, your own as ``module:Class``, or the id of a
            gymnasium environment.
        policy: a file of weights, or a shipped network's role, to begin with; the first that ships if not given.
        guard: a file with a guard, put around that policy; without it the policy stays in the menu.
        parameters: the system's own, e.g. ``slots=10``; where nothing is said, its spec's for dashboards.

    Raises:
        DnnExplainError: an unknown system or parameter, no network of that size, a file that does not fit, a guard of
            another system.
    """
    import torch  # noqa: PLC0415 - slow to import

    torch.set_num_threads(1)  # two threads spin under load: 4 ms become 180
    from dnnexplain_widgets.served import is_served  # noqa: PLC0415 - only where panels are

    meaning = find(system)
    spec = meaning.spec
    made: Any = meaning.make(**spec.on_board(parameters))
    if system not in known_systems():
        words = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        made.python = ("from dnnexplain.finding import find", f"find({system!r}).make({words})")
    policies = _menu(made, spec, policy)
    if guard is not None:
        policies = _with_guard(made, policies, Path(guard))
    chosen, load = next(iter(policies.items()))
    first = load()
    rules = {_entry(spec, name) for name in made.rules()}
    networks = {name: load for name, load in policies.items() if name not in rules}
    state, presets = presets_for(made, first)
    return {
        "system": made,
        "policy": first,
        "state": state,
        "title": spec.question or f"What moves {system}?",
        "lead": spec.lead or spec.sentence,
        "policies": {
            **policies,
            chosen: first if chosen in rules else load,
        },  # a rule made anew would stand there twice
        "loader": partial(_load, made),
        "presets": presets,
        "rules": [name for name in made.rules() if name not in spec.apart],
        "options": panel_options(made, networks),
        "still": False,  # no reader of a notebook sees this page
        "leave_out": ("TrainingPanel",) if is_served() else (),  # strangers do not start trainings here
    }


def _menu(system: System, spec: Spec, policy: str | None) -> dict[str, Callable[[], Policy]]:
    """The networks to choose from by names for people, the one asked for first, loaded when chosen.

    Where a policy picks no single action, the rules stand among them: a mark on a bar cannot show what they do.
    """
    from dnnexplain.policies import load_shipped  # noqa: PLC0415 - loads torch

    policies = shipped_policies(system)
    roles = {role.name: role.title for role in spec.roles}
    if policy is not None and roles.get(policy) in policies:
        title = roles[policy]
        policies = {title: policies[title], **policies}
    elif policy == "untrained":
        policies = {UNTRAINED_TITLE: partial(_untrained, system), **policies}
    elif policy is not None and policy in system.rules():
        policies = {_entry(spec, policy): partial(system.rules().__getitem__, policy), **policies}
    elif policy is not None:
        own = _load(system, Path(policy))
        policies = {Path(policy).name: lambda: own, **policies}
    if not policies and not isinstance(system.output, Discrete):
        policies = {UNTRAINED_TITLE: partial(_untrained, system)}
    if not isinstance(system.output, Discrete):
        rules = system.rules()
        entries = {_entry(spec, name): partial(rules.__getitem__, name) for name in spec.rules if name in rules}
        policies |= {entry: load for entry, load in entries.items() if entry not in policies}
    if not policies and not spec.roles:
        policies = {UNTRAINED_TITLE: partial(_untrained, system)}
    if not policies:
        load_shipped(system)  # raises, and says which networks there are
    return policies


def _entry(spec: Spec, rule: str) -> str:
    return rule_entry(rule, spec.rules.get(rule, rule))


def _with_guard(
    system: System, policies: dict[str, Callable[[], Policy]], path: Path
) -> dict[str, Callable[[], Policy]]:
    """The same menu, its first policy with a guard around it before all others."""
    from dnnexplain.explain.guards import Guard, Guarded  # noqa: PLC0415 - loads the regions

    guard = Guard.load(path)

    def make(load: Callable[[], Policy]) -> Guarded:
        policy: Any = load()
        make: Any = Guarded(policy, guard, system)
        *imports, expression = getattr(policy, "python", (f"...  # {policy.name}",))
        mine = "from dnnexplain.explain.guards import Guard, Guarded"
        make.python = (*imports, mine, f"Guarded({expression}, Guard.load({path.name!r}), system)")
        return cast("Guarded", make)

    first = next(iter(policies.values()))
    guarded = make(first)
    return {guarded.name: partial(make, first), **policies}


def shipped_policies(system: System) -> dict[str, Callable[[], Policy]]:
    """The shipped networks that fit a system, by a name for people; loaded when chosen."""
    from dnnexplain.policies import shipped_roles  # noqa: PLC0415 - loads torch

    return {role.title: partial(_titled, system, name, role.title) for name, role in shipped_roles(system).items()}


def _untrained(system: System) -> Policy:
    from dnnexplain.policies import load_any, load_for  # noqa: PLC0415 - loads torch

    if isinstance(system, PartiallySeen) and system.whole:
        policy: Any = _named(load_for(system, "untrained"), "load_for", "system, 'untrained'")
    else:
        policy = _named(load_any("untrained", system), "load_any", "'untrained', system")
    policy.name = UNTRAINED_TITLE
    return cast("Policy", policy)


def _titled(system: System, role: str, title: str) -> Policy:
    """A shipped network under its name in the menu, which all results then have."""
    policy: Any = _shipped(system, role)
    policy.name = title
    return cast("Policy", policy)


def _shipped(system: System, role: str) -> Policy:
    from dnnexplain.policies import load_for, load_shipped  # noqa: PLC0415 - loads torch

    if isinstance(system, PartiallySeen) and system.whole:
        return _named(load_for(system, role), "load_for", f"system, {role!r}")
    return _named(load_shipped(system, role), "load_shipped", "system" if role == "default" else f"system, {role!r}")


def _load(system: System, path: Path) -> Policy:
    from dnnexplain.policies import load_any, load_for  # noqa: PLC0415 - loads torch

    if isinstance(system, PartiallySeen) and system.whole:
        return _named(load_for(system, path), "load_for", f"system, {path.name!r}")
    return _named(load_any(path, system), "load_any", f"{path.name!r}, system")


def _named(policy: Any, function: str, arguments: str) -> Policy:
    """The policy, which now knows how it is made in Python; see ``python_code.policy_code``."""
    policy.python = (f"from dnnexplain.policies import {function}", f"{function}({arguments})")
    named: Policy = policy
    return named
