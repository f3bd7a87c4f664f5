"""Rules of a guard given a memory: those that wait for a sign to last, and those that go on once it came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.guards.polishing import Ladder
from dnnexplain.explain.guards.stay import Stay
from dnnexplain.explain.regions.where import EVERYWHERE, Span, Where

__all__ = ["with_memory"]

LONG = (5, 20)
"""Decisions for which a rule may go on."""
LASTING = 3
"""Decisions on end in which the states of a rule may have to hold."""
MARGIN = 2
"""Rungs between the bound by which a rule begins and that by which it ends: hysteresis."""


def with_memory(rules: Sequence[GuardRule], ladder: Ladder) -> Iterator[GuardRule]:
    """Each rule of some states with memories of several kinds; a rule that holds everywhere needs none."""
    for rule in rules:
        if rule.when == EVERYWHERE or rule.remembers:
            continue
        yield replace(rule, stay=Stay())
        for decisions in LONG:
            yield replace(rule, stay=Stay(decisions=decisions))
        yield replace(rule, after=LASTING)
        yield replace(rule, after=LASTING, stay=Stay(decisions=LONG[-1]))
        if back := _back(rule.when.spans[0], ladder):
            yield replace(rule, stay=Stay(back))


def _back(span: Span, ladder: Ladder) -> Where | None:
    """States beyond a bound's other side by a margin: ``until`` of a rule that begins at it."""
    rungs = ladder.rungs[ladder.names.index(span.feature)]
    if span.above is not None and (below := rungs[rungs < span.above]).size:
        return Where((Span(span.feature, None, float(below[max(-MARGIN, -below.size)])),))
    if span.at_most is not None and (higher := rungs[rungs > span.at_most]).size:
        return Where((Span(span.feature, float(higher[min(MARGIN, higher.size) - 1]), None),))
    return None
