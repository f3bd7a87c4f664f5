"""A network over groups of knobs, ready for bounds: what bends is noted with the bounds of what it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dnnexplain.contract import Case, DnnExplainError, StateSet, System
from dnnexplain.explain.networks.hooks import network_of, private
from dnnexplain.explain.proofs.dual_kernels import RANGE, RELU, SIGMOID, TANH, NetArrays, descend, first_bounds
from dnnexplain.explain.proofs.following import summands_after
from dnnexplain.explain.proofs.groups import GroupedInput, grouped
from dnnexplain.explain.proofs.inputs import loose_cells, summands
from dnnexplain.explain.proofs.listing_kernels import FlatArrays
from dnnexplain.explain.proofs.models import place_of, second_states
from dnnexplain.explain.proofs.network import CURVES, Bend, NetworkForms, Wave
from dnnexplain.explain.proofs.option_kernels import allowed
from dnnexplain.explain.proofs.tracing import traced

__all__ = ["Relaxation", "RelaxedModel", "relaxed_model"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_KINDS = {"relu": RELU, "sigmoid": SIGMOID, "tanh": TANH}
_DEEP = 6000
"""Bends whose bounds are taken through all layers before them, at most; of more, by intervals."""


class Relaxation:
    """Takes up what bends in a network whose inputs are groups of knobs.

    Args:
        inputs: the groups.
        go_on: false when the time is up: bounds are then no tighter than intervals give them.
    """

    def __init__(self, inputs: GroupedInput, go_on: Callable[[], bool] = lambda: True) -> None:
        self.inputs, self.go_on = inputs, go_on
        self.forms: list[sparse.csr_array] = []
        self.constants: list[Floats] = []
        self.kinds: list[int] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self._net: NetArrays | None = None
        self._adds: Floats | None = None

    def __len__(self) -> int:
        return self.inputs.count + len(self.kinds)

    # --- what NetworkForms asks ---

    def bounds(self, weights: Floats, constant: Floats) -> tuple[Floats, Floats]:
        """Of forms ``[n, V]`` and ``[n]``: exact over groups for a first layer, by lines through all layers beyond."""
        self._look_at_the_time()
        count, first = len(constant), self.inputs.count
        low, high = np.full(count, -np.inf), np.full(count, np.inf)
        box = self.inputs.low, self.inputs.high
        deep = np.asarray((weights[:, first:] != 0).any(axis=1))
        alone = NetArrays(np.array([first]), *_rows_of(sparse.csr_array(weights), constant), np.zeros(count, dtype=np.int64),
                          np.zeros((0, first)), np.zeros(0))  # fmt: skip
        if not first_bounds(alone, self.inputs.arrays, *box, low, high, np.flatnonzero(~deep)):
            raise EmptyGroups
        if deep.any():
            low[deep], high[deep] = self._interval(weights[deep], constant[deep])
            undecided = np.flatnonzero(deep & (low < 0) & (high > 0))
            if len(undecided) <= _DEEP:
                self._through(weights, constant, low, high, undecided)
        return low, high

    def rectify(self, weights: Floats, constant: Floats, low: Floats, high: Floats) -> Ints:
        """Values ``max(0, x)``; their numbers."""
        return self._bend("relu", weights, constant, low, high)

    def curve(self, kind: str, weights: Floats, constant: Floats, low: Floats, high: Floats) -> Ints:
        """Values of a sigmoid or tanh; their numbers."""
        return self._bend(kind, weights, constant, low, high)

    def interval(self, weights: Floats, constant: Floats) -> tuple[Floats, Floats]:
        """Bounds of forms ``[n, V]`` and ``[n]``."""
        return self.bounds(weights, constant)

    def value(self, low: float, high: float) -> int:
        """A value of which nothing is known but its ends; its number."""
        middle = 0.5 * (low + high)
        ends = np.array([low]), np.array([high])
        self.forms.append(sparse.csr_array(np.zeros((1, len(self)))))
        self.constants.append(np.array([middle]))
        self.kinds.append(RANGE)
        self.low += ends[0].tolist()
        self.high += ends[1].tolist()
        self._net = None
        return len(self) - 1

    def largest(self, *_: Any) -> int:
        """Refused: no lines are known here."""
        msg = "bounds by lines know no max-pool; the mixed-integer program does"
        raise DnnExplainError(msg)

    # --- how ---

    def _look_at_the_time(self) -> None:
        """Of a convolutional network, its first look takes seconds: nothing is known of it before that is done."""
        if not self.go_on():
            msg = "the time was up before the network was laid out over these states"
            raise DnnExplainError(msg)

    def _bend(self, kind: str, weights: Floats, constant: Floats, low: Floats, high: Floats) -> Ints:
        numbers = len(self) + np.arange(len(constant), dtype=np.int64)
        self.forms.append(sparse.csr_array(weights))
        self.constants.append(constant)
        self.kinds += [_KINDS[kind]] * len(constant)
        self.low += low.tolist()
        self.high += high.tolist()
        self._net = None
        return numbers

    def net(self, rows: Floats, offsets: Floats) -> NetArrays:
        """All that bends, with rows over all values ``[r, V]`` to ask about."""
        return self._net_of()._replace(rows=np.ascontiguousarray(rows), offsets=np.asarray(offsets, float))

    def keep(self, net: NetArrays, adds: Floats | None) -> None:
        """Take over arrays that were laid out before."""
        self._net, self._adds = net, adds

    @property
    def adds(self) -> Floats:
        """What each input adds to each bend ``[V, n]``, where these see inputs alone."""
        if self._adds is None or self._adds.shape[1] != len(self.kinds):
            bends = [np.asarray(form.toarray())[:, : self.inputs.count] for form in self.forms]
            self._adds = np.ascontiguousarray(np.concatenate(bends).T) if bends else np.zeros((self.inputs.count, 0))
        return self._adds

    def _net_of(self) -> NetArrays:
        if self._net is None:
            start, columns, weights = [np.zeros(1, dtype=np.int64)], [], []
            before = 0
            for form in self.forms:
                start.append(form.indptr[1:].astype(np.int64) + before)
                before += int(form.nnz)
                columns.append(form.indices.astype(np.int64))
                weights.append(form.data)
            self._net = NetArrays(
                np.array([self.inputs.count]), np.concatenate(start), _joined(columns, np.int64),
                _joined(weights, np.float64), _joined(self.constants, np.float64), np.array(self.kinds, dtype=np.int64),
                np.zeros((0, len(self))), np.zeros(0),
            )  # fmt: skip
        return self._net

    def _interval(self, weights: Floats, constant: Floats) -> tuple[Floats, Floats]:
        """Of forms, from the bounds of what bends and, value by value, of the inputs."""
        first = self.inputs.count
        arrays = self.inputs.arrays
        low, high = constant.copy(), constant.copy()
        for at in range(len(arrays.start) - 1):
            self._look_at_the_time()
            numbers = arrays.numbers[arrays.start[at] : arrays.start[at + 1]]
            padded = np.hstack([weights[:, :first], np.zeros((len(weights), 1))])
            if numbers.shape[0]:
                scores = sum(padded[:, numbers[:, column]] for column in range(numbers.shape[1]))
                low, high = low + np.min(scores, axis=1), high + np.max(scores, axis=1)
        ends = np.zeros((2, len(self)))
        ends[:, arrays.line_number] = self.inputs.low[arrays.line_place], self.inputs.high[arrays.line_place]
        kinds, got = np.array(self.kinds), np.array([self.low, self.high])
        for kind, curve in ((RELU, "relu"), (TANH, "tanh"), (SIGMOID, "sigmoid")):
            got = np.where(kinds == kind, CURVES[curve](got), got)
        ends[:, first:] = got
        part = weights.copy()
        in_lists = arrays.numbers[arrays.numbers >= 0]
        part[:, in_lists] = 0.0
        plus, minus = np.maximum(part, 0.0), np.minimum(part, 0.0)
        return low + plus @ ends[0] + minus @ ends[1], high + plus @ ends[1] + minus @ ends[0]

    def _through(self, weights: Floats, constant: Floats, low: Floats, high: Floats, undecided: Ints) -> None:
        search = Descent(self)
        for at in undecided:
            if not self.go_on():
                return
            top = search.bound(weights[[at]], constant[[at]], rounds=1)
            high[at] = min(high[at], top + 1e-9 * (1 + abs(top)))
            if high[at] > 0:
                top = search.bound(-weights[[at]], -constant[[at]], rounds=1)
                low[at] = max(low[at], -top - 1e-9 * (1 + abs(top)))


class EmptyGroups(Exception):  # noqa: N818 - no error
    """A set without states."""


def _joined(parts: list[Any], kind: Any) -> Any:
    return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)


def _rows_of(form: sparse.csr_array, constant: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    return form.indptr.astype(np.int64), form.indices.astype(np.int64), form.data, constant


class Descent:
    """Bounds over all states of a relaxation, from the first slopes."""

    def __init__(self, relaxation: Relaxation) -> None:
        self.relaxation = relaxation
        self.lo, self.hi = np.array(relaxation.low), np.array(relaxation.high)
        self.sides = np.zeros(len(self.lo), dtype=np.int64)
        self.alpha = np.asarray(self.hi > -self.lo, dtype=float)
        inputs = relaxation.inputs
        self.kept, self.ends = np.arange(len(inputs.arrays.options)), inputs.arrays.start.copy()
        self.some = allowed(inputs.arrays, inputs.low, inputs.high, self.kept, self.ends)

    def bound(self, rows: Floats, offsets: Floats, *, rounds: int) -> float:
        """No state makes the smallest of these rows larger."""
        inputs = self.relaxation.inputs
        wide = len(inputs.low)
        if not self.some:
            return -np.inf
        return float(
            descend(
                self.relaxation.net(rows, offsets), inputs.arrays, self.kept, self.ends, inputs.low, inputs.high,
                self.lo, self.hi,
                self.sides, self.alpha.copy(), np.zeros((len(self.lo), 2)), np.full(len(rows), 1.0 / len(rows)),
                np.zeros(len(inputs.arrays.most) + 1), rounds, -np.inf, -np.inf, np.zeros(len(self.lo)), np.zeros(wide),
                np.full(wide + 1, -np.inf), np.zeros((2, wide)), np.zeros(inputs.count),
            )
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RelaxedModel:
    """A network (once or twice) over groups of knobs.

    Attributes:
        relaxation: what bends.
        bends: the same, to be computed.
        forms: of the outputs: constant, then what each value adds ``[1 + V, A]`` (or ``2A``).
        observe: states ``[B, K]`` as observations ``[B, cells]``.
    """

    relaxation: Relaxation
    bends: tuple[Bend | Wave, ...]
    forms: Floats
    observe: Any

    @property
    def inputs(self) -> GroupedInput:
        """The groups."""
        return self.relaxation.inputs

    def outputs(self, rows: Floats) -> Floats:
        """What the proof takes the network's outputs for, in states ``[B, K]`` or pairs ``[B, 2K]``."""
        values = np.zeros((len(rows), len(self.relaxation)))
        values[:, : self.inputs.count] = self.inputs.write(rows, self.observe(rows[:, : self.inputs.knobs_of_one]))
        for bend in self.bends:
            bend.fill(values)
        return np.asarray(values @ self.forms[1:] + self.forms[0])

    @property
    def flat(self) -> bool:
        """Whether all that bends sees inputs alone: then the model of all states serves each part of them."""
        first = self.inputs.count
        return all(not (form.indices >= first).any() for form in self.relaxation.forms)

    def flat_arrays(self, net: NetArrays) -> FlatArrays | None:
        """The network (with rows) laid out to be computed in many states; ``None`` where it is not flat, or states are tied."""
        arrays, first = self.inputs.arrays, self.inputs.count
        if len(arrays.most) or np.isfinite(arrays.budget[0]) or (net.kinds != RELU).any() or not self.flat:
            return None
        adds = self.relaxation.adds
        direct = np.ascontiguousarray(net.rows[:, :first].T)
        constants = np.concatenate([net.constants, net.offsets])
        return FlatArrays(adds, direct, constants, np.ascontiguousarray(net.rows[:, first:]))

    def within(self, states: StateSet) -> RelaxedModel:
        """The same network over a part of the states, a box of knobs, with the bounds of a first layer tightened.

        Raises:
            EmptyGroups: the part holds no state.
        """
        low, high = self.inputs.low.copy(), self.inputs.high.copy()
        count = self.inputs.knobs_of_one
        low[:count], high[:count] = np.maximum(low[:count], states.low), np.minimum(high[:count], states.high)
        lo, hi = np.array(self.relaxation.low), np.array(self.relaxation.high)
        net = self.relaxation.net(np.zeros((0, len(self.relaxation))), np.zeros(0))
        if (low > high + 1e-9).any() or not first_bounds(
            net, self.inputs.arrays, low, high, lo, hi, np.arange(len(lo))
        ):
            raise EmptyGroups
        part = Relaxation(replace(self.inputs, low=low, high=high), self.relaxation.go_on)
        part.forms, part.constants, part.kinds = self.relaxation.forms, self.relaxation.constants, self.relaxation.kinds
        part.low, part.high = lo.tolist(), hi.tolist()
        part.keep(net, self.relaxation.adds if self.flat else None)
        return replace(self, relaxation=part)

    def net(self, rows: Floats, offsets: Floats) -> NetArrays:
        """With rows over the outputs ``[r, A]``, the smallest of which is asked about."""
        weights = rows @ self.forms.T
        return self.relaxation.net(weights[:, 1:], weights[:, 0] + offsets)


