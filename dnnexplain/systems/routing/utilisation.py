"""From demands and split ratios to how full each link is (numpy; the torch twin is ``tensors``).

For demand ``d_p`` of pair ``p`` and split ratio ``s_f`` of path ``f``: flow ``s_f d_{pair(f)}``, load of a
link the sum of the flows over it, utilisation load / capacity, and the maximum link utilisation (MLU)
the largest of these (Azar et al., STOC 2003).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.routing.paths import PathSet

__all__ = [
    "check_demands",
    "check_splits",
    "link_utilisation",
    "mlu",
    "normalise_splits",
    "over_links",
    "path_costs",
    "path_sums",
]

_DENSE_CELLS = 4_000_000  # an incidence matrix up to this size is multiplied as an ordinary array
_SUM_TOLERANCE = 1e-3


def check_demands(paths: PathSet, demands: ArrayLike) -> NDArray[np.float64]:
    """Demands as float64 ``[..., P]`` in Gb/s, or an error that names the pair that is wrong."""
    array = np.asarray(demands, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != len(paths.pairs):
        msg = (
            f"topology {paths.topology.name!r} has {counted(len(paths.pairs), 'ordered pair')} of nodes, so demands need "
            f"{counted(len(paths.pairs), 'value')} in the last axis; their shape is {array.shape}"
        )
        raise DnnExplainError(msg)
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        where = tuple(np.argwhere(bad)[0])
        value = array[where]
        msg = f"the demand {paths.pair_names[where[-1]]} is {value:g} Gb/s; demands must be finite and not negative"
        raise DnnExplainError(msg)
    return array


def normalise_splits(paths: PathSet, shares: NDArray[Any]) -> NDArray[np.float64]:
    """Shares ``[..., F]`` divided by their sum per pair; a pair whose shares are all 0 splits evenly."""
    shares = np.asarray(shares, dtype=np.float64)
    total = np.add.reduceat(shares, paths.first_path, axis=-1)[..., paths.pair_of_path]
    even = 1.0 / paths.paths_of_pair[paths.pair_of_path]
    return np.where(total > 0, shares / np.where(total > 0, total, 1.0), even)


def check_splits(paths: PathSet, splits: ArrayLike, who: str = "the policy") -> NDArray[np.float64]:
    """Split ratios as float64 ``[..., F]`` that sum to 1 per pair to the last bit, or an error.

    Sums may be off by rounding (0.001) as a float32 network's are; they are then normalised.
    """
    array = np.asarray(splits, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != paths.count:
        msg = (
            f"{who} gave split ratios of shape {array.shape}, but {paths.topology.name!r} has {counted(paths.count, 'path')}; "
            "was it trained for another topology or another number of paths per pair?"
        )
        raise DnnExplainError(msg)
    if not np.isfinite(array).all() or (array < 0).any():
        where = int(np.argwhere(~(np.isfinite(array) & (array >= 0)))[0][-1])
        msg = f"{who} gave {paths.names[where]} a split ratio that is negative or not a number"
        raise DnnExplainError(msg)
    total = np.add.reduceat(array, paths.first_path, axis=-1)
    if (np.abs(total - 1) > _SUM_TOLERANCE).any():
        where = int(np.argwhere(np.abs(total - 1) > _SUM_TOLERANCE)[0][-1])
        msg = (
            f"{who} gave {paths.pair_names[where]} split ratios that sum to "
            f"{total.reshape(-1, total.shape[-1])[:, where].max():.3g}; they must sum to 1 for every pair "
            "(divide each pair's outputs by their sum)"
        )
        raise DnnExplainError(msg)
    return normalise_splits(paths, array)


def link_utilisation(paths: PathSet, splits: NDArray[Any], demands: NDArray[Any]) -> NDArray[np.float64]:
    """The share of each link's capacity that is used ``[..., E]``; 1 is full.

    Args:
        paths: the paths that splits speak of.
        splits: split ratios ``[..., F]``.
        demands: Gb/s ``[..., P]``; leading axes broadcast against those of ``splits``.
    """
    flows = np.asarray(splits, dtype=np.float64) * np.asarray(demands, dtype=np.float64)[..., paths.pair_of_path]
    return path_sums(paths, flows) / paths.topology.capacity


def path_sums(paths: PathSet, flows: NDArray[np.float64]) -> NDArray[np.float64]:
    """What crosses each link ``[..., E]`` when each path carries ``flows`` ``[..., F]``."""
    if paths.count * len(paths.topology.links) <= _DENSE_CELLS:
        return flows @ paths.dense_incidence.T
    flat = flows.reshape(-1, paths.count)
    return np.asarray((paths.incidence @ flat.T).T).reshape(*flows.shape[:-1], len(paths.topology.links))


def path_costs(paths: PathSet, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each path costs ``[..., F]`` when its links cost ``prices`` ``[..., E]``."""
    if paths.count * len(paths.topology.links) <= _DENSE_CELLS:
        return prices @ paths.dense_incidence
    return np.asarray((paths.incidence.T @ prices.reshape(-1, prices.shape[-1]).T).T).reshape(*prices.shape[:-1], -1)


def over_links(paths: PathSet, links: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Which paths cross each of some links: 1 where they do ``[n, F]`` for the indices of links ``[n]``."""
    if paths.count * len(paths.topology.links) <= _DENSE_CELLS:
        return np.asarray(paths.dense_incidence[links])
    return np.asarray(paths.incidence[links].toarray())


def mlu(paths: PathSet, splits: NDArray[Any], demands: NDArray[Any]) -> NDArray[np.float64]:
    """Maximum link utilisation ``[...]`` of :func:`link_utilisation`."""
    return np.asarray(link_utilisation(paths, splits, demands).max(axis=-1))
