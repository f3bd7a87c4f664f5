"""Run a policy over links, from the first chunk to the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import DnnExplainError, Policy, in_episodes
from dnnexplain.counts import counted
from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.feature_kernels import play_tree_rows
from dnnexplain.systems.abr.features import BitrateFeatures
from dnnexplain.systems.abr.rule_kernels import play_rows
from dnnexplain.systems.abr.rules import RulePolicy
from dnnexplain.systems.abr.sessions import Sessions
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video

__all__ = ["play_actions", "run_policy", "streams"]

Watch = Callable[[Simulator, NDArray[np.int64], NDArray[np.float64]], Any]
_NOISE = 1
_SMALLEST = 1e-9
"""Scores below this count as this much, as in ``TreePolicy``."""


def streams(traces: Sequence[Trace], seed: int, purpose: int = 0) -> list[np.random.Generator]:
    """A stream of chance for each link, from the link and the seed alone; see ``sampling.own_streams``."""
    return sampling.own_streams(
        seed, [bytes([purpose]) + trace.seconds.tobytes() + trace.mbps.tobytes() for trace in traces]
    )


def _simulator(traces: Sequence[Trace], video: Video, params: Params, seed: int) -> Simulator:
    return Simulator(traces, video, params, noise=streams(traces, seed, _NOISE) if params.noise else None)


def run_policy(
    traces: Sequence[Trace],
    video: Video,
    params: Params,
    policy: Policy,
    *,
    seed: int = 0,
    sample: bool = False,
    watch: Watch | None = None,
) -> Sessions:
    """One session per link.

    Args:
        traces: the links.
        video: what is played.
        params: player and link.
        policy: a rule (compiled, with its memory) or anything with ``outputs``.
        seed: of drawn actions and of noise; each link has streams of its own.
        sample: draw actions by their probabilities instead of taking the best.
        watch: called before each step with the simulator, the actions ``[W]`` and the raw outputs ``[W, A]``;
            all sessions are as long.
    """
    simulator = _simulator(traces, video, params, seed)
    record = np.zeros((5, len(simulator), video.chunks))
    _keep(simulator, record, np.full(len(simulator), params.first))
    if isinstance(policy, RulePolicy):
        _play_rule(simulator, policy, record, watch)
        return _sessions(simulator, record)
    nodes = _tree_nodes(policy, video, params)
    if nodes is not None and not sample and watch is None:
        _play_tree(simulator, policy, nodes, record)
        return _sessions(simulator, record)
    draws = np.stack([stream.random(video.chunks) for stream in streams(traces, seed)]) if sample else None
    course = in_episodes(policy, len(simulator))
    while not simulator.done.all():
        outputs = course.outputs(simulator.observe().astype(np.float32))
        if outputs.shape != (len(simulator), len(video.bitrates)):
            msg = f"{policy.name} gave outputs {list(outputs.shape)}; the video has {counted(len(video.bitrates), 'bitrate')}"
            raise DnnExplainError(msg)
        if draws is None:
            actions = sampling.choose(outputs)
        else:
            cumulative = np.cumsum(sampling.probabilities(outputs), axis=1)
            drawn = draws[:, int(simulator.arrays.chunk[0])] * cumulative[:, -1]
            actions = (cumulative > drawn[:, None]).argmax(axis=1)
        if watch is not None:
            watch(simulator, actions, outputs)
        simulator.step(actions)
        _keep(simulator, record, actions)
    return _sessions(simulator, record)


def _tree_nodes(policy: Any, video: Video, params: Params) -> tuple[NDArray[Any], ...] | None:
    """The nodes of a tree over the quantities of this player, its scores as logarithms; ``None`` of other policies."""
    features, nodes = getattr(policy, "features", None), getattr(policy, "nodes", None)
    if nodes is None or not isinstance(features, BitrateFeatures):
        return None
    if features.codec.video is not video or features.codec.params != params:
        return None
    scores = np.log(np.maximum(nodes[-1], _SMALLEST))
    first, most = scores.argmax(axis=1), scores.max(axis=1)
    sole = (scores == most[:, None]).sum(axis=1) == 1
    return *nodes[:-1], scores, np.where(sole, first, -1)


def _play_tree(simulator: Simulator, policy: Any, nodes: tuple[NDArray[Any], ...], record: NDArray[np.float64]) -> None:
    features: BitrateFeatures = policy.features
    seconds, mbps, first = simulator.packed
    play_tree_rows(
        simulator.rows, simulator.arrays, simulator.constants, seconds, mbps, first, _factors(simulator), nodes,
        features.scales, record,
    )  # fmt: skip


def _factors(simulator: Simulator) -> NDArray[np.float64]:
    """What lengthens each download of each session ``[B, N]``; no columns without noise."""
    noise = simulator.params.noise
    if not noise:
        return np.empty((len(simulator), 0))
    generators: Any = simulator.noise  # a stream per session: see _simulator
    drawn = [stream.uniform(1 - noise, 1 + noise, simulator.video.chunks - 1) for stream in generators]
    return np.concatenate([np.ones((len(simulator), 1)), np.stack(drawn)], axis=1)


def _play_rule(simulator: Simulator, rule: RulePolicy, record: NDArray[np.float64], watch: Watch | None) -> None:
    factors = _factors(simulator)
    before = simulator.copy() if watch is not None else None
    seconds, mbps, first = simulator.packed
    play_rows(
        rule.kernel, simulator.rows, rule.carries, simulator.arrays, simulator.constants, seconds, mbps, first,
        factors, rule.bitrates, rule.quality, rule.rebuffer, rule.change, rule.numbers, record,
    )  # fmt: skip
    if before is not None and watch is not None:
        _watch_again(before, record[0].astype(np.int64), factors, watch)


def _watch_again(simulator: Simulator, actions: NDArray[np.int64], factors: NDArray[np.float64], watch: Watch) -> None:
    """Show sessions that are already known, step by step."""
    rates = len(simulator.video.bitrates)
    for chunk in range(1, simulator.video.chunks):
        watch(simulator, actions[:, chunk], np.eye(rates)[actions[:, chunk]])
        simulator.step(actions[:, chunk], factors=factors[:, chunk] if factors.shape[1] else None)


def play_actions(
    traces: Sequence[Trace], video: Video, params: Params, actions: NDArray[np.int64], *, seed: int = 0
) -> tuple[Sessions, NDArray[np.float64]]:
    """Play given bitrates ``[W, N]``, the first included; returns the sessions and the states after each chunk.

    Returns:
        The sessions, and ``[W, N, 6, L]``.

    Raises:
        DnnExplainError: not one bitrate for each chunk of each session.
    """
    wanted = (len(traces), video.chunks)
    if actions.shape != wanted:
        msg = f"a session of {video.name} has {video.chunks} chunks, the first included; the actions given have the shape {list(actions.shape)}"
        raise DnnExplainError(msg)
    if actions.size and len(set(actions[:, 0].tolist())) > 1:
        msg = "all sessions that are played together begin with the same bitrate"
        raise DnnExplainError(msg)
    first = int(actions[0, 0])
    changed = Params(**{**{name: getattr(params, name) for name in Params.__dataclass_fields__}, "first": first})
    simulator = _simulator(traces, video, changed, seed)
    record = np.zeros((5, *wanted))
    _keep(simulator, record, actions[:, 0])
    states = [simulator.observe()]
    for chunk in range(1, video.chunks):
        simulator.step(actions[:, chunk])
        _keep(simulator, record, actions[:, chunk])
        states.append(simulator.observe())
    return _sessions(simulator, record), np.stack(states, axis=1)


def _keep(simulator: Simulator, record: NDArray[np.float64], actions: NDArray[np.int64]) -> None:
    """Write down the chunk that was downloaded just now."""
    a = simulator.arrays
    chunk = int(a.chunk[0]) - 1 if len(simulator) else 0
    record[:, :, chunk] = (actions, a.delay, a.stall, a.sleep, a.buffer / 1000.0)


def _sessions(simulator: Simulator, record: NDArray[np.float64]) -> Sessions:
    return Sessions(simulator.traces, simulator.video, record[0].astype(np.int64), *record[1:])
