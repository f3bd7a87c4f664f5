"""Rules of a guard with a memory: when one begins to decide, and how long it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.regions.where import Quantities, Where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dnnexplain.explain.guards.guard import GuardRule

__all__ = ["MOST_DECISIONS", "Memory", "Stay"]

MOST_DECISIONS = 1_000_000
FOREVER = -1


@dataclass(frozen=True, slots=True)
class Stay:
    """How long a rule goes on deciding once its states were met: to the end of the episode, unless something ends it before.

    This is the switch of the simplex architecture (Sha, IEEE Software 2001): from the first bad sign a simple controller
    decides, until all is well again.

    Attributes:
        until: states that end it; ``None``: none does.
        decisions: so many decisions from the last one in which its states held, that one counted; 0: any number.
    """

    until: Where | None = None
    decisions: int = 0

    def words(self, quantities: Quantities) -> str:
        """``"from then until jobs waiting is at most 0 jobs"``."""
        most = counted(self.decisions, "decision")
        if self.until is None:
            return f"for {most} from then" if self.decisions else "from then to the end of the episode"
        until = f"from then until {self.until.words(quantities)}"
        return f"{until}, for {most} at most" if self.decisions else until

    def to_json(self) -> dict[str, Any]:
        """What is not said is left out."""
        until = {} if self.until is None else {"until": self.until.to_json()}
        return until | ({"decisions": self.decisions} if self.decisions else {})

    @classmethod
    def from_json(cls, data: Any) -> Stay:
        """The inverse.

        Raises:
            DnnExplainError: not an object with ``until`` (bounds) and ``decisions`` (a count), of which either may be left out.
        """
        if not isinstance(data, Mapping) or set(data) - {"until", "decisions"}:
            msg = '\'stay\' must be an object with "until" (bounds) or "decisions" (how many), both, or neither: {} stays to the end'
            raise DnnExplainError(msg)
        until = Where.from_json(data["until"]) if "until" in data else None
        if until is not None and not until.spans:
            msg = '"until" must have a bound; leave it out to stay to the end of the episode'
            raise DnnExplainError(msg)
        return cls(until, count_of(data.get("decisions", 0), "decisions", least=0))


def count_of(value: Any, name: str, *, least: int) -> int:
    """A count from a file.

    Raises:
        DnnExplainError: not a whole number in its bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_DECISIONS:
        msg = f'"{name}" must be a whole number from {least} to {MOST_DECISIONS:,}, not {value!r}'
        raise DnnExplainError(msg)
    return value


class Memory:
    """What the rules of a guard remember of ``E`` episodes.

    Attributes:
        met: in how many decisions on end, up to now, the states of each rule held ``[E, R]``.
        left: for how many more decisions each rule goes on; 0: it does not, -1: without end ``[E, R]``.
    """

    def __init__(self, rules: Sequence[GuardRule], names: Sequence[str], episodes: int) -> None:
        self.rules, self.names = rules, names
        self.met = np.zeros((episodes, len(rules)), dtype=np.int64)
        self.left = np.zeros((episodes, len(rules)), dtype=np.int64)

    def deciding(self, values: NDArray[np.float64], rows: NDArray[np.int64], *, keep: bool = True) -> NDArray[np.int64]:
        """Which rule decides, the first that may ``[B]``; -1: none.

        Where a state of its ``until`` holds a rule neither goes on nor begins.

        Args:
            values: of the quantities ``[B, F]``.
            rows: the episodes ``[B]``, each once.
            keep: whether this decision is taken, and remembered.
        """
        deciding = np.full(len(values), -1, dtype=np.int64)
        for place in reversed(range(len(self.rules))):
            rule = self.rules[place]
            holds = rule.when.holds(self.names, values)
            met = np.where(holds, np.minimum(self.met[rows, place] + 1, rule.after), 0)
            acts, left = met >= rule.after, self.left[rows, place]
            if rule.stay is not None:
                out = np.zeros(len(values), dtype=bool)
                if rule.stay.until is not None:
                    out = rule.stay.until.holds(self.names, values)
                begun = np.where(acts, rule.stay.decisions or FOREVER, left)
                begun[out] = 0
                acts = begun != 0
                left = np.where(begun > 0, begun - 1, begun)
            if keep:
                self.met[rows, place], self.left[rows, place] = met, left
            deciding[acts] = place
        return deciding