def relaxed_model(
    system: System, policy: Any, case: Case, background: Any, go_on: Callable[[], bool] = lambda: True
) -> RelaxedModel:
    """The network over the states of a case, its bounds as tight as ``go_on`` leaves time for.

    Raises:
        EmptyGroups: the set holds no state.
        DnnExplainError: the network or the observation is none that bounds know.
    """
    states = case.states
    ground, parts = summands(system, states, background)
    second: tuple[StateSet, Floats, Any] | None = None
    if case.change is not None:
        place_of(system, case.change.knob)
        later = second_states(system, case)
        second = later, *summands(system, later, background)
    after = None if case.then is None else summands_after(system, states, case.then, parts, background)
    loose = loose_cells(system, states, background)
    if after is not None and loose:
        msg = "cells that knobs leave open are not known one decision later, so bounds do not speak of two steps here"
        raise DnnExplainError(msg)
    made = grouped(system, states, ground, parts, case, second, loose, after)
    if (np.diff(made.arrays.start) == 0).any():
        raise EmptyGroups
    relaxation = Relaxation(made, go_on)
    graph = traced(private(network_of(policy)))
    bends: list[Bend | Wave] = []
    outputs = []
    for forms in made.forms:
        run = NetworkForms(graph, relaxation)
        outputs.append(run.outputs(forms, tuple(system.observation_shape)))
        bends += run.bends
    count = 1 + len(relaxation)
    forms = np.hstack([np.vstack([output, np.zeros((count - len(output), output.shape[1]))]) for output in outputs])

    def observe(rows: Floats) -> Floats:
        return np.asarray(system.encode(rows, background), dtype=float).reshape(len(rows), -1)

    return RelaxedModel(relaxation, tuple(bends), forms, observe)
