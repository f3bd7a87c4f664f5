"""Cloud RAN as a gymnasium environment: ``gymnasium.make("dnnexplain/CloudRan-v0")``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cran.actions import after
from dnnexplain.systems.cran.codec import MARGIN
from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.power import awake_of, powers_of_sets, slot_power
from dnnexplain.systems.cran.system import CloudRan

__all__ = ["CloudRanEnv"]


class CloudRanEnv(gymnasium.Env[NDArray[np.float32], Any]):
    """One day at a time; every reset draws a new one, with all heads awake.

    Observations are those of the system, in h, Mb/s, m, dB and degrees. The reward is minus the power charged in
    the slot, W. ``info`` says whether the slot was ``served`` and which heads are ``awake``.

    Args:
        family: of days; ``settings`` are its parameters.
        settings: see :func:`~dnnexplain.systems.cran.days.draw_days`.
        **parameters: of :class:`CloudRan`: ``heads``, ``users``, ``action="set"``, ...
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - gymnasium's form

    def __init__(self, *, family: str = "diurnal", settings: dict[str, Any] | None = None, **parameters: Any) -> None:
        self.system = CloudRan(**parameters)
        self.family, self.settings = family, dict(settings or {})
        codec, scene = self.system.codec, self.system.scene
        low, high = (np.array([getattr(knob, end) for knob in codec.knobs]) for end in ("low", "high"))
        corner = scene.mean_gain([[10.0 * scene.side, 10.0 * scene.side]]).min()
        low[codec.gain] = corner + MARGIN[0]
        high[codec.gain] = scene.mean_gain(scene.positions).max() + MARGIN[1]
        self.observation_space = gymnasium.spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
        self.action_space = self.system.output.to_gymnasium()
        self._shown: NDArray[np.float32] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start a new day, or ``options={"day": Day}``."""
        super().reset(seed=seed)
        given = (options or {}).get("day")
        if given is not None and not isinstance(given, Day):
            msg = f"options['day'] must be a dnnexplain.systems.cran.Day, not a {type(given).__name__}"
            raise DnnExplainError(msg)
        drawn = int(self.np_random.integers(2**31))
        self._day = given or self.system.workloads(self.family, 1, drawn, **self.settings)[0]
        self._shown = self.system.codec.observe([self._day])[0]
        self._slot, self._awake = 0, np.array([2**self.system.scene.heads - 1])
        return self._observation(), {"awake": self._heads(), "served": True}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Switch heads, serve the slot, and go on to the next.

        Raises:
            DnnExplainError: no day is under way, or the action is none.
        """
        if self._shown is None:
            msg = "no day is under way; call reset() first"
            raise DnnExplainError(msg)
        if not self.action_space.contains(action):
            msg = f"an action must be in {self.action_space}, not {action!r}"
            raise DnnExplainError(msg)
        scene = self.system.scene
        before = self._awake
        self._awake = after(self.system.output, before, np.asarray(action)[None])
        channels, demand = self.system.codec.program(self._shown[self._slot][None])
        radiated = powers_of_sets(scene, channels, demand, self._awake[None])[0, 0]
        power = slot_power(scene, np.bitwise_count(self._awake)[0], radiated)
        power += scene.switch_power * np.bitwise_count(before ^ self._awake)[0]
        self._slot += 1
        ended = self._slot == len(self._shown)
        seen = self._observation(self._slot - 1 if ended else self._slot)
        if ended:
            self._shown = None
        return seen, -float(power), ended, False, {"awake": self._heads(), "served": bool(np.isfinite(radiated))}

    def _observation(self, slot: int = 0) -> NDArray[np.float32]:
        assert self._shown is not None
        seen = np.array(self._shown[slot])
        seen[self.system.codec.awake] = self._heads()
        return seen

    def _heads(self) -> NDArray[np.bool_]:
        return awake_of(self._awake[0], self.system.scene.heads)
