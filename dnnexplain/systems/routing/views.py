"""Policies of a smaller system inside one whose states are whole cases: each sees its own part of the state."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError, Policy
from dnnexplain.counts import counted
from dnnexplain.systems.routing.problem import RoutingProblem

if TYPE_CHECKING:
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["SeenPart", "adversary_of"]


class _Rows(nn.Module):
    """A network that is given some of the rows of a case ``[B, H + 1, P]``."""

    def __init__(self, network: nn.Module, first: int, last: int, *, single: bool) -> None:
        super().__init__()
        self.network = network
        self.first, self.last, self.single = first, last, single

    def forward(self, case: Tensor) -> Tensor:
        """The network's outputs ``[B, F]``."""
        outputs: Tensor = self.network(case[:, self.last - 1] if self.single else case[:, self.first : self.last])
        return outputs


class SeenPart:
    """A policy as one of whole cases (``contract.NetworkPolicy``): the rest of a case does not reach it.

    Args:
        policy: a network of a :class:`Routed` of the same topology, with its ``system``.
        system: whose states are whole cases (``routed=True``).

    Raises:
        DnnExplainError: the policy is of another topology, or reads a longer history than there is.
    """

    masked = False

    def __init__(self, policy: Any, system: Routed) -> None:
        own: Routed | None = getattr(policy, "system", None)
        if not system.routed or own is None or not hasattr(policy, "module"):
            msg = "seen_by takes a network with its system (a TorchPolicy), and a system made with routed=True"
            raise DnnExplainError(msg)
        if own.paths.names != system.paths.names or own.history > system.history or own.routed:
            msg = (
                f"{policy.name} was made for {own.topology.name} with {counted(own.k, 'path')} and {counted(own.history, 'earlier matrix', 'earlier matrices')}; "
                f"this system is {system.topology.name} with {counted(system.k, 'path')} and {system.history}"
            )
            raise DnnExplainError(msg)
        self.inner, self.name, self.checkpoint = policy, str(policy.name), str(policy.checkpoint)
        self.note: str = getattr(policy, "note", "")
        end = system.history if own.history else system.history + 1
        self.rows = slice(end - max(own.history, 1), end)
        self.module = _Rows(policy.module, self.rows.start, end, single=not own.history)

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Split ratios ``[B, F]`` for cases ``[B, H + 1, P]``."""
        seen = np.asarray(observations)[:, self.rows]
        shares: NDArray[np.float64] = self.inner.outputs(seen[:, 0] if self.module.single else seen)
        return shares

    def copy(self) -> SeenPart:
        """The same policy with a network of its own."""
        twin = copy.copy(self)
        twin.inner = self.inner.copy() if hasattr(self.inner, "copy") else copy.deepcopy(self.inner)
        twin.module = _Rows(twin.inner.module, self.module.first, self.module.last, single=self.module.single)
        return twin


def adversary_of(system: Routed, policy: Policy, routed: ArrayLike | None = None, **choices: Any) -> RoutingProblem:
    """A policy and what may be chosen against it; where states are whole cases, against the part that it sees."""
    if not system.routed:
        return RoutingProblem(system, policy, routed, **choices)
    if isinstance(policy, SeenPart):
        problem = RoutingProblem(policy.inner.system, policy.inner, routed, **choices)
    elif hasattr(policy, "module"):
        msg = f"{policy.name} reads whole cases; search the policy itself, on the system that it was made for"
        raise DnnExplainError(msg)
    else:  # a rule, which reads the newest matrix if it reads any
        problem = RoutingProblem(system.part(), policy, routed, **choices)
    problem.shown_in = system
    return problem
