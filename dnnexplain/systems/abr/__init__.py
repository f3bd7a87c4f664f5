"""Adaptive bitrate: which quality a video player asks for next (Mao et al., SIGCOMM 2017)."""

from __future__ import annotations

from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.qoe import QoE, make_qoe
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.system import AdaptiveBitrate
from dnnexplain.systems.abr.trace_files import read_traces
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video, default_video

__all__ = [
    "AdaptiveBitrate", "Params", "QoE", "Simulator", "Trace", "Video", "default_video", "make_qoe", "read_traces",
]  # fmt: skip
