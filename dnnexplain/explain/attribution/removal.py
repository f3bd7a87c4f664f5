"""Attribution by putting parts back to the reference: ablation, occlusion, Shapley values.

The players of ablation and Shapley values are knob groups. A group's value is spread evenly over its
cells that differ from the reference, so that a map can be drawn and still sums to the groups' total.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from captum.attr import FeatureAblation, Occlusion, ShapleyValueSampling
from torch import Tensor

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.captum_question import CaptumQuestion, Raw, seeded

__all__ = ["MOST_EXACT", "active_groups", "exact_shapley", "feature_ablation", "occlusion", "shapley", "spread"]

MOST_EXACT = 12
"""Up to this many groups, all coalitions are evaluated: at most 4,096."""


def spread(values: Tensor, p: CaptumQuestion) -> Tensor:
    """Group values ``[P, G]`` as maps ``[P, *observation_shape]`` over the cells that changed."""
    changed = (p.inputs != p.references).flatten(1).double()
    cells = p.groups.flatten()
    count = torch.zeros((len(changed), p.group_count), dtype=torch.float64)
    count.index_add_(1, cells, changed)
    per_cell = values.double() / count.clamp_min(1.0)
    return (per_cell[:, cells] * changed).reshape(p.inputs.shape)


def active_groups(p: CaptumQuestion, pair: int) -> Tensor:
    """The groups in which a pair's input differs from its reference; all others have value 0."""
    return torch.tensor(sorted(set(p.groups[p.inputs[pair] != p.references[pair]].tolist())), dtype=torch.long)


def _by_group(by_part: Tensor, cells: Tensor, count: int) -> Tensor:
    """The value that Captum wrote into every cell of a group ``[P, count]``."""
    values = torch.zeros((len(by_part), count), dtype=torch.float64)
    values[:, cells.flatten()] = by_part.flatten(1).double()
    return values


def feature_ablation(p: CaptumQuestion) -> Raw:
    """What the scalar loses when one knob group is put back to the reference, the others kept."""
    evaluations = max(1, min(p.group_count, p.chunk // max(1, len(p.rows))))
    attribution = FeatureAblation(p.forward).attribute(
        p.inputs,
        p.references,
        additional_forward_args=(p.rows,),
        feature_mask=p.groups[None],
        perturbations_per_eval=evaluations,
    )
    return Raw(spread(_by_group(attribution, p.groups, p.group_count), p))


def occlusion(p: CaptumQuestion) -> Raw:
    """What the scalar loses when a window is put back to the reference; windows tile the input."""
    shape = tuple(p.inputs.shape[1:])
    default = (*shape[:-2], *(min(2, size) for size in shape[-2:]))
    window = tuple(int(size) for size in p.settings.get("window", default))
    if len(window) != len(shape) or any(not 0 < w <= size for w, size in zip(window, shape, strict=False)):
        msg = f"a window has one length per axis of the observation {shape}, each at least 1 and at most the axis, not {window}"
        raise DnnExplainError(msg)
    attribution = Occlusion(p.forward).attribute(
        p.inputs,
        window,
        strides=window,
        baselines=p.references,
        additional_forward_args=(p.rows,),
        perturbations_per_eval=max(1, min(256, p.chunk // max(1, len(p.rows)))),
    )
    tiles = _tiles(shape, window)
    tiled = replace(p, groups=tiles, group_count=int(tiles.max()) + 1)
    return Raw(spread(_by_group(attribution, tiles, tiled.group_count), tiled))


def _tiles(shape: tuple[int, ...], window: tuple[int, ...]) -> Tensor:
    """The number of the window that covers each cell ``[*shape]``."""
    number = torch.zeros(shape, dtype=torch.long)
    for axis, (size, width) in enumerate(zip(shape, window, strict=True)):
        along = torch.arange(size) // width
        number = number * (int(along[-1]) + 1) + along.reshape(-1, *([1] * (len(shape) - axis - 1)))
    return number


def shapley(p: CaptumQuestion) -> Raw:
    """Shapley values of the knob groups: exact for up to 12 that differ, else sampled by Captum."""
    values = torch.zeros((len(p.rows), p.group_count), dtype=torch.float64)
    orders = p.count("samples", 64)
    sampled = 0
    for pair in range(len(p.rows)):
        players = active_groups(p, pair)
        if len(players) <= MOST_EXACT:
            values[pair, players] = exact_shapley(p, pair, players)
        else:
            values[pair, players] = _sampled_shapley(p, pair, players, orders)
            sampled = max(sampled, len(players))
    if not sampled:
        return Raw(spread(values, p), notes=("Shapley values are exact",))
    return Raw(
        spread(values, p),
        orders,
        (f"Shapley values of {counted(sampled, 'group')} are estimated from {counted(orders, 'order')}",),
    )


def exact_shapley(p: CaptumQuestion, pair: int, players: Tensor) -> Tensor:
    """Shapley values ``[n]`` of ``n`` groups, from the scalar of all ``2**n`` coalitions (Shapley 1953, eq. 12).

    A coalition shows its groups as they are in the input and all others as in the reference. Captum has
    no exact method that is feasible beyond 7 groups (its ``ShapleyValues`` goes through all n! orders).
    """
    n = len(players)
    worth = _coalitions(p, pair, players)
    size = torch.tensor([s.bit_count() for s in range(2**n)])
    weight = torch.tensor([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    values = torch.zeros(n, dtype=torch.float64)
    for player in range(n):
        without = (torch.arange(2**n) >> player & 1 == 0).nonzero()[:, 0]
        values[player] = (weight.double()[size[without]] * (worth[without | 1 << player] - worth[without])).sum()
    return values


def _coalitions(p: CaptumQuestion, pair: int, players: Tensor) -> Tensor:
    """The scalar of every coalition ``[2**n]``; bit k of the index says whether player k takes part."""
    place = torch.full((p.group_count,), -1, dtype=torch.long)
    place[players] = torch.arange(len(players))
    cell = place[p.groups]
    worth = []
    for part in torch.split(torch.arange(2 ** len(players)), p.chunk):
        present = (part.reshape(-1, *([1] * cell.ndim)) >> cell.clamp_min(0) & 1).bool() | (cell < 0)
        mixed = torch.where(present, p.inputs[pair], p.references[pair])
        worth.append(p.values(mixed, p.rows[pair].expand(len(part))))
    return torch.cat(worth)


def _sampled_shapley(p: CaptumQuestion, pair: int, players: Tensor, orders: int) -> Tensor:
    """Shapley values ``[n]`` from random orders (Captum), groups without a difference left out."""
    place = torch.full((p.group_count,), len(players), dtype=torch.long)
    place[players] = torch.arange(len(players))
    mask = place[p.groups]
    with seeded(p.seed), torch.no_grad():
        attribution = ShapleyValueSampling(p.forward).attribute(
            p.inputs[pair : pair + 1],
            p.references[pair : pair + 1],
            additional_forward_args=(p.rows[pair : pair + 1],),
            feature_mask=mask[None],
            n_samples=orders,
            perturbations_per_eval=len(players) + 1,
        )
    return _by_group(attribution, mask, len(players) + 1)[0, : len(players)]
