"""Where a policy stops winning: policies and rules over a grid of workloads."""

from __future__ import annotations

from typing import Any

from dnnexplain.gone import renamed
from dnnexplain.lazy import lazy_attribute

_HOME = {
    "Boundary": "grid",
    "Shift": "grid",
    "Transfer": "grid",
    "cell_workloads": "grid",
    "transfer": "grid",
}

_former = renamed(__name__, Setting="dnnexplain.contract:Shift")

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name) if name in _HOME else _former(name)
