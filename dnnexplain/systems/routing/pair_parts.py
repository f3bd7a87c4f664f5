"""A router of whole cases asked pair by pair, in the world of what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy, State
from dnnexplain.systems.routing.pairs import PairPolicy, PairRouting
from dnnexplain.systems.routing.views import SeenPart

if TYPE_CHECKING:
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["PairParts"]


@dataclass(frozen=True, eq=False)
class PairParts:
    """Pairs of the matrices that a router sees (``explain.distillation.Parts``).

    Attributes:
        world, teacher: the pairs, and the router among them.
        rows: which matrices of a state the router sees.
        shape: matrices and pairs of a state.
    """

    world: PairRouting
    teacher: PairPolicy
    rows: slice
    shape: tuple[int, int]

    @classmethod
    def of(cls, system: Routed, policy: Policy) -> PairParts:
        """A network sees its own part of a case; a rule sees all of it."""
        shape = (len(system.knobs) // len(system.paths.pairs), len(system.paths.pairs))
        router: Any = policy.inner if isinstance(policy, SeenPart) else policy
        rows = policy.rows if isinstance(policy, SeenPart) else slice(0, shape[0])
        world = PairRouting(router.system if isinstance(policy, SeenPart) else system)
        return cls(world, PairPolicy(router, world, policy.name), rows, shape)

    def observe(self, state: State, part: int) -> NDArray[np.float32]:
        """One pair of a state ``[1, 1 + K]``."""
        seen = state.values.reshape(self.shape)[self.rows].ravel()
        return np.concatenate([[part], seen])[None].astype(np.float32)

    def whole(self, state: State, beside: State) -> tuple[int, State]:
        """The pair, and the whole case; what the router does not see is as ``beside``."""
        values = beside.values.reshape(self.shape).copy()
        values[self.rows] = state.values[1:].reshape(-1, self.shape[1])
        return int(state.values[0]), State(values.ravel())
