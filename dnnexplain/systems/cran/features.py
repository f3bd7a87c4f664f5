"""What a rule of thumb would look at when it switches heads, in domain words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import MultiBinary, Space
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.power import awake_of
from dnnexplain.systems.cran.rules import Situation, greedy, toward

__all__ = ["HeadFeatures"]


class HeadFeatures:
    """Quantities of a slot before the decision, and for toggles what a rule may do.

    ``antennas needed`` is the sum of ``gamma / (1 + gamma)`` over users: fewer antennas can never serve them.

    Args:
        codec: of states.
        space: of actions.
    """

    def __init__(self, codec: Codec, space: Space) -> None:
        self.codec, self.space = codec, space
        heads = tuple(f"head {head + 1}" for head in range(codec.scene.heads))
        units = {"time": "h", "total demand": "Mb/s", "largest demand": "Mb/s", "antennas needed": "antennas"}
        units |= {"heads awake": "heads", "demands are served": "", "heads that could sleep": "heads"}
        for head in heads:
            units |= {f"{head} is awake": "", f"best gain of {head}": "dB", f"rank of {head} by gain": ""}
            units |= {f"demands are served with {head} toggled": ""}
        self.units = units
        self.names = tuple(units)
        self.whole = tuple(name for name, unit in units.items() if unit == "heads" or name.startswith("rank of"))
        words = (
            "toggle toward the greedy set",
            "wake the strongest head asleep",
            "put the weakest head awake to sleep",
        )
        self.moves = () if isinstance(space, MultiBinary) else (*words, *space.names)

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The quantities ``[B, F]`` of observations ``[B, n]``."""
        situation = Situation.read(self.codec, observations)
        scene, demand = self.codec.scene, situation.demand
        gamma = scene.needed_ratio(demand)
        on = awake_of(situation.awake, scene.heads)
        gain = self._gains(situation)
        rank = 1 + (gain[:, None] > gain[:, :, None]).sum(axis=2)
        served = np.isfinite(situation.radiated(situation.awake[:, None]))
        toggled = np.isfinite(situation.radiated(situation.toggled(situation.awake)))
        general = [
            situation.observations[:, :1],
            np.stack([demand.sum(axis=1), demand.max(axis=1), (gamma / (1 + gamma)).sum(axis=1)], axis=1),
            np.stack([on.sum(axis=1), served[:, 0], (toggled & on).sum(axis=1)], axis=1),
        ]
        heads = np.stack([on, gain, rank, toggled], axis=2).reshape(len(on), -1)
        return np.concatenate([*general, heads], axis=1).astype(np.float64)

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """The toggle that each of ``moves`` is ``[B, R]``; 0, no change, where there is no such head."""
        if isinstance(self.space, MultiBinary):
            return np.empty((len(observations), 0), dtype=np.int64)
        situation = Situation.read(self.codec, observations)
        on, gain = awake_of(situation.awake, self.codec.scene.heads), self._gains(situation)
        wake = np.where(on, -np.inf, gain).argmax(axis=1) + 1
        rest = np.where(on, gain, np.inf).argmin(axis=1) + 1
        lines = [
            toward(situation, greedy(situation)),
            np.where(on.all(axis=1), 0, wake),
            np.where(on.any(axis=1), rest, 0),
        ]
        every = np.broadcast_to(np.arange(len(self.space.names)), (len(on), len(self.space.names)))
        return np.column_stack([*lines, every]).astype(np.int64)

    def _gains(self, situation: Situation) -> NDArray[np.float64]:
        """The best gain of each head to any user ``[B, R]``, dB."""
        scene = self.codec.scene
        gain = situation.observations[:, self.codec.gain].reshape(-1, scene.users, scene.heads, scene.antennas)
        return np.asarray(gain.max(axis=(1, 3)))
