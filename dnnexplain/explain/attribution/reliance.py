"""What a network's decisions rest on over many states: cells that nothing depends on, groups that decisions depend on.

A cell is dead where no output has a gradient with respect to it in any state that was met; of these, a constant
cell had one value in all of them. There are two kinds: a cell that was never wired (no weights lead from it to an output,
so that no state could give it a gradient), and one that is wired and dead (weights lead on from it, but what it
reaches was off, or flat, in every state). How far decisions depend on a group is told as by permutation importance
(Breiman 2001): its cells are exchanged for those of another state, all others kept, and the decisions that
change are counted. The mixed observations need not be states that a session could show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy, System
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.decision import valid_of
from dnnexplain.explain.networks.hooks import network_of, private, tensor, with_gradients
from dnnexplain.explain.networks.paths import wired_cells
from dnnexplain.numbers import share
from dnnexplain.results import Shown, array_field

__all__ = ["Reliance", "reliance"]

_BATCH = 256
_SHUFFLES = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class Reliance(Shown):
    """What decisions in ``S`` states rest on.

    Attributes:
        states: how many.
        group_names: names of groups.
        dead: cells without gradient in any state ``[*observation_shape]``.
        constant: cells with one value in all states ``[*observation_shape]``.
        wired: cells from which weights lead to some output ``[*observation_shape]``.
        cell_group: the group of each cell ``[*observation_shape]``.
        changed: share of decisions that change when a group is permuted among states, mean of the shuffles ``[G]``.
        shuffles: how many.
    """

    states: int
    group_names: tuple[str, ...]
    dead: NDArray[np.bool_] = field(repr=False)
    constant: NDArray[np.bool_] = field(repr=False)
    wired: NDArray[np.bool_] = field(repr=False)
    cell_group: NDArray[np.int64] = field(repr=False)
    changed: NDArray[np.float64] = array_field("group")
    shuffles: int = _SHUFFLES

    @property
    def dead_cells(self) -> list[list[int]]:
        """The places of dead cells, row by row."""
        cells: list[list[int]] = np.argwhere(self.dead).tolist()
        return cells

    @property
    def never_wired_cells(self) -> list[list[int]]:
        """Those of the dead cells from which no weights lead on."""
        cells: list[list[int]] = np.argwhere(self.dead & ~self.wired).tolist()
        return cells

    @property
    def wired_dead_cells(self) -> list[list[int]]:
        """Those of the dead cells from which weights lead on."""
        cells: list[list[int]] = np.argwhere(self.dead & self.wired).tolist()
        return cells

    def table(self) -> list[dict[str, Any]]:
        """A row for each group of knobs."""
        return [
            {"group": name, "decisions changed": float(share)}
            for name, share in zip(self.group_names, self.changed, strict=True)
        ]

    def sentence(self) -> str:
        """The group on which most decisions rest, and what nothing depends on, in words."""
        most = int(self.changed.argmax())
        rests = (
            f"Most decisions rest on {self.group_names[most]}: {share(self.changed[most])} change when it is exchanged for "
            f"that of another state"
            if self.changed[most] > 0
            else "No decision changes when any one group is exchanged for that of another state"
        )
        dead, varied = int(self.dead.sum()), int((self.dead & ~self.constant).sum())
        if not dead:
            return f"{rests}; every cell has a gradient in some state."
        kind = f", though {varied} of these varied" if varied else ", and none of these ever varied"
        return f"{rests}; {dead} of {counted(self.dead.size, 'cell')} have no gradient in any of {counted(self.states, 'state')}{kind}. {self._kinds()}"

    def _kinds(self) -> str:
        """Of which kind the dead cells are, and of which groups."""
        kinds = (
            ("never wired: no weights lead from them to an output", self.dead & ~self.wired),
            ("wired and dead: weights lead on, but what they reach never answered", self.dead & self.wired),
        )
        lines = []
        for words, cells in kinds:
            groups = ", ".join(self.group_names[place] for place in np.unique(self.cell_group[cells]))
            if cells.any():
                lines.append(f"{int(cells.sum())} {words} ({groups})")
        return f"Of these {'; '.join(lines)}."


def reliance(
    system: System,
    policy: Policy,
    observations: NDArray[Any],
    *,
    seed: int = 0,
    shuffles: int = _SHUFFLES,
    progress: Callable[[int, int], object] | None = None,
) -> Reliance:
    """Find dead cells and permute groups.

    Args:
        system: the world.
        policy: a network policy.
        observations: of states that were met ``[S, *observation_shape]``.
        seed: of the permutations.
        shuffles: permutations of each group.
        progress: called with (steps done, steps in all).

    Raises:
        DnnExplainError: no states, or a policy without a network.
    """
    if len(observations) == 0 or shuffles < 1:
        msg = "what decisions rest on needs at least one state and one shuffle"
        raise DnnExplainError(msg)
    seen = np.asarray(observations, np.float32)
    groups = len(system.groups)
    report = progress or (lambda _done, _total: None)
    dead = _dead(policy, seen)
    report(1, groups + 1)
    changed = np.zeros(groups)
    for group in range(groups):
        changed[group] = _changed(system, policy, seen, group, seed, shuffles)
        report(group + 2, groups + 1)
    return Reliance(
        states=len(seen), group_names=tuple(system.groups), dead=dead, constant=np.ptp(seen, axis=0) == 0,
        wired=wired_cells(network_of(policy), seen.shape[1:]) | ~dead, cell_group=np.asarray(system.cell_group),
        changed=changed, shuffles=shuffles,
    )  # fmt: skip


def _dead(policy: Policy, seen: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where no output has a gradient ``[*observation_shape]``."""
    module = private(network_of(policy))
    alive = np.zeros(seen.shape[1:], dtype=np.bool_)
    with with_gradients():
        for first in range(0, len(seen), _BATCH):
            batch = tensor(seen[first : first + _BATCH]).requires_grad_()
            outputs = module(batch)
            flat = outputs.reshape(len(batch), -1).sum(dim=0)
            for place in range(len(flat)):
                (slope,) = torch.autograd.grad(flat[place], batch, retain_graph=True)
                alive |= (slope != 0).any(dim=0).numpy()
    return ~alive


def _changed(system: System, policy: Policy, seen: NDArray[np.float32], group: int, seed: int, shuffles: int) -> float:
    """The share of decisions that another state's group changes; what is allowed stays as it is in each state."""
    cells = system.cell_group == group
    if not cells.any() or len(seen) == 1:
        return 0.0
    valid = valid_of(system, policy, seen)
    usual = system.output.decide(policy.outputs(seen), valid)
    rng = np.random.default_rng([seed, group])
    shares = []
    for _ in range(shuffles):
        mixed = seen.copy()
        mixed[:, cells] = seen[rng.permutation(len(seen))][:, cells]
        shares.append(1.0 - np.mean(system.output.same(system.output.decide(policy.outputs(mixed), valid), usual)))
    return float(np.mean(shares))
