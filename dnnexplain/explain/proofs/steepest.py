"""Violations climbed to by the network's gradient, where an observation is affine in the knobs.

The sign of the gradient by each knob, times a part of its range: projected gradient ascent, as attacks on networks use it
(Madry et al., ICLR 2018). It proves nothing; what it ends at is valid, and judged by the network itself.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import Case, StateSet
from dnnexplain.explain.networks.hooks import NoNetworkError, network_of, private
from dnnexplain.explain.proofs.case_network import ProofTask, margins
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.explain.proofs.models import pairs_hold, place_of, second_states

__all__ = ["steepest"]

Floats = NDArray[np.float64]
STARTS, STEPS = 8, 40
SIZES = 0.2, 0.02
"""Of a knob's range, the first step and the last."""
SAME = 1e-4


def steepest(task: ProofTask, case: Case, rng: np.random.Generator) -> tuple[Floats, float] | None:
    """The state ``[K]`` or pair ``[2K]`` with the largest margin that climbs end at, and its margin; ``None`` where none can be made."""
    network = None if case.then is not None else _network(task)
    affine = None if network is None else _affine(task)
    if network is None or affine is None:
        return None
    rows = draw(task.system, case.states, STARTS, rng, task.go_on)
    if not len(rows):
        return None
    corners = np.stack([case.states.low, case.states.high])
    corners = corners[
        case.states.holds(task.system, corners)
    ]  # where the states' ends are none, those that were drawn will do
    try:
        ends = _Climb(task, case, network, *affine).ends(np.concatenate([corners, rows]), rng)
    except RuntimeError:  # torch's word for a network without a gradient
        return None
    half = rows.shape[1]
    fixed = np.asarray(task.system.repair(ends.reshape(-1, half)), dtype=float).reshape(len(ends), -1)
    if case.change is None:
        fixed = fixed[case.states.holds(task.system, fixed)]
    else:
        fixed = fixed[pairs_hold(task.system, case, fixed)]
    if not len(fixed):
        return None
    values = margins(task, case, fixed) if case.change is None else case.margin(task.outputs(case, fixed))
    best = int(np.argmax(values))
    return fixed[best], float(values[best])


def _network(task: ProofTask) -> nn.Module | None:
    """The policy's network, apart from what others do with it; ``None`` of a rule, which has no gradient to climb by."""
    if "module" not in task.memo:
        try:
            task.memo["module"] = private(network_of(task.policy)).float()
        except NoNetworkError:
            task.memo["module"] = None
    return task.memo["module"]  # type: ignore[no-any-return]


def _affine(task: ProofTask) -> tuple[Tensor, Tensor] | None:
    """What is seen where all knobs are at zero ``[cells]``, and what each adds by one ``[K, cells]``; ``None`` if it is no such sum."""
    if "affine" not in task.memo:
        whole, system = StateSet.all_of(task.system), task.system
        low, high = whole.low, whole.high
        ends = np.vstack([low, low + np.diag(high - low)])
        seen = np.asarray(system.encode(ends, task.background), dtype=float).reshape(len(ends), -1)
        slopes = (seen[1:] - seen[0]) / np.maximum(high - low, 1e-12)[:, None]
        ground = seen[0] - low @ slopes
        rows = np.asarray(system.repair(np.random.default_rng(0).uniform(low, high, (8, len(low)))), dtype=float)
        shown = np.asarray(system.encode(rows, task.background), dtype=float).reshape(8, -1)
        same = np.abs(ground + rows @ slopes - shown).max() <= SAME * max(1.0, float(np.abs(shown).max()))
        task.memo["affine"] = (_tensor(ground), _tensor(slopes)) if same else None
    return task.memo["affine"]  # type: ignore[no-any-return]


class _Climb:
    """Projected gradient ascent on the smallest row of a case."""

    def __init__(self, task: ProofTask, case: Case, network: nn.Module, ground: Tensor, slopes: Tensor) -> None:
        self.module, self.ground, self.slopes = network, ground, slopes
        self.shape = tuple(task.system.observation_shape)
        self.rows, self.offset = _tensor(case.rows), _tensor(case.offset)
        self.low, self.high = _tensor(case.states.low), _tensor(case.states.high)
        stepped = [knob.step is not None for knob in task.system.knobs]
        self.range = (self.high - self.low) * ~torch.tensor(stepped)
        self.place = None if case.change is None else place_of(task.system, case.change.knob)
        if case.change is not None and self.place is not None:
            second = second_states(task.system, case)
            self.away = float(case.change.low), float(case.change.high)
            self.room = float(second.low[self.place]), float(second.high[self.place])

    def ends(self, starts: Floats, rng: np.random.Generator) -> Floats:
        """The best rows that were met from each start ``[n, K]`` or, of pairs, ``[n, 2K]``."""
        x = _tensor(starts)
        moved = None if self.place is None else self._kept(x, _tensor(rng.uniform(*self.away, len(x))))
        best, kept = torch.full((len(x),), -torch.inf), self._pair(x, moved).clone()
        for step in range(STEPS):
            size = SIZES[0] + (SIZES[1] - SIZES[0]) * step / (STEPS - 1)
            given = [item.detach().requires_grad_() for item in (x, moved) if item is not None]
            values = self._values(*given)
            better = values.detach() > best
            best = torch.where(better, values.detach(), best)
            kept[better] = self._pair(x, moved)[better]
            slopes = torch.autograd.grad(values.sum(), given)
            x = torch.minimum(torch.maximum(x + size * self.range * slopes[0].sign(), self.low), self.high)
            if moved is not None:
                moved = self._kept(x, moved + size * (self.away[1] - self.away[0]) * slopes[1].sign())
        return np.asarray(kept.double().numpy())

    def _values(self, x: Tensor, moved: Tensor | None = None) -> Tensor:
        states = [x] if moved is None else [x, self._moved(x, moved)]
        seen = [(self.ground + state @ self.slopes).reshape(-1, *self.shape) for state in states]
        outputs = torch.cat([self.module(item).reshape(len(x), -1) for item in seen], dim=1)
        smallest: Tensor = (outputs @ self.rows.T + self.offset).min(dim=1).values
        return smallest

    def _moved(self, x: Tensor, moved: Tensor) -> Tensor:
        assert self.place is not None
        return torch.cat([x[:, : self.place], (x[:, self.place] + moved)[:, None], x[:, self.place + 1 :]], dim=1)

    def _pair(self, x: Tensor, moved: Tensor | None) -> Tensor:
        return x if moved is None else torch.cat([x, self._moved(x, moved)], dim=1)

    def _kept(self, x: Tensor, moved: Tensor) -> Tensor:
        """A change within what the case says, and to where the knob can be."""
        here = x[:, self.place]
        return torch.minimum(torch.maximum(moved.clamp(*self.away), self.room[0] - here), self.room[1] - here)


def _tensor(values: Floats) -> Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)
