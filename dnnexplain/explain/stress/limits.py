"""Limits that a stress test must keep: ``"worst regret > 2"``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.stress.result import StressTest
from dnnexplain.explain.stress.verdicts import UNSAFE, WORSE

__all__ = ["Limit", "parse_limit"]

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def _worst_regret(test: StressTest) -> float:
    """Of the worst likely input that was made."""
    return test.generated.worst_regret if test.generated is not None else float("nan")


_QUANTITIES: Mapping[str, Callable[[StressTest], float]] = {
    "worst regret": _worst_regret,
    "regret": lambda test: test.generated.regret if test.generated is not None else float("nan"),
    "worst gap": lambda test: max(scenario.gap for scenario in test.scenarios),
    "nominal gap": lambda test: test.scenarios[0].gap,
    "unsafe": lambda test: float(test.count(UNSAFE)),
    "worse": lambda test: float(test.count(WORSE)),
}


@dataclass(frozen=True)
class Limit:
    """What must not hold.

    Attributes:
        text: as it was given.
        quantity, sign, value: its parts.
    """

    text: str
    quantity: str
    sign: str
    value: float

    def broken(self, test: StressTest) -> str:
        """Why the test fails, in a sentence; empty if it does not. What is not known breaks a limit too."""
        value = _QUANTITIES[self.quantity](test)
        if value != value:  # noqa: PLR0124 - NaN
            return f"{self.quantity} is not known, so the limit {self.text!r} cannot be said to hold"
        return (
            f"{self.quantity} is {value:.4g}, and must not be {self.sign} {self.value:g}"
            if _SIGNS[self.sign](value, self.value)
            else ""
        )


def parse_limit(text: str) -> Limit:
    """A limit from ``QUANTITY SIGN NUMBER``; a number may end in %.

    Raises:
        DnnExplainError: it is none.
    """
    match = re.fullmatch(r"\s*([a-z ]+?)\s*(>=|<=|>|<)\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(%?)\s*", text)
    if match is None or match[1] not in _QUANTITIES:
        msg = f'--fail-if takes QUANTITY > NUMBER, such as "worst regret > 2" or "unsafe > 0", not {text!r}; quantities: {", ".join(_QUANTITIES)}'
        raise DnnExplainError(msg)
    try:
        value = float(match[3]) / (100.0 if match[4] else 1.0)
    except ValueError:
        msg = f"{match[3]!r} in {text!r} is no number"
        raise DnnExplainError(msg) from None
    return Limit(text.strip(), match[1], match[2], value)
