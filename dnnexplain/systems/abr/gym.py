"""Adaptive bitrate as gymnasium environments: ``gymnasium.make("dnnexplain/ABR-v0")`` and its vector form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.arrays import ROWS, Params, columns_of
from dnnexplain.systems.abr.qoe import make_qoe
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.trace_families import generate
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video, default_video

__all__ = ["ABREnv", "ABRVectorEnv"]

_POOL = 256
_LARGEST = 1e6


class _World:
    """What both environments share: spaces, links to draw from, and a fresh batch of sessions.

    Args:
        traces: links to draw from; ``None``: generated ones of ``workload``, drawn with the first reset.
        workload: a family of links; ``settings`` are its parameters.
        video, qoe, params: as for the system.
        anywhere: whether a session begins anywhere in its link, as in Pensieve's training, or at its beginning.
    """

    def __init__(
        self,
        traces: Sequence[Trace] | None,
        workload: str,
        settings: dict[str, Any] | None,
        video: Video | None,
        qoe: str,
        params: Params | None,
        anywhere: bool,
    ) -> None:
        self.traces = None if traces is None else list(traces)
        self.workload, self.settings, self.anywhere = workload, dict(settings or {}), anywhere
        self.video = default_video() if video is None else video
        self.params = params or Params()
        self.qoe = make_qoe(qoe, self.video.bitrates)
        shape = (ROWS, columns_of(self.video))
        self.observation_space = gymnasium.spaces.Box(0.0, _LARGEST, shape, dtype=np.float32)
        self.action_space: Any = gymnasium.spaces.Discrete(len(self.video.bitrates))

    def start(self, count: int, rng: np.random.Generator) -> Simulator:
        """A batch of ``count`` sessions on links that are drawn."""
        if self.traces is None:
            self.traces = list(generate(self.workload, _POOL, int(rng.integers(2**31)), **self.settings))
        which, begin = self.draw(count, rng)
        return Simulator(self.traces, self.video, self.params, self.qoe, trace=which, start=begin, noise=rng)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Links and the samples at which sessions begin, each ``[count]``."""
        assert self.traces is not None
        which = rng.integers(len(self.traces), size=count)
        if not self.anywhere:
            return which, np.ones(count, dtype=np.int64)
        return which, np.array([rng.integers(1, len(self.traces[i].seconds)) for i in which], dtype=np.int64)


class ABREnv(gymnasium.Env[NDArray[np.float32], int]):
    """One session at a time; every reset draws a link, and downloads the first chunk.

    Observations are what the system shows to its networks, float32 ``[6, 8]``. An action is a bitrate's index, the
    reward the chunk's QoE. ``info`` tells what happened: ``delay_ms``, ``buffer_s``, ``rebuffer_s``.

    Args:
        traces, workload, settings, video, qoe, params, anywhere: see :class:`_World`.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - gymnasium's form

    def __init__(
        self,
        traces: Sequence[Trace] | None = None,
        *,
        workload: str = "markov-3g",
        settings: dict[str, Any] | None = None,
        video: Video | None = None,
        qoe: str = "linear",
        params: Params | None = None,
        anywhere: bool = True,
        render_mode: str | None = None,
    ) -> None:
        self.world = _World(traces, workload, settings, video, qoe, params, anywhere)
        self._given = traces is not None
        self.observation_space, self.action_space = self.world.observation_space, self.world.action_space
        self.render_mode = render_mode
        self._simulator: Simulator | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start on a link that is drawn, or with ``options={"trace": Trace}`` on that one from its beginning."""
        super().reset(seed=seed)
        if seed is not None and not self._given:
            self.world.traces = None  # the same seed gives the same links
        trace, world = (options or {}).get("trace"), self.world
        if trace is not None:
            self._simulator = Simulator([trace], world.video, world.params, world.qoe, noise=self.np_random)
        else:
            self._simulator = world.start(1, self.np_random)
        return self._seen(), self._info()

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Download the next chunk."""
        simulator = self._running()
        reward = float(simulator.step(np.array([int(action)]))[0])
        return self._seen(), reward, bool(simulator.done[0]), False, self._info()

    def render(self) -> str | None:
        """Where the session stands, in a line."""
        if self.render_mode != "ansi":
            return None
        a = self._running().arrays
        return f"chunk {a.chunk[0]}, {self.world.video.labels[a.last[0]]}, buffer {a.buffer[0] / 1000:.1f} s"

    def _seen(self) -> NDArray[np.float32]:
        return np.asarray(self._running().observe()[0], dtype=np.float32)

    def _running(self) -> Simulator:
        if self._simulator is None:
            msg = "call reset() before step() or render()"
            raise DnnExplainError(msg)
        return self._simulator

    def _info(self) -> dict[str, Any]:
        a = self._running().arrays
        return {
            "delay_ms": float(a.delay[0]), "buffer_s": float(a.buffer[0]) / 1000.0, "rebuffer_s": float(a.stall[0]),
            "chunk": int(a.chunk[0]),
        }  # fmt: skip

    def action_masks(self) -> NDArray[np.bool_]:
        """Every bitrate may be asked for ``[A]``; by the name that sb3-contrib's MaskablePPO asks for."""
        return np.ones(len(self.world.video.bitrates), dtype=np.bool_)


class ABRVectorEnv(VectorEnv[Any, Any, Any]):
    """Many sessions in one compiled batch; a session that ended starts again, on another link, at the next step.

    Args:
        num_envs: sessions side by side.
        traces, workload, settings, video, qoe, params, anywhere: as for :class:`ABREnv`.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 - gymnasium's form

    def __init__(
        self,
        num_envs: int = 1,
        traces: Sequence[Trace] | None = None,
        *,
        workload: str = "markov-3g",
        settings: dict[str, Any] | None = None,
        video: Video | None = None,
        qoe: str = "linear",
        params: Params | None = None,
        anywhere: bool = True,
    ) -> None:
        self.num_envs = num_envs
        self.world = _World(traces, workload, settings, video, qoe, params, anywhere)
        self._given = traces is not None
        self.single_observation_space, self.single_action_space = self.world.observation_space, self.world.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._simulator: Simulator | None = None

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start every session on a link of its own draw; of a list of seeds the first counts for all."""
        del options
        single = next((item for item in seed if item is not None), None) if isinstance(seed, list) else seed
        super().reset(seed=single)
        if single is not None and not self._given:
            self.world.traces = None
        self._simulator = self.world.start(self.num_envs, self.np_random)
        return self._simulator.observe().astype(np.float32), self._info()

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One chunk in each session; in one that ended, the first state of its next."""
        if self._simulator is None:
            msg = "call reset() before step()"
            raise DnnExplainError(msg)
        simulator = self._simulator
        ended = simulator.done.copy()
        rewards = simulator.step(np.asarray(actions, dtype=np.int64))
        rows = np.flatnonzero(ended)
        if len(rows):
            simulator.arrays.trace[rows], simulator.arrays.start[rows] = self.world.draw(len(rows), self.np_random)
            simulator.reset(rows)
        over = simulator.done & ~ended
        return simulator.observe().astype(np.float32), rewards, over, np.zeros_like(over), self._info()

    def _info(self) -> dict[str, Any]:
        if self._simulator is None:
            return {}
        a = self._simulator.arrays
        return {"delay_ms": a.delay.copy(), "buffer_s": a.buffer / 1000.0, "rebuffer_s": a.stall.copy()}
