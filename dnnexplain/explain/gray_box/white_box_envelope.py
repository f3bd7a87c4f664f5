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
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.readable_whole import WhiteBox

__all__ = ["Envelope"]

_ROUNDED = 1e-9
"""By what share bounds are widened, for sums of rounded products."""


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
        go_on: false when the time is up: there is no bound (infinity) until each piece of the cost had its turn.

    Attributes:
        bound: no input's ratio is above it.
        programs: linear programs solved.
    """

    def __init__(self, box: WhiteBox, go_on: Callable[[], bool] = lambda: True) -> None:
        self.box, self.programs, self._turn = box, 0, itertools.count()
        weight, self._bias = box.layers[0]
        self._weight = np.asarray(weight, dtype=np.float64)
        least = np.minimum(self._weight, 0.0) @ box.high + self._bias
        most = np.maximum(self._weight, 0.0) @ box.high + self._bias
        self._equal, self._fixed = self._rows()
        self._most = self._largest()
        self._heap: list[tuple[float, int, _Part]] = []
        for piece in range(box.constant.shape[0]):
            self._keep(_Part(piece, least, most), np.inf, go_on)

    @property
    def bound(self) -> float:
        """The worst of all parts."""
        top = -self._heap[0][0]
        return top + _ROUNDED * max(1.0, abs(top))

    def search(self, enough: float, go_on: Callable[[], bool]) -> float:
        """Halve the worst part until no ratio is above ``enough``, or it is told to end; the bound."""
        while self.bound > enough and go_on():
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

    def _keep(self, part: _Part, before: float, go_on: Callable[[], bool] = lambda: True) -> None:
        value = min(self._bounded(part), before) if go_on() else before
        heapq.heappush(self._heap, (-value, next(self._turn), part))

    def _bounded(self, part: _Part) -> float:
        """What one piece's quotient is at most in a part, by the program's prices: any prices bound it (weak duality).

        So no tolerance of the solver makes it too small (Neumaier and Shcherbina, Mathematical Programming 2004).
        """
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
        goal = np.concatenate([-slopes / box.high, np.zeros(flows + 1)])
        self.programs += 1
        solution = linprog(
            goal, A_ub=rows, b_ub=limits, A_eq=self._equal, b_eq=np.zeros(len(box.high)),
            bounds=np.column_stack([np.zeros(len(goal)), self._most]), method="highs",
        )  # fmt: skip
        if solution.status != 0:
            return np.inf
        prices = np.minimum(solution.ineqlin.marginals, 0.0)
        left = goal - rows.T @ prices - self._equal.T @ solution.eqlin.marginals
        gains = left < 0.0
        return float(-(limits @ prices) - left[gains] @ self._most[gains])

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
        says = (ends[1] - ends[0]) * touched
        place = int(np.argmax(says))
        low, high = float(part.low[place]), float(part.high[place])
        if not says[place] > 0.0:
            return place, low  # no unit says anything: there is nothing to split
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

    def _largest(self) -> Array:
        """What scaled inputs, flows and scale are at most: a flow serves no more than is wanted, nor uses more than 1."""
        box = self.box
        inputs = np.asarray(box.high, dtype=np.float64) / box.least
        with np.errstate(divide="ignore"):
            serves = np.where(box.serve > 0, inputs[:, None] / box.serve, np.inf).min(axis=0)
            uses = (1.0 / np.asarray(box.use, dtype=np.float64)).min(axis=0)
        return np.concatenate([inputs, np.minimum(serves, uses), [1.0 / box.least]])
