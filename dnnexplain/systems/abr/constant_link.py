"""A policy as a map on constant links: which bitrate at which throughput and buffer, and where a session swings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError, Policy
from dnnexplain.systems.abr.runner import run_policy
from dnnexplain.systems.abr.traces import Trace

if TYPE_CHECKING:
    from dnnexplain.systems.abr.system import AdaptiveBitrate

__all__ = ["constant_link_map", "constant_link_rows", "constant_link_sessions"]

_LASTS = 1000.0


def constant_link_map(
    system: AdaptiveBitrate, policy: Policy, mbps: ArrayLike, buffers: ArrayLike, *, last: float | None = None
) -> NDArray[np.int64]:
    """The bitrate's index that a policy takes on a constant link ``[T, B]``.

    In each state all past throughputs are one, the past chunks had the last bitrate, the next sizes are the video's
    medians and half of its chunks remain. A rule with memory decides as if it had none.

    Args:
        system: whose player it is.
        policy: a network, rule or tree.
        mbps: throughputs as the player measures them, Mb/s, above 0 ``[T]``.
        buffers: s ``[B]``.
        last: the last bitrate, kbps; ``None``: the highest below the throughput, where a player would settle.

    Raises:
        DnnExplainError: a throughput or buffer outside of what a state can show.
    """
    codec = system.codec
    rates, held = np.atleast_1d(np.asarray(mbps, float)), np.atleast_1d(np.asarray(buffers, float))
    _check("throughputs", rates, codec.fastest, "Mb/s")
    _check("buffers", held, float(codec.high[1]), "s", least=0.0)
    rows = constant_link_rows(system, np.repeat(rates, len(held)), np.tile(held, len(rates)), last)
    observations = codec.encode(codec.repair(rows))
    chosen = system.output.decide(policy.outputs(observations), system.valid_actions(observations))
    actions: NDArray[np.int64] = np.asarray(chosen, np.int64).reshape(len(rates), len(held))
    return actions


def constant_link_rows(
    system: AdaptiveBitrate, mbps: NDArray[np.float64], buffers: NDArray[np.float64], last: float | None = None
) -> NDArray[np.float64]:
    """Knob values ``[B, K]`` of states on constant links of ``mbps`` ``[B]`` with ``buffers`` s ``[B]``; see above."""
    codec = system.codec
    ladder = codec.video.bitrates
    settled = ladder[np.maximum((ladder <= mbps[:, None] * 1000).sum(axis=1) - 1, 0)]
    rows = np.tile([knob.start for knob in codec.knobs], (len(mbps), 1)).astype(float)
    rows[:, 0], rows[:, 1] = settled if last is None else float(last), buffers
    rows[:, codec.throughput] = mbps[:, None]
    rows[:, codec.download] = (codec.video.seconds * rows[:, 0] / 1000 / mbps)[:, None]
    return rows


def constant_link_sessions(system: AdaptiveBitrate, policy: Policy, mbps: ArrayLike) -> NDArray[np.int64]:
    """The bitrates' indices of one session on each constant link ``[T, chunks]``; who settles repeats one.

    Args:
        system: whose player it is.
        policy: a network, rule or tree; rules with memory have it.
        mbps: throughputs of the links, Mb/s, above 0 ``[T]``; the player measures ``payload`` of them, less for requests.

    Raises:
        DnnExplainError: a throughput that is no rate.
    """
    rates = np.atleast_1d(np.asarray(mbps, float))
    _check("throughputs", rates, np.inf, "Mb/s")
    links = [Trace(f"{rate:g} Mb/s", np.array([0.0, _LASTS]), np.array([rate, rate])) for rate in rates]
    actions: NDArray[np.int64] = np.asarray(run_policy(links, system.video, system.params, policy).actions, np.int64)
    return actions


def _check(name: str, given: NDArray[Any], most: float, unit: str, least: float = 0.001) -> None:
    if given.ndim != 1 or not np.isfinite(given).all() or not ((given >= least) & (given <= most)).all():
        msg = f"{name} of constant links are a list of numbers from {least:g} to {most:g} {unit}"
        raise DnnExplainError(msg)
