"""The best plan over a link that is known in advance, compiled: a dynamic program over labels.

After chunk k of a plan a label says: which bitrate came last, how much of the link's time has passed (tau), how
long playback has stood still (S), and the worth v: quality less changes less the penalty of S. What is yet to come
depends on the last bitrate, tau, and the deadlines (the times at which playback would run dry), which S shifts: the
buffer is what was downloaded, plus S, minus the time that has passed. Labels of one bitrate whose tau and S fall
into one cell are merged.

*Feasible* labels are simulated exactly; of a cell the one with the largest v stays, so that the best label at the
end is a plan that the simulator reproduces.

*Optimistic* labels prove a bound. The problem is relaxed: the player may also wait. Then a label with less tau at
the same deadlines is at least as good, for a download that starts earlier ends no later; and so is one with later
deadlines at the same tau and v. So the merged label takes the least tau, the largest S and the largest v of its
members, and its best continuation is at least as good as that of each of them. (A buffer above its limit must wait at
least until it is at its limit.) Deadlines that are earlier by d cost at most d more stalling; so a label dominates
another, later one if its v is at least as large after that much is taken off, and after the change of quality that
leads from the one's last bitrate to the other's.

A label is dropped when what it has and the most that can follow stay below a plan that is known. The most that can
follow: the bits that the link carries from tau to the last deadline, spent on quality as if chunks could be cut
(a concave function, ``gains``), with stalling bought at its price.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dnnexplain.systems.abr.kernels import after_download, carry, pass_time

__all__ = ["future_gain", "search"]


@njit(cache=True, nogil=True)
def _raise_envelope(envelope, quality, penalty, change, s_edge, action, s, v):
    """After a label: no later one with at most this v is of use, at any last bitrate and stall."""
    for other in range(envelope.shape[0]):
        left = v - change * abs(quality[action] - quality[other])
        for cell in range(envelope.shape[1]):
            worth = left - penalty * max(0.0, s_edge[cell] - s)
            envelope[other, cell] = max(envelope[other, cell], worth)


@njit(cache=True, nogil=True)
def future_gain(t, deadline, step, carried, carried_step, gains, gains_step, penalty):
    """The most that the chunks from ``step`` on can add; see the module.

    ``carried`` [n] is what the link has carried by each multiple of ``carried_step`` s, in bytes; ``gains`` [steps + 1, m]
    the most quality for each multiple of ``gains_step`` bytes. All rounding is upwards.
    """
    last = len(carried) - 1
    before = carried[min(int(t / carried_step), last)]
    best = -1e300
    extra = 0.0
    while True:
        at = int((deadline + extra + 1.0) / carried_step) + 1
        got = carried[min(at, last)] - before
        place = min(int(got / gains_step) + 1, gains.shape[1] - 1)
        worth = gains[step, place] - penalty * extra
        best = max(best, worth)
        if place >= gains.shape[1] - 1:
            return best
        if at >= last:  # the table ends: as though every chunk could have its best quality
            return max(best, gains[step, gains.shape[1] - 1] - penalty * extra)
        # One second more can add no more than what is left to gain.
        if gains[step, gains.shape[1] - 1] - penalty * (extra + 1.0) <= best:
            return best
        extra += 1.0


@njit(cache=True, nogil=True)
def search(
    optimistic,
    start_pointer,
    start_clock,
    start_buffer,
    start_last,
    start_chunk,
    forced,
    c,
    seconds,
    mbps,
    quality,
    penalty,
    change,
    tau_step,
    stall_step,
    stall_cells,
    tau_cells,
    most,
    known,
    carried,
    carried_step,
    gains,
    gains_step,
    plan,
):
    """The best total of the remaining chunks, or a bound of it.

    Args:
        optimistic: bound (see the module), else a feasible plan.
        start_pointer, start_clock, start_buffer, start_last, start_chunk: the session: its place in the trace, its
            buffer in ms, the last bitrate, and the number of chunks downloaded.
        forced: the next chunk's bitrate; -1: free.
        c, seconds, mbps: constants and the trace.
        quality, penalty, change: the QoE.
        tau_step, stall_step: sizes of a cell, s; ``stall_cells``, ``tau_cells``: how many.
        most: room for labels.
        known: the total of a plan that is known; labels that cannot reach it are dropped.
        carried, carried_step, gains, gains_step: see :func:`future_gain`.
        plan: takes the bitrates of a feasible plan ``[chunks]``, from ``start_chunk`` on.

    Returns:
        The total (minus infinity if no label was left), and whether there was room for every label.
    """
    rates = c.bitrates
    steps = c.chunks - start_chunk
    tau, stall, value, clock = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    pointer, last = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    buffers = np.empty(most)
    n_tau, n_stall, n_value, n_clock = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    n_buffers = np.empty(most)
    n_pointer = np.empty(most, dtype=np.int64)
    n_parent = np.empty(most, dtype=np.int32)
    place = np.full(tau_cells * stall_cells * rates, -1, dtype=np.int32)
    parents = np.empty((1, 1), dtype=np.int32)
    chosen = np.empty((1, 1), dtype=np.int8)
    if not optimistic:
        parents = np.empty((steps, most), dtype=np.int32)
        chosen = np.empty((steps, most), dtype=np.int8)
    s_edge = stall_step * (1.0 + np.arange(stall_cells))
    envelope = np.empty((rates, stall_cells))
    request = c.request_ms / 1000.0
    chunk_seconds = c.chunk_ms / 1000.0
    limit = c.limit_ms / 1000.0
    start = start_buffer / 1000.0
    tau[0], stall[0], value[0], clock[0], pointer[0], last[0] = 0.0, 0.0, 0.0, start_clock, start_pointer, start_last
    buffers[0] = start_buffer
    count = 1
    for step in range(steps):
        place[:] = -1
        made = 0
        furthest = 0.0
        base = max(0.0, start + (chunk_seconds - request) * (step + 1) - limit - 2.0 * chunk_seconds)
        end = start + (chunk_seconds - request) * (steps - 1)  # the last chunk's deadline on the link's clock, less S
        for label in range(count):
            for action in range(rates):
                if step == 0 and forced >= 0 and action != forced:
                    continue
                size = c.sizes[start_chunk + step, action]
                took, p, w = carry(size, pointer[label], clock[label], seconds, mbps, c.payload)
                t = tau[label] + took
                if optimistic:
                    buffer = start + (chunk_seconds - request) * step + stall[label] - tau[label]
                    waited = max(0.0, took + request - buffer)
                    left = max(0.0, buffer - took - request) + chunk_seconds
                    if left > limit:
                        p, w = pass_time((left - limit) * 1000.0, p, w, seconds)
                        t += left - limit
                else:
                    left, waited, sleep = after_download(buffers[label], took * 1000.0 + c.request_ms, c)
                    waited /= 1000.0
                    if sleep > 0.0:
                        p, w = pass_time(sleep, p, w, seconds)
                        t += sleep / 1000.0
                s = stall[label] + waited
                v = (
                    value[label]
                    + quality[action]
                    - penalty * waited
                    - change * abs(quality[action] - quality[last[label]])
                )
                most_yet = future_gain(t, end + s, step + 1, carried, carried_step, gains, gains_step, penalty)
                if v + most_yet < known - 1e-9:
                    continue
                furthest = max(furthest, s)
                t_cell = min(max(int((t - base) / tau_step), 0), tau_cells - 1)
                s_cell = min(int(s / stall_step), stall_cells - 1)
                where = (t_cell * stall_cells + s_cell) * rates + action
                i = place[where]
                if i < 0:
                    if made >= most:
                        return 0.0, False
                    i = made
                    made += 1
                    place[where] = i
                    n_tau[i], n_stall[i], n_value[i], n_pointer[i], n_clock[i] = t, s, v, p, w
                    n_buffers[i] = left
                    n_parent[i] = label
                elif optimistic:
                    if t < n_tau[i]:
                        n_tau[i], n_pointer[i], n_clock[i] = t, p, w
                    n_stall[i] = max(n_stall[i], s)
                    n_value[i] = max(n_value[i], v)
                elif v > n_value[i] + 1e-12 or (v > n_value[i] - 1e-12 and t < n_tau[i]):
                    n_tau[i], n_stall[i], n_value[i], n_pointer[i], n_clock[i] = t, s, v, p, w
                    n_buffers[i] = left
                    n_parent[i] = label
        envelope[:, :] = -1e300
        s_edge[stall_cells - 1] = max(stall_step * stall_cells, furthest)
        count = 0
        for t_cell in range(tau_cells):
            begin = t_cell * stall_cells * rates
            first = count
            for inner in range(stall_cells * rates):
                i = place[begin + inner]
                if i < 0:
                    continue
                action, s_cell = inner % rates, inner // rates
                if n_value[i] <= envelope[action, s_cell]:
                    continue
                tau[count], stall[count], value[count] = n_tau[i], n_stall[i], n_value[i]
                pointer[count], clock[count], last[count] = n_pointer[i], n_clock[i], action
                buffers[count] = n_buffers[i]
                if not optimistic:
                    parents[step, count] = n_parent[i]
                    chosen[step, count] = action
                count += 1
            # Labels of one cell of time are not compared with one another: their order is not that of the sweep.
            for kept in range(first, count):
                _raise_envelope(envelope, quality, penalty, change, s_edge, last[kept], stall[kept], value[kept])
    if count == 0:
        return -np.inf, True
    best = 0
    for label in range(1, count):
        if value[label] > value[best]:
            best = label
    total = value[best]
    if not optimistic:
        label = best
        for step in range(steps - 1, -1, -1):
            plan[start_chunk + step] = chosen[step, label]
            label = parents[step, label]
    return total, True
