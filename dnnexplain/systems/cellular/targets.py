"""Scalars of a decision that can be explained: the rate, and what it does in the next minute by the forecast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dnnexplain.contract import Target, TargetKind
from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["targets_of"]


def targets_of(layout: Layout, cell: Cell) -> Mapping[str, Target]:
    """``rate`` (cut off at 0 and 1), ``throughput of the next minute``, ``reward of the next minute``.

    The next minute is as its forecast and the last minute's efficiency have it.
    """
    values = (
        ("rate", "", _rate),
        ("throughput of the next minute", "Mb/s", _NextMinute(layout, cell, "throughput")),
        ("reward of the next minute", "GB", _NextMinute(layout, cell, "reward")),
    )
    return {
        name: Target(name, TargetKind.VALUE, scalar, index=0 if name == "rate" else None, unit=unit)
        for name, unit, scalar in values
    }


def _rate(outputs: Tensor, _observations: Tensor) -> Tensor:
    return outputs[:, 0].clamp(0.0, 1.0)


class _NextMinute:
    """A figure of the minute that the rate is for, differentiable in outputs and observations."""

    def __init__(self, layout: Layout, cell: Cell, figure: str) -> None:
        self.layout, self.cell, self.figure = layout, cell, figure

    def __call__(self, outputs: Tensor, observations: Tensor) -> Tensor:
        from dnnexplain.systems.cellular.tensors import TorchCell  # noqa: PLC0415 - torch when first needed

        cell, at = TorchCell(self.cell), self.layout
        rate = outputs[:, 0].clamp(0.0, 1.0)
        own, radio = observations[:, at.forecast.start], observations[:, at.efficiency.start]
        load = cell.added_load(observations[:, at.load], rate)
        if self.figure == "throughput":
            return cell.throughput(own + load, radio)
        return cell.reward(own, radio, load, rate)
