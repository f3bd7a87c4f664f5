"""A panel as a Python script: what it shows can be computed again without the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dnnexplain.results import Question

if TYPE_CHECKING:
    from dnnexplain_widgets.session import Session

__all__ = ["literal", "panel_code"]


def literal(value: Any) -> str:
    """A value as Python source: ``None`` and ``True`` rather than ``null`` and ``true``."""
    return repr(json.loads(json.dumps(value)))


def panel_code(panel: str, session: Session, lines: Sequence[str] = ()) -> str:
    """A script that makes a panel of a session again.

    Args:
        panel: the class.
        session: whose system, policy and state are meant.
        lines: what computes the panel's result, given ``system``, ``policy`` and ``state``.
    """
    question = Question.about(session.system, session.policy, session.state)
    arguments = "".join(f", {name}={literal(value)}" for name, value in question.parameters.items())
    known = f"  # its weights' SHA-256: {question.checkpoint}" if question.checkpoint else ""
    policy = getattr(session.policy, "python", None) or f"...  # your own policy, here {question.policy!r}"
    imports = ["from dnnexplain.systems import make_system", f"from dnnexplain_widgets import {panel}"]
    imports += [line for line in lines if line.startswith("from ")]
    body = [
        f"system = make_system({question.system!r}{arguments})",
        f"policy = {policy}{known}",
        f"state = system.state_from_json({literal(question.state)})",
        *[line for line in lines if not line.startswith("from ")],
        f"{panel}(system, policy, state)",
    ]
    return "\n".join([*sorted(imports), "", *body, ""])
