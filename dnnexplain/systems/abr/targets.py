"""Scalars of a bitrate decision that can be explained beside logits and probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dnnexplain.contract import Target, TargetKind
from dnnexplain.systems.abr.video import Video

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["targets_of"]


def targets_of(video: Video) -> dict[str, Target]:
    """``expected bitrate``: the mean of the ladder under the network's probabilities, kbit/s."""
    rates = [float(rate) for rate in video.bitrates]

    def expected(outputs: Tensor, observations: Tensor) -> Tensor:
        del observations
        return outputs.softmax(dim=1) @ outputs.new_tensor(rates)

    return {"expected bitrate": Target("expected bitrate", TargetKind.VALUE, expected, unit="kbps")}
