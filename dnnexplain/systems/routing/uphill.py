"""In which direction a case becomes worse for a policy: the gradient of what it costs above the optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy

if TYPE_CHECKING:
    from dnnexplain.systems.routing.problem import RoutingProblem
    from dnnexplain.systems.routing.routed import Routed
    from dnnexplain.systems.routing.traffic import TrafficCase

__all__ = ["problem_of", "slope"]

Floats = NDArray[np.float64]


def problem_of(system: Routed, policy: Policy) -> RoutingProblem | None:
    """A policy on whole cases, or ``None`` where it cannot be differentiated."""
    from dnnexplain.systems.routing.views import adversary_of  # noqa: PLC0415 - torch when first needed

    try:
        problem = adversary_of(system, policy)
    except DnnExplainError:
        return None
    return None if problem.network is None else problem


def slope(problem: RoutingProblem, case: TrafficCase) -> Floats:
    """The gradient of MLU less the optimum by each demand of a case ``[H + 1, P]``.

    Of the policy's MLU by automatic differentiation through the network, of the optimum by the demands' dual prices.
    """
    import torch  # noqa: PLC0415 - heavy

    table = np.concatenate([case.history, case.demands[None]])
    rows = problem.size // problem.pairs
    x = table[len(table) - rows :].ravel()
    seen = torch.tensor(x[None, problem.seen], dtype=torch.float64, requires_grad=True)
    free = torch.tensor(x[None, problem.free], dtype=torch.float64, requires_grad=True)
    assert problem.network is not None
    worst = problem.links(torch.cat([problem.network(seen), free], dim=1)).max()
    by_seen, by_free = torch.autograd.grad(worst, (seen, free), allow_unused=True)
    gradient = np.zeros(problem.size)
    for places, part in ((problem.seen, by_seen), (problem.free, by_free)):
        if part is not None:
            gradient[places] += part.numpy()[0]
    prices = problem.system.oracle.solve(problem.demands(x[None])[0]).demand_prices
    gradient[problem.free] -= prices
    whole = np.zeros_like(table)
    whole[len(table) - rows :] = gradient.reshape(rows, problem.pairs)
    return whole
