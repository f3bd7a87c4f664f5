"""What a worst-case search returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, lines
from dnnexplain.explain.proofs import Certificate
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["WorstCase"]


@dataclass(frozen=True, eq=False)
class WorstCase(Result):
    """The worst input that a search found, with a certified interval of its ratio.

    Attributes:
        question: system, policy, method, seed and budget.
        method: the name of the search.
        ratio: cost over the best known optimum at ``x``: what is claimed. Equals ``lower``.
        lower, upper: the true ratio of this input lies between them. Some other input may be worse.
        cost, optimum: the two numbers that ``ratio`` divides (``optimum`` is the certified upper end).
        cost_name: what is divided, in words.
        x: the input ``[n]``.
        names: what each input is; ``unit`` is theirs.
        stopped: why the search ended: ``"budget"``, ``"finished"``, ``"cancelled"`` or an error in words.
        notes: what else the method says, such as a white-box bound.
        cpu_seconds: spent in the search; ``reached`` is when the best ratio was first seen.
        rounds, evaluations: steps of the search, and inputs that it looked at.
        trace: CPU-seconds and best ratio at every improvement ``[T, 2]``.
        ended_by: which limit ended it: ``"CPU-seconds"`` or ``"rounds"``; empty if no limit did. An answer that
            CPU-seconds ended depends on the machine.
        certifying_seconds: CPU-seconds spent after the search, on certificates of what it found.
        remarks: what a reader must know of the case: what the optimum may use, what is odd about the input.
        certificate: that the policy was run again on the case as it is deployed, with the same cost.
    """

    question: Question
    method: str
    ratio: float
    lower: float
    upper: float
    cost: float
    optimum: float
    cost_name: str
    names: tuple[str, ...]
    unit: str
    stopped: str
    notes: Mapping[str, float]
    cpu_seconds: float = field(compare=False)
    reached: float = field(compare=False)
    rounds: int = field(compare=False)
    evaluations: int = field(compare=False)
    x: NDArray[np.float64] = array_field("input")
    trace: NDArray[np.float64] = array_field("improvement", "CPU-seconds, ratio", compare=False)
    ended_by: str = ""
    certifying_seconds: float = field(default=0.0, compare=False)
    remarks: tuple[str, ...] = ()
    certificate: Certificate | None = None

    def sentence(self, method: str = "") -> str:
        """The result in one sentence; ``method`` is what the search is called there, its name if not given."""
        where = f"found by {method or self.method} in {number(self.reached)} of {number(self.cpu_seconds)} CPU-seconds"
        limit = " (the limit in CPU-seconds ended it; a limit in rounds ends it alike on every machine)"
        said = " ".join(("", *self.remarks))
        return (
            f"The {self.cost_name} is {number(self.ratio)} times the optimum "
            f"({number(self.cost)} against {number(self.optimum)}; {self.interval()}), {where}"
            f"{limit if self.ended_by == 'CPU-seconds' else ''}.{said}"
        )

    def interval(self) -> str:
        """The certified interval of the ratio in words: one number where its ends agree to six digits."""
        if self.certificate is not None and not self.certificate.holds:
            return f"not certified: {self.certificate.reason[len('No proof: ') :].rstrip('.')}"
        low, high = f"{self.lower:.6g}", f"{self.upper:.6g}"
        return f"certified: {low}" if low == high else f"certified between {low} and {high}"

    def table(self) -> list[dict[str, Any]]:
        """The inputs that are not zero, largest first, by name."""
        names = self.names or tuple(f"input {i + 1}" for i in range(len(self.x)))
        rows = [
            {"input": name, "value": float(value), "unit": self.unit} for name, value in zip(names, self.x, strict=True)
        ]
        return sorted((row for row in rows if row["value"]), key=lambda row: -abs(float(str(row["value"]))))

    def picture(self) -> Chart:
        """How the best ratio grew while the search ran."""
        shown = {self.method: (self.trace[:, 0], self.trace[:, 1])}
        return lines(shown, Axis("computing time", "CPU-seconds"), Axis("best ratio"), steps=True)
