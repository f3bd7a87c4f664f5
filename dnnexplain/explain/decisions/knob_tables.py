"""What is looked up in a system's knobs at every step of a drag: made once, for a large network has 40,000 of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Knob

__all__ = ["kept", "knob_groups", "knob_places", "knob_spans"]

KEPT = 8
"""Systems whose tables are kept."""

Table = TypeVar("Table")


def kept(make: Callable[[Sequence[Knob]], Table]) -> Callable[[Sequence[Knob]], Table]:
    """Keep what is made of the knobs of a few systems.

    They are known by identity: to compare 40,000 knobs takes as long as to make the table. A list may change, so
    only what is made of a tuple is kept.
    """
    known: OrderedDict[int, tuple[Sequence[Knob], Table]] = OrderedDict()
    lock = Lock()

    @wraps(make)
    def table(knobs: Sequence[Knob]) -> Table:
        if not isinstance(knobs, tuple):
            return make(knobs)
        with lock:
            if id(knobs) in known:
                known.move_to_end(id(knobs))
                return known[id(knobs)][1]
        made = make(knobs)
        with lock:
            known[id(knobs)] = (knobs, made)  # holds the knobs, so no other object has their identity
            while len(known) > KEPT:
                known.popitem(last=False)
        return made

    return table


@kept
def knob_places(knobs: Sequence[Knob]) -> Mapping[str, int]:
    """The position of each knob by its name."""
    return {knob.name: place for place, knob in enumerate(knobs)}


@kept
def knob_groups(knobs: Sequence[Knob]) -> Mapping[str, Sequence[int]]:
    """The positions of the knobs of each named group."""
    groups: dict[str, list[int]] = {}
    for place, knob in enumerate(knobs):
        if knob.group:
            groups.setdefault(knob.group, []).append(place)
    return groups


@kept
def knob_spans(knobs: Sequence[Knob]) -> NDArray[np.float64]:
    """Highest less lowest value of each knob ``[K]``, in its unit."""
    spans = np.array([knob.high - knob.low for knob in knobs], dtype=np.float64)
    spans.setflags(write=False)
    return spans
