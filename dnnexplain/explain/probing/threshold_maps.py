"""Thresholds of a whole layer: neuron by object, length by demand, and a count over networks.

The definitions of dead, active, saturated and flat are those of :mod:`dnnexplain.explain.probing.responses`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars, heat
from dnnexplain.contract import DnnExplainError, Policy, State, System, state_from_values
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.sweeps import Others, knob_index, knobs_of_kind, product_rows
from dnnexplain.explain.probing.neurons import check_neuron, layer_of, neuron_activations
from dnnexplain.explain.probing.responses import Response
from dnnexplain.explain.probing.thresholds import Curves, curves
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field, register

__all__ = [
    "Census",
    "MapSize",
    "NetworkCount",
    "Surface",
    "ThresholdMap",
    "census",
    "largest_knobs",
    "map_size",
    "surface",
    "threshold_map",
]

_STEPS = ("turns on", "turns off", "starts changing", "stops changing")


@dataclass(frozen=True, eq=False)
class ThresholdMap(Result):
    """Neuron by object (job slot): where each curve over one kind of knob changes its response.

    Attributes:
        kind: of knob: ``"length"``.
        curves: the curves behind the map; ``map.curves.curve(neuron, knob)`` is the one behind a cell.
        turns_on, turns_off, starts_changing, stops_changing: the first value after the (first) threshold
            of that kind, in the knob's unit; NaN where there is none ``[units, knobs]``.
    """

    question: Question
    kind: str
    curves: Curves
    turns_on: NDArray[np.float64] = array_field("neuron", "knob", unit="knob")
    turns_off: NDArray[np.float64] = array_field("neuron", "knob", unit="knob")
    starts_changing: NDArray[np.float64] = array_field("neuron", "knob", unit="knob")
    stops_changing: NDArray[np.float64] = array_field("neuron", "knob", unit="knob")

    @property
    def knobs(self) -> tuple[str, ...]:
        """The columns of the map."""
        return self.curves.knobs

    @property
    def shows(self) -> NDArray[np.bool_]:
        """Whether a curve has any threshold ``[units, knobs]``."""
        every = np.stack([self.turns_on, self.turns_off, self.starts_changing, self.stops_changing])
        return np.asarray(np.isfinite(every).any(axis=0))

    def sentence(self) -> str:
        """How many neurons show thresholds, and where the typical ones are."""
        shows, unit = self.shows, self.curves.units[0]
        count, total = int(shows.any(axis=1).sum()), len(shows)
        parts = [
            f"{count} of {counted(total, 'neuron')} show a threshold in the {self.kind} of at least one of {len(self.knobs)}"
        ]
        for words, where in (("turn on", self.turns_on), ("stop changing", self.stops_changing)):
            places = where[np.isfinite(where)]
            if len(places):
                values = f"{number(np.median(places))} {unit}".strip()
                many = f"{len(places)} curves {words}" if len(places) > 1 else f"1 curve {words.replace(' ', 's ', 1)}"
                parts.append(f"{many}, half of them at {values} or below" if len(places) > 1 else f"{many} at {values}")
        return "; ".join(parts) + "."

    def table(self) -> list[dict[str, Any]]:
        """One row per curve with a threshold."""
        return [row for row in self.curves.table() if row["thresholds"]]

    def picture(self) -> Chart:
        """Where each neuron turns on (or starts to change), neuron by knob; blank where it never does."""
        where = np.where(np.isfinite(self.turns_on), self.turns_on, self.starts_changing)
        names = [f"neuron {i}" for i in range(len(where))]
        value = Axis(f"{self.kind} at which it turns on or starts to change", self.curves.units[0])
        return heat(where, names, self.knobs, value, x=Axis("knob"), y=Axis("neuron"))


MOST_BYTES = 256 * 2**20
"""Of curves that a map keeps."""

_POINTS, _FEWEST = 101, 11


@dataclass(frozen=True, slots=True)
class MapSize:
    """What a threshold map will take.

    Attributes:
        knobs, neurons: the columns and rows of the map.
        points: values of each continuous knob.
        states: that are computed.
        bytes: of the curves that are kept.
    """

    knobs: int
    neurons: int
    points: int
    states: int
    bytes: int

    def sentence(self) -> str:
        """The size in words."""
        return (
            f"A map of {counted(self.neurons, 'neuron')} by {counted(self.knobs, 'knob')} computes "
            f"{counted(self.states, 'state')} and keeps {self.bytes / 2**20:,.0f} MB of curves."
        )


def map_size(
    system: System, policy: Policy, kind: str, *, layer: str | None = None, knobs: Sequence[str] | None = None
) -> MapSize:
    """What a threshold map will take, before it is computed; arguments as of :func:`threshold_map`.

    Raises:
        DnnExplainError: the curves cannot be kept, even with few values of each knob.
    """
    units = layer_of(system, policy, layer).units
    known = {knob.name: knob for knob in system.knobs}
    named = knobs_of_kind(system, kind) if knobs is None else tuple(knobs)
    chosen = [known[name] if name in known else system.knobs[knob_index(system, name)] for name in named]
    stepped = sum(len(knob.grid()) for knob in chosen if knob.step is not None)
    smooth = sum(knob.step is None for knob in chosen)
    room = MOST_BYTES // (8 * units) - stepped
    points = _POINTS if not smooth else min(_POINTS, room // smooth)
    if room < 0 or points < _FEWEST:
        size = 8 * units * (stepped + smooth * _FEWEST) / 2**20
        msg = (
            f"a map of {counted(units, 'neuron')} by {counted(len(named), 'knob')} would keep {size:,.0f} MB of curves even "
            f"with {_FEWEST} values of each (at most {MOST_BYTES / 2**20:,.0f}); name fewer: knobs=largest_knobs(system, "
            f"{kind!r}, state, 100)"
        )
        raise DnnExplainError(msg)
    states = stepped + smooth * points
    return MapSize(len(named), units, points, states, 8 * units * states)


def largest_knobs(system: System, kind: str, state: State | None, count: int) -> tuple[str, ...]:
    """The knobs of a kind that are largest in a state (by default in the system's default one), in their own order."""
    names = knobs_of_kind(system, kind)
    if len(names) <= count:
        return names
    values = (state or state_from_values(system, {})).values
    place = {knob.name: values[i] for i, knob in enumerate(system.knobs)}
    kept = set(sorted(names, key=lambda name: -place[name])[:count])
    return tuple(name for name in names if name in kept)


def threshold_map(
    system: System,
    policy: Policy,
    kind: str,
    *,
    state: State | None = None,
    layer: str | None = None,
    others: Others | str = Others.AS_THEY_ARE,
    held: Mapping[str, float] | None = None,
    reference: NDArray[Any] | None = None,
    knobs: Sequence[str] | None = None,
) -> ThresholdMap:
    """Thresholds of all neurons over knobs of one kind; arguments as of :func:`thresholds.curves`.

    What a map will take says :func:`map_size`. Its states are computed in blocks of bounded memory, and its curves are
    kept, so that each cell can be opened: where they would be too large, continuous knobs take fewer values.

    Args:
        kind: of knobs: ``"length"``.
        knobs: some of them by name; all if not given. :func:`largest_knobs` names those that are largest in a state.

    Raises:
        DnnExplainError: as ``curves``; or more curves than can be kept.
    """
    knobs = knobs_of_kind(system, kind) if knobs is None else tuple(knobs)
    points = map_size(system, policy, kind, layer=layer, knobs=knobs).points
    traced = curves(
        system, policy, knobs, state=state, layer=layer, others=others, held=held, reference=reference, points=points
    )
    where = {step: np.full((len(traced.scale), len(knobs)), np.nan) for step in _STEPS}
    for column, labels in enumerate(traced.labels):
        for neuron in np.flatnonzero((np.diff(labels, axis=1) != 0).any(axis=1)):
            for step in reversed(traced.curve(int(neuron), knobs[column]).thresholds):
                where[step.kind][neuron, column] = step.after
    return ThresholdMap(
        question=traced.question,
        kind=kind,
        curves=traced,
        turns_on=where["turns on"],
        turns_off=where["turns off"],
        starts_changing=where["starts changing"],
        stops_changing=where["stops changing"],
    )


@dataclass(frozen=True, eq=False)
class Surface(Result):
    """One neuron's activation over two knobs.

    Attributes:
        knobs, units: of the two axes.
        first, second: their grids.
        activation: ``[len(first), len(second)]``; NaN where no valid state has these values.
        held: values given to other knobs of their groups; ``note`` says why.
        measured: what a neuron is: the operation after which it is read.
    """

    question: Question
    layer: str
    neuron: int
    knobs: tuple[str, str]
    units: tuple[str, str]
    first: NDArray[np.float64] = array_field("first", unit="knob")
    second: NDArray[np.float64] = array_field("second", unit="knob")
    activation: NDArray[np.float64] = array_field("first", "second", unit="activation")
    held: Mapping[str, float] | None = None
    note: str = ""
    measured: str = ""

    def sentence(self) -> str:
        """Where the surface is highest and how much of it is off."""
        i, j = np.unravel_index(int(np.nanargmax(self.activation)), self.activation.shape)
        words = f"{self.knobs[0]} {number(self.first[i])} {self.units[0]} and {self.knobs[1]} {number(self.second[j])} {self.units[1]}"
        if not np.nan_to_num(self.activation).any():
            return f"Neuron {self.neuron} is off over the whole grid. {self.note}".strip()
        off = float((self.activation[np.isfinite(self.activation)] == 0).mean())
        text = f"Neuron {self.neuron} is highest, {number(self.activation[i, j])}, at {words}, and off in {number(100 * off)}% of the grid."
        return f"{text} {self.note}".strip()

    def picture(self) -> Chart:
        """The activation over both knobs, the first one upwards."""
        across, up = (Axis(name, unit) for name, unit in zip(self.knobs[::-1], self.units[::-1], strict=True))
        rows, columns = [number(v) for v in self.first[::-1]], [number(v) for v in self.second]
        title = f"neuron {self.neuron}"
        return heat(self.activation[::-1], rows, columns, Axis("activation"), x=across, y=up, title=title)


def surface(
    system: System,
    policy: Policy,
    neuron: int,
    knob_a: str,
    knob_b: str,
    *,
    state: State | None = None,
    layer: str | None = None,
    others: Others | str = Others.AS_THEY_ARE,
    held: Mapping[str, float] | None = None,
    points: int = 41,
) -> Surface:
    """A neuron's activation over all pairs of values of two knobs (length and demand), in one forward pass.

    Arguments as of :func:`thresholds.curves`; a continuous knob takes ``points`` values.

    Raises:
        DnnExplainError: the two knobs are one, or as ``curves``.
    """
    if knob_a == knob_b:
        msg = f"a surface needs two different knobs, not {knob_a!r} twice"
        raise DnnExplainError(msg)
    neuron_layer = layer_of(system, policy, layer)
    number = check_neuron(neuron_layer, neuron)
    grid = product_rows(system, (knob_a, knob_b), state, others, held, points)
    seen = neuron_activations(policy, neuron_layer, grid.observations, [number])[:, 0]
    if grid.valid is not None and grid.valid.any():
        seen[~grid.valid] = np.nan
    first, second = grid.grids
    settings = {"knobs": [knob_a, knob_b], "others": Others(others).value, "layer": neuron_layer.name, "neuron": number}
    return Surface(
        question=Question.about(system, policy, state, method="knob surface", settings=settings),
        layer=neuron_layer.name,
        measured=neuron_layer.measured,
        neuron=number,
        knobs=(knob_a, knob_b),
        units=(system.knobs[grid.knobs[0]].unit, system.knobs[grid.knobs[1]].unit),
        first=first,
        second=second,
        activation=seen.reshape(len(first), len(second)),
        held=grid.held[0],
        note=" ".join(note for note in grid.notes if note),
    )


@register
@dataclass(frozen=True, slots=True)
class NetworkCount:
    """How many neurons of one network show thresholds over one kind of knob.

    Attributes:
        policy, checkpoint: the network.
        neurons: all of the layer.
        threshold: those with a threshold in at least one curve.
        off_below: with a curve that is dead at the low end and turns on ("below 5 off").
        settles_above: with a curve that is saturated, or dead, at the high end after it reacted ("above 15
            no difference").
        both: with one curve that is both.
        dead: whose activation is 0 on every curve.
        flat: that react on no curve, and are not dead.
        median_on, median_settles: the median first value after turning on, and after which nothing
            changes, over all such curves; NaN if there are none.
    """

    policy: str
    checkpoint: str
    neurons: int
    threshold: int
    off_below: int
    settles_above: int
    both: int
    dead: int
    flat: int
    median_on: float
    median_settles: float


@dataclass(frozen=True, eq=False)
class Census(Result):
    """How many neurons show thresholds, over several networks."""

    question: Question
    kind: str
    unit: str
    networks: tuple[NetworkCount, ...]

    def sentence(self) -> str:
        """The totals over all networks."""
        total = sum(network.neurons for network in self.networks)
        threshold, below, above, both = (
            sum(getattr(network, name) for network in self.networks)
            for name in ("threshold", "off_below", "settles_above", "both")
        )
        return (
            f"In {counted(len(self.networks), 'network')}, {threshold} of {counted(total, 'neuron')} show a threshold in {self.kind}: "
            f"{below} are off below some value, {above} see no difference above some value, {both} both."
        )

    def table(self) -> list[dict[str, Any]]:
        """One row per network."""
        return [{name: getattr(network, name) for name in NetworkCount.__slots__} for network in self.networks]

    def picture(self) -> Chart:
        """Neurons of each kind, network by network."""
        names = [network.policy for network in self.networks]
        kinds = {"threshold": "threshold", "off_below": "off below", "settles_above": "settles above", "dead": "dead"}
        shown = {words: [getattr(network, name) for network in self.networks] for name, words in kinds.items()}
        return bars(names, shown, Axis("neurons"), x=Axis("network"), title=f"Thresholds in {self.kind}")


def census(
    system: System,
    policies: Sequence[Policy],
    kind: str,
    *,
    state: State | None = None,
    layer: str | None = None,
    others: Others | str = Others.EMPTY,
    held: Mapping[str, float] | None = None,
    reference: NDArray[Any] | None = None,
) -> Census:
    """Count the neurons that show thresholds over a kind of knob, network by network.

    By default all other objects are absent (``others="empty"``), as in the paper's Figure 3b.
    """
    if not policies:
        msg = "a census needs at least one network"
        raise DnnExplainError(msg)
    options: dict[str, Any] = {"state": state, "layer": layer, "others": others, "held": held, "reference": reference}
    maps = [threshold_map(system, policy, kind, **options) for policy in policies]
    settings = {"kind": kind, "others": Others(others).value, "networks": [policy.name for policy in policies]}
    return Census(
        question=Question.about(system, None, state, method="threshold census", settings=settings),
        kind=kind,
        unit=maps[0].curves.units[0],
        networks=tuple(_count(policy, item) for policy, item in zip(policies, maps, strict=True)),
    )


def _count(policy: Policy, curves: ThresholdMap) -> NetworkCount:
    labels = np.stack(curves.curves.labels, axis=1)  # [units, knobs, n]
    reacts = (labels == Response.ACTIVE).any(axis=2) | curves.shows
    below = (labels[..., 0] == Response.DEAD) & np.isfinite(curves.turns_on)
    above = np.isin(labels[..., -1], (Response.SATURATED, Response.DEAD)) & reacts
    settles = np.where(np.isfinite(curves.stops_changing), curves.stops_changing, curves.turns_off)[above]
    dead = (labels == Response.DEAD).all(axis=(1, 2))
    return NetworkCount(
        policy=policy.name,
        checkpoint=getattr(policy, "checkpoint", ""),
        neurons=len(labels),
        threshold=int(curves.shows.any(axis=1).sum()),
        off_below=int(below.any(axis=1).sum()),
        settles_above=int(above.any(axis=1).sum()),
        both=int((below & above).any(axis=1).sum()),
        dead=int(dead.sum()),
        flat=int((~reacts.any(axis=1) & ~dead).sum()),
        median_on=float(np.median(curves.turns_on[below])) if below.any() else float("nan"),
        median_settles=float(np.nanmedian(settles)) if np.isfinite(settles).any() else float("nan"),
    )
