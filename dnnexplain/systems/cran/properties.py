"""What can be proved of a controller of radio heads: gains between what places allow, and ready properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.properties import Case, Change, LooseCell, Property, StateSet, chosen_over
from dnnexplain.contract.rules_agree import agreed_choices, agreed_switches
from dnnexplain.rule_names import rule_label

if TYPE_CHECKING:
    from dnnexplain.systems.cran.radio import Radio

__all__ = ["LOOSE_WORDS", "loose_cells", "monotone_demand", "never_dark", "rules_agree"]

LOOSE_WORDS = (
    "the mean gain of a link may be anything that some place of its user allows, whatever that of the others is"
)
_RAW = ("raw outputs are compared",)
_SERVED = 1.0
"""Mb/s from which somebody is to be served."""


def loose_cells(system: Radio, low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[LooseCell, ...]:
    """A link's gain is its margin and the mean gain at its user's place, which falls with the distance to the head."""
    codec, scene = system.codec, system.scene
    first, last = (ends[codec.place].reshape(scene.users, 2) for ends in (low, high))
    if (first == last).all():
        return ()
    heads = np.asarray(scene.positions)[None]
    near = np.clip(heads, first[:, None], last[:, None])
    far = np.where(np.abs(heads - first[:, None]) > np.abs(heads - last[:, None]), first[:, None], last[:, None])

    def gains(places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of a place for each user and head ``[U, R, 2]``: each link's mean gain ``[U N]``."""
        each = np.stack([np.diagonal(scene.mean_gain(place)) for place in places])
        return np.repeat(each, scene.antennas, axis=-1).reshape(-1)

    cells = np.arange(len(system.knobs))[codec.gain]
    most, least = gains(near), gains(far)
    return tuple(
        LooseCell(int(cell), {system.knobs[cell].name: 1.0}, float(least[at]), float(most[at]))
        for at, cell in enumerate(cells)
    )


def _awake(system: Radio, **heads: int) -> StateSet:
    return StateSet.all_of(system).where(system, **{f"head {name[1:]} awake": value for name, value in heads.items()})


def _off(system: Radio, head: int) -> list[NDArray[np.float64]]:
    """Rows, one above zero at least wherever a head that is awake is switched off."""
    count = len(system.output.names)
    if _toggles(system):
        return [chosen_over(count, head)]
    return [-np.eye(count)[[head - 1]]]


def _toggles(system: Radio) -> bool:
    return len(system.output.names) > system.scene.heads


def never_dark(system: Radio) -> Property:
    """With demand, the heads are not all switched off."""
    heads = range(1, system.scene.heads + 1)
    cases = []
    for user in range(1, system.scene.users + 1):
        demand = {f"user {user} demand": (_SERVED, np.inf)}
        if _toggles(system):
            for head in heads:
                states = _awake(system, **{f"h{item}": int(item == head) for item in heads}).where(system, **demand)
                rows = _off(system, head)[0]
                cases.append(
                    Case(f"head {head}, the last one awake, is switched off while user {user} has demand", states, rows,
                         np.zeros(len(rows)))
                )  # fmt: skip
        else:
            count = len(system.output.names)
            states = StateSet.all_of(system).where(system, **demand)
            cases.append(
                Case(f"all heads are off while user {user} has demand", states, -np.eye(count), np.zeros(count))
            )
    text = f"With a demand of at least {_SERVED:g} Mb/s, the heads are not all switched off"
    return Property("never-dark", text, tuple(cases), _RAW)


def monotone_demand(system: Radio) -> Property:
    """More demand of a user never switches off a head that would have stayed awake, all else equal."""
    count = len(system.output.names)
    cases = []
    for user in range(1, system.scene.users + 1):
        name = f"user {user} demand"
        reach = next(knob.high - knob.low for knob in system.knobs if knob.name == name)
        change = Change(name, reach / 10, reach)
        for head in range(1, system.scene.heads + 1):
            states = _awake(system, **{f"h{head}": 1})
            after = _off(system, head)[0]
            nothing = np.zeros((len(after), count))
            befores = chosen_over(count, head) * -1 if _toggles(system) else np.eye(count)[[head - 1]]
            rivals = [place for place in range(count) if place != head] if _toggles(system) else [None]
            for before, rival in zip(befores, rivals, strict=True):
                rows = np.vstack([np.hstack([before, np.zeros(count)])[None], np.hstack([nothing, after])])
                beside = "" if rival is None else f", where {system.output.names[rival]!r} was preferred before"
                words = f"head {head} is switched off once user {user} demands more{beside}"
                cases.append(Case(words, states, rows, np.zeros(len(rows)), change))
    return Property(
        "monotone-demand", "More demand of a user never switches a head off, all else equal", tuple(cases), _RAW
    )


def rules_agree(system: Radio) -> Property:
    """Where the nearest-head rule, the greedy one and the one with hysteresis decide alike, so does the network."""
    names = ("nearest", "greedy", "hysteresis")
    return (
        agreed_choices(system, names, called=rule_label)
        if _toggles(system)
        else agreed_switches(system, names, called=rule_label)
    )
