"""Rules for radio heads: all on, nearest, greedy switch-off, hysteresis, and a patient rule of two tuned numbers.

Every rule names the set of heads that it wants. Where one head may be toggled per slot, it makes of the toggles
that lead there the one after which the slot costs least.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import MultiBinary, Space
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.power import awake_of, powers_of_sets, set_of, slot_power

__all__ = ["RULES", "Rule", "Situation", "all_on", "greedy", "hysteresis", "nearest", "patient", "toward"]

Sets = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Situation:
    """What a rule sees of ``B`` states.

    Attributes:
        codec: how observations are read.
        observations: ``[B, n]``.
        channels, demand: of the slot ``[B, U, N]`` and ``[B, U]``, Mb/s.
        awake: the heads that are on ``[B]``, as bits.
        known: the least power radiated by every set ``[B, 2^R]``, W, by the factor on demands, where tables are kept.
    """

    codec: Codec
    observations: NDArray[np.float64]
    channels: NDArray[np.complex128]
    demand: NDArray[np.float64]
    awake: Sets
    known: dict[float, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, codec: Codec, observations: NDArray[Any]) -> Situation:
        """The situation that observations show."""
        rows = codec.check(observations)
        channels, demand = codec.program(rows)
        return cls(codec, rows, channels, demand, codec.awake_sets(rows))

    def radiated(self, sets: Sets, raised: float = 1.0) -> NDArray[np.float64]:
        """The least power radiated by sets ``[B, S]`` for demands raised by a factor, W; infinite where not served."""
        tables = self.codec.tables
        if tables is None:
            return powers_of_sets(self.codec.scene, self.channels, raised * self.demand, sets)
        if raised not in self.known:
            self.known[raised] = tables.of(self.channels, raised * self.demand)
        return np.take_along_axis(self.known[raised], sets, axis=1)

    def power(self, sets: Sets, raised: float = 1.0) -> NDArray[np.float64]:
        """What the slot costs with sets ``[B, S]``, without switching, W."""
        return slot_power(self.codec.scene, np.bitwise_count(sets), self.radiated(sets, raised))

    def toggled(self, sets: Sets) -> Sets:
        """The sets ``[B, R]`` after toggling each head of sets ``[B]``."""
        return sets[:, None] ^ (1 << np.arange(self.codec.scene.heads))


class Rule:
    """A rule as a policy (``contract.Policy``).

    Args:
        name: the rule's name.
        codec: how observations are read.
        space: of actions: toggles (``Discrete``) or sets (``MultiBinary``).
        wanted: from a situation to the sets ``[B]`` that the rule wants.
    """

    def __init__(self, name: str, codec: Codec, space: Space, wanted: Callable[[Situation], Sets]) -> None:
        self.name, self.codec, self.space, self.wanted = name, codec, space, wanted

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """1 for the toggle and 0 for the others ``[B, R + 1]``; or 1 for on and -1 for off per head ``[B, R]``."""
        situation = Situation.read(self.codec, observations)
        wanted = self.wanted(situation)
        if isinstance(self.space, MultiBinary):
            return self.space.as_outputs(awake_of(wanted, self.codec.scene.heads))
        return self.space.as_outputs(toward(situation, wanted))


def toward(situation: Situation, wanted: Sets) -> NDArray[np.int64]:
    """The toggles ``[B]`` that lead to the sets wanted: of these the one after which the slot costs least.

    Where none of them serves the slot, a head is switched on rather than off. 0: nothing to toggle.
    """
    heads = situation.codec.scene.heads
    sets = situation.toggled(situation.awake)
    radiated = situation.radiated(sets)
    leads = awake_of(situation.awake ^ wanted, heads)
    on = leads & awake_of(wanted, heads)
    served = (leads & np.isfinite(radiated)).any(axis=1, keepdims=True)
    leads = np.where(~served & on.any(axis=1, keepdims=True), on, leads)
    power = np.where(leads, slot_power(situation.codec.scene, np.bitwise_count(sets), radiated), np.inf)
    return np.where(leads.any(axis=1), 1 + power.argmin(axis=1), 0)


def all_on(situation: Situation) -> Sets:
    """Every head."""
    return np.full(len(situation.awake), 2**situation.codec.scene.heads - 1)


def nearest(situation: Situation) -> Sets:
    """For each user with demand the nearest head that has none yet, user by user."""
    codec = situation.codec
    scene = codec.scene
    place = situation.observations[:, codec.place].reshape(-1, scene.users, 2)
    distance = np.linalg.norm(place[:, :, None] - scene.positions, axis=-1)
    taken = np.zeros((len(place), scene.heads), dtype=bool)
    rows = np.arange(len(place))
    for user in range(scene.users):
        wants = situation.demand[:, user] > 0
        choice = np.where(taken, np.inf, distance[:, user]).argmin(axis=1)
        taken[rows, choice] |= wants & ~taken[rows, choice]
    return np.asarray(set_of(taken), dtype=np.int64)


def greedy(situation: Situation) -> Sets:
    """From all heads on, switch off the head whose absence costs least, for as long as the slot gets cheaper."""
    return _switch_off(situation, all_on(situation), 1.0)


@dataclass(frozen=True)
class hysteresis:  # noqa: N801 - it stands in a list of rules that are functions
    """Switch on when demands raised a little are not served, off when demands raised more would still be.

    Attributes:
        on, off: the two factors, ``1 <= on <= off``.
    """

    on: float = 1.1
    off: float = 1.5

    def __call__(self, situation: Situation) -> Sets:
        """The sets ``[B]``."""
        held = _switch_on(situation, situation.awake, self.on)
        grown = held != situation.awake
        return np.where(grown, held, _switch_off(situation, held, self.off))


@dataclass(frozen=True)
class patient:  # noqa: N801 - see above
    """The set to which toggles lead that cost less if the slot lasted for ``slots`` and demands were ``raised``.

    Attributes:
        slots: how long the present is taken to last; a change of a head is charged once.
        raised: factor on the demands that must be served.
    """

    slots: float = 1.5
    raised: float = 1.0

    def __call__(self, situation: Situation) -> Sets:
        """The sets ``[B]``, by descent over toggles from the first heads that serve."""
        scene = situation.codec.scene
        here = _switch_on(situation, situation.awake, self.raised)
        for _ in range(2 * scene.heads):
            sets = np.concatenate([here[:, None], situation.toggled(here)], axis=1)
            changes = np.bitwise_count(sets ^ situation.awake[:, None])
            value = self.slots * situation.power(sets, self.raised) + scene.switch_power * changes
            best = sets[np.arange(len(sets)), value.argmin(axis=1)]
            if (best == here).all():
                break
            here = best
        return here


RULES: Mapping[str, Callable[[Situation], Sets]] = MappingProxyType(
    {
        "all-on": all_on,
        "nearest": nearest,
        "greedy": greedy,
        "hysteresis": hysteresis(),
        "tuned-hysteresis": hysteresis(on=1.0, off=1.1),
        "patient": patient(),
    }
)
"""The rules by name; the factors of ``tuned-hysteresis`` are the best of a grid on 40 days (``benchmarks/cran.py``)."""


def _switch_off(situation: Situation, sets: Sets, raised: float) -> Sets:
    """Switch heads off one by one, each time the best, for as long as demands are served and the slot gets cheaper."""
    here = sets.copy()
    rows = np.arange(len(here))
    cost = situation.power(here[:, None], raised)[:, 0]
    for _ in range(situation.codec.scene.heads):
        candidates = situation.toggled(here)
        radiated = situation.radiated(candidates, raised)
        off = np.isfinite(radiated) & (candidates < here[:, None])
        power = np.where(off, slot_power(situation.codec.scene, np.bitwise_count(candidates), radiated), np.inf)
        best = power.argmin(axis=1)
        better = power[rows, best] < cost
        if not better.any():
            break
        here = np.where(better, candidates[rows, best], here)
        cost = np.where(better, power[rows, best], cost)
    return here


def _switch_on(situation: Situation, sets: Sets, raised: float) -> Sets:
    """Switch heads on one by one until demands are served: the head that helps most, by power, then by its gain."""
    scene = situation.codec.scene
    here = sets.copy()
    rows = np.arange(len(here))
    strength = (np.abs(situation.channels) ** 2).max(axis=1).reshape(len(here), scene.heads, -1).max(axis=2)
    for _ in range(scene.heads):
        lacking = ~np.isfinite(situation.radiated(here[:, None], raised)[:, 0]) & (here < 2**scene.heads - 1)
        if not lacking.any():
            break
        candidates = situation.toggled(here)
        power = situation.power(candidates, raised) - 1e-6 * strength / strength.max(axis=1, keepdims=True)
        best = np.where(awake_of(here, scene.heads), np.inf, power).argmin(axis=1)
        here = np.where(lacking, candidates[rows, best], here)
    return here
