"""A tree or a network as a custom rule of dash.js: one file of JavaScript that reads the player's metrics and picks a bitrate."""

from __future__ import annotations

import base64
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.arrays import make_constants
from dnnexplain.systems.abr.feature_kernels import AHEAD
from dnnexplain.systems.abr.features import LONGEST
from dnnexplain.systems.abr.keeping_kernels import GAINS, KEPT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dnnexplain.systems.abr.system import AdaptiveBitrate

__all__ = ["dash_network", "dash_rule"]

_KINDS = ("dense", "relu", "same")


def dash_rule(system: AdaptiveBitrate, tree: Any) -> str:
    """The program, for dash.js 4: ``addABRCustomRule("qualitySwitchRules", "TreeRule", TreeRule)``.

    It decides as ``TreePolicy`` of the same tree does, ties of scores included; what a player cannot know before it
    asks, the next chunk's sizes, is a table of the system's video.

    Args:
        system: whose video and quantities the tree speaks of.
        tree: nodes ``feature``, ``threshold``, ``left``, ``right`` ``[N]`` and ``scores`` ``[N, R]``.
    """
    nodes = {name: getattr(tree, name).tolist() for name in ("feature", "threshold", "left", "right", "scores")}
    qoe = system.qoe
    made = {
        "slowest": LONGEST, "chunk": float(system.video.seconds), "ahead": AHEAD, "plans": KEPT, "gains": GAINS,
        "quality": qoe.quality.tolist(), "rebuffer": qoe.rebuffer_penalty, "change": qoe.change_penalty, "tree": nodes,
    }  # fmt: skip
    return _program(system, made, "dash_tree.js", "A player's rules as a decision tree", "Tree")


def dash_network(system: AdaptiveBitrate, network: Any) -> str:
    """The program, for dash.js 4: ``addABRCustomRule("qualitySwitchRules", "NetworkRule", NetworkRule)``.

    It asks for the bitrate with the largest output; sizes of the next chunk as in :func:`dash_rule`.

    Args:
        system: whose video and observation the network reads.
        network: its ``layers``, each with ``kind``, ``weight`` ``[out, in]`` and ``bias`` ``[out]``.

    Raises:
        DnnExplainError: a layer that is neither dense nor ReLU.
    """
    for layer in network.layers:
        if layer.kind not in _KINDS:
            msg = f"a rule for dash.js runs dense layers and ReLU; this network's layer {layer.name!r} is of the kind {layer.kind!r}"
            raise DnnExplainError(msg)
    layers = [
        {"kind": layer.kind, "weight": _packed(layer.weight), "bias": _packed(layer.bias)} for layer in network.layers
    ]
    cap = make_constants(system.params, system.video).remaining_cap
    made = {"wrap": bool(system.params.wrap), "cap": cap, "layers": layers}
    return _program(system, made, "dash_network.js", "A bitrate network", "Network")


def _packed(values: NDArray[np.float32] | None) -> str | None:
    return None if values is None else base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def _program(system: AdaptiveBitrate, own: dict[str, Any], decider: str, title: str, word: str) -> str:
    codec, video = system.codec, system.video
    made = {
        "ladder": video.bitrates.tolist(),
        "history": codec.columns,
        "fastest": codec.fastest,
        "longest": float(codec.high[codec.download][-1]),
        "buffer": float(codec.high[1]),
        "most_remaining": float(codec.high[codec.remaining]),
        "chunks": video.chunks,
        "sizes": (video.sizes[: video.chunks] / 1e6).tolist(),
        **own,
    }
    files = resources.files(__package__)
    text = files.joinpath("dash_player.js").read_text(encoding="utf-8")
    parts = {
        "__TITLE__": title, "__RULE__": f"{word}Rule", "__WORD__": word.lower(), "__DECIDER__": f"Bitrate{word}",
        "__CLASS__": files.joinpath(decider).read_text(encoding="utf-8"), "__MADE__": json.dumps(made),
    }  # fmt: skip
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text
