"""Hand-written bitrate rules as policies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.abr.arrays import Params, make_constants
from dnnexplain.systems.abr.qoe import QoE
from dnnexplain.systems.abr.rule_kernels import RULES, decide_states
from dnnexplain.systems.abr.video import Video

__all__ = ["ABOUT", "SETTINGS", "RulePolicy", "make_rules"]

SETTINGS: dict[str, dict[str, float]] = {
    "bb": {"reservoir": 5.0, "cushion": 10.0},
    "rb": {},
    "bola": {"gain": 1.6, "target": 60.0},
    "mpc": {},
    "robust-mpc": {},
    "robust-mpc-reset": {},
    "tuned": {"share": 0.25, "reserve": 0.0},
    "fixed": {"level": 0.0},
}
"""The numbers of each rule: seconds, shares, or a bitrate's index."""

ABOUT = {
    "bb": "Buffer-based (Huang et al., SIGCOMM 2014): reservoir 5 s, cushion 10 s",
    "rb": "Rate-based: the highest bitrate below the harmonic mean of the last 5 throughputs",
    "bola": "BOLA-BASIC (Spiteri et al., INFOCOM 2016), its gain tuned on generated links",
    "mpc": "Model-predictive control over 5 chunks (Yin et al., SIGCOMM 2015)",
    "robust-mpc": "MPC with its estimate lowered by the largest of the last 5 errors; it keeps its errors from session to session, as published",
    "robust-mpc-reset": "robust-mpc that forgets its errors when a session begins",
    "tuned": "The highest bitrate whose chunk would arrive, at a share of the estimate, with a reserve left; both tuned on generated links",
    "fixed": "Always the lowest bitrate",
}
_CARRIES = {"robust-mpc"}


class RulePolicy:
    """One of :data:`SETTINGS`: 1 for its bitrate, 0 for the others.

    ``outputs`` answers for single states. What a rule remembers (robust-mpc: its last five errors) is then
    worked out from the throughputs that the state itself shows, eight of the ten that it would take; in a
    session the system gives it its true memory.

    Args:
        name: of the rule.
        video: its ladder, and its sizes for the rules that plan ahead.
        params: player and link.
        qoe: what the rules that plan ahead are after.
        **settings: numbers of the rule that are changed.
    """

    masked = False

    def __init__(self, name: str, video: Video, params: Params, qoe: QoE, **settings: float) -> None:
        if name not in SETTINGS:
            raise Choice("rule", name, tuple(SETTINGS)).error()
        known = SETTINGS[name]
        for key in settings:
            if key not in known:
                raise Choice(f"number of {name}", key, tuple(known)).error()
        self.name = name
        self.carries = name in _CARRIES
        self.kernel = RULES.index(name.removesuffix("-reset"))
        values = [*{**known, **settings}.values(), 0.0, 0.0][:2]
        if not np.isfinite(values).all():
            msg = f"the numbers of {name} must be finite, not {settings}"
            raise DnnExplainError(msg)
        self.numbers = np.array(values, dtype=np.float64)
        self.constants = make_constants(params, video)
        self.bitrates = video.bitrates
        self.quality = qoe.quality * 1000.0
        self.rebuffer, self.change = qoe.rebuffer_penalty, qoe.change_penalty

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """One row per state ``[B, A]``, 1 at the rule's bitrate; observations ``[B, 6, L]``."""
        states = np.ascontiguousarray(observations, dtype=np.float64)
        shape = (6, self.constants.columns)
        if states.shape[1:] != shape:
            msg = f"{self.name} reads states [B, {shape[0]}, {shape[1]}], not {list(states.shape)}"
            raise DnnExplainError(msg)
        actions = np.zeros(len(states), dtype=np.int64)
        decide_states(
            self.kernel, states, self.constants, self.bitrates, self.quality, self.rebuffer, self.change, self.numbers,
            actions,
        )  # fmt: skip
        return np.eye(len(self.bitrates))[actions]


def make_rules(video: Video, params: Params, qoe: QoE) -> dict[str, RulePolicy]:
    """Every rule by name."""
    return {name: RulePolicy(name, video, params, qoe) for name in SETTINGS}
