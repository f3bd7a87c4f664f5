"""Beamformers of least power for a set of awake heads, with a certificate, and many sets at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cran import power_kernels as kernels
from dnnexplain.systems.cran.cone import cone_power
from dnnexplain.systems.cran.scene import Scene

__all__ = ["PowerSolution", "all_sets", "awake_of", "least_power", "powers_of_sets", "set_of", "slot_power"]


@dataclass(frozen=True, eq=False)
class PowerSolution:
    """The power program of one slot and one set of awake heads, solved.

    Attributes:
        served: whether the heads can serve all demands.
        radiated: the least power radiated, W; infinite where not served.
        lower: a proved lower bound on it, W; infinite where it is proved that there is no solution.
        beams: of each user over all antennas ``[U, N]``, square root of W; zero where not served.
        heads: what each head radiates ``[R]``, W.
        uplink: the dual price of each user's signal-to-noise ratio ``[U]``, W.
        prices: the dual price of each head's limit ``[R]``.
    """

    served: bool
    radiated: float
    lower: float
    beams: NDArray[np.complex128] = field(repr=False)
    heads: NDArray[np.float64] = field(repr=False)
    uplink: NDArray[np.float64] = field(repr=False)
    prices: NDArray[np.float64] = field(repr=False)

    @property
    def gap(self) -> float:
        """Power radiated less its lower bound, W; 0 where it is proved that there is no solution."""
        return self.radiated - self.lower if self.served else 0.0


def least_power(scene: Scene, channels: ArrayLike, demand: ArrayLike, awake: ArrayLike) -> PowerSolution:
    """Serve demands at least power with the awake heads.

    The bound and the beams are checked against the program itself, whatever the solver says.

    Args:
        scene: limits, bandwidth, gap.
        channels: of :meth:`Scene.channels` ``[U, N]``.
        demand: ``[U]``, Mb/s; a user without demand gets no beam.
        awake: which heads are on ``[R]``.

    Raises:
        DnnExplainError: the solver's answer does not hold, or an array has another shape.
    """
    h = np.ascontiguousarray(channels, dtype=np.complex128)
    gamma = scene.needed_ratio(demand)
    on = np.asarray(awake, dtype=bool)
    expected = ((scene.users, scene.heads * scene.antennas), (scene.users,), (scene.heads,))
    if (h.shape, gamma.shape, on.shape) != expected:
        msg = f"channels, demand and awake must be {expected}, not {(h.shape, gamma.shape, on.shape)}"
        raise DnnExplainError(msg)
    part, owner, need, count = kernels.part_of(h, scene.head_of, gamma, scene.heads, set_of(on))
    lam, mu, heads, p = np.zeros(len(need)), np.zeros(count), np.zeros(count), np.zeros(len(need))
    x = np.zeros(part.shape, dtype=np.complex128)
    if len(need):
        outcome, _, _ = kernels.least_power(part, owner, need, heads, lam, mu, x, p)
    else:
        outcome = kernels.SOLVED
    beams = np.zeros(h.shape, dtype=np.complex128)
    if outcome == kernels.SOLVED:
        users, antennas = np.flatnonzero(gamma > 0), np.flatnonzero(on[scene.head_of])
        beams[np.ix_(users, antennas)] = np.sqrt(p)[:, None] * x
    elif outcome == kernels.STALLED:
        beams = _by_cone(scene, h, gamma, on)
        outcome = kernels.SOLVED if beams.any() else outcome
    served = outcome == kernels.SOLVED
    if served:
        _check_beams(scene, h, gamma, on, beams)
    if count == 0 or (len(need) and (need / (1 + need)).sum() >= part.shape[1]):
        lower = float("inf") if len(need) else 0.0
    else:
        lower = dual_bound(part, owner, need, lam, mu)
        lower = float("inf") if lower > count else lower
    return _solution(scene, served, lower, beams, (gamma > 0, lam), (on, mu))


def dual_bound(
    part: NDArray[np.complex128],
    owner: NDArray[np.int64],
    need: NDArray[np.float64],
    lam: NDArray[np.float64],
    mu: NDArray[np.float64],
) -> float:
    """A lower bound that prices prove by themselves, in a head's largest power.

    Uplink powers with ``lambda <= I(lambda)`` are feasible in the dual. Those of a solver may be above by
    rounding: as ``I(a lambda) > a I(lambda)`` for a < 1, they are scaled down until they are not.
    """
    noise = (1.0 + np.maximum(mu, 0.0))[owner]
    paid = float(np.maximum(mu, 0.0).sum())
    for trial in range(-1, 20):
        scaled = np.maximum(lam, 0.0) * (1.0 - 1e-13 * 4.0**trial * (trial >= 0))
        matrix = np.diag(noise) + part.T @ (scaled[:, None] * part.conj())
        seen = np.einsum("un,nu->u", part.conj(), np.linalg.solve(matrix, part.T)).real
        if (scaled * (1.0 + 1.0 / need) * seen <= 1.0).all():
            return float(scaled.sum()) - paid
    return 0.0


def powers_of_sets(scene: Scene, channels: ArrayLike, demand: ArrayLike, sets: ArrayLike) -> NDArray[np.float64]:
    """The least power radiated in slots ``[T]`` by sets ``[T, S]`` of awake heads (bits), W; infinite where not served.

    Args:
        scene: limits, bandwidth, gap.
        channels: ``[T, U, N]``.
        demand: ``[T, U]``, Mb/s.
        sets: bit r stands for head r.
    """
    h = np.ascontiguousarray(channels, dtype=np.complex128)
    gamma = np.ascontiguousarray(scene.needed_ratio(demand))
    patterns = np.ascontiguousarray(sets, dtype=np.int64)
    radiated, lower = np.empty(patterns.shape), np.empty(patterns.shape)
    outcome = np.empty(patterns.shape, dtype=np.int64)
    kernels.powers_of_sets(h, scene.head_of, gamma, patterns, radiated, lower, outcome)
    for slot, column in np.argwhere(outcome == kernels.STALLED):
        beams = _by_cone(scene, h[slot], gamma[slot], awake_of(patterns[slot, column], scene.heads))
        radiated[slot, column] = (np.abs(beams) ** 2).sum() if beams.any() else np.inf
    return scene.limit * radiated


def slot_power(scene: Scene, awake: ArrayLike, radiated: ArrayLike) -> NDArray[np.float64]:
    """What a slot is charged without switching ``[...]``, W, for numbers of heads awake and power radiated, W.

    A slot that is not served is charged as if every awake head radiated all it can, and ``outage_power``.
    """
    on, sent = np.asarray(awake, dtype=np.float64), np.asarray(radiated, dtype=np.float64)
    served = np.isfinite(sent)
    amplifier = np.where(served, np.where(served, sent, 0.0), on * scene.limit) / scene.efficiency
    return scene.asleep_power * (scene.heads - on) + scene.awake_power * on + amplifier + scene.outage_power * ~served


def all_sets(scene: Scene) -> NDArray[np.int64]:
    """Every set of heads ``[2^R]``."""
    return np.arange(2**scene.heads)


def set_of(awake: ArrayLike) -> Any:
    """On/off switches ``[..., R]`` as bit patterns ``[...]``."""
    on = np.asarray(awake, dtype=np.int64)
    return (on << np.arange(on.shape[-1])).sum(axis=-1)


def awake_of(sets: ArrayLike, heads: int) -> NDArray[np.bool_]:
    """Bit patterns ``[...]`` as on/off switches ``[..., R]``."""
    return np.asarray((np.asarray(sets, dtype=np.int64)[..., None] >> np.arange(heads)) & 1, dtype=bool)


def _by_cone(
    scene: Scene, h: NDArray[np.complex128], gamma: NDArray[np.float64], on: NDArray[np.bool_]
) -> NDArray[np.complex128]:
    """The beams ``[U, N]`` by the cone program, all zero where there are none: for what the duality solver gave up.

    Where the cone program is given up, too (met with twelve heads on a drawn day), no beams are known: the set then
    counts as one that cannot serve, for networks, rules and the optimum alike.
    """
    users, antennas = np.flatnonzero(gamma > 0), np.flatnonzero(on[scene.head_of])
    rank = np.cumsum(on) - 1
    try:
        _, powers = cone_power(h[np.ix_(users, antennas)], rank[scene.head_of[antennas]], gamma[users])
    except DnnExplainError:
        powers = None
    beams = np.zeros(h.shape, dtype=np.complex128)
    if powers is not None:
        beams[np.ix_(users, antennas)] = powers
    return beams


def _sent(scene: Scene, beams: NDArray[np.complex128]) -> NDArray[np.float64]:
    """What each head radiates ``[R]`` with beams ``[U, N]``, in their unit."""
    return np.bincount(scene.head_of, (np.abs(beams) ** 2).sum(axis=0), scene.heads).astype(np.float64)


def _check_beams(
    scene: Scene,
    h: NDArray[np.complex128],
    gamma: NDArray[np.float64],
    on: NDArray[np.bool_],
    beams: NDArray[np.complex128],
) -> None:
    """The beams serve every user within the limits, to a relative 1e-6."""
    received = np.abs(h.conj() @ beams.T) ** 2  # [user, beam]
    own = np.diag(received)
    ratio = own / (received.sum(axis=1) - own + 1.0)
    sent = _sent(scene, beams)
    if (ratio < gamma * (1 - 1e-6)).any() or (sent > on * (1 + 1e-6)).any():
        msg = "the power program's beams do not serve the demands; this is a fault of the solver, please report it"
        raise DnnExplainError(msg)


def _solution(
    scene: Scene,
    served: bool,
    lower: float,
    beams: NDArray[np.complex128],
    users: tuple[NDArray[np.bool_], NDArray[np.float64]],
    heads: tuple[NDArray[np.bool_], NDArray[np.float64]],
) -> PowerSolution:
    """In watts, over all users and heads."""
    uplink, prices = np.zeros(scene.users), np.zeros(scene.heads)
    uplink[users[0]] = scene.limit * users[1]
    prices[heads[0]] = heads[1]
    sent: NDArray[np.float64] = scene.limit * _sent(scene, beams)
    radiated = float(sent.sum()) if served else float("inf")
    return PowerSolution(served, radiated, scene.limit * lower, np.sqrt(scene.limit) * beams, sent, uplink, prices)
