"""Results that were saved earlier, opened in a panel again."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import DnnExplainError, System
from dnnexplain.results import Question

__all__ = ["OPEN_SAVED", "same_system"]

OPEN_SAVED: dict[str, Any] = {
    "kind": "file",
    "name": "saved",
    "label": "Open…",
    "accept": ".json",
    "hint": "A result that was saved here or by the command line; it can be gone on with.",
}
"""The control that takes a saved result."""


def same_system(system: System, question: Question, file: str) -> None:
    """Refuse a saved result that is about another system.

    Raises:
        DnnExplainError: says which system it is about.
    """
    here = Question.about(system)
    if (question.system, question.parameters) != (here.system, here.parameters):
        other = "of other sizes" if question.system == here.system else f"not of {here.system}"
        msg = f"the result in {file} is of {question.system}, {other}; open it on a page that shows that system"
        raise DnnExplainError(msg)
