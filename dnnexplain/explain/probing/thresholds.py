"""Threshold curves: a neuron's activation against a knob, and where it is dead, active or saturated.

After Figure 3b of "Demystifying Deep Learning in Networking" (APNet 2018): neurons of DeepRM are off for
short jobs, react to a range of lengths, and see no difference above it. What dead, active, saturated and
flat mean here is defined in :mod:`dnnexplain.explain.probing.responses`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars, heat, lines
from dnnexplain.contract import Choice, Policy, State, System
from dnnexplain.counts import counted, joined
from dnnexplain.explain.decisions.sweeps import Others, kind_of, kinds, knob_index, knobs_of_kind, sweep_rows
from dnnexplain.explain.probing.neurons import NeuronLayer, check_neuron, layer_of, neuron_activations
from dnnexplain.explain.probing.responses import Range, Response, Threshold, classify, ranges_of, thresholds_of
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["Curves", "ThresholdCurve", "curve", "curves"]

_NAMED = 4
"""Knobs that a sentence names."""


@dataclass(frozen=True, eq=False)
class ThresholdCurve(Result):
    """One neuron's activation against one knob.

    Attributes:
        neuron: counted from 0.
        knob, unit: what is swept.
        values: the knob's grid ``[n]``.
        activation: at each value ``[n]``.
        labels: the :class:`Response` at each value ``[n]``.
        current: the knob's value in the state, or ``None`` if the curve belongs to no state.
        others: what the knobs outside the group are while this one is swept.
        held: values given to other knobs of the group; ``note`` says why.
        measured: what the neuron is: the operation after which it is read.
    """

    question: Question
    layer: str
    neuron: int
    knob: str
    unit: str
    values: NDArray[np.float64] = array_field("value", unit="knob")
    activation: NDArray[np.float64] = array_field("value", unit="activation")
    labels: NDArray[np.int8] = array_field("value")
    current: float | None = None
    others: str = Others.AS_THEY_ARE.value
    held: Mapping[str, float] | None = None
    note: str = ""
    measured: str = ""

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """Runs of grid values with one response, from low to high."""
        return ranges_of(self.values, self.labels)

    @cached_property
    def thresholds(self) -> tuple[Threshold, ...]:
        """Where the response changes, from low to high."""
        return thresholds_of(self.values, self.labels)

    def sentence(self) -> str:
        """What the curve shows, in words."""
        who, unit = f"Neuron {self.neuron}", f" {self.unit}" if self.unit else ""
        if (self.labels == Response.DEAD).all():
            text = f"{who} is off whatever the {self.knob}."
        elif (self.labels == Response.FLAT).all():
            text = f"{who} does not react to the {self.knob}: it stays near {number(self.activation.mean())}."
        else:
            span = f"As the {self.knob} goes from {number(self.values[0])} to {number(self.values[-1])}{unit}"
            move = f"{who.lower()} moves from {number(self.activation[0])} to {number(self.activation[-1])}"
            words = joined([self._step_words(step) for step in self.thresholds])
            text = f"{span}, {move}{f'; it {words}' if words else ' without a threshold'}."
        return f"{text} {self.note}".strip()

    def _step_words(self, step: Threshold) -> str:
        if step.kind in {"turns on", "starts changing"}:
            return f"{step.kind} above {number(step.before)}"
        where = step.after if step.kind == "stops changing" else step.before
        return (
            f"{step.kind} from {number(where)} on"
            if step.kind == "stops changing"
            else f"{step.kind} above {number(where)}"
        )

    def table(self) -> list[dict[str, Any]]:
        """One row per grid value."""
        rows = zip(self.values.tolist(), self.activation.tolist(), self.labels.tolist(), strict=True)
        return [{self.knob: v, "activation": a, "response": Response(code).name.lower()} for v, a, code in rows]

    def picture(self) -> Chart:
        """The activation over the knob, its thresholds and where the state stands."""
        places = [(step.kind, 0.5 * (step.before + step.after)) for step in self.thresholds]
        if self.current is not None:
            places.append(("now", self.current))
        shown = {f"neuron {self.neuron}": (self.values, self.activation)}
        return lines(shown, Axis(self.knob, self.unit), Axis("activation"), places=places, title=self.layer)


@dataclass(frozen=True, eq=False)
class Curves(Result):
    """All neurons' activations against several knobs, from one forward pass.

    Attributes:
        knobs, units: the swept knobs.
        values: per knob its grid ``[n_k]``.
        activation: per knob all curves ``[units, n_k]``.
        current: per knob its value in the state.
        scale: each neuron's range, for what counts as flat ``[units]``.
        held, notes: per knob what other knobs of its group were given, and why.
        measured: what a neuron is: the operation after which it is read.
    """

    VERSION: ClassVar[int] = 1

    question: Question
    layer: str
    rectified: bool
    knobs: tuple[str, ...]
    units: tuple[str, ...]
    values: tuple[NDArray[np.float64], ...]
    activation: tuple[NDArray[np.float64], ...]
    current: NDArray[np.float64] = array_field("knob", unit="knob")
    scale: NDArray[np.float64] = array_field("neuron", unit="activation")
    others: str = Others.AS_THEY_ARE.value
    held: tuple[Mapping[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    measured: str = ""

    @cached_property
    def labels(self) -> tuple[NDArray[np.int8], ...]:
        """Per knob the :class:`Response` of all neurons ``[units, n_k]``."""
        pairs = zip(self.values, self.activation, strict=True)
        return tuple(classify(grid, a, self.scale, rectified=self.rectified) for grid, a in pairs)

    def curve(self, neuron: int, knob: str) -> ThresholdCurve:
        """One neuron's curve over one of the knobs."""
        if knob not in self.knobs:
            raise Choice("curve over knob", knob, self.knobs).error()
        i = self.knobs.index(knob)
        return ThresholdCurve(
            question=self.question,
            layer=self.layer,
            neuron=neuron,
            knob=knob,
            unit=self.units[i],
            values=self.values[i],
            activation=self.activation[i][neuron],
            labels=self.labels[i][neuron],
            current=None if np.isnan(self.current[i]) else float(self.current[i]),
            others=self.others,
            held=self.held[i],
            note=self.notes[i],
            measured=self.measured,
        )

    def sentence(self) -> str:
        """How many neurons react to one of the knobs."""
        reacts = np.any([(np.ptp(item, axis=1) > 0) for item in self.activation], axis=0)
        swept = joined(self.knobs) if len(self.knobs) <= _NAMED else f"one of {len(self.knobs)} knobs"
        return (
            f"{int(reacts.sum())} of {counted(len(reacts), 'neuron')} of layer {self.layer} move as {swept} is swept."
        )

    def table(self) -> list[dict[str, Any]]:
        """One row per neuron and knob, with the thresholds in words."""
        rows = []
        for neuron in range(len(self.scale)):
            for knob in self.knobs:
                curve = self.curve(neuron, knob)
                words = "; ".join(step.words() for step in curve.thresholds)
                rows.append({"neuron": neuron, "knob": knob, "thresholds": words})
        return rows

    def picture(self) -> Chart:
        """How far each neuron moves as each knob is swept, neuron by knob."""
        moved = np.stack([np.ptp(item, axis=1) for item in self.activation], axis=1)
        names = [f"neuron {i}" for i in range(len(moved))]
        value, title = Axis("range of the activation"), f"layer {self.layer}"
        if len(self.knobs) == 1:
            return bars(names, {self.knobs[0]: moved[:, 0]}, value, x=Axis("neuron"), title=f"{title}, {self.knobs[0]}")
        return heat(moved, names, self.knobs, value, x=Axis("knob"), y=Axis("neuron"), title=title)


