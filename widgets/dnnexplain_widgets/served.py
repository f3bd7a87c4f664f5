"""Pages for other people: what they save goes to their disk, not to the server's."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.encoding import encode
from dnnexplain_widgets.session import Session

__all__ = ["SERVED", "is_served", "result_text"]

SERVED = "DNNEXPLAIN_SERVED"
"""The environment variable that says, with 1, that this kernel's page is for other people."""


def is_served() -> bool:
    """Whether the page is for other people than the one whose disk this is."""
    return os.environ.get(SERVED) == "1"


def result_text(result: Any, session: Session) -> str:
    """A panel's result as JSON.

    Raises:
        DnnExplainError: the panel has none yet.
    """
    if hasattr(result, "to_json"):
        text = result.to_json()
        return text if isinstance(text, str) else json.dumps(text)
    if isinstance(result, State):
        return json.dumps(session.system.state_to_json(result), indent=1)
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        plain = {part.name: encode(getattr(result, part.name)) for part in dataclasses.fields(result)}
        return json.dumps(plain, indent=1)
    msg = "there is no result to save yet; press the panel's own button first, or take the data as CSV"
    raise DnnExplainError(msg)
