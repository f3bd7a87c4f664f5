"""The envelope of the optimum: a bound on cost / optimum from linear programs, split where the network bends most.

The quotient does not change when inputs, flows and optimum are divided by the optimum, so inputs may be taken to be
those whose optimum is at most 1, a polytope (Charnes and Cooper 1962). On it each piece of the cost is at most a linear
function: whatever an output does to the piece at worst within its bounds. With outputs anywhere in [0, 1] that bound
holds for every network (compare the oblivious ratio of Applegate and Cohen, SIGCOMM 2003). The network comes in by
branching: a part of the inputs is a box of what the first layer's units get, linear rows of the program, and in it the
outputs' bounds are narrower. The part of which the largest piece is bounded worst is halved first.

All that is bounded holds for inputs between 0 and full, too, not only for those that are on or off.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.readable_whole import WhiteBox

__all__ = ["Envelope"]

_SAFE = 1e-6
"""By what share bounds from linear programs are widened: HiGHS works to 1e-7."""


@dataclass(frozen=True, eq=False)
class _Part:
    """Inputs for which the first layer's units get no less than ``low`` and no more than ``high`` ``[h]``."""

    piece: int
    low: Array
    high: Array


class Envelope:
    """Bounds on the largest quotient of a white box, the better the longer it goes on.

    Args:
        box: the system.

    Attributes:
        bound: no input's ratio is above it.
        programs: linear programs solved.
    """

    def __init__(self, box: WhiteBox) -> None:
        self.box, self.programs = box, 0
        weight, self._bias = box.layers[0]
        self._weight = np.asarray(weight, dtype=np.float64)
        least = np.minimum(self._weight, 0.0) @ box.high + self._bias
        most = np.maximum(self._weight, 0.0) @ box.high + self._bias
        self._equal, self._fixed = self._rows()
        self._heap: list[tuple[float, int, _Part]] = []
        for piece in range(box.constant.shape[0]):
            self._keep(_Part(piece, least, most), np.inf)

    @property
    def bound(self) -> float:
        """The worst of all parts; nothing is left of the inputs where there is none."""
        found = -self._heap[0][0] if self._heap else 0.0
        return found + _SAFE * max(1.0, abs(found))

    def search(self, enough: float, go_on: Callable[[], bool]) -> float:
        """Halve the worst part until no ratio is above ``enough``, or it is told to end; the bound."""
        while self._heap and self.bound > enough and go_on():
            before, _, part = self._heap[0]
            place, middle = self._widest(part)
            if not part.low[place] < middle < part.high[place]:
                break
            heapq.heappop(self._heap)
            for side in (part.low, part.high):
                low, high = part.low.copy(), part.high.copy()
                (high if side is part.low else low)[place] = middle
                self._keep(_Part(part.piece, low, high), -before)
        return self.bound

    # --- one part ---

    def _keep(self, part: _Part, before: float) -> None:
        value = min(self._bounded(part), before)
        if value > -np.inf:
            heapq.heappush(self._heap, (-value, self.programs, part))

    def _bounded(self, part: _Part) -> float:
        """The largest quotient of one piece in a part; -inf where the part holds no input."""
        box, (low, high) = self.box, self._outputs(part)
        slopes = box.constant[part.piece].astype(np.float64)
        product = box.product[part.piece]
        np.add.at(slopes, box.owner, np.maximum(product * low, product * high))
        flows, units = box.serve.shape[1], len(self._bias)
        within = [
            sparse.hstack([sign * self._weight, sparse.csr_array((units, flows)), sign * (self._bias - end)[:, None]])
            for sign, end in ((1.0, part.high), (-1.0, part.low))
        ]
        rows = sparse.vstack([self._fixed, *within]).tocsr()
        limits = np.concatenate([np.ones(box.use.shape[0]), np.zeros(rows.shape[0] - box.use.shape[0])])
        spans = [(0.0, None)] * (rows.shape[1] - 1) + [(0.0, 1.0 / box.least)]
        goal = np.concatenate([-slopes / box.high, np.zeros(flows + 1)])
        self.programs += 1
        found = linprog(
            goal, A_ub=rows, b_ub=limits, A_eq=self._equal, b_eq=np.zeros(len(box.high)), bounds=spans, method="highs"
        )
        return -np.inf if found.status == 2 else -float(found.fun) if found.status == 0 else np.inf

    def _outputs(self, part: _Part) -> tuple[Array, Array]:
        """The least and the largest value of each output ``[m]`` in a part, by intervals from the second layer on."""
        low, high = part.low, part.high
        for weight, bias in self.box.layers[1:]:
            low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
            plus, minus = np.maximum(weight, 0.0), np.minimum(weight, 0.0)
            low, high = plus @ low + minus @ high + bias, plus @ high + minus @ low + bias
        return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)

    def _widest(self, part: _Part) -> tuple[int, float]:
        """The unit whose range says most about the piece's outputs, and where it is split: at its bend, or half-way."""
        touched = (self.box.product[part.piece] != 0).astype(np.float64)
        for weight, _ in reversed(self.box.layers[1:]):
            touched = touched @ np.abs(weight)
        alone = len(self.box.layers) == 1
        ends = (part.low, part.high) if alone else (np.maximum(part.low, 0.0), np.maximum(part.high, 0.0))
        place = int(np.argmax((ends[1] - ends[0]) * touched))
        low, high = float(part.low[place]), float(part.high[place])
        return place, 0.0 if low < 0.0 < high and not alone else 0.5 * (low + high)

    def _rows(self) -> tuple[sparse.csr_array, sparse.csr_array]:
        """What holds in every part, over scaled inputs, flows and scale: flows serve; no use above 1; no input above full."""
        box, inputs = self.box, len(self.box.high)
        links, flows = box.use.shape
        serves = sparse.hstack([-sparse.eye_array(inputs), sparse.csr_array(box.serve), sparse.csr_array((inputs, 1))])
        uses = sparse.hstack(
            [sparse.csr_array((links, inputs)), sparse.csr_array(box.use), sparse.csr_array((links, 1))]
        )
        fulls = sparse.hstack([sparse.eye_array(inputs), sparse.csr_array((inputs, flows)), -box.high[:, None]])
        return serves.tocsr(), sparse.vstack([uses, fulls]).tocsr()
