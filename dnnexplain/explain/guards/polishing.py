"""Small changes to a guard: a bound moved, added or dropped, a rule added, dropped, moved or given another fall-back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.regions.where import Span, Where

__all__ = ["Ladder", "between", "neighbour", "rebound"]

Rules = tuple[GuardRule, ...]
Floats = NDArray[np.float64]

RUNGS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 0.999)
FEW = 16
SHARP = 0.7
"""Share of the quantities that are drawn by how well they tell hard states from usual ones; the others are drawn evenly."""
WHY = "Found by small changes to rules that were learnt where the network falls behind."


@dataclass(frozen=True)
class Ladder:
    """Bounds that quantities may have, and how telling each quantity is.

    Attributes:
        names: of the quantities ``[F]``.
        rungs: for each quantity the values between which states that were met lie.
        weights: how often each quantity is drawn ``[F]``, summing to one.
    """

    names: tuple[str, ...]
    rungs: tuple[Floats, ...]
    weights: Floats

    @classmethod
    def of(cls, names: Sequence[str], values: Floats, hard: NDArray[np.bool_]) -> Ladder:
        """From quantities ``[B, F]`` of states that were met, on hard workloads or on usual ones ``[B]``."""
        rungs = tuple(_rungs(column) for column in values.T)
        usable = np.array([len(rung) > 0 for rung in rungs], dtype=np.float64)
        spread = values.std(axis=0)
        apart = np.abs(values[hard].mean(axis=0) - values[~hard].mean(axis=0)) if 0 < hard.sum() < len(hard) else usable
        telling = np.divide(apart, spread, out=np.zeros_like(spread), where=spread > 0) * usable
        even = usable / max(usable.sum(), 1.0)
        sharp = telling / telling.sum() if telling.sum() > 0 else even
        return cls(tuple(names), rungs, SHARP * sharp + (1 - SHARP) * even)

    def span(self, rng: np.random.Generator, name: str | None = None) -> Span:
        """A bound on one side of a quantity, drawn if it is not named."""
        place = self.names.index(name) if name is not None else int(rng.choice(len(self.names), p=self.weights))
        bound = float(rng.choice(self.rungs[place]))
        return Span(self.names[place], bound, None) if rng.random() < 0.5 else Span(self.names[place], None, bound)


def _rungs(column: Floats) -> Floats:
    """Values between which those of one quantity lie: all where they are few, else about some quantiles; see :func:`between`."""
    known = np.unique(column)
    if len(known) < 2:
        return np.empty(0)
    middles = between(known[:-1], known[1:])
    if len(middles) <= FEW:
        return middles
    places = np.searchsorted(known, np.quantile(column, RUNGS), side="left")
    return middles[np.unique(np.clip(places, 0, len(middles) - 1))]


def between(low: Floats, high: Floats) -> Floats:
    """Bounds that part values from the next larger ones ``[N]``: whole numbers where both are, and finite where one is."""
    with np.errstate(invalid="ignore"):
        middle = np.asarray((low + high) / 2, dtype=np.float64)
        whole = (low == np.floor(low)) & (high == np.floor(high))
    ends = np.where(np.isfinite(low), low, np.nextafter(high, -np.inf))
    return np.where(np.isfinite(middle), np.where(whole, np.floor(middle), middle), ends)


def rebound(rules: Rules, ladder: Ladder) -> Iterator[Rules]:
    """The same rules with one bound at another place: every place that its quantity has, on the side that it is on."""
    for place, rule in enumerate(rules):
        spans = rule.when.spans
        for at, span in enumerate(spans):
            for bound in ladder.rungs[ladder.names.index(span.feature)].tolist():
                for new in (replace(span, above=bound), replace(span, at_most=bound)):
                    old = (span.above is None, span.at_most is None)
                    if (new.above is None, new.at_most is None) == old and new.low < new.high and new != span:
                        where = Where((*spans[:at], new, *spans[at + 1 :]))
                        yield (*rules[:place], replace(rule, when=where), *rules[place + 1 :])


def neighbour(
    rules: Rules,
    ladder: Ladder,
    does: Sequence[str],
    most: int,
    rng: np.random.Generator,
    pool: Sequence[GuardRule] = (),
) -> Rules:
    """Rules after one small change, drawn."""
    if not rules or (len(rules) < most and rng.random() < 0.3):
        new = pool[int(rng.integers(len(pool)))] if pool and rng.random() < 0.4 else _drawn(ladder, does, rng)
        place = int(rng.integers(len(rules) + 1))
        return (*rules[:place], new, *rules[place:])
    place = int(rng.integers(len(rules)))
    kind = rng.choice(["bound", "narrow", "widen", "do", "drop", "move"], p=[0.35, 0.2, 0.15, 0.15, 0.05, 0.1])
    rest = (*rules[:place], *rules[place + 1 :])
    if kind == "drop":
        return rest
    if kind == "move":
        to = int(rng.integers(len(rules)))
        return (*rest[:to], rules[place], *rest[to:])
    return (*rules[:place], _changed(rules[place], str(kind), ladder, does, rng), *rules[place + 1 :])


def _drawn(ladder: Ladder, does: Sequence[str], rng: np.random.Generator) -> GuardRule:
    spans = _joined([ladder.span(rng) for _ in range(int(rng.integers(1, 4)))])
    return GuardRule(Where(spans), str(rng.choice(list(does))), WHY)


def _changed(rule: GuardRule, kind: str, ladder: Ladder, does: Sequence[str], rng: np.random.Generator) -> GuardRule:
    spans = rule.when.spans
    if kind == "do":
        return replace(rule, do=str(rng.choice(list(does))))
    if kind == "narrow" or not spans:
        return replace(rule, when=Where(_joined([*spans, ladder.span(rng)])))
    place = int(rng.integers(len(spans)))
    rest = [*spans[:place], *spans[place + 1 :]]
    if kind == "bound":
        old = spans[place]
        new = ladder.span(rng, old.feature) if len(ladder.rungs[ladder.names.index(old.feature)]) else old
        rest.insert(place, new)
    return replace(rule, when=Where(_joined(rest)))


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """One bound per quantity: of two on one quantity both where they hold somewhere together, else the later one."""
    result: dict[str, Span] = {}
    for span in spans:
        old = result.get(span.feature)
        if old is None:
            result[span.feature] = span
            continue
        low, high = max(old.low, span.low), min(old.high, span.high)
        both = Span(span.feature, None if low == -np.inf else low, None if high == np.inf else high)
        result[span.feature] = both if low < high else span
    return tuple(result.values())
