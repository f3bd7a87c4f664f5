"""Adaptive bitrate as its own parts see it: the codec and what an action is."""

from __future__ import annotations

from typing import Protocol

from dnnexplain.contract import EpisodeSystem
from dnnexplain.systems.abr.codec import Codec

__all__ = ["Player"]


class Player(EpisodeSystem, Protocol):
    """What :class:`~dnnexplain.systems.abr.system.AdaptiveBitrate` is to the modules that it is built from.

    They stand below it: none of them imports it.
    """

    codec: Codec
