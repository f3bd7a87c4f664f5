"""What came of a proof: limits, the verdict on each case, and the verdict on the property."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Property
from dnnexplain.counts import counted
from dnnexplain.explain.proofs.certificate import Certificate
from dnnexplain.numbers import number
from dnnexplain.results import Shown, register

__all__ = ["CaseVerdict", "ProofBudget", "Verdict"]

Floats = NDArray[np.float64]
_LISTED = 20_000


@dataclass(frozen=True, slots=True)
class ProofBudget:
    """How long a proof may take.

    Args:
        nodes: of each case's search tree.
        seconds: of all cases together; a second limit, for people.
        samples: states in which a witness is looked for before anything is proved.
        listed: a set of at most so many states is listed instead.
        jobs: cases at a time.
        rounds: of climbing from the best of them.
        checked: states on which program and network are compared.
        every: settle every case even where one is refuted already.
        parts: of each case's states, bounded one by one (0: the program alone is asked).
        program: ask a mixed-integer program what branching over bounds leaves open.
    """

    nodes: int = 200_000
    seconds: float = 60.0
    samples: int = 2048
    listed: int = _LISTED
    jobs: int | None = 1
    rounds: int = 12
    checked: int = 128
    every: bool = False
    parts: int = 20_000
    program: bool = True


@register
@dataclass(frozen=True, slots=True, eq=False)
class CaseVerdict:
    """What became of one case.

    Attributes:
        name: the case, in words.
        verdict: ``"holds"``, ``"fails"`` or ``"open"``.
        bound: its rows are not all above this in any state.
        best: the largest smallest row that was found in a valid state, on the network itself.
        witness: that state's values, where it is a violation ``[K]`` or (two states) ``[2, K]``.
        how: ``"listed"``, ``"found"`` (by search), ``"program"``, ``"excluded"`` (an action that is never valid).
        certificate: of the bound, where a program gave it.
        reason: why it is open.
    """

    name: str
    verdict: str
    bound: float
    best: float
    witness: Floats | None = None
    how: str = "program"
    certificate: Certificate | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Verdict(Shown):
    """Whether a property holds.

    Attributes:
        claim: name and words.
        verdict: ``"fails"`` if a case does, ``"open"`` if one is, else ``"holds"``.
        bound: the largest of the cases' bounds: the property is violated by no more than this. Of a refuted one:
            how large a violation of the witness's case can be at most.
        gap: bound minus the largest margin that was found (0: the bound is attained).
        witness: values of the worst violation that was found, or ``None``.
        checked: largest difference between program and network that was seen.
        seconds: it took.
        cases: one by one.
        assumed: a sentence each.
        quantifies: over which states.
        limit: which limit left something unsettled: ``"seconds"``, ``"nodes"``, ``"cancelled"``; empty if none did.
    """

    claim: Property
    verdict: str
    bound: float
    gap: float
    witness: Floats | None
    checked: float
    seconds: float
    cases: tuple[CaseVerdict, ...]
    assumed: tuple[str, ...] = ()
    quantifies: str = ""
    limit: str = ""

    @property
    def failed(self) -> CaseVerdict | None:
        """The violated case that the witness belongs to."""
        lost = [case for case in self.cases if case.verdict == "fails"]
        return max(lost, key=lambda case: case.best, default=None)

    @property
    def after(self) -> Floats | None:
        """Of a violation over two steps: the state that the first decision leads to, as the simulator gives it ``[K]``."""
        case = next(
            (case for case in self.claim.cases if self.failed is not None and case.name == self.failed.name), None
        )
        if case is None or case.then is None or self.witness is None:
            return None
        return np.asarray(case.then.played(self.witness[None])[0], dtype=float)

    def sentence(self) -> str:
        """The verdict in words."""
        text = self.claim.text.rstrip(".")
        if self.verdict == "holds":
            return f"Proved: {text[0].lower() + text[1:]}, in {self.quantifies} of the set asked about."
        if self.failed is not None:
            return f"Refuted: {self.failed.name} in a valid state, by {number(self.failed.best)} in raw outputs of the network itself."
        left = [case for case in self.cases if case.verdict == "open"]
        why = f" ({left[0].reason.rstrip('.')})" if left and left[0].reason else ""
        return f"Open: neither proved nor refuted in {len(left)} of {counted(len(self.cases), 'case')}; {self._bounded()}{why}."

    def table(self) -> list[dict[str, Any]]:
        """A row for each case."""
        return [
            {"case": case.name, "verdict": case.verdict, "bound": case.bound, "how": case.how, "why open": case.reason}
            for case in self.cases
        ]

    def _bounded(self) -> str:
        return (
            f"violated by at most {number(self.bound)} in raw outputs"
            if np.isfinite(self.bound)
            else "no bound was reached"
        )
