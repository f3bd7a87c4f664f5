"""Scalars of a decision that can be explained: one head on against off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dnnexplain.contract import MultiBinary, Target, TargetKind

if TYPE_CHECKING:
    from torch import Tensor

    from dnnexplain.systems.cran.radio import Radio

__all__ = ["head_targets"]


def head_targets(system: Radio) -> Mapping[str, Target]:
    """``head 3 on against off``: the log-odds of a switch, or for toggles what leads to on less what leads to off.

    With toggles the sign depends on whether the head is awake: toggling a sleeping head leads to on.
    """
    targets = {}
    for head in range(system.scene.heads):
        name = f"head {head + 1} on against off"
        if isinstance(system.output, MultiBinary):
            targets[name] = Target(name, TargetKind.VALUE, _Switch(head), index=head)
        else:
            cell = system.codec.awake.start + head
            targets[name] = Target(name, TargetKind.VALUE, _Toggle(head + 1, cell), index=head + 1, against=0)
    return targets


class _Switch:
    def __init__(self, head: int) -> None:
        self.head = head

    def __call__(self, outputs: Tensor, _observations: Tensor) -> Tensor:
        return outputs[:, self.head]


class _Toggle:
    def __init__(self, action: int, cell: int) -> None:
        self.action, self.cell = action, cell

    def __call__(self, outputs: Tensor, observations: Tensor) -> Tensor:
        sign = 1.0 - 2.0 * (observations[:, self.cell] > 0.5).to(outputs.dtype)
        return sign * (outputs[:, self.action] - outputs[:, 0])
