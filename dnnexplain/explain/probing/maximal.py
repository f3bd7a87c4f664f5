"""The valid state that activates a neuron most (Section 3.2 and Figure 3a of the APNet 2018 paper).

A first-layer neuron's input is a weighted sum over the cells of the observation. Where the observation is
painted by independent blocks of knobs (:mod:`dnnexplain.explain.probing.knob_blocks`), that sum is a sum over
blocks, and the sum of the blocks' largest contributions, each found by going through all its valid values,
is the largest input over all valid states. A monotone activation function keeps the order. What the sum gives
is then held against the network as it runs (:mod:`dnnexplain.explain.proofs`). Where every knob
is free and painted along a straight line (:mod:`dnnexplain.explain.probing.straight_box`), the largest input is at
the ends of the knobs' ranges, in closed form. Every other neuron is searched: from many starts, along its
slopes where the knobs have any, else one knob and then one whole block at a time, until nothing helps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import NetworkPolicy, State, System, valid_states
from dnnexplain.counts import counted
from dnnexplain.explain.probing.affine import AffineInput, affine_input
from dnnexplain.explain.probing.block_search import Climb, climb_together
from dnnexplain.explain.probing.box_search import climb_box
from dnnexplain.explain.probing.knob_blocks import Blocks, block_name, knob_blocks
from dnnexplain.explain.probing.neurons import NeuronLayer, check_neuron, layer_of, neuron_activations, random_values
from dnnexplain.explain.probing.straight_box import StraightBox, largest_in_box, straight_box
from dnnexplain.explain.probing.sum_of_parts import SumOfParts, sum_of_parts
from dnnexplain.explain.proofs import Certificate
from dnnexplain.explain.proofs.maximum import certify_maximum
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result

__all__ = ["Maximum", "maximise", "maximise_all"]

_ROUNDING = 1e-5

_CLIMBS, _POOL = 384, 4096
"""Of a search for all neurons of a layer: climbs at most, and the states that they look at together where these are few each."""


@dataclass(frozen=True, eq=False)
class Maximum(Result):
    """The state that activates a neuron most, and what is known about it.

    Attributes:
        neuron: counted from 0.
        activation: the network's own, in that state.
        state: valid, without background.
        proved: whether no valid state activates the neuron more (up to rounding).
        bound: a proven upper limit of the neuron's input (before its activation function), if there is one.
        weighted_input: what the activation function receives in that state (the activation itself, where there
            is no monotone function of its own module).
        evaluated: how many states were looked at.
        words: what was shown and what was not.
        measured: what the neuron is: the operation after which it is read.
        certificate: how the proof was checked on the network as it runs; ``None`` where nothing was to be proved.
    """

    question: Question
    layer: str
    neuron: int
    activation: float
    state: State
    proved: bool
    bound: float | None
    weighted_input: float
    evaluated: int
    words: str
    measured: str = ""
    certificate: Certificate | None = None

    def sentence(self) -> str:
        """The activation, where it is read, and what was proved."""
        where = f" (read {self.measured})" if self.measured else ""
        return f"Neuron {self.neuron} reaches {number(self.activation)}{where}. {self.words}"

    def picture(self) -> Chart:
        """The activation that was found, and what nothing can exceed where that is known."""
        names, heights = ["found"], [self.activation]
        if self.bound is not None:
            names, heights = [*names, "bound"], [*heights, self.bound]
        return bars(names, {"activation": heights}, Axis("activation"), title=f"neuron {self.neuron} of {self.layer}")


def maximise(
    system: System,
    policy: NetworkPolicy,
    neuron: int,
    layer: str | None = None,
    *,
    restarts: int = 8,
    seed: int = 0,
    cancel: Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> Maximum:
    """The valid state that most activates one neuron.

    Exact and proved for a first-layer neuron of a system whose blocks of knobs are independent, or whose
    knobs are free and painted along straight lines; else a seeded search with ``restarts`` starts.

    Args:
        system: the world.
        policy: with a torch network inside.
        neuron: counted from 0 (see :mod:`dnnexplain.explain.probing.neurons`).
        layer: by name; the first hidden layer if not given.
        restarts: of the search.
        seed: of the search.
        cancel: ends a search early; the best state so far is returned, and its words say so.
        progress: called with the fraction done, 0 to 1.

    Raises:
        DnnExplainError: no such layer or neuron, or a policy without a network.
    """
    neuron_layer = layer_of(system, policy, layer)
    number = check_neuron(neuron_layer, neuron)
    return _all(system, policy, neuron_layer, (number,), restarts, seed, cancel, progress)[0]


def maximise_all(
    system: System,
    policy: NetworkPolicy,
    layer: str | None = None,
    *,
    restarts: int = 8,
    seed: int = 0,
    cancel: Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Maximum, ...]:
    """:func:`maximise` for every neuron of a layer.

    Where maxima are exact, all cost little more than one. Where they are searched and neurons times ``restarts`` are
    more than 384 climbs, a neuron gets its share of these, the first from the best of 4,096 states that all neurons
    have looked at together.
    """
    neuron_layer = layer_of(system, policy, layer)
    return _all(system, policy, neuron_layer, tuple(range(neuron_layer.units)), restarts, seed, cancel, progress)


def _all(
    system: System,
    policy: NetworkPolicy,
    layer: NeuronLayer,
    neurons: tuple[int, ...],
    restarts: int,
    seed: int,
    cancel: Event | None,
    progress: Callable[[float], None] | None,
) -> tuple[Maximum, ...]:
    world = _World.of(system)
    affine, gap = affine_input(system, policy, layer, neurons)
    exact = SumOfParts(gap) if affine is None else world.exact(affine)
    settings = {"restarts": restarts, "layer": layer.name}
    shared = _Shared.of(world, policy, layer, neurons, restarts, seed) if exact.values is None else None
    sought = layer.before() if layer.monotone else layer
    begun = [_Begun.of(world, policy, sought, neuron, exact, place, shared) for place, neuron in enumerate(neurons)]
    open_ones = [entry for entry in begun if not entry.reaches]
    draw = (restarts if shared is None else shared.each, seed)
    climbs = iter(world.search(policy, sought, open_ones, draw, cancel, progress) if open_ones else ())
    maxima = []
    for place, item in enumerate(begun):
        question = Question.about(
            system, policy, method="maximal activation", seed=seed, settings={**settings, "neuron": item.neuron}
        )
        best = item.best if item.best is not None and item.reaches else next(climbs)
        looked = exact.evaluated + best.evaluated + (0 if shared is None else shared.looked)
        maximum = _as_maximum(world, policy, layer, item, question, exact, place, best, looked)
        maxima.append(_certified(maximum, world, policy, layer, affine, place))
    if progress is not None:
        progress(1.0)
    return tuple(maxima)


@dataclass(frozen=True, eq=False)
class _Shared:
    """Where searches for many neurons begin, if there are too many for the full search of each.

    Attributes:
        starts: of each neuron the best of the states that all looked at ``[N, K]``.
        each: further climbs of a neuron.
        looked: states that all looked at.
    """

    starts: NDArray[np.float64]
    each: int
    looked: int

    @classmethod
    def of(
        cls,
        world: _World,
        policy: NetworkPolicy,
        layer: NeuronLayer,
        neurons: tuple[int, ...],
        restarts: int,
        seed: int,
    ) -> _Shared | None:
        if world.blocks is None or len(neurons) * restarts <= _CLIMBS:
            return None
        pool = random_values(world.system, _POOL, np.random.default_rng(seed))
        sought = layer.before() if layer.monotone else layer
        seen = neuron_activations(policy, sought, world.system.encode(pool), list(neurons))
        return cls(pool[seen.argmax(axis=0)], max(0, _CLIMBS // len(neurons) - 1), len(pool))


@dataclass(frozen=True)
class _World:
    """A system as the maximum sees it: a box with straight sides, or blocks of knobs."""

    system: System
    box: StraightBox | None
    blocks: Blocks | None

    @classmethod
    def of(cls, system: System) -> _World:
        box = straight_box(system)
        return cls(system, box, None if box is not None else knob_blocks(system))

    def exact(self, affine: AffineInput) -> SumOfParts:
        """Per neuron the best values and the limit of the input, which is a weighted sum."""
        if self.blocks is not None:
            return sum_of_parts(self.system, affine, self.blocks)
        assert self.box is not None
        return SumOfParts("", 0, *largest_in_box(self.box, affine))

    def search(
        self,
        policy: NetworkPolicy,
        layer: NeuronLayer,
        begun: Sequence[_Begun],
        draw: tuple[int, int],
        cancel: Event | None,
        progress: Callable[[float], None] | None,
    ) -> list[Climb]:
        """A climb for each neuron: those over blocks side by side, as their candidates are scored together."""
        restarts, seed = draw
        neurons = [entry.neuron for entry in begun]
        if self.blocks is not None:
            columns = np.array(neurons)

            def score(values: NDArray[np.float64], owners: NDArray[np.int64]) -> NDArray[np.float64]:
                neurons, whose = np.unique(columns[owners], return_inverse=True)
                seen = neuron_activations(policy, layer, self.system.encode(values), list(neurons))
                return seen[np.arange(len(values)), whose]

            return climb_together(
                self.system, score, self.blocks, restarts=restarts, seeds=[seed + neuron for neuron in neurons],
                starts=[entry.starts for entry in begun], cancel=cancel, progress=progress,
            )  # fmt: skip
        assert self.box is not None
        climbs = []
        for place, neuron in enumerate(neurons):

            def part(fraction: float, place: int = place) -> None:
                if progress is not None:
                    progress((place + fraction) / len(neurons))

            item = climb_box(
                self.system, policy, layer, neuron, self.box,
                restarts=restarts, seed=seed + neuron, cancel=cancel, progress=part,
            )  # fmt: skip
            climbs.append(item)
        return climbs


@dataclass(frozen=True, eq=False)
class _Begun:
    """What is known of a neuron before a search.

    Attributes:
        neuron: its number.
        bound: what its input cannot exceed, where that is known.
        starts: of a search: the exact answer, if it was found, and the best state that all neurons looked at.
        best: the exact answer, if it was found.
        reaches: whether that is a valid state that reaches the bound: no search is needed.
    """

    neuron: int
    bound: float | None
    starts: list[NDArray[np.float64]]
    best: Climb | None
    reaches: bool

    @classmethod
    def of(
        cls,
        world: _World,
        policy: NetworkPolicy,
        sought: NeuronLayer,
        neuron: int,
        exact: SumOfParts,
        place: int,
        shared: _Shared | None,
    ) -> _Begun:
        bound = None if exact.bound is None else float(exact.bound[place])
        starts, best = [], None
        if exact.values is not None:
            starts.append(world.system.repair(exact.values[place][None])[0])
            seen = neuron_activations(policy, sought, world.system.encode(starts[0][None]), [neuron])
            best = Climb(starts[0], float(seen[0, 0]), evaluated=1)
        if shared is not None:
            starts.append(shared.starts[place])
        return cls(neuron, bound, starts, best, best is not None and _reaches(best.score, bound))


def _as_maximum(
    world: _World,
    policy: NetworkPolicy,
    layer: NeuronLayer,
    begun: _Begun,
    question: Question,
    exact: SumOfParts,
    place: int,
    best: Climb,
    looked: int,
) -> Maximum:
    """What a search or the exact answer of one neuron says."""
    neuron, bound, proved = begun.neuron, begun.bound, _reaches(best.score, begun.bound)
    activation = float(neuron_activations(policy, layer, world.system.encode(best.values[None]), [neuron])[0, 0])
    if proved:
        seen = 0 if exact.knobs is None else int(exact.knobs[place])
        words = _proof(world, layer, neuron, best, activation, seen)
    else:
        words = _search(neuron, exact.gap, best, bound, straight=world.box is not None)
    return Maximum(
        question=question,
        layer=layer.name,
        neuron=neuron,
        activation=activation,
        state=State(best.values),
        proved=proved,
        bound=bound,
        weighted_input=best.score,
        evaluated=looked,
        words=words,
        measured=layer.measured,
    )


def _certified(
    maximum: Maximum, world: _World, policy: NetworkPolicy, layer: NeuronLayer, affine: AffineInput | None, place: int
) -> Maximum:
    """A maximum that is called proved only with a certificate; without one its words say why."""
    if not maximum.proved or affine is None:
        return maximum
    certificate = certify_maximum(
        world.system, policy, layer, maximum.neuron, affine, place, maximum.state.values, maximum.weighted_input
    )
    if certificate.holds:
        return replace(maximum, certificate=certificate, words=f"{maximum.words} {certificate.sentence()}")
    words = f"Not proved: the best of {counted(maximum.evaluated, 'state')}. {certificate.sentence()}"
    return replace(maximum, certificate=certificate, proved=False, bound=None, words=words)


def _reaches(score: float, bound: float | None) -> bool:
    return bound is not None and score >= bound - _ROUNDING * max(1.0, abs(bound))


def _proof(world: _World, layer: NeuronLayer, neuron: int, best: Climb, activation: float, seen: int) -> str:
    what = (
        f"Proved: neuron {neuron} is off in every valid state (its weighted input is at most {number(best.score)})."
        if layer.rectified and activation == 0
        else f"Proved: no valid state activates neuron {neuron} more."
    )
    what = f"{what} Valid are {valid_states(world.system)}."
    if world.blocks is None:
        assert world.box is not None
        return f"{what} {_by_ends(world.box, best.values, seen)}"
    return f"{what} {_by_blocks(world.system, world.blocks)}"


def _by_ends(box: StraightBox, values: NDArray[np.float64], seen: int) -> str:
    high = int((values == box.high).sum())
    return (
        f"Its weighted input is a weighted sum over the {seen:,} knobs that it sees, each free in its range, so it is "
        f"largest with every knob at the end to which the sign of its weight points: {high:,} at their highest, "
        f"{seen - high:,} at their lowest. That the knobs are free, and painted along straight lines that add up, was "
        f"checked on {3 * box.checked} random valid states, corners and mixtures among them, not proved; the maximum "
        "holds up to rounding."
    )


def _by_blocks(system: System, blocks: Blocks) -> str:
    names = [block_name(system, block) for block in blocks.knobs]
    words = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    ends = any(knob.step is None for knob in system.knobs)
    straight = " (of a continuous one both ends, for it is painted along a straight line)" if ends else ""
    return (
        f"Its weighted input is a sum over {counted(len(names), 'independent part')} of the state ({words}), and for "
        f"each part every valid value was tried{straight}. That the observation is painted part by part was checked on "
        f"{counted(blocks.checked, 'random pair')} of valid states; equality holds up to rounding."
    )


def _search(neuron: int, gap: str, best: Climb, bound: float | None, *, straight: bool) -> str:
    why = gap
    if bound is not None:
        why = f"rules tie parts of the state together; the proven limit of the weighted input is {number(bound)}"
    looked = f"the best of {counted(best.evaluated, 'state')} from {counted(best.starts, 'start')}"
    if best.stopped:
        return f"Not proved, and stopped early: {looked} ({why})."
    moved = "single knob moved to an end of its range" if straight else "change of one part of the state alone"
    stands = f" No {moved} activates neuron {neuron} more." if best.settled else ""
    return f"Not proved: {looked} ({why}).{stands}"
