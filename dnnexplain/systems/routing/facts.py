"""Facts about traffic that a layer may know: yes-or-no questions which an operator would ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.routing.utilisation import link_utilisation

if TYPE_CHECKING:
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["TrafficFacts"]

FULL = 0.8
"""A link is called nearly full from this utilisation on."""
PAIRS = 6
LINKS = 6


class TrafficFacts:
    """Yes-or-no facts about the newest matrix of a state, and, with a history, about how it came.

    Links are counted as all demands on their shortest paths would fill them, so a fact speaks of the traffic
    and not of the router that is asked. The pairs are those with the largest mean demand, the links those
    that mean traffic would fill most. The order of facts is that of ``names``.

    Args:
        system: the network and its mean traffic.
    """

    def __init__(self, system: Routed) -> None:
        self.system = system
        paths = system.paths
        self._shortest = (paths.rank == 0).astype(np.float64)
        mean = system.mean_demands
        self._total = float(mean.sum())
        self._pairs = np.argsort(-mean, kind="stable")[:PAIRS]
        self._links = np.argsort(-self._used(mean[None])[0], kind="stable")[:LINKS]
        full = f"{100 * FULL:.3g}%"
        self.names: tuple[str, ...] = (
            f"all demand is above {self._total:.3g} Gb/s, its mean",
            f"on shortest paths some link would be above {full}",
            *(f"the busiest link would be {system.topology.link_names[link]}" for link in self._links),
            *(f"{paths.pair_names[pair]} asks for more than {mean[pair]:.3g} Gb/s, its mean" for pair in self._pairs),
            *(["all demand is higher than in the matrix before"] if self._rows > 1 else []),
        )
        self.units = dict.fromkeys(self.names, "")

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """1 where a fact holds, else 0 ``[B, facts]``, for observations ``[B, *observation_shape]``."""
        rows = np.asarray(observations, dtype=np.float64).reshape(len(observations), self._rows, -1)
        demands = rows[:, -1]
        total, used = demands.sum(axis=1), self._used(demands)
        busiest = used.argmax(axis=1)
        columns = [total > self._total, used.max(axis=1) > FULL]
        columns += [busiest == link for link in self._links]
        columns += [demands[:, pair] > self.system.mean_demands[pair] for pair in self._pairs]
        if self._rows > 1:
            columns.append(total > rows[:, -2].sum(axis=1))
        return np.stack(columns, axis=1).astype(np.float64)

    @property
    def _rows(self) -> int:
        return self.system.observation_shape[0] if self.system.history else 1

    def _used(self, demands: NDArray[np.float64]) -> NDArray[np.float64]:
        """Utilisation of every link with all demands on their shortest paths ``[B, E]``."""
        return link_utilisation(
            self.system.paths, np.broadcast_to(self._shortest, (len(demands), len(self._shortest))), demands
        )
