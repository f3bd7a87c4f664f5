"""Rules that training is to obey, as a part of its loss: "keep utilisation below 80%".

The example of Dethise, Canini and Kandula (2019) for guiding a controller by what an operator knows, in its home: a
regulariser, so that the network gives up reward where it breaks the rule, as much as the rule's strength says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from dnnexplain.contract import Choice, DnnExplainError

__all__ = ["STRENGTH", "Ceiling", "read_teachers"]

STRENGTH = 3.0
"""GB that a minute above the ceiling counts as, per share of capacity, unless said otherwise."""

RULES = ("utilisation",)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Keep the cell's utilisation, ours included, below a share of its capacity.

    What the cell's own users take above it cannot be helped: only what our load adds above it counts.

    Attributes:
        limit: share of capacity.
        strength: GB per minute and share of capacity above the limit.
    """

    limit: float
    strength: float = STRENGTH

    def penalty(self, own: Tensor, load: Tensor) -> Tensor:
        """``strength max(0, x - max(0, limit - C))`` GB of minutes with own congestion ``C`` and added load ``x``."""
        return self.strength * (load - (self.limit - own).clamp(min=0.0)).clamp(min=0.0)

    @property
    def words(self) -> str:
        """In plain words."""
        return f"keep utilisation below {100 * self.limit:g}% (strength {self.strength:g})"


def read_teachers(given: Sequence[str] | None) -> tuple[Ceiling, ...]:
    """``utilisation:0.8`` or ``utilisation:0.8:3``, with the strength behind it.

    Raises:
        DnnExplainError: no such rule, or numbers that mean nothing.
    """
    return tuple(_read(text) for text in given or ())


def _read(text: str) -> Ceiling:
    name, *rest = text.split(":")
    if name not in RULES:
        raise Choice("rule to teach", name, RULES).error()
    try:
        numbers = [float(number) for number in rest]
    except ValueError:
        numbers = []
    if (
        len(numbers) not in {1, 2}
        or not 0 < numbers[0] < 1
        or not all(0 <= number < float("inf") for number in numbers)
    ):
        msg = (
            f"--teacher {text} should be utilisation:LIMIT or utilisation:LIMIT:STRENGTH, with a limit between 0 and 1 "
            "(0.8 is 80%) and a strength of at least 0, such as utilisation:0.8:3"
        )
        raise DnnExplainError(msg)
    return Ceiling(*numbers)
