"""The white-box way, for comparison: network, system and optimum as one mixed-integer program.

MetaOpt (Namyar et al., NSDI 2024) and its kind write everything out and let a solver prove the worst case.
It needs a piecewise-linear network, it proves what it finds, and it does not scale: that is why the
gray-box search exists. Here inputs are on or off (0 or full), so that input times output is linear.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.readable_whole import WhiteBox
from dnnexplain.explain.gray_box.white_box_envelope import Envelope
from dnnexplain.explain.gray_box.white_box_milp import WhiteBoxProgram, interrupted_at
from dnnexplain.explain.proofs.certificate import Certificate, Claim, Sense, certify
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["WhiteBox", "WhiteBoxBound", "certify_white_box", "solve_white_box"]

CLOSED = 1e-6
_TRIED = 24
_BLOCK = 16
_FIRST, _LAST = 0.25, 0.25
"""Of the seconds, at most, that go into the first inputs, and that are kept back for the certificate."""


@dataclass(frozen=True, eq=False)
class WhiteBoxBound(Result):
    """What the program proved before its time was over.

    Attributes:
        question: what was asked.
        ratio: of the worst input found, evaluated outside the program.
        bound: no on-off input has a larger ratio.
        status: ``"optimal"`` (bound and ratio agree, and the certificate holds) or ``"no proof within the limit"``.
        certificate: that the program is the system that it stands for; see :func:`certify_white_box`.
        x: the worst input found ``[n]``.
        columns, binaries, rows: the size of the program.
        cpu_seconds: spent.
        ended_by: ``"CPU-seconds"`` where they were over before there was a proof, else empty.
    """

    question: Question
    ratio: float
    bound: float
    status: str
    columns: int
    binaries: int
    rows: int
    cpu_seconds: float = field(compare=False)
    x: NDArray[np.float64] = array_field("input")
    certificate: Certificate | None = None
    ended_by: str = ""

    def sentence(self) -> str:
        """The result in one sentence."""
        if self.certificate is not None and not self.certificate.holds:
            return f"{self.certificate.reason} The worst on-off input found has a ratio of {number(self.ratio)}."
        if self.status == "optimal":
            return f"The worst on-off input has a ratio of {number(self.ratio)}, proved in {number(self.cpu_seconds)} CPU-seconds."
        return (
            f"No proof within the limit: after {number(self.cpu_seconds)} CPU-seconds the worst on-off input has a ratio "
            f"between {number(self.ratio)} (found) and {number(self.bound)} (bound)."
        )

    def picture(self) -> Chart:
        """What was found, and what nothing can exceed."""
        return bars(["found", "bound"], {"ratio": [self.ratio, self.bound]}, Axis("ratio"))


def solve_white_box(
    box: WhiteBox,
    *,
    cpu_seconds: float = 60.0,
    seed: int = 0,
    question: Question | None = None,
    cancel: Event | None = None,
) -> WhiteBoxBound:
    """The on-off input with the largest cost / optimum, and a bound on it.

    The quotient is maximised by Dinkelbach's method (1967): for the best ratio ``r`` known so far solve
    ``max cost(x) - r optimum(x)``. If that is 0, ``r`` is the answer; if it is above, its solution is better
    than ``r``; and whenever it is at most ``v``, no ratio exceeds ``r + v / least``. Where half of the time
    does not settle it, the other half goes into linear programs (:class:`~dnnexplain.explain.gray_box.white_box_envelope.Envelope`).

    Args:
        box: the system.
        cpu_seconds: limit, of the certificate too.
        seed: of the sampled inputs that give the first ``r``.
        question: what is asked, for the result.
        cancel: stops; what was found and proved so far is returned.
    """
    start = time.process_time()

    def left(until: float) -> bool:
        return time.process_time() - start < until and not (cancel is not None and cancel.is_set())

    program = WhiteBoxProgram(box)
    x, ratio, row_seconds = _first(box, np.random.default_rng(seed), lambda: left(_FIRST * cpu_seconds))
    cpu_seconds -= min(2 * (1 + _TRIED) * row_seconds, _LAST * cpu_seconds)
    envelope = Envelope(box, lambda: left(cpu_seconds))
    bound = envelope.bound
    while bound > ratio * (1 + CLOSED) and left(cpu_seconds / 2):
        stop = interrupted_at(start + cpu_seconds / 2, cancel)
        excess, point = program.solve(ratio, stop)
        bound = min(bound, ratio + max(excess, 0.0) / box.least)
        if point is None or bound <= ratio * (1 + CLOSED):
            break
        better = float(box.ratio(point[None])[0])
        if better <= ratio * (1 + CLOSED):
            break
        x, ratio = point, better
    if bound > ratio * (1 + CLOSED):
        bound = min(bound, envelope.search(ratio, lambda: left(cpu_seconds)))
    over = not left(cpu_seconds)
    certificate = certify_white_box(box, bound, x, seed)
    closed = bound <= ratio * (1 + CLOSED) and certificate.holds
    return WhiteBoxBound(
        question=question or Question(system="white box", method="white-box", seed=seed),
        ratio=ratio,
        bound=max(bound, ratio),
        status="optimal" if closed else "no proof within the limit",
        columns=program.columns,
        binaries=program.binaries,
        rows=program.rows,
        cpu_seconds=time.process_time() - start,
        x=x,
        certificate=certificate,
        ended_by="" if closed or not over else "CPU-seconds",
    )


def certify_white_box(box: WhiteBox, bound: float, x: Array, seed: int = 0) -> Certificate:
    """Hold the program's own numbers, and its bound, against the system evaluated outside of it.

    Args:
        box: the system.
        bound: what no on-off input's ratio is above, as the solver says.
        x: the worst input found ``[n]``.
        seed: of the on-off inputs that are tried beside it.
    """
    random = np.random.default_rng([seed, 1])
    drawn = random.random((_TRIED, len(box.high))) < random.uniform(0.05, 1.0, (_TRIED, 1))
    drawn[~drawn.any(axis=1), 0] = True
    rows = np.concatenate([np.asarray(x, dtype=np.float64)[None], drawn * box.high])
    claim = Claim(f"no on-off input has a ratio above {bound:.6g}", bound, Sense.AT_MOST)
    return certify(claim, box.modelled, box.ratio, rows, quantifies="all inputs that are on or off")


def _first(box: WhiteBox, random: np.random.Generator, go_on: Callable[[], bool]) -> tuple[Array, float, float]:
    """The best of all single inputs and some random ones, for which there is time; its ratio; CPU-seconds of one row."""
    n = len(box.high)
    some: Any = random.random((4 * n, n)) < random.uniform(1.0 / n, 0.7, (4 * n, 1))
    some[np.arange(4 * n), random.integers(0, n, 4 * n)] = True
    x = np.concatenate([np.eye(n), some]) * box.high
    began = time.process_time()
    ratios: list[NDArray[np.float64]] = []
    while len(ratios) * _BLOCK < len(x) and (not ratios or go_on()):
        at = len(ratios) * _BLOCK
        ratios.append(box.ratio(x[at : at + _BLOCK]))
    ratio = np.concatenate(ratios)
    return x[ratio.argmax()], float(ratio.max()), (time.process_time() - began) / len(ratio)
