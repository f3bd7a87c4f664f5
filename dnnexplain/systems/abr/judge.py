"""How good each bitrate is in one state, if the link goes on as the state shows it."""

from __future__ import annotations

import numpy as np

from dnnexplain.contract import Judgement, State
from dnnexplain.systems.abr.codec import Codec
from dnnexplain.systems.abr.oracle import action_loss, decision_losses
from dnnexplain.systems.abr.qoe import QoE
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.traces import Trace

__all__ = ["judge_state", "repeated_link"]


def repeated_link(codec: Codec, state: State) -> Trace:
    """The link that a state shows, over and over: each past sample's throughput for as long as its download took."""
    rates, times = state.values[codec.throughput], state.values[codec.download]
    there = (rates > 0) & (times > 0)
    request = codec.params.request_ms / 1000.0
    span = np.maximum(times[there] - request, 1e-3)
    raw = rates[there] * times[there] / span / codec.params.payload
    return Trace("as the state shows it", np.concatenate([[0.0], np.cumsum(span)]), np.concatenate([raw[:1], raw]))


def session_of(codec: Codec, state: State, qoe: QoE) -> Simulator:
    """A session that stands where the state says, on :func:`repeated_link`; its next chunk has the state's sizes."""
    row = codec.repair(state.values[None])
    shown = State(row[0])
    simulator = Simulator([repeated_link(codec, shown)], codec.video, codec.params, qoe)
    a = simulator.arrays
    a.pointer[0], a.clock[0] = 1, 0.0
    a.buffer[0] = row[0, 1] * 1000.0
    a.last[0] = codec.level(row)[0]
    a.chunk[0] = min(codec.downloaded(row)[0], codec.video.chunks - 1)
    a.done[0] = False
    sizes = simulator.constants.sizes.copy()
    sizes[a.chunk[0]] = row[0, codec.sizes] * 1e6
    simulator.constants = simulator.constants._replace(sizes=sizes)
    return simulator


def judge_state(codec: Codec, state: State, qoe: QoE) -> Judgement:
    """What each bitrate loses against the best, over the chunks that remain; see ``contract.Judgement``."""
    reached, proved = decision_losses(session_of(codec, state, qoe))
    top = reached.max()
    loss = np.maximum(top - proved, 0.0)
    best = tuple(int(action) for action in np.flatnonzero(proved >= top - 1e-9))
    return Judgement(best, loss, bool((proved - reached <= 1e-9).all()), "QoE", final=True)


def judge_one(codec: Codec, state: State, qoe: QoE, action: int) -> Judgement:
    """What one bitrate loses at least against the best; see ``contract.ActionOracle``."""
    simulator = session_of(codec, state, qoe)
    top, reached, proved = action_loss(simulator, action)
    loss = np.full(simulator.constants.bitrates, np.nan)
    loss[action] = max(top - proved, 0.0)
    return Judgement((), loss, proved - reached <= 1e-9, "QoE", final=True)
