"""ONNX's recurrent operators in torch: RNN, GRU and LSTM, over whole sequences, from the operator specification.

Weights are ``W [D, G H, I]``, ``R [D, G H, H]`` and ``B [D, 2 G H]`` for D directions, G gates and H units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from dnnexplain.contract import DnnExplainError

__all__ = ["RECURRENT"]

Attributes = Mapping[str, Any]
_USUAL = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


def _gru(
    given: torch.Tensor, state: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, linear: bool
) -> torch.Tensor:
    units = state.shape[1]
    gates = torch.sigmoid(given[:, : 2 * units] + state @ weight[: 2 * units].T + bias[: 2 * units])
    update, reset = gates.split(units, 1)
    last, its = weight[2 * units :], bias[2 * units :]
    inner = reset * (state @ last.T + its) if linear else (reset * state) @ last.T + its
    gru: torch.Tensor = (1 - update) * torch.tanh(given[:, 2 * units :] + inner) + update * state
    return gru


def _lstm(
    given: torch.Tensor, state: torch.Tensor, cell: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    inlet, outlet, forget, new = (given + state @ weight.T + bias).chunk(4, 1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(inlet) * torch.tanh(new)
    return torch.sigmoid(outlet) * torch.tanh(cell), cell


def _recurrent(kind: str, gates: int) -> Callable[..., tuple[torch.Tensor, ...]]:
    def operation(
        attributes: Attributes,
        x: torch.Tensor,
        w: torch.Tensor,
        r: torch.Tensor,
        b: torch.Tensor | None = None,
        lengths: torch.Tensor | None = None,
        hidden: torch.Tensor | None = None,
        cell: torch.Tensor | None = None,
        peepholes: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, ...]:
        _refuse_rare(kind, attributes, lengths, peepholes)
        batch_first = bool(attributes.get("layout", 0))
        rows = x.transpose(0, 1) if batch_first else x
        ways, units = r.shape[0], r.shape[2]
        bias = x.new_zeros(ways, 2 * gates * units) if b is None else b
        outputs, states, cells = [], [], []
        for way in range(ways):
            first = bias[way, : gates * units]
            second = bias[way, gates * units :]
            state = _begin(hidden, way, rows, units, batch_first=batch_first)
            kept = _begin(cell, way, rows, units, batch_first=batch_first)
            backward = attributes.get("direction") == "reverse" or way == 1
            given = rows @ w[way].T + first
            outs = []
            for place in reversed(range(len(rows))) if backward else range(len(rows)):
                if kind == "LSTM":
                    state, kept = _lstm(given[place], state, kept, r[way], second)
                elif kind == "GRU":
                    state = _gru(
                        given[place], state, r[way], second, linear=bool(attributes.get("linear_before_reset"))
                    )
                else:
                    state = torch.tanh(given[place] + state @ r[way].T + second)
                outs.append(state)
            outputs.append(torch.stack(outs[::-1] if backward else outs))
            states.append(state)
            cells.append(kept)
        axis = 1 if batch_first else 0
        whole = torch.stack(outputs, 1)  # [T, D, B, H]
        answer = (whole.permute(2, 0, 1, 3) if batch_first else whole, torch.stack(states, axis))
        return (*answer, torch.stack(cells, axis)) if kind == "LSTM" else answer

    return operation


def _begin(given: torch.Tensor | None, way: int, rows: torch.Tensor, units: int, *, batch_first: bool) -> torch.Tensor:
    if given is None:
        return rows.new_zeros(rows.shape[1], units)
    part = given.select(1 if batch_first else 0, way)
    return part.expand(rows.shape[1], units)


def _refuse_rare(
    kind: str, attributes: Attributes, lengths: torch.Tensor | None, peepholes: torch.Tensor | None
) -> None:
    count = len(_USUAL[kind])
    activations = [str(name).capitalize() for name in attributes.get("activations") or _USUAL[kind]]
    usual = all(activations[first : first + count] == _USUAL[kind] for first in range(0, len(activations), count))
    rare = {
        "other activations than " + " and ".join(_USUAL[kind]): not usual,
        "a clip": bool(attributes.get("clip")),
        "coupled gates": bool(attributes.get("input_forget")),
        "peepholes": peepholes is not None,
        "sequences of several lengths": lengths is not None and len(set(lengths.tolist())) > 1,
    }
    if rare_ones := [words for words, there in rare.items() if there]:
        msg = f"its {kind} has {' and '.join(rare_ones)}, which is not read"
        raise DnnExplainError(msg)


RECURRENT: dict[str, Callable[..., tuple[torch.Tensor, ...]]] = {
    "GRU": _recurrent("GRU", 3),
    "LSTM": _recurrent("LSTM", 4),
    "RNN": _recurrent("RNN", 1),
}
"""Operator -> what it computes: all outputs ``[T, D, B, H]``, the last state ``[D, B, H]``, and an LSTM's cell."""
