"""Adaptive bitrate: which quality a video player asks for next (Mao et al., SIGCOMM 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain.lazy import lazy_attribute

if TYPE_CHECKING:
    from dnnexplain.systems.abr.arrays import Params
    from dnnexplain.systems.abr.constant_link import constant_link_map, constant_link_sessions
    from dnnexplain.systems.abr.qoe import QoE, make_qoe
    from dnnexplain.systems.abr.simulator import Simulator
    from dnnexplain.systems.abr.system import AdaptiveBitrate
    from dnnexplain.systems.abr.trace_files import read_traces
    from dnnexplain.systems.abr.traces import Trace
    from dnnexplain.systems.abr.video import Video, default_video

__all__ = [
    "AdaptiveBitrate",
    "Params",
    "QoE",
    "Simulator",
    "Trace",
    "Video",
    "constant_link_map",
    "constant_link_sessions",
    "default_video",
    "make_qoe",
    "read_traces",
]

_HOME = {
    "AdaptiveBitrate": "system",
    "Params": "arrays",
    "QoE": "qoe",
    "Simulator": "simulator",
    "Trace": "traces",
    "Video": "video",
    "constant_link_map": "constant_link",
    "constant_link_sessions": "constant_link",
    "default_video": "video",
    "make_qoe": "qoe",
    "read_traces": "trace_files",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
