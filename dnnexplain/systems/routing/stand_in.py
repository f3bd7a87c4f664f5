"""A piecewise-linear stand-in for a routing policy, small enough for a solver to read whole.

A sigmoid divided by a sum is not piecewise linear, so no mixed-integer program can hold a DOTE network
exactly. The stand-in routes each pair over the two paths that the policy uses most, by a share that a
small ReLU network, clipped to [0, 1], is fitted to give. What is proved of the stand-in is not proved of the
policy: every input that it suggests is evaluated on the policy itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing.utilisation import normalise_splits

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["StandIn", "fit_stand_in"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StandIn:
    """A clipped ReLU network that splits each pair over two paths; demands are 0 or the cap.

    Attributes:
        system: the network of nodes and links.
        first, second: the two paths of each pair ``[P]`` (the same one where a pair has one path).
        layers: weights and biases of the network, demands in Gb/s to the share of the first path ``[P]``.
        error: root mean square difference from the policy's share, on fresh samples.
    """

    system: Routed
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    layers: tuple[tuple[Array, Array], ...]
    error: float

    @property
    def high(self) -> Array:
        """The full demand of each pair, Gb/s ``[P]``."""
        return np.full(len(self.first), self.system.cap)

    @property
    def use(self) -> Array:
        """What a Gb/s on each path adds to each link's utilisation ``[E, F]``."""
        return self.system.paths.dense_incidence / self.system.topology.capacity[:, None]

    @property
    def serve(self) -> Array:
        """Which pair each path serves ``[P, F]``."""
        return np.asarray(self.system.paths.pair_incidence.toarray())

    @property
    def constant(self) -> Array:
        """Utilisation of each link by each pair's full demand on its second path ``[E, P]``."""
        return self.use[:, self.second] * self.high

    @property
    def product(self) -> Array:
        """What moving all of a pair's full demand to its first path changes ``[E, P]``."""
        return self.use[:, self.first] * self.high - self.constant

    @property
    def least(self) -> float:
        """The smallest optimum of any demand that is not 0: that of one pair alone."""
        singles = np.diag(self.high)
        return min(optimum.lower for optimum in self.system.oracle.solve_all(singles))

    def shares(self, x: Array) -> Array:
        """The share of the first path ``[B, P]`` for demands ``[B, P]``."""
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight.T + bias, 0.0)
        weight, bias = self.layers[-1]
        return np.asarray(np.clip(x @ weight.T + bias, 0.0, 1.0))

    def ratio(self, x: Array) -> Array:
        """MLU of the stand-in over the optimum ``[B]``; 0 without demand."""
        on = x / self.high
        cost = (on @ self.constant.T + (on * self.shares(x)) @ self.product.T).max(axis=1)
        optimum = self.system.oracle.mlu(x)
        return np.asarray(np.divide(cost, optimum, out=np.zeros_like(cost), where=optimum > 0))


def fit_stand_in(
    system: Routed, policy: Policy, *, hidden: int = 8, samples: int = 1500, steps: int = 300, seed: int = 0
) -> StandIn:
    """Fit the stand-in to a policy on demands that are 0 or the cap, from one active pair to all.

    Raises:
        DnnExplainError: for a policy that does not see the matrix that it routes.
    """
    if system.history:
        msg = "the white-box stand-in is made for policies that see the current matrix; use dote-current"
        raise DnnExplainError(msg)
    random = np.random.default_rng(seed)
    x = _on_off(random, samples, len(system.paths.pairs)) * system.cap
    splits = normalise_splits(system.paths, policy.outputs(x.astype(np.float32)))
    first, second = _two_paths(system, splits.mean(axis=0))
    both = splits[:, first] + splits[:, second]
    target = np.where(first == second, 1.0, splits[:, first] / np.where(both > 0, both, 1.0))
    held = samples // 5
    layers = _fit(x[held:] / system.cap, target[held:], hidden, steps, seed)
    scaled = ((layers[0][0] / system.cap, layers[0][1]), *layers[1:])
    stand_in = StandIn(system, first, second, scaled, 0.0)
    error = float(np.sqrt(np.mean((stand_in.shares(x[:held]) - target[:held]) ** 2)))
    return StandIn(system, first, second, scaled, error)


def _on_off(random: np.random.Generator, count: int, pairs: int) -> Array:
    density = np.exp(random.uniform(np.log(1.0 / pairs), 0.0, (count, 1)))
    on = random.random((count, pairs)) < density
    on[np.arange(count), random.integers(0, pairs, count)] = True
    return on.astype(np.float64)


def _two_paths(system: Routed, mean: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each pair's two most used paths ``[P]``."""
    first, second = [], []
    for start, count in zip(system.paths.first_path, system.paths.paths_of_pair, strict=True):
        order = start + np.argsort(-mean[start : start + count], kind="stable")
        first.append(order[0])
        second.append(order[min(1, count - 1)])
    return np.array(first), np.array(second)


def _fit(x: Array, target: Array, hidden: int, steps: int, seed: int) -> tuple[tuple[Array, Array], ...]:
    import torch  # noqa: PLC0415 - heavy

    draw = torch.Generator().manual_seed(seed)
    shapes = ((hidden, x.shape[1]), (target.shape[1], hidden))
    weights = [torch.randn(shape, generator=draw, dtype=torch.float64) / shape[1] ** 0.5 for shape in shapes]
    biases = [torch.zeros(hidden, dtype=torch.float64), torch.as_tensor(target.mean(axis=0))]
    parameters = [part.requires_grad_() for part in (*weights, *biases)]
    optimiser = torch.optim.Adam(parameters, lr=0.01)
    inputs, wanted = torch.as_tensor(x), torch.as_tensor(target)
    for _ in range(steps):
        pick = torch.randint(len(x), (256,), generator=draw)
        out = torch.relu(inputs[pick] @ weights[0].T + biases[0]) @ weights[1].T + biases[1]
        loss = (out - wanted[pick]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return tuple((w.detach().numpy().copy(), b.detach().numpy().copy()) for w, b in zip(weights, biases, strict=True))
