"""Costs and limits as people type them: ``memory=2`` and ``length=1:5``."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dnnexplain.contract import DnnExplainError

__all__ = ["numbers_of", "parts_of", "spans_of"]


def parts_of(text: str) -> list[str]:
    """The parts of a text that are parted by commas or semicolons, without those that are empty."""
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


def numbers_of(given: Iterable[str], what: str) -> dict[str, float]:
    """``["memory=2"]`` as ``{"memory": 2.0}``.

    Args:
        given: one text per name.
        what: what is asked for, begins the message: ``"--cost"``.

    Raises:
        DnnExplainError: a text of another form.
    """
    numbers = {}
    for text in given:
        name, _, value = text.rpartition("=")
        try:
            numbers[name.strip()] = float(value)
        except ValueError:
            name = ""
        if not name.strip():
            msg = f"{what} takes NAME=NUMBER, such as 'memory=2', not {text!r}"
            raise DnnExplainError(msg)
    return numbers


def spans_of(given: Iterable[str], what: str) -> dict[str, tuple[float, float]]:
    """``["length=1:5"]`` as ``{"length": (1.0, 5.0)}``.

    Args:
        given: one text per name.
        what: what is asked for, begins the message: ``"--bound"``.

    Raises:
        DnnExplainError: a text of another form.
    """
    spans = {}
    for text in given:
        name, _, span = text.rpartition("=")
        low, colon, high = span.partition(":")
        try:
            spans[name.strip()] = (float(low), float(high))
        except ValueError:
            colon = ""
        if not colon or not name.strip():
            msg = f"{what} takes NAME=LOW:HIGH, such as 'length=1:5', not {text!r}"
            raise DnnExplainError(msg)
        least, most = spans[name.strip()]
        if not (math.isfinite(least) and math.isfinite(most)):
            msg = f"{what} {text}: both bounds must be finite numbers, such as 'length=1:5'"
            raise DnnExplainError(msg)
        if least > most:
            msg = f"{what} {text}: the lower bound is above the upper one; write {name}={high}:{low}"
            raise DnnExplainError(msg)
    return spans
