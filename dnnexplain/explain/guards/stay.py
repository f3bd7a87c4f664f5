"""How long a guard's rule goes on deciding once its states were met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.regions.where import Quantities, Where

__all__ = ["MOST_DECISIONS", "Stay", "count_of"]

MOST_DECISIONS = 1_000_000


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
