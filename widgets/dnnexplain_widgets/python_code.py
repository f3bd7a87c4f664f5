"""A panel as a Python script: what it shows can be computed again without the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dnnexplain.results import Question

if TYPE_CHECKING:
    from dnnexplain_widgets.session import Session

__all__ = ["home_of", "literal", "panel_code", "policy_code"]


def literal(value: Any) -> str:
    """A value as Python source: ``None`` and ``True`` rather than ``null`` and ``true``."""
    return repr(json.loads(json.dumps(value)))


def panel_code(panel: type, session: Session, lines: Sequence[str] = ()) -> str:
    """A script that makes a panel of a session again.

    A system may say itself how it is made, in an attribute ``python``: import lines, then one expression.

    Args:
        panel: the class.
        session: whose system, policy and state are meant.
        lines: what computes the panel's result, given ``system``, ``policy`` and ``state``.
    """
    question = Question.about(session.system, session.policy, session.state)
    arguments = "".join(f", {name}={literal(value)}" for name, value in question.parameters.items())
    policy = policy_code(session)
    made = getattr(session.system, "python", None) or (
        "from dnnexplain.systems import make_system",
        f"make_system({question.system!r}{arguments})",
    )
    imports = {*made[:-1], f"from {home_of(panel)} import {panel.__name__}"}
    imports |= {line for line in (*policy[:-1], *lines) if line.startswith(("from ", "import "))}
    body = [
        f"system = {made[-1]}",
        f"policy = {policy[-1]}",
        f"state = system.state_from_json({literal(question.state)})",
        *[line for line in lines if not line.startswith(("from ", "import "))],
        f"{panel.__name__}(system, policy, state)",
    ]
    return "\n".join([*sorted(imports), "", *body, ""])


def home_of(panel: type) -> str:
    """The shortest module that a panel can be imported from."""
    package = panel.__module__.partition(".")[0]
    return package if getattr(import_module(package), panel.__name__, None) is panel else panel.__module__


def policy_code(session: Session) -> tuple[str, ...]:
    """What makes the policy: import lines, then one expression.

    A policy may say it itself in an attribute ``python`` (whoever loads it from a file knows how);
    a rule is found in its system by its name.
    """
    policy = session.policy
    value = getattr(policy, "python", None)
    if value:
        return (value,) if isinstance(value, str) else tuple(value)
    if policy.name in session.system.rules():
        return (f"system.rules()[{policy.name!r}]",)
    weights = getattr(policy, "checkpoint", "")
    known = f", weights with SHA-256 {weights}" if weights else ""
    return (f"...  # your own policy, here {policy.name!r}{known}",)
