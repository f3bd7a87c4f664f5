"""What follows a decision: sessions that go on from one state, over links that go on as others did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import DnnExplainError, Episodes, Policy, State, in_episodes
from dnnexplain.systems.abr.codec import Codec
from dnnexplain.systems.abr.judge import session_of
from dnnexplain.systems.abr.qoe import QoE
from dnnexplain.systems.abr.runner import streams
from dnnexplain.systems.abr.sessions import FROZEN
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.traces import Trace

__all__ = ["ASSUMED", "continued", "entered"]

RECENT = 20.0
_ENTRY = 2
ASSUMED = (
    "Each link is entered at a sample drawn at random and scaled so that its mean throughput of the last "
    f"{RECENT:g} s there is the one that the state shows."
)


def entered(trace: Trace, level: float, rng: np.random.Generator) -> tuple[Trace, int]:
    """A link scaled to go on from a throughput, and the sample at which it is entered.

    Args:
        trace: any link.
        level: mean throughput before, Mbit/s; 0 if nothing is known: then the link is as it is.
        rng: draws the sample, among those before which something was carried; a link without one is scaled by its mean.
    """
    spans = np.diff(trace.seconds)
    carried = np.concatenate([[0.0], np.cumsum(trace.mbps[1:] * spans)])
    since = np.maximum(trace.seconds[:-1] - RECENT, trace.seconds[0])
    before = carried[:-1] - np.interp(since, trace.seconds, carried)
    times = trace.seconds[:-1] - since
    places = np.flatnonzero(before > 0)
    if not level:
        return trace, int(rng.integers(1, len(trace.seconds)))
    place = int(rng.choice(places)) if len(places) else 0
    scale = level / (before[place] / times[place] if len(places) else trace.mean)
    return Trace(trace.name, trace.seconds, trace.mbps * scale), place + 1


def _standing(codec: Codec, state: State, qoe: QoE, links: Sequence[Trace], seed: int) -> Simulator:
    """Sessions that stand where the state says, one on each link."""
    row = codec.repair(state.values[None])
    level = _level(codec, row[0])
    pairs = [entered(link, level, rng) for link, rng in zip(links, streams(links, seed, _ENTRY), strict=True)]
    simulator = Simulator([link for link, _ in pairs], codec.video, codec.params, qoe, start=[at for _, at in pairs])
    model, a = session_of(codec, State(row[0]), qoe), simulator.arrays
    a.pointer[:] = [at for _, at in pairs]
    a.clock[:] = [link.seconds[at - 1] for link, at in pairs]
    a.buffer[:], a.last[:], a.chunk[:] = model.arrays.buffer[0], model.arrays.last[0], model.arrays.chunk[0]
    a.done[:] = False
    a.state[:] = codec.encode(row, state.background)[0]
    simulator.constants = simulator.constants._replace(sizes=model.constants.sizes)
    return simulator


def _level(codec: Codec, row: NDArray[np.float64]) -> float:
    """The link's mean throughput over the downloads that a state shows, Mbit/s; 0 if it shows none.

    The time of each request is left out, and what of the link carries no video put back.
    """
    rates, times = row[codec.throughput], row[codec.download]
    there = (rates > 0) & (times > 0)
    if not there.any():
        return 0.0
    spent = np.maximum(times[there] - codec.params.request_ms / 1000.0, 1e-3).sum()
    return float(rates[there] @ times[there] / spent / codec.params.payload)


def continued(
    codec: Codec, state: State, qoe: QoE, policy: Policy, action: int, links: Sequence[Trace], *, seed: int = 0
) -> Episodes:
    """Take one bitrate in a state, then let a policy go on to the end of the video; see ``contract.Continuing``.

    Raises:
        DnnExplainError: nothing remains to be downloaded.
    """
    if codec.downloaded(codec.repair(state.values[None]))[0] >= codec.video.chunks:
        msg = "nothing follows this state: all chunks of the video are downloaded"
        raise DnnExplainError(msg)
    simulator = _standing(codec, state, qoe, links, seed)
    rates = codec.video.bitrates
    count, actions = len(simulator), np.full(len(simulator), action)
    worth, stalls, sums, moved = (np.zeros(count) for _ in range(4))
    taken = np.zeros((count, len(rates)), dtype=np.int64)
    chunks, course = 0, in_episodes(policy, count)
    while True:
        before: NDArray[np.int64] = simulator.arrays.last.copy()
        worth += simulator.step(actions)
        stalls += simulator.arrays.stall
        sums += rates[actions]
        moved += np.abs(rates[actions] - rates[before]) / 1000.0
        taken[np.arange(count), actions] += 1
        chunks += 1
        if simulator.done.all():
            break
        actions = sampling.choose(course.outputs(simulator.observe().astype(np.float32)))
    figures = {"qoe": worth, "rebuffering": stalls, "bitrate": sums / chunks, "changes": moved}
    figures["frozen"] = (stalls > FROZEN * codec.video.seconds * chunks).astype(np.float64)
    return Episodes(policy.name, -worth, "minus QoE", figures, seed, None, taken)
