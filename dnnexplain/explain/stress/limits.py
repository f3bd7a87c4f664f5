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


def _worst_regret(found: StressTest) -> float:
    """Of the worst likely input that was made."""
    return found.generated.worst_regret if found.generated is not None else float("nan")


_QUANTITIES: Mapping[str, Callable[[StressTest], float]] = {
    "worst regret": _worst_regret,
    "regret": lambda found: found.generated.regret if found.generated is not None else float("nan"),
    "worst gap": lambda found: max(one.gap for one in found.scenarios),
    "nominal gap": lambda found: found.scenarios[0].gap,
    "unsafe": lambda found: float(found.count(UNSAFE)),
    "worse": lambda found: float(found.count(WORSE)),
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

    def broken(self, found: StressTest) -> str:
        """Why the test fails, in a sentence; empty if it does not. What is not known breaks a limit too."""
        told = _QUANTITIES[self.quantity](found)
        if told != told:  # noqa: PLR0124 - NaN
            return f"{self.quantity} is not known, so the limit {self.text!r} cannot be said to hold"
        return (
            f"{self.quantity} is {told:.4g}, and must not be {self.sign} {self.value:g}"
            if _SIGNS[self.sign](told, self.value)
            else ""
        )


def parse_limit(text: str) -> Limit:
    """A limit from ``QUANTITY SIGN NUMBER``; a number may end in %.

    Raises:
        DnnExplainError: it is none.
    """
    found = re.fullmatch(r"\s*([a-z ]+?)\s*(>=|<=|>|<)\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(%?)\s*", text)
    if found is None or found[1] not in _QUANTITIES:
        msg = f'--fail-if takes QUANTITY > NUMBER, such as "worst regret > 2" or "unsafe > 0", not {text!r}; quantities: {", ".join(_QUANTITIES)}'
        raise DnnExplainError(msg)
    try:
        value = float(found[3]) / (100.0 if found[4] else 1.0)
    except ValueError:
        msg = f"{found[3]!r} in {text!r} is no number"
        raise DnnExplainError(msg) from None
    return Limit(text.strip(), found[1], found[2], value)
