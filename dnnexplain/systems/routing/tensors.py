"""The routing model in torch: differentiable, batched, for training, attribution and worst-case search."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dnnexplain.systems.routing.paths import PathSet

__all__ = ["OptimalMLU", "TorchRouting"]

_DENSE_CELLS = 4_000_000


class TorchRouting(nn.Module):
    """Splits and demands to flows, loads and utilisation, with gradients.

    Args:
        paths: the paths that splits speak of.
        dtype: of the constants; float32 beside a network, float64 for a search that ends in a claim.
        links: whether links are asked for; without them :meth:`loads` and :meth:`path_costs`, and what needs these, are
            not to be called, and a large network's table of paths and links takes no memory.

    Calling it gives :meth:`mlu`. Sizes: ``P`` pairs, ``F`` paths, ``E`` links; ``...`` are batch axes.
    """

    capacity: Tensor
    pair_of_path: Tensor
    incidence: Tensor
    even: Tensor

    def __init__(self, paths: PathSet, dtype: torch.dtype = torch.float32, *, links: bool = True) -> None:
        super().__init__()
        self.pairs = len(paths.pairs)
        self.links = len(paths.topology.links)
        self.dense = paths.count * self.links <= _DENSE_CELLS
        self._constant("capacity", torch.as_tensor(paths.topology.capacity.copy(), dtype=dtype))
        self._constant("pair_of_path", torch.as_tensor(paths.pair_of_path))
        share = 1.0 / paths.paths_of_pair[paths.pair_of_path]
        self._constant("even", torch.as_tensor(share, dtype=dtype))
        if links:
            self._constant("incidence", self._incidence(paths, dtype))

    def forward(self, splits: Tensor, demands: Tensor) -> Tensor:
        """Maximum link utilisation ``[...]``; see :meth:`mlu`."""
        return self.mlu(splits, demands)

    def pair_sums(self, values: Tensor) -> Tensor:
        """Sums over the paths of each pair, ``[..., F]`` to ``[..., P]``."""
        zeros = values.new_zeros((*values.shape[:-1], self.pairs))
        return zeros.scatter_add(-1, self.pair_of_path.expand_as(values), values)  # as ONNX has it, too

    def normalise(self, shares: Tensor) -> Tensor:
        """Non-negative shares ``[..., F]`` divided by their sum per pair; all 0 becomes an even split."""
        total = self.pair_sums(shares)[..., self.pair_of_path]
        positive = total > 0
        return torch.where(positive, shares / torch.where(positive, total, torch.ones_like(total)), self.even)

    def softmax(self, scores: Tensor) -> Tensor:
        """Softmax over the paths of each pair ``[..., F]``."""
        top = scores.new_full((*scores.shape[:-1], self.pairs), -torch.inf)
        index = self.pair_of_path.expand_as(scores)
        top = top.scatter_reduce(-1, index, scores.detach(), "amax")
        return self.normalise(torch.exp(scores - top[..., self.pair_of_path]))

    def flows(self, splits: Tensor, demands: Tensor) -> Tensor:
        """What each path carries, Gb/s ``[..., F]``, for splits ``[..., F]`` and demands ``[..., P]``."""
        return splits * demands[..., self.pair_of_path]

    def loads(self, flows: Tensor) -> Tensor:
        """What crosses each link, Gb/s ``[..., E]``, for path flows ``[..., F]``."""
        if self.dense:
            return flows @ self.incidence
        flat = flows.reshape(-1, flows.shape[-1])
        carried: Tensor = torch.sparse.mm(self.incidence, flat.T)
        return carried.T.reshape(*flows.shape[:-1], self.links)

    def path_costs(self, prices: Tensor) -> Tensor:
        """What each path costs ``[..., F]`` when its links cost ``prices`` ``[..., E]``."""
        if self.dense:
            return prices @ self.incidence.T
        flat = prices.reshape(-1, prices.shape[-1])
        priced: Tensor = torch.sparse.mm(self.incidence.transpose(0, 1), flat.T)
        return priced.T.reshape(*prices.shape[:-1], -1)

    def utilisation(self, splits: Tensor, demands: Tensor) -> Tensor:
        """The share of each link's capacity that is used ``[..., E]``."""
        return self.loads(self.flows(splits, demands)) / self.capacity

    def mlu(self, splits: Tensor, demands: Tensor) -> Tensor:
        """Maximum link utilisation ``[...]`` (Azar et al., STOC 2003)."""
        return self.utilisation(splits, demands).amax(-1)

    def _constant(self, name: str, value: Tensor) -> None:
        """A buffer that moves with the module and stays out of its weights file."""
        self.register_buffer(name, value, persistent=False)

    def _incidence(self, paths: PathSet, dtype: torch.dtype) -> Tensor:
        """Dense ``[F, E]`` for a small network, else sparse ``[E, F]``."""
        if self.dense:
            return torch.as_tensor(paths.dense_incidence.T.copy(), dtype=dtype)
        table = paths.incidence.tocoo()
        index = torch.stack([torch.as_tensor(axis.astype("int64")) for axis in table.coords])
        return torch.sparse_coo_tensor(
            index, torch.as_tensor(table.data, dtype=dtype), table.shape, check_invariants=True
        ).coalesce()


class OptimalMLU(torch.autograd.Function):
    """The optimal MLU ``[B]`` of demands ``[B, P]``, differentiated by its dual prices (envelope theorem)."""

    @staticmethod
    def forward(ctx: Any, demands: Tensor, oracle: Any) -> Tensor:
        """Solve each row with ``oracle`` (:class:`~dnnexplain.systems.routing.oracle.RoutingOracle`)."""
        optima = oracle.solve_all(demands.detach().double().clamp_min(0).cpu().numpy())
        prices = torch.stack([torch.as_tensor(optimum.demand_prices) for optimum in optima])
        ctx.save_for_backward(prices.to(demands))
        return torch.tensor([optimum.upper for optimum in optima]).to(demands)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """Each demand's price times the gradient of its row."""
        (prices,) = ctx.saved_tensors
        return grads[0][..., None] * prices, None
