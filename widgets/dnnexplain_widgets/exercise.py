"""A question with an answer that is checked, for lesson notebooks and the pages made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import anywidget
import ipywidgets
import traitlets as t

from dnnexplain_widgets.web import EXERCISE
from dnnexplain_widgets.words import error_sentence

__all__ = ["Exercise"]

Check = Callable[[str], bool | str]


class _Before(anywidget.AnyWidget):
    """The answer that was right, which the browser remembers and tells when the lesson is opened again."""

    _esm = EXERCISE

    question = t.Unicode().tag(sync=True)
    answer = t.Unicode(help="The answer that is right, once there is one.").tag(sync=True)


class Exercise(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets ships no types
    """A question, a field for the answer, and a verdict; the browser remembers what was right.

    In a lesson's notebook::

        Exercise("Which rule is best here?", lambda answer: answer.lower() == best or "Compare the last column.")

    Args:
        question: what is asked.
        check: from the answer as text to ``True`` (right), ``False`` (not right), or a hint (not right, and why);
            it computes the answer rather than knowing it, so that it stays true when a network changes.
        hint: shown with a wrong answer for which ``check`` has no word of its own.
    """

    def __init__(self, question: str, check: Check, hint: str = "Not yet. Look again at the cells above.") -> None:
        self.check, self.hint = check, hint
        self.text = ipywidgets.Text(
            description="Your answer",
            continuous_update=False,
            layout={"width": "20em"},
            style={"description_width": "initial"},
            tooltip=question,
        )
        self.button = ipywidgets.Button(description="Check", layout={"width": "auto"}, tooltip="Check the answer")
        self.verdict = ipywidgets.HTML(layout={"margin": "2px 8px"})
        self.right: bool | None = None
        self.text.on_msg(self._on_key)
        self.text.observe(self._on_value, "value")
        self.button.on_click(lambda _button: self.answer(self.text.value))
        row = ipywidgets.HBox([self.text, self.button, self.verdict], layout={"flex_flow": "row wrap"})
        self.before = _Before(question=question)
        super().__init__([ipywidgets.HTML(f"<b>Exercise.</b> {escape(question)}"), row, self.before])

    def answer(self, given: str) -> bool:
        """Check an answer, show the verdict, and return whether it is right."""
        if self.text.value != given:
            self.text.value = given
        self.verdict.value = '<span role="status">Checking …</span>'  # a check may take seconds
        try:
            verdict = self.check(given.strip())
        except Exception as error:  # noqa: BLE001 - a lesson goes on whatever was typed
            verdict = _why_not(given.strip(), error)
        self.right = not isinstance(verdict, str) and bool(verdict)
        if self.right:
            self.before.answer = given.strip()
        words = "Right." if self.right else verdict if isinstance(verdict, str) else self.hint
        colour = "light-dark(#2b7a3d, #6cc27d)" if self.right else "light-dark(#9a4507, #e0ac3e)"
        self.verdict.value = f'<span role="status" style="color: {colour}">{escape(words)}</span>'
        return self.right

    def _on_key(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("event") == "submit":
            self.answer(self.text.value)

    def _on_value(self, change: Mapping[str, Any]) -> None:
        """The page tells of the return key before it tells what was typed, so an answer that changes is checked again."""
        if self.right is not None:
            self.answer(change["new"])


def _why_not(given: str, error: Exception) -> str:
    """What to say of an answer that could not be checked."""
    if not given:
        return "Write your answer into the field first."
    if isinstance(error, ValueError) and any(part in str(error) for part in ("invalid literal", "could not convert")):
        return (
            f"“{given}” is no {'whole number' if 'invalid literal' in str(error) else 'number'}; write one, such as 3."
        )
    if isinstance(error, LookupError | StopIteration):  # a number beyond the last, a name that there is not
        return f"There is no “{given}” among what is asked about; look again at the cells above."
    return error_sentence(error)
