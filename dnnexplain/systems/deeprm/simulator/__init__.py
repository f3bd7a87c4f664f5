"""The simulator: dynamics, batches of episodes, runs to the end, and what they cost."""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

_HOME = {
    "Simulator": "batch",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
