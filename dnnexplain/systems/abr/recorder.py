"""A session decision by decision, to be watched, and as arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Curve, Grips, Replay, Track
from dnnexplain.systems.abr.qoe import QOE_NAMES, QoE, make_qoe
from dnnexplain.systems.abr.sessions import Sessions
from dnnexplain.systems.abr.traces import Trace

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


def replay_of(name: str, sessions: Sessions, states: Floats, qoe: QoE, link: Trace, seed: int) -> Replay:
    """One session over time: the bitrate of each chunk, the buffer, where playback stood still, and the link.

    Args:
        name: of the policy.
        sessions: of one link.
        states: after each chunk ``[1, N, 6, L]``.
        qoe: whose total, with its sign turned, is the cost.
        link: over which it went.
        seed: of what was drawn.
    """
    video, chunks = sessions.video, sessions.actions.shape[1]
    took = sessions.delay_ms[0] / 1000.0
    waited = sessions.sleep_ms[0] / 1000.0
    finish = np.cumsum(took + waited) - waited
    start = finish - took
    rates = video.bitrates[sessions.actions[0]]
    nothing = np.zeros(chunks)
    stalled = 1 + np.flatnonzero(
        sessions.stall_s[0, 1:] > 0
    )  # every session waits for its first chunk; no figure counts it
    bars = np.concatenate([
        np.stack([start, finish, nothing, rates], axis=1),
        np.stack([(finish - sessions.stall_s[0])[stalled], finish[stalled], nothing[stalled], nothing[stalled] + 1], axis=1),
    ])  # fmt: skip
    every = np.arange(chunks)
    came = video.sizes[every, sessions.actions[0]] * 8e-6 / took
    there = _link_over(link, float(finish[-1]))
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
            Track("stalled", "", 1.0, wrong=True),
            Track("throughput", "Mb/s", float(max(came.max(), there[1].max()))),
        ),
        bar_object=np.concatenate([every, stalled]),
        bar_track=np.repeat([0, 2], [chunks, len(stalled)]),
        bars=bars,
        cost=-figures["qoe"],
        cost_name="minus QoE",
        metrics=figures,
        time_unit="s",
        seed=seed,
        curves=(
            _buffer(finish + waited, sessions.buffer_s[0]),
            Curve("the link", 3, *there, steps=True, quiet=True),
            Curve("as the player measures it", 3, np.append(start, finish[-1]), np.append(came, came[-1]), steps=True),
        ),
        grips=(
            Grips(("buffer",), 1, finish[:-1] + waited[:-1]),
            Grips(tuple(f"throughput {age}" for age in range(1, states.shape[-1] + 1)), 3, (start + took / 2)[:-1]),
        ),
    )


def _buffer(times: Floats, seconds: Floats) -> Curve:
    """Video plays while the next chunk comes: the buffer falls by a second each second, to 0 at most, and jumps."""
    before = np.maximum(seconds[:-1] - np.diff(times), 0.0)
    empty = np.minimum(times[:-1] + seconds[:-1], times[1:])  # from here on playback stands still
    at = np.stack([times[:-1], empty, times[1:]], axis=1).ravel()
    values = np.stack([seconds[:-1], before, before], axis=1).ravel()
    return Curve("buffer", 1, np.append(at, times[-1]), np.append(values, seconds[-1]))


def _link_over(link: Trace, until: float) -> tuple[Floats, Floats]:
    """Times and throughputs of a link from 0 to a time, repeated as a session repeats it."""
    begin, rates = link.seconds[:-1] - link.seconds[0], link.mbps[1:]
    length = float(link.seconds[-1] - link.seconds[0])
    repeats = int(np.ceil(until / length))
    times = (np.arange(repeats)[:, None] * length + begin).ravel()
    inside = times < until
    values = np.tile(rates, repeats)[inside]
    return np.append(times[inside], until), np.append(values, values[-1])
