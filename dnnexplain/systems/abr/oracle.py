"""The best that a session could have done on a link known in advance, as an interval, and what each bitrate costs.

The lower end of the QoE is a plan, played by the simulator itself; the upper end is proved by a relaxation, see
``oracle_kernels``. The best total lies between them. QoE counts chunks 2 to the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, DnnExplainError
from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.oracle_kernels import search
from dnnexplain.systems.abr.qoe import QoE
from dnnexplain.systems.abr.runner import play_actions
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video

__all__ = ["Plan", "action_loss", "best_plan", "bound", "decision_losses"]

_MOST = 400_000
_STALL_CELLS = 48


@dataclass(frozen=True, eq=False)
class Plan:
    """What is known of the best session on a link.

    Attributes:
        lower: QoE of ``actions``, as the simulator pays it.
        upper: proved: no session has more.
        actions: a bitrate for each chunk, the first included ``[N]``.
    """

    lower: float
    upper: float
    actions: NDArray[np.int64]


@dataclass(frozen=True)
class _Grid:
    """Sizes of the program's cells, s."""

    tau: float
    stall: float


_FINE = _Grid(0.05, 0.05)
_MIDDLE = _Grid(0.1, 0.1)
_COARSE = _Grid(0.5, 0.5)
_ROUGH = _Grid(4.0, 4.0)


class _Search:
    """One session from where it is, ready to be searched several times.

    Args:
        simulator: of one session.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        c, a = simulator.constants, simulator.arrays
        steps = c.chunks - int(a.chunk[0])
        sizes = c.sizes[int(a.chunk[0]) : c.chunks]
        self.gains, self.gains_step = _gains(sizes, simulator.qoe.quality)
        horizon = a.buffer[0] / 1000.0 + steps * c.chunk_ms / 1000.0 + _STALL_CELLS
        self.carried_step = 0.25
        self.carried = _carried(simulator, int(horizon / self.carried_step) + 2, self.carried_step)
        self.plan = np.full(c.chunks, c.first, dtype=np.int64)

    def run(self, grid: _Grid, known: float, *, optimistic: bool, forced: int = -1) -> float:
        """The total of the chunks to come; minus infinity if nothing beats ``known``; NaN if there was no room."""
        a, c, qoe = self.simulator.arrays, self.simulator.constants, self.simulator.qoe
        seconds, mbps, _ = self.simulator.packed
        span = (c.limit_ms + 3 * c.chunk_ms) / 1000.0 + grid.stall * _STALL_CELLS
        total, room = search(
            optimistic, a.pointer[0], a.clock[0], a.buffer[0], a.last[0], a.chunk[0], forced, c, seconds, mbps,
            qoe.quality, qoe.rebuffer_penalty, qoe.change_penalty, grid.tau, grid.stall, _STALL_CELLS,
            int(span / grid.tau) + 1, _MOST, known, self.carried, self.carried_step, self.gains, self.gains_step,
            self.plan,
        )  # fmt: skip
        return float(total) if room else float("nan")

    def reached(self, forced: int = -1) -> float:
        """The total of a plan, by a rough search and then one that need only look at what may be better."""
        rough = self.run(_ROUGH, -np.inf, optimistic=False, forced=forced)
        return max(rough, self.run(_COARSE, rough, optimistic=False, forced=forced))


def _carried(simulator: Simulator, count: int, step: float) -> NDArray[np.float64]:
    """Bytes of video that the link carries from now on, by each multiple of ``step`` s ``[count]``."""
    a, c = simulator.arrays, simulator.constants
    seconds, mbps, _ = simulator.packed
    lap = np.diff(np.concatenate([[0.0], seconds[1:]]))
    begin = int(a.pointer[0])
    first = seconds[begin] - float(a.clock[0])
    spans, rates = [np.array([first]), lap[begin:]], [mbps[begin : begin + 1], mbps[begin + 1 :]]
    total = float(first + lap[begin:].sum())
    while total < count * step:
        spans.append(lap)
        rates.append(mbps[1:])
        total += float(lap.sum())
    times = np.concatenate([[0.0], np.cumsum(np.concatenate(spans))])
    held = np.concatenate([[0.0], np.cumsum(np.concatenate(spans) * np.concatenate(rates))]) * 1e6 / 8.0 * c.payload
    return np.asarray(np.interp(step * np.arange(count), times, held))


def _gains(sizes: NDArray[np.float64], quality: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The most quality that the chunks from each on can have for so many bytes, if chunks could be cut.

    Args:
        sizes: of the chunks to come ``[n, A]``.
        quality: of each bitrate ``[A]``.

    Returns:
        ``[n + 1, columns]`` for each multiple of a step in bytes (minus 1e300 where not even the lowest bitrates fit),
        and the step.
    """
    columns = 4000
    step = float(sizes.sum(axis=0).max()) / (columns - 2)
    grid = step * np.arange(columns)
    table = np.zeros((len(sizes) + 1, columns))
    pieces: list[tuple[float, float]] = []
    least, base = 0.0, 0.0
    for row in range(len(sizes) - 1, -1, -1):
        least += sizes[row].min()
        base += quality[int(sizes[row].argmin())]
        pieces += _pieces(sizes[row], quality)
        pieces.sort(key=lambda piece: -piece[1] / piece[0])
        bytes_ = np.concatenate([[least], least + np.cumsum([piece[0] for piece in pieces])])
        worth = np.concatenate([[base], base + np.cumsum([piece[1] for piece in pieces])])
        table[row] = np.where(grid + step < least, -1e300, np.interp(grid, bytes_, worth))
    return table, step


