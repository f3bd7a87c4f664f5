"""A traffic state in words: knobs by name, JSON with ``"A->B"`` keys, one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, Knob
from dnnexplain.systems.routing.paths import PathSet

__all__ = ["demand_knobs", "demands_from_json", "demands_to_json", "describe_demands", "pair_by_name"]


def demand_knobs(paths: PathSet, history: int, cap: float, default: NDArray[np.float64]) -> tuple[Knob, ...]:
    """One knob per pair (and per matrix of the history, oldest first), Gb/s, 0 to ``cap``."""
    pairs = paths.pair_names
    if not history:
        return tuple(
            Knob(f"demand {pair}", "Gb/s", 0.0, cap, None, pair, float(start))
            for pair, start in zip(pairs, default, strict=True)
        )
    return tuple(
        Knob(f"demand {pair}, {_age(history - row)}", "Gb/s", 0.0, cap, None, pair, float(start))
        for row in range(history)
        for pair, start in zip(pairs, default, strict=True)
    )


def pair_by_name(paths: PathSet, name: str) -> int:
    """The position of a pair from ``"A->B"``, with or without blanks round the arrow."""
    wanted = " -> ".join(part.strip() for part in name.split("->"))
    try:
        return paths.pair_names.index(wanted)
    except ValueError:
        raise Choice("pair of nodes", name, paths.pair_names).error() from None


def demands_to_json(paths: PathSet, demands: NDArray[np.float64]) -> dict[str, float]:
    """The demands that are not 0, by ``"A->B"``, Gb/s."""
    return {
        name.replace(" -> ", "->"): float(value)
        for name, value in zip(paths.pair_names, demands, strict=True)
        if value != 0
    }


def demands_from_json(paths: PathSet, data: Any, field: str, cap: float) -> NDArray[np.float64]:
    """The inverse ``[P]``; a pair that is not named has no demand.

    Raises:
        DnnExplainError: for a pair that does not exist, and a demand that is no number, negative or above ``cap``.
    """
    if not isinstance(data, Mapping):
        msg = f'{field!r} must map pairs to Gb/s, e.g. {{"{paths.pair_names[0].replace(" ", "")}": 1.5}}'
        raise DnnExplainError(msg)
    demands = np.zeros(len(paths.pairs))
    for name, value in data.items():
        pair = pair_by_name(paths, str(name))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= cap * (1 + 1e-9):
            msg = f"{field} of {name}: expected 0 to {cap:.6g} Gb/s (the mean link capacity), not {value!r}"
            raise DnnExplainError(msg)
        demands[pair] = min(float(value), cap)
    return demands


def describe_demands(paths: PathSet, demands: NDArray[np.float64], matrix: str) -> str:
    """One sentence: ``matrix`` asks for so many Gb/s among so many pairs, and most from where to where."""
    total = float(demands.sum())
    if total == 0:
        return f"{matrix} asks for no traffic."
    top = int(np.argmax(demands))
    source, target = (paths.topology.nodes[node] for node in paths.pairs[top])
    active = int((demands > 0).sum())
    among = "1 pair" if active == 1 else f"{active} pairs"
    return (
        f"{matrix} asks for {total:.3g} Gb/s among {among} of nodes; most from {source} to {target}, "
        f"{demands[top]:.3g} Gb/s."
    )


def _age(steps: int) -> str:
    return "1 matrix ago" if steps == 1 else f"{steps} matrices ago"
