"""Which cells of a traffic observation belong together when an attribution is summed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.routing.paths import PathSet

__all__ = ["GROUPINGS", "cell_groups"]

GROUPINGS = ("pair", "source", "destination", "age")


def cell_groups(
    paths: PathSet, history: int, grouping: str, *, routed: bool = False
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of the groups, and the group of each cell ``[P]`` or ``[H, P]``.

    Args:
        paths: the pairs.
        history: the number of matrices in the observation, 0 for one without a history.
        grouping: by ``"pair"``, by the node that traffic comes from (``"source"``) or goes to
            (``"destination"``), or by the ``"age"`` of the matrix.
        routed: whether the matrix to route follows the history.
    """
    rows = history + 1 if routed else max(history, 1)
    if grouping == "age":
        ages = [f"matrix {history - row} back" for row in range(history)]
        ages += ["the matrix to route"] * (routed and bool(history)) + ["the current matrix"] * (not history)
        cells = np.repeat(np.arange(rows)[:, None], len(paths.pairs), axis=1)
        return tuple(ages), (cells if history else cells[0]).astype(np.int64)
    if grouping == "pair":
        names, of_pair = paths.pair_names, np.arange(len(paths.pairs))
    else:
        word, end = ("from", 0) if grouping == "source" else ("to", 1)
        names = tuple(f"traffic {word} {node}" for node in paths.topology.nodes)
        of_pair = np.array([pair[end] for pair in paths.pairs])
    cells = np.repeat(of_pair[None], rows, axis=0)
    return names, (cells if history else cells[0]).astype(np.int64)
