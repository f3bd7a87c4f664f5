"""What a rule of thumb would look at when it switches heads, in domain words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import MultiBinary, Space
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.power import all_sets, awake_of, powers_of_sets
from dnnexplain.systems.cran.rules import Situation, greedy, toward

__all__ = ["HeadFeatures"]

TABLED = 5
"""Heads at most for whose sets, 32 of them, a table is kept."""
REMEMBERED = 50_000
"""Slots whose tables are kept, about 25 MB."""


class HeadFeatures:
    """Quantities of a slot before the decision, and for toggles what a rule may do.

    ``antennas needed`` is the sum of ``gamma / (1 + gamma)`` over users: fewer antennas can never serve them.

    Args:
        codec: of states.
        space: of actions.
    """

    def __init__(self, codec: Codec, space: Space) -> None:
        self.codec, self.space = codec, space
        self._known: dict[bytes, NDArray[np.float64]] = {}
        heads = tuple(f"head {head + 1}" for head in range(codec.scene.heads))
        units = {"time": "h", "total demand": "Mb/s", "largest demand": "Mb/s", "antennas needed": "antennas"}
        units |= {"heads awake": "heads", "demands are served": "", "heads that could sleep": "heads"}
        for head in heads:
            units |= {f"{head} is awake": "", f"best gain of {head}": "dB", f"rank of {head} by gain": ""}
            units |= {f"demands are served with {head} toggled": ""}
        self.units = units
        self.names = tuple(units)
        words = (
            "toggle toward the greedy set",
            "wake the strongest head asleep",
            "put the weakest head awake to sleep",
        )
        self.moves = () if isinstance(space, MultiBinary) else (*words, *space.names)

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The quantities ``[B, F]`` of observations ``[B, n]``."""
        situation = self._read(observations)
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
        situation = self._read(observations)
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

    def _read(self, observations: NDArray[Any]) -> Situation:
        """The situation that observations show; with few heads with the powers of all sets, each slot's worked out once.

        A tree is grown, tuned and measured on the same days many times, whoever is awake in them.
        """
        situation = Situation.read(self.codec, observations)
        if self.codec.scene.heads > TABLED:
            return situation
        rows = np.delete(situation.observations, self.codec.awake, axis=1)
        keys = [row.tobytes() for row in rows]
        new = list({key: place for place, key in enumerate(keys) if key not in self._known}.values())
        if len(self._known) + len(new) > REMEMBERED:
            self._known.clear()
            new = list({key: place for place, key in enumerate(keys)}.values())
        if new:
            sets = np.tile(all_sets(self.codec.scene), (len(new), 1))
            powers = powers_of_sets(self.codec.scene, situation.channels[new], situation.demand[new], sets)
            self._known.update((keys[place], row) for place, row in zip(new, powers, strict=True))
        table = np.array([self._known[key] for key in keys]).reshape(len(keys), -1)
        return replace(situation, table=table)

    def _gains(self, situation: Situation) -> NDArray[np.float64]:
        """The best gain of each head to any user ``[B, R]``, dB."""
        scene = self.codec.scene
        gain = situation.observations[:, self.codec.gain].reshape(-1, scene.users, scene.heads, scene.antennas)
        return np.asarray(gain.max(axis=(1, 3)))