def curves(
    system: System,
    policy: Policy,
    knobs: Sequence[str],
    *,
    state: State | None = None,
    layer: str | None = None,
    others: Others | str = Others.AS_THEY_ARE,
    held: Mapping[str, float] | None = None,
    reference: NDArray[Any] | None = None,
    scale: NDArray[np.float64] | None = None,
    points: int = 101,
) -> Curves:
    """All neurons' activations against each of several knobs, in one batched forward pass.

    Args:
        system: the world.
        policy: with a torch network inside.
        knobs: names of the knobs to sweep, each on its whole grid (``points`` values if continuous), less
            the values at which the state would not be valid (length 0 of a job with demands).
        state: what all else stays at; the default state if not given.
        layer: by name; the first hidden layer if not given.
        others: whether knobs outside the swept knob's group stay ``"as they are"`` in the state or are
            ``"empty"``: at their lowest value, without background.
        held: values for other knobs of the swept knob's group, by name or kind: ``{"cpu": 5}``. If not
            given and the sweep would paint nothing (the job is not there), they get their default, or
            the middle of their range; ``notes`` says so.
        reference: observations of reachable states ``[R, *observation_shape]`` over which a neuron's
            range is taken; without them the range over these curves.
        scale: that range ``[units]``, if it is known already.
        points: values of a continuous knob.

    Raises:
        DnnExplainError: an unknown knob or layer, or a policy without a network.
    """
    neuron_layer = layer_of(system, policy, layer)
    sweeps = _swept(system, policy, neuron_layer, knobs, state, others, held, points)
    parts = [curve for sweep in sweeps for curve in sweep.curves]
    if scale is None and reference is not None:
        known = neuron_activations(policy, neuron_layer, reference).T
        scale = known.max(axis=1) - known.min(axis=1)
    elif scale is None:
        scale = np.max([part.max(axis=1) for part in parts], axis=0) - np.min(
            [part.min(axis=1) for part in parts], axis=0
        )
    places = [place for sweep in sweeps for place in sweep.knobs]
    current = [np.nan if state is None else state.values[place] for place in places]
    settings = {"knobs": list(knobs), "others": str(Others(others).value), "layer": neuron_layer.name, "points": points}
    return Curves(
        question=Question.about(system, policy, state, method="knob sweep", settings=settings),
        layer=neuron_layer.name,
        rectified=neuron_layer.rectified,
        knobs=tuple(knobs),
        units=tuple(system.knobs[i].unit for i in places),
        values=tuple(grid for sweep in sweeps for grid in sweep.grids),
        activation=tuple(parts),
        current=np.array(current, dtype=np.float64),
        scale=scale,
        others=Others(others).value,
        held=tuple(item for part in sweeps for item in part.held),
        notes=tuple(note for part in sweeps for note in part.notes),
        measured=neuron_layer.measured,
    )


