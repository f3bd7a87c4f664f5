"""A tree as a custom rule of dash.js: one file of JavaScript that reads the player's metrics and picks a bitrate."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from dnnexplain.systems.abr.features import LONGEST

if TYPE_CHECKING:
    from dnnexplain.systems.abr.system import AdaptiveBitrate

__all__ = ["dash_rule"]

_TEMPLATE = "dash_rule.js"


def dash_rule(system: AdaptiveBitrate, tree: Any) -> str:
    """The program, for dash.js 4: ``addABRCustomRule("qualitySwitchRules", "TreeRule", TreeRule)``.

    It decides as ``TreePolicy`` of the same tree does, ties of scores included; what a player cannot know before it
    asks, the next chunk's sizes, is a table of the system's video.

    Args:
        system: whose video and quantities the tree speaks of.
        tree: nodes ``feature``, ``threshold``, ``left``, ``right`` ``[N]`` and ``scores`` ``[N, R]``.
    """
    codec, video = system.codec, system.video
    made = {
        "ladder": video.bitrates.tolist(),
        "history": codec.columns,
        "fastest": codec.fastest,
        "longest": float(codec.high[codec.download][-1]),
        "slowest": LONGEST,
        "buffer": float(codec.high[1]),
        "most_remaining": float(codec.high[codec.remaining]),
        "chunks": video.chunks,
        "sizes": (video.sizes[: video.chunks] / 1e6).tolist(),
        "tree": {
            name: getattr(tree, name).tolist() for name in ("feature", "threshold", "left", "right", "scores")
        },
    }  # fmt: skip
    text = resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    return text.replace("__MADE__", json.dumps(made))
