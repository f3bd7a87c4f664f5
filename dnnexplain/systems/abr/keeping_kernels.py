"""What one bitrate is worth if it is kept for some chunks at one speed, compiled: the plan that rules are told by.

Of the chunks to come only the next one's sizes are known; the others are taken to be as large as their bitrate says.
"""

from __future__ import annotations

from numba import njit

__all__ = ["GAINS", "KEPT", "best_kept", "kept_worth"]

MEAN, LEAST = 0, 1
KEPT = (
    (0.5, MEAN, 5), (0.5, MEAN, 12), (0.7, MEAN, 5), (0.7, MEAN, 12),
    (1.0, MEAN, 5), (1.0, MEAN, 12), (1.0, LEAST, 5), (1.0, LEAST, 12),
)  # fmt: skip
"""Plans: at which share of which throughput of the last 5, for how many chunks."""
GAINS = (3, 4, 6)
"""Plans by which one bitrate more and one less are weighed."""


@njit(cache=True, nogil=True)
def kept_worth(plan, rate, seen, sizes, k):
    """QoE of the next chunks at one bitrate, the change from the last one included."""
    share, kind, chunks = KEPT[plan]
    speed = share * (seen.least if kind == LEAST else seen.five)
    count = min(chunks, max(int(seen.remaining), 1))
    later = min(k.bitrates[rate] / 1000.0 * k.chunk / speed, k.longest) if speed > 0.0 else k.longest
    took = min(8.0 * sizes[rate] / speed, k.longest) if speed > 0.0 else k.longest
    buffer, stall = seen.buffer, 0.0
    for _ in range(count):
        stall += max(took - buffer, 0.0)
        buffer = max(buffer - took, 0.0) + k.chunk
        took = later
    change = abs(k.quality[rate] - k.quality[seen.level])
    return count * k.quality[rate] - k.rebuffer * stall - k.change * change


@njit(cache=True, nogil=True)
def best_kept(plan, seen, sizes, k):
    """The bitrate of the most QoE by a plan; of equals the lowest."""
    best, most = 0, kept_worth(plan, 0, seen, sizes, k)
    for rate in range(1, len(sizes)):
        worth = kept_worth(plan, rate, seen, sizes, k)
        if worth > most:
            best, most = rate, worth
    return best