BLOCK_BYTES = 64 * 2**20
"""What the states of one block of sweeps may take."""

_COPIES = 4
"""Of a row of knob values: as asked, repaired, drawn, and in between."""


class _Swept(NamedTuple):
    """Sweeps of some knobs, of which the states are gone: positions, grids, curves ``[units, n_k]``, what was held."""

    knobs: tuple[int, ...]
    grids: tuple[NDArray[np.float64], ...]
    curves: list[NDArray[np.float64]]
    held: tuple[Mapping[str, float], ...]
    notes: tuple[str, ...]


def _swept(
    system: System,
    policy: Policy,
    layer: NeuronLayer,
    knobs: Sequence[str],
    state: State | None,
    others: Others | str,
    held: Mapping[str, float] | None,
    points: int,
) -> list[_Swept]:
    """The curves of all knobs, so many knobs at a time that their states take a bounded memory."""
    cells = int(np.prod(system.observation_shape))
    each = points * (8 * _COPIES * len(system.knobs) + 4 * cells + 8 * layer.units)
    block = max(1, BLOCK_BYTES // each)
    swept = []
    for first in range(0, max(len(knobs), 1), block):  # without knobs the sweep says what is missing
        sweep = sweep_rows(system, knobs[first : first + block], state, others, held, points)
        seen = neuron_activations(policy, layer, sweep.observations).T  # [units, B]
        parts = [np.ascontiguousarray(part) for part in np.split(seen, sweep.starts[1:-1], axis=1)]
        swept.append(_Swept(sweep.knobs, sweep.grids, parts, sweep.held, sweep.notes))
    return swept


def curve(
    system: System,
    policy: Policy,
    neuron: int,
    knob: str,
    *,
    state: State | None = None,
    layer: str | None = None,
    others: Others | str = Others.AS_THEY_ARE,
    held: Mapping[str, float] | None = None,
    reference: NDArray[Any] | None = None,
    points: int = 101,
) -> ThresholdCurve:
    """One neuron's activation against every value of one knob; arguments as of :func:`curves`.

    The neuron is counted from 0. Without ``reference`` the neuron's range is taken over all knobs of the
    same kind (all jobs' lengths), so that a curve that hardly moves among them counts as flat.
    """
    number = check_neuron(layer_of(system, policy, layer), neuron)
    kind = kind_of(system.knobs[knob_index(system, knob)])
    alike = kind in kinds(system) and reference is None
    family = list(knobs_of_kind(system, kind)) if alike else [knob]
    together = curves(
        system, policy, family, state=state, layer=layer, others=others, held=held, reference=reference, points=points
    )
    return together.curve(number, knob)
