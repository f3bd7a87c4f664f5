"""Links of a user's folder, made ready for training: some are held out, the others are varied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.traces import Trace

__all__ = ["begun_at", "checks_of", "divided", "varied"]

HELD = 0.2
"""Share of the links that choose the weights and are not trained on."""


def divided(traces: Sequence[Trace], seed: int) -> tuple[list[Trace], list[Trace]]:
    """Links to train on, and those held out, a fifth of all but at least one; both in the order given.

    Raises:
        DnnExplainError: there is only one.
    """
    if len(traces) < 2:
        msg = "training needs at least 2 links: one to train on, and one that is held out to choose the weights"
        raise DnnExplainError(msg)
    held = set(np.random.default_rng(seed).permutation(len(traces))[: max(1, round(HELD * len(traces)))].tolist())
    train = [trace for place, trace in enumerate(traces) if place not in held]
    return train, [trace for place, trace in enumerate(traces) if place in held]


def varied(traces: Sequence[Trace], count: int, spread: float, seed: int) -> list[Trace]:
    """``count`` links: the given ones in turn, each time with its throughput times one factor.

    Args:
        traces: to vary.
        count: how many, at least as many as are given.
        spread: standard deviation of the factor's logarithm; 0: the links as they are.
        seed: of the factors.
    """
    factors = np.exp(spread * np.random.default_rng(seed).standard_normal(max(count, len(traces))))
    return [
        Trace(trace.name, trace.seconds, trace.mbps * factor, trace.notes)
        for trace, factor in zip((traces[place % len(traces)] for place in range(len(factors))), factors, strict=True)
    ]


def checks_of(held: Sequence[Trace], count: int) -> list[Trace]:
    """About ``count`` sessions over the links held out: each link is begun at places spread evenly over it."""
    rounds = max(1, count // len(held))
    return [begun_at(trace, part / rounds) for trace in held for part in range(rounds)]


def begun_at(trace: Trace, share: float) -> Trace:
    """The same link, which repeats, begun at the sample that many of its samples in, ``share`` in [0, 1)."""
    steps, rates = np.diff(trace.seconds), trace.mbps[1:]
    place = int(share * len(rates))
    seconds = trace.seconds[0] + np.concatenate([[0.0], np.cumsum(np.roll(steps, -place))])
    return Trace(trace.name, seconds, np.concatenate([trace.mbps[:1], np.roll(rates, -place)]), trace.notes)
