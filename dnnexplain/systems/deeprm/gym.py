"""DeepRM as gymnasium environments: ``gymnasium.make("dnnexplain/DeepRM-v0")`` and its vector form."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.deeprm.simulator.arrays import FULL
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.simulator.model import Params
from dnnexplain.systems.deeprm.workloads.families import job_sets

__all__ = ["DeepRMEnv", "DeepRMVectorEnv"]


def _spaces(params: Params, scale: str) -> tuple[Any, Any]:
    if scale not in SCALES:
        raise Choice("scale of observations", scale, tuple(SCALES)).error()
    high, dtype = SCALES[scale]
    return (
        gymnasium.spaces.Box(0, high, params.shape, dtype=dtype),
        gymnasium.spaces.Discrete(params.slots + 1),
    )


def _scaled(pictures: NDArray[np.uint8], scale: str) -> NDArray[Any]:
    return pictures if scale == "bytes" else pictures * np.float32(Simulator.scale)


def _new_set(params: Params, rng: np.random.Generator, family: str, settings: dict[str, Any]) -> Any:
    return job_sets(family, 1, int(rng.integers(2**31)), params=params, **settings)[0]


SCALES: dict[str, tuple[Any, Any]] = {"bytes": (FULL, np.uint8), "unit": (1.0, np.float32)}
"""Scale of observations -> a filled cell, and the type. ``unit`` is what the system and its networks see."""


class DeepRMEnv(gymnasium.Env[NDArray[np.uint8], int]):
    """One episode at a time; every reset draws a new job set.

    Observations are bytes, 40 for a filled cell; with ``scale="unit"`` float32 from 0 to 1, as the system
    shows them to its networks. A network is explained at the scale that it was trained on: tell
    ``load_any`` (``scale="bytes"``), where its file does not say. Actions 0 to slots - 1 place a job, the last one
    waits. The reward is minus the sum of 1 / length over the jobs in the system, whenever time moves.
    ``info["valid_actions"]`` says which actions do something.

    Args:
        slots: waiting jobs that are seen; ``params`` gives every size instead.
        workload: a family of :mod:`dnnexplain.systems.deeprm.workloads.families`; ``settings`` are its parameters.
        time_limit: the episode is truncated once its clock passes this step.
        scale: of the observations, ``"bytes"`` or ``"unit"``.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - gymnasium's form

    def __init__(
        self,
        slots: int = 5,
        *,
        params: Params | None = None,
        workload: str = "deeprm",
        settings: dict[str, Any] | None = None,
        time_limit: int = 1000,
        render_mode: str | None = None,
        scale: str = "bytes",
    ) -> None:
        self.params, self.scale = params or Params(slots=slots), scale
        self.workload, self.settings, self.time_limit = workload, dict(settings or {}), time_limit
        self.observation_space, self.action_space = _spaces(self.params, scale)
        self.render_mode = render_mode
        self._simulator: Simulator | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start with a new job set, or with ``options={"jobs": JobSet}``."""
        super().reset(seed=seed)
        jobs = (options or {}).get("jobs") or _new_set(self.params, self.np_random, self.workload, self.settings)
        self._simulator = Simulator(self.params, [jobs], time_limit=self.time_limit)
        return _scaled(self._simulator.observe()[0], self.scale), self._info()

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Place a job or wait."""
        simulator = self._running()
        reward = float(simulator.step(np.array([int(action)]))[0])
        over = bool(simulator.done[0])
        cut = over and int(simulator.time[0]) > self.time_limit
        return _scaled(simulator.observe()[0], self.scale), reward, over and not cut, cut, self._info()

    def render(self) -> str | None:
        """The picture as text, ``#`` for a filled cell."""
        if self.render_mode != "ansi":
            return None
        picture = self._running().observe()[0]
        return "\n".join("".join("#" if cell else "." for cell in row) for row in picture)

    def _running(self) -> Simulator:
        if self._simulator is None:
            msg = "call reset() before step() or render()"
            raise DnnExplainError(msg)
        return self._simulator

    def _info(self) -> dict[str, Any]:
        simulator = self._running()
        return {"time": int(simulator.time[0]), "valid_actions": simulator.valid()[0], "scale": self.scale}

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions do something ``[slots + 1]``, by the name that sb3-contrib's MaskablePPO asks for."""
        return np.asarray(self._running().valid()[0], dtype=np.bool_)


class DeepRMVectorEnv(VectorEnv[Any, Any, Any]):
    """Many episodes in one compiled batch; an episode that ended starts again at the next step.

    Args:
        num_envs: episodes side by side.
        slots, params, workload, settings, time_limit, scale: as for :class:`DeepRMEnv`.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 - gymnasium's form

    def __init__(
        self,
        num_envs: int = 1,
        slots: int = 5,
        *,
        params: Params | None = None,
        workload: str = "deeprm",
        settings: dict[str, Any] | None = None,
        time_limit: int = 1000,
        scale: str = "bytes",
    ) -> None:
        self.num_envs, self.scale = num_envs, scale
        self.params = params or Params(slots=slots)
        self.workload, self.settings, self.time_limit = workload, dict(settings or {}), time_limit
        self.single_observation_space, self.single_action_space = _spaces(self.params, scale)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._simulator: Simulator | None = None

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start every episode with a new job set (``seed``: one number, or one per episode)."""
        del options
        single = seed if isinstance(seed, int | np.integer) else None
        super().reset(seed=single)
        seeds = list(seed) if isinstance(seed, list) else [None] * self.num_envs
        if len(seeds) != self.num_envs:
            msg = f"seed must be one number or {self.num_envs} of them, not {len(seeds)}"
            raise DnnExplainError(msg)
        rngs = [self.np_random if seed is None else np.random.default_rng(seed) for seed in seeds]
        sets = [_new_set(self.params, rng, self.workload, self.settings) for rng in rngs]
        self._simulator = Simulator(self.params, sets, time_limit=self.time_limit)
        return _scaled(self._simulator.observe(), self.scale), self._info()

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One action in each episode; in one that ended, the first picture of its next episode."""
        if self._simulator is None:
            msg = "call reset() before step()"
            raise DnnExplainError(msg)
        simulator = self._simulator
        ended = simulator.done.copy()
        rewards = simulator.step(np.asarray(actions, dtype=np.int64))
        if ended.any():
            self._restart(np.flatnonzero(ended))
        over = simulator.done & ~ended
        cut = over & (simulator.time > self.time_limit)
        return _scaled(simulator.observe(), self.scale), rewards, over & ~cut, cut, self._info()

    def _restart(self, rows: NDArray[np.int64]) -> None:
        simulator = self._simulator
        if simulator is None:
            return
        fresh = [_new_set(self.params, self.np_random, self.workload, self.settings) for _ in rows]
        simulator.replace_jobs(rows, fresh)

    def _info(self) -> dict[str, Any]:
        if self._simulator is None:
            return {}
        return {"time": self._simulator.time.copy(), "valid_actions": self._simulator.valid()}
