"""A session decision by decision, to be watched, and as arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Replay, Track
from dnnexplain.systems.abr.qoe import QOE_NAMES, QoE, make_qoe
from dnnexplain.systems.abr.sessions import Sessions

__all__ = ["arrays_of", "replay_of"]

Floats = NDArray[np.float64]


def arrays_of(sessions: Sessions, states: Floats, usual: int) -> dict[str, Floats]:
    """One session's arrays by name, a row per chunk, the first included.

    Args:
        sessions: of one link.
        states: after each chunk ``[1, N, 6, L]``.
        usual: the bitrate from which the first chunk's change is counted, as in the published code.
    """
    bitrates = sessions.video.bitrates
    worth = {f"reward_{name}": sessions.rewards(make_qoe(name, bitrates), usual)[0] for name in QOE_NAMES}
    return {
        "observations": states[0],
        "delay_ms": sessions.delay_ms[0],
        "buffer_s": sessions.buffer_s[0],
        "rebuffer_s": sessions.stall_s[0],
        "sleep_ms": sessions.sleep_ms[0],
        **worth,
    }


def replay_of(name: str, sessions: Sessions, states: Floats, qoe: QoE, seed: int) -> Replay:
    """One session as a picture over time: the bitrate of each chunk, the buffer, and where playback stood still.

    Args:
        name: of the policy.
        sessions: of one link.
        states: after each chunk ``[1, N, 6, L]``.
        qoe: whose total, with its sign turned, is the cost.
        seed: of what was drawn.
    """
    video, chunks = sessions.video, sessions.actions.shape[1]
    took = sessions.delay_ms[0] / 1000.0
    waited = sessions.sleep_ms[0] / 1000.0
    finish = np.cumsum(took + waited) - waited
    start = finish - took
    rates = video.bitrates[sessions.actions[0]]
    nothing = np.zeros(chunks)
    following = np.append(finish[1:], finish[-1] + sessions.buffer_s[0, -1])
    stalled = np.flatnonzero(sessions.stall_s[0] > 0)
    bars = np.concatenate([
        np.stack([start, finish, nothing, rates], axis=1),
        np.stack([finish, following, nothing, sessions.buffer_s[0]], axis=1),
        np.stack([(finish - sessions.stall_s[0])[stalled], finish[stalled], nothing[stalled], nothing[stalled] + 1], axis=1),
    ])  # fmt: skip
    every = np.arange(chunks)
    figures = {key: float(value[0]) for key, value in sessions.figures(qoe).items()}
    return Replay(
        policy=name,
        observations=states[0, :-1],
        actions=sessions.actions[0, 1:],
        times=finish[:-1] + waited[:-1],
        chosen=every[1:],
        objects=tuple(f"chunk {number}" for number in every + 1),
        arrival=np.full(chunks, np.nan),
        start=start,
        finish=finish,
        colours=sessions.actions[0].copy(),
        tracks=(
            Track("bitrate", "kbps", float(video.bitrates[-1])),
            Track("buffer", "s", float(max(sessions.buffer_s.max(), video.seconds))),
            Track("stalled", "", 1.0),
        ),
        bar_object=np.concatenate([every, every, stalled]),
        bar_track=np.repeat([0, 1, 2], [chunks, chunks, len(stalled)]),
        bars=bars,
        cost=-figures["qoe"],
        cost_name="minus QoE",
        metrics=figures,
        time_unit="s",
        seed=seed,
    )
