"""A traffic state in words: knobs by name, JSON with ``"A->B"`` keys, one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, Knob
from dnnexplain.counts import counted
from dnnexplain.numbers import number
from dnnexplain.systems.routing.paths import PathSet

__all__ = [
    "case_from_json",
    "case_to_json",
    "demand_knobs",
    "demands_from_json",
    "demands_to_json",
    "describe_demands",
    "pair_by_name",
]


def demand_knobs(
    paths: PathSet, history: int, cap: float, default: NDArray[np.float64], *, routed: bool = False
) -> tuple[Knob, ...]:
    """One knob per pair (and per matrix of the history, oldest first, then the one to route), Gb/s, 0 to ``cap``."""
    if not history:
        endings = [""]
    else:
        endings = [f", {_age(history - row)}" for row in range(history)] + ([", to route"] if routed else [])
    return tuple(
        Knob(f"demand {pair}{ending}", "Gb/s", 0.0, cap, None, pair, float(start))
        for ending in endings
        for pair, start in zip(paths.pair_names, default, strict=True)
    )


def case_to_json(paths: PathSet, rows: NDArray[np.float64], history: int) -> dict[str, Any]:
    """Matrices ``[H (+ 1), P]`` as ``{"history": [{"A->B": 1.5}, ...], "demands": {...}}``, each where there is one."""
    lines = [demands_to_json(paths, row) for row in rows]
    data: dict[str, Any] = {"history": lines[:history]} if history else {}
    return {**data, "demands": lines[-1]} if len(rows) > history else data


def case_from_json(
    paths: PathSet, data: Mapping[str, Any], history: int, count: int, cap: float
) -> NDArray[np.float64]:
    """The inverse, ``[count, P]``; pairs that are not named have no demand.

    Raises:
        DnnExplainError: for a field too many or too few, and what :func:`demands_from_json` refuses.
    """
    fields = [*(["history"] if history else []), *(["demands"] if count > history else [])]
    if set(data) != set(fields):
        known = " and ".join(repr(field) for field in fields)
        msg = f"a routing state has exactly the field{'s' * (len(fields) > 1)} {known}; given: {', '.join(map(str, data)) or 'none'}"
        raise DnnExplainError(msg)
    earlier = data.get("history", [])
    if not isinstance(earlier, Sequence) or isinstance(earlier, str) or len(earlier) != history:
        msg = f"'history' must be a list of {counted(history, 'traffic matrix', 'traffic matrices')}, oldest first"
        raise DnnExplainError(msg)
    rows = [demands_from_json(paths, matrix, "history", cap) for matrix in earlier]
    if count > history:
        rows.append(demands_from_json(paths, data["demands"], "demands", cap))
    return np.stack(rows)


def pair_by_name(paths: PathSet, name: str) -> int:
    """The position of a pair from ``"A->B"``, with or without blanks round the arrow."""
    wanted = " -> ".join(part.strip() for part in name.split("->"))
    if wanted not in paths.pair_index:
        raise Choice("pair of nodes", name, paths.pair_names).error()
    return paths.pair_index[wanted]


def demands_to_json(paths: PathSet, demands: NDArray[np.float64]) -> dict[str, float]:
    """The demands that are not 0, by ``"A->B"``, Gb/s."""
    return {name: float(value) for name, value in zip(paths.short_names, demands, strict=True) if value != 0}


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
    return (
        f"{matrix} asks for {number(total)} Gb/s among {counted(active, 'pair')} of nodes; most from {source} to {target}, "
        f"{demands[top]:.3g} Gb/s."
    )


def _age(steps: int) -> str:
    return f"{counted(steps, 'matrix', 'matrices')} ago"
