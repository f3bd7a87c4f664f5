"""What can be proved of a router: ready properties over its split ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnnexplain.contract.properties import Case, Change, Property, StateSet

if TYPE_CHECKING:
    from dnnexplain.contract import Knob
    from dnnexplain.systems.routing.system import RoutingSystem

__all__ = ["monotone_demand", "never_most_on_the_longest"]

_MOST = 0.5


def _longest(system: RoutingSystem) -> list[tuple[str, int, list[Knob]]]:
    """Each pair's name, the output of its last (longest) path, and its demands, the oldest first."""
    names = list(system.output.names)
    last: dict[str, int] = {name.rpartition(" path ")[0]: place for place, name in enumerate(names)}
    own: dict[str, list[Knob]] = {pair: [] for pair in last}
    for knob in system.knobs:
        own[knob.group].append(knob)
    return [(pair, place, own[pair]) for pair, place in last.items()]


def never_most_on_the_longest(system: RoutingSystem) -> Property:
    """No pair sends more than half of its traffic over its longest path while its own demands, past ones too, are small."""
    count = len(system.output.names)
    cases = []
    for pair, place, demands in _longest(system):
        states = StateSet.all_of(system).where(system, **{knob.name: (knob.low, 0.1 * knob.high) for knob in demands})
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
    """More demand of a pair never lowers the share that it sends over its longest path by more than a tenth.

    The demand is the newest that a router sees: the one to route, the one before, or, where a state holds both, either.
    """
    newest = 2 if system.routed else 1
    count = len(system.output.names)
    cases = []
    for pair, place, demands in _longest(system):
        for knob in demands[-newest:]:
            row = np.zeros((1, 2 * count))
            row[0, place], row[0, count + place] = 1.0, -1.0
            change = Change(knob.name, 0.1 * (knob.high - knob.low), knob.high - knob.low)
            words = f"{pair} sends less over its longest path once {knob.name} is larger"
            cases.append(Case(words, StateSet.all_of(system), row, np.array([-0.1]), change))
    text = "More demand of a pair never lowers the share that it sends over its longest path by more than a tenth, all else equal"
    return Property("monotone-demand", text, tuple(cases))
