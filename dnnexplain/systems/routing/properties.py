"""What can be proved of a router: ready properties over its split ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnnexplain.contract.properties import Case, Change, Property, StateSet

if TYPE_CHECKING:
    from dnnexplain.systems.routing.system import RoutingSystem

__all__ = ["monotone_demand", "never_most_on_the_longest"]

_MOST = 0.5


def _longest(system: RoutingSystem) -> list[tuple[str, int]]:
    """Each pair's name and the output of its last (longest) path."""
    names = list(system.output.names)
    pairs: dict[str, int] = {name.rpartition(" path ")[0]: place for place, name in enumerate(names)}
    return list(pairs.items())


def never_most_on_the_longest(system: RoutingSystem) -> Property:
    """No pair sends more than half of its traffic over its longest path while its own demand is small."""
    count = len(system.output.names)
    cases = []
    for pair, place in _longest(system):
        own = {knob.name: (knob.low, 0.1 * knob.high) for knob in system.knobs if knob.name.endswith(f"demand {pair}")}
        if not own:
            continue
        states = StateSet.all_of(system).where(system, **own)
        cases.append(
            Case(
                f"{pair} sends more than {_MOST:.0%} over its longest path",
                states,
                np.eye(count)[[place]],
                np.array([-_MOST]),
            )
        )
    text = f"No pair sends more than {_MOST:.0%} over its longest path while its own demand is at most a tenth of the largest"
    return Property("never-most-on-longest", text, tuple(cases))


def monotone_demand(system: RoutingSystem) -> Property:
    """More demand of a pair never lowers the share that it sends over its longest path by more than a tenth."""
    count = len(system.output.names)
    cases = []
    for pair, place in _longest(system):
        for knob in system.knobs:
            if not knob.name.endswith(f"demand {pair}"):
                continue
            row = np.zeros((1, 2 * count))
            row[0, place], row[0, count + place] = 1.0, -1.0
            change = Change(knob.name, 0.1 * (knob.high - knob.low), knob.high - knob.low)
            words = f"{pair} sends less over its longest path once {knob.name} is larger"
            cases.append(Case(words, StateSet.all_of(system), row, np.array([-0.1]), change))
            break
    text = "More demand of a pair never lowers the share that it sends over its longest path by more than a tenth, all else equal"
    return Property("monotone-demand", text, tuple(cases))