def _pieces(sizes: NDArray[np.float64], quality: NDArray[np.float64]) -> list[tuple[float, float]]:
    """The concave hull of one chunk's qualities over its sizes: bytes and quality of each piece, best first."""
    order = np.argsort(sizes, kind="stable")
    hull: list[tuple[float, float]] = []
    for size, worth in zip(sizes[order], quality[order], strict=True):
        while hull and worth >= hull[-1][1] and size <= hull[-1][0]:
            hull.pop()
        while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (size - hull[-1][0]) <= (worth - hull[-1][1]) * (
            hull[-1][0] - hull[-2][0]
        ):
            hull.pop()
        if not hull or worth > hull[-1][1]:
            hull.append((float(size), float(worth)))
    return [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(hull)]


def best_plan(trace: Trace, video: Video, params: Params, qoe: QoE) -> Plan:
    """The best session on a link that is known in advance.

    Raises:
        DnnExplainError: downloads have noise, so that no plan is certain.
    """
    if params.noise:
        msg = f"with noise {params.noise:g} nobody knows how long a download takes: an optimum needs noise=0"
        raise DnnExplainError(msg)
    ready = _Search(Simulator([trace], video, params, qoe))
    known = ready.run(_COARSE, -np.inf, optimistic=False)
    known = max(known, ready.run(_MIDDLE, known, optimistic=False))
    upper = ready.run(_FINE, known, optimistic=True)
    sessions, _ = play_actions([trace], video, params, ready.plan[None])
    lower = float(sessions.total(qoe)[0])
    most = float((video.chunks - 1) * qoe.quality.max())
    return Plan(lower, max(lower, min(most, upper)) if not np.isnan(upper) else most, ready.plan)


def bound(trace: Trace, video: Video, params: Params, qoe: QoE, *, seconds: float = 10.0) -> Bound:
    """The interval of the least cost, minus QoE; ``detail`` is the :class:`Plan`.

    ``seconds`` changes nothing: the program takes about a second.
    """
    del seconds
    plan = best_plan(trace, video, params, qoe)
    gap = plan.upper - plan.lower
    return Bound(-plan.upper, -plan.lower, "optimal" if gap <= 1e-9 else "feasible", plan)


def decision_losses(simulator: Simulator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each bitrate for the next chunk leads to at best, over the known rest of the link.

    Args:
        simulator: one session, at the decision.

    Returns:
        The QoE of the next and all later chunks: reached by a plan, and proved not to be exceeded, each ``[A]``.
    """
    rates = simulator.constants.bitrates
    reached, proved = np.empty(rates), np.empty(rates)
    ready = _Search(simulator)
    for action in range(rates):
        known = reached[action] = ready.reached(action)
        proved[action] = max(known, ready.run(_MIDDLE, known, optimistic=True, forced=action))
    return reached, proved


def action_loss(simulator: Simulator, action: int) -> tuple[float, float, float]:
    """What the best plan that is found has, and what one bitrate for the next chunk leads to; see :func:`decision_losses`.

    Returns:
        The QoE of the next and all later chunks: of that plan, reached by a plan with the bitrate, and proved for it.
    """
    ready = _Search(simulator)
    top, known = ready.reached(), ready.reached(action)
    return max(top, known), known, max(known, ready.run(_MIDDLE, known, optimistic=True, forced=action))
