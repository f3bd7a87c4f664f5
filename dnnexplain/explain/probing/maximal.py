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

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import NetworkPolicy, State, System, valid_states
from dnnexplain.counts import counted
from dnnexplain.explain.probing.affine import AffineInput, affine_input
from dnnexplain.explain.probing.block_search import Climb, climb
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
        names, found = ["found"], [self.activation]
        if self.bound is not None:
            names, found = [*names, "bound"], [*found, self.bound]
        return bars(names, {"activation": found}, Axis("activation"), title=f"neuron {self.neuron} of {self.layer}")


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
    found = layer_of(system, policy, layer)
    number = check_neuron(found, neuron)
    return _all(system, policy, found, (number,), restarts, seed, cancel, progress)[0]


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
    found = layer_of(system, policy, layer)
    return _all(system, policy, found, tuple(range(found.units)), restarts, seed, cancel, progress)


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
    found = []
    for place, neuron in enumerate(neurons):
        question = Question.about(
            system, policy, method="maximal activation", seed=seed, settings={**settings, "neuron": neuron}
        )

        def part(fraction: float, place: int = place) -> None:
            if progress is not None:
                progress((place + fraction) / len(neurons))

        if shared is None:
            one = _one(world, policy, layer, neuron, question, exact, place, (restarts, seed), cancel, part)
        else:
            draw, start = (shared.each, seed), shared.starts[place]
            one = _one(world, policy, layer, neuron, question, exact, place, draw, cancel, part, start)
            one = replace(one, evaluated=one.evaluated + shared.looked)
        found.append(_certified(one, world, policy, layer, affine, place))
        part(1.0)
    return tuple(found)


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
        neuron: int,
        starts: list[NDArray[np.float64]],
        draw: tuple[int, int],
        cancel: Event | None,
        progress: Callable[[float], None],
    ) -> Climb:
        restarts, seed = draw
        if self.blocks is None:
            assert self.box is not None
            return climb_box(
                self.system, policy, layer, neuron, self.box,
                restarts=restarts, seed=seed + neuron, cancel=cancel, progress=progress,
            )  # fmt: skip
        score = _scorer(self.system, policy, layer, neuron)
        return climb(
            self.system, score, self.blocks,
            restarts=restarts, seed=seed + neuron, starts=starts, cancel=cancel, progress=progress,
        )  # fmt: skip


def _one(
    world: _World,
    policy: NetworkPolicy,
    layer: NeuronLayer,
    neuron: int,
    question: Question,
    exact: SumOfParts,
    place: int,
    draw: tuple[int, int],
    cancel: Event | None,
    progress: Callable[[float], None],
    given: NDArray[np.float64] | None = None,
) -> Maximum:
    """One neuron: the exact answer if it is a valid state, else a search that starts from it, or from what is given."""
    system, sought = world.system, layer.before() if layer.monotone else layer
    bound = None if exact.bound is None else float(exact.bound[place])
    starts = [] if exact.values is None else [system.repair(exact.values[place][None])[0]]
    score = _scorer(system, policy, sought, neuron)
    best = Climb(starts[0], float(score(starts[0][None])[0]), evaluated=1) if starts else None
    starts += [] if given is None else [given]
    if best is None or not _reaches(best.score, bound):
        best = world.search(policy, sought, neuron, starts, draw, cancel, progress)
    proved = _reaches(best.score, bound)
    state = State(best.values)
    activation = float(neuron_activations(policy, layer, system.encode(best.values[None]), [neuron])[0, 0])
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
        state=state,
        proved=proved,
        bound=bound,
        weighted_input=best.score,
        evaluated=exact.evaluated + best.evaluated,
        words=words,
        measured=layer.measured,
    )


def _certified(
    found: Maximum, world: _World, policy: NetworkPolicy, layer: NeuronLayer, affine: AffineInput | None, place: int
) -> Maximum:
    """A maximum that is called proved only with a certificate; without one its words say why."""
    if not found.proved or affine is None:
        return found
    certificate = certify_maximum(
        world.system, policy, layer, found.neuron, affine, place, found.state.values, found.weighted_input
    )
    if certificate.holds:
        return replace(found, certificate=certificate, words=f"{found.words} {certificate.sentence()}")
    words = f"Not proved: the best of {counted(found.evaluated, 'state')}. {certificate.sentence()}"
    return replace(found, certificate=certificate, proved=False, bound=None, words=words)


def _reaches(score: float, bound: float | None) -> bool:
    return bound is not None and score >= bound - _ROUNDING * max(1.0, abs(bound))


def _scorer(
    system: System, policy: NetworkPolicy, layer: NeuronLayer, neuron: int
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    def score(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return neuron_activations(policy, layer, system.encode(values), [neuron])[:, 0]

    return score


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
    told = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    ends = any(knob.step is None for knob in system.knobs)
    straight = " (of a continuous one both ends, for it is painted along a straight line)" if ends else ""
    return (
        f"Its weighted input is a sum over {counted(len(names), 'independent part')} of the state ({told}), and for "
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
