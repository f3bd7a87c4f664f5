"""The offline optimum: schedules, bounds, and how good each action is in one state."""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

_HOME = {
    "optimum": "exact",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
