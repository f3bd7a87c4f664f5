"""Delay-tolerant traffic in a cell: how much of it to let through in the next minute (after Chinchali et al., AAAI 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain.lazy import lazy_attribute

if TYPE_CHECKING:
    from dnnexplain.systems.cellular.cell import Cell
    from dnnexplain.systems.cellular.days import Day
    from dnnexplain.systems.cellular.system import CellularSystem

__all__ = ["Cell", "CellularSystem", "Day"]

_HOME = {"Cell": "cell", "CellularSystem": "system", "Day": "days"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
