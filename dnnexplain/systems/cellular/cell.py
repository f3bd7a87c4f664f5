"""The constants of a cell: one stated default each, and the formulas that they stand in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from dnnexplain.contract import Choice, DnnExplainError

__all__ = ["MODELS", "Cell", "Constants"]

MODELS = ("sharing", "inverse")
"""Throughput models, see :class:`Cell`."""

GB_PER_MBPS_MINUTE = 60.0 / 8000.0
"""A minute at 1 Mb/s, in gigabytes."""


class Constants(NamedTuple):
    """What the kernels are given: the numbers of a :class:`Cell`, ready to use."""

    peak: float
    added: float
    keep: float
    snapping: bool
    inverse: bool
    floor: float
    knee: float
    limit: float
    user_rate: float
    users_follow: bool
    volume_weight: float
    user_weight: float
    limit_weight: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that carries its users and a share ``a`` of delay-tolerant traffic, minute by minute.

    After the simulator of Chinchali et al. (AAAI 2018). In minute ``t`` the cell's own traffic takes ``C_t`` of its
    capacity; ours adds ``x_t`` to it and all users get the throughput ``B'_t`` in place of ``B_t``::

        x_t  = keep x_{t-1} + K a_t,  keep = exp(-1 minute / decay);  0 if snapping and a_t = 0
        B_t  = B(C_t, E_t),  B'_t = B(C_t + x_t, E_t)
        r_t  = [alpha B'_t a_t - beta (B_t - B'_t) a_user - kappa a_t max(L - B'_t, 0)] T,  T = 1 minute

    Throughput ``B(C, E)`` is a model that is stated, not fitted: ``E`` is efficiency as a multiple of the cell's typical.

    - ``"sharing"``: ``B0 E max(1 - C, floor)``, the mean throughput of flows that share a cell of load ``C`` evenly
      (processor sharing);
    - ``"inverse"``: ``B0 E knee / (knee + C)``, the simple mode ``B0 / C`` of the published code, kept finite at ``C = 0``.

    Departures from the published code: congestion is load as a share of the cell's capacity, not collisions per
    slot, and so is ``K``; the load that we add decays with a time constant (there it stays until a minute without
    any traffic of ours, and then is gone at once: ``decay=0, snapping=True``); noise is part of a day's own
    congestion, not of the transition; throughput is a stated model (there a random forest fitted to data that is
    not public); users' rate is a constant (there it is that or ``a``: ``users_follow=True``); the action of a
    minute already counts in that minute.

    Args:
        peak: ``B0``, throughput in an empty cell at typical efficiency, Mb/s.
        added: ``K``, share of the cell's capacity that a minute at full rate adds.
        decay: time constant of the added load, minutes; 0: it never decays.
        snapping: whether a minute at rate 0 clears the added load at once.
        throughput: ``"sharing"`` or ``"inverse"``.
        floor: least share of throughput that is left in a full cell (``"sharing"``).
        knee: congestion at which throughput is half (``"inverse"``).
        limit: ``L``, Mb/s, below which users notice.
        user_rate: ``a_user``, the rate that users' traffic counts with.
        users_follow: whether it is the action itself instead.
        volume_weight, user_weight, limit_weight: ``alpha``, ``beta``, ``kappa``.

    Raises:
        DnnExplainError: a constant out of its bounds.
    """

    peak: float = 20.0
    added: float = 0.03
    decay: float = 15.0
    snapping: bool = False
    throughput: str = "sharing"
    floor: float = 0.02
    knee: float = 0.25
    limit: float = 10.0
    user_rate: float = 0.05
    users_follow: bool = False
    volume_weight: float = 1.0
    user_weight: float = 1.0
    limit_weight: float = 1.0

    def __post_init__(self) -> None:
        if self.throughput not in MODELS:
            raise Choice("throughput model", self.throughput, MODELS).error()
        positive = {name: getattr(self, name) for name in ("peak", "added", "floor", "knee")}
        others = {
            name: getattr(self, name)
            for name in ("decay", "limit", "user_rate", "volume_weight", "user_weight", "limit_weight")
        }
        for name, value in {**positive, **others}.items():
            if not math.isfinite(value) or value < 0 or (name in positive and value == 0):
                msg = f"{name} of a cell must be a finite number {'above' if name in positive else 'of at least'} 0, not {value}"
                raise DnnExplainError(msg)
        if self.floor > 1:
            msg = f"floor is a share of throughput, above 0 and at most 1, not {self.floor}"
            raise DnnExplainError(msg)

    @property
    def keep(self) -> float:
        """Share of the added load that is left a minute later."""
        return math.exp(-1 / self.decay) if self.decay else 1.0

    @property
    def fullest(self) -> float:
        """The most that can ever be added to the load, by full rate for ever; infinite if it never decays."""
        return self.added / (1 - self.keep) if self.keep < 1 else math.inf

    @property
    def constants(self) -> Constants:
        """For the kernels; rates in GB per minute and Mb/s."""
        return Constants(
            float(self.peak), float(self.added), self.keep, bool(self.snapping), self.throughput == "inverse",
            float(self.floor), float(self.knee), float(self.limit), float(self.user_rate), bool(self.users_follow),
            *(weight * GB_PER_MBPS_MINUTE for weight in (self.volume_weight, self.user_weight, self.limit_weight)),
        )  # fmt: skip
